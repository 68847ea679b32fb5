// What BatchNorm and Scale do to a blob, piece by piece: a piece is one channel of one image, numbers that lie side by
// side. Pieces follow each other through memory, so that it is read once and in order, whatever the sizes are. All
// loops do the pieces first..last, and nothing depends on where a stretch of pieces begins.
#pragma once

#include <cstdint>

namespace fastcaffe {

struct Pieces {
  std::int64_t images, channels, length;

  std::int64_t count() const { return images * channels; }
  std::int64_t numbers() const { return images * length; }  // of one channel
};

// Sums are of floats for some thousand numbers, many side by side, and of doubles beyond. The results are one a piece.
struct Moments {
  double sum, squares;  // around the piece's own mean
};
void moments(const Pieces& pieces, std::int64_t first, std::int64_t last, const float* x, Moments* to);
struct Sums {
  double of_x, of_products;  // of x, and of x * y
};
// One channel's, of those of its pieces.
inline Sums total_of(const Pieces& pieces, std::int64_t channel, const Sums* of) {
  Sums total = {0, 0};
  for (std::int64_t piece = channel; piece < pieces.count(); piece += pieces.channels) {
    total.of_x += of[piece].of_x;
    total.of_products += of[piece].of_products;
  }
  return total;
}
void sums(const Pieces& pieces, std::int64_t first, std::int64_t last, const float* x, const float* y, Sums* to);

double sum(std::int64_t count, const float* x);

// Everything else has one number a channel. to = (x - mean) * factor; also into `copy` unless that is null.
void normalise(const Pieces& pieces, std::int64_t first, std::int64_t last, const float* x, const float* means,
               const float* factors, float* to, float* copy);
// to = (diff - mean_diff - mean_product * y) * factor.
void normalise_backward(const Pieces& pieces, std::int64_t first, std::int64_t last, const float* diff, const float* y,
                        const float* mean_diffs, const float* mean_products, const float* factors, float* to);
// to = x * factor + bias; x itself into `copy` before, unless that is null. Null biases are none.
void scale(const Pieces& pieces, std::int64_t first, std::int64_t last, const float* x, const float* factors,
           const float* biases, float* to, float* copy);
// The sums of diff and of diff * x, and to = diff * factor after, all while a piece is near.
void scale_backward(const Pieces& pieces, std::int64_t first, std::int64_t last, const float* diff, const float* x,
                    const float* factors, float* to, Sums* totals);

}  // namespace fastcaffe
