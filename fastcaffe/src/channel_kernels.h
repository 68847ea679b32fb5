// What BatchNorm and Scale do to one channel: pieces of neighbouring numbers, one an image, all the same distance
// apart.
#pragma once

#include <cstdint>

namespace fastcaffe {

struct Pieces {
  std::int64_t count, length, distance;

  std::int64_t numbers() const { return count * length; }
};

// Sums are of floats for some thousand numbers, many side by side, and of doubles beyond.
double sum(const Pieces& pieces, const float* x);
double sum_of_squares_around(const Pieces& pieces, const float* x, float middle);
struct Sums {
  double of_x, of_products;
};
Sums sums(const Pieces& pieces, const float* x, const float* y);  // of x, and of x * y

// to = (x - mean) / deviation; also into `copy` unless that is null.
void normalise(const Pieces& pieces, const float* x, float mean, float deviation, float* to, float* copy);
// to = (diff - mean_diff - mean_product * y) / deviation.
void normalise_backward(const Pieces& pieces, const float* diff, const float* y, float mean_diff, float mean_product,
                        float deviation, float* to);
// to = x * factor + bias; x itself into `copy` before, unless that is null.
void scale(const Pieces& pieces, const float* x, float factor, float bias, float* to, float* copy);

}  // namespace fastcaffe
