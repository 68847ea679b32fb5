#include "winograd_tiling.h"

#include <algorithm>

namespace fastcaffe {
namespace {

constexpr std::int64_t kNear = 1 << 19;  // floats of a part of the maps: what third-level caches easily hold
constexpr int kTogether = 16;            // images at most
constexpr int kLine = 16;                // floats
constexpr double kSmallWorthIt = 0.93;   // of the vectors, for which small segments are worth more loads

WinogradRows bottom_rows(const ConvolutionShape& s, int columns, int across, int tile_rows, bool banded) {
  const std::int64_t row = (across + 1) * columns, map = (2 * tile_rows + 2) * row;
  return {s.channels, s.height, s.width, static_cast<int>(s.pad_h), static_cast<int>(s.pad_w), 2, false, banded, row,
          map, s.channels * map};
}

WinogradRows top_rows(const ConvolutionShape& s, int columns, int across, int tile_rows, bool banded) {
  const bool in_place = s.out_width % columns == 0 && s.out_height % 2 == 0;
  const std::int64_t row = across * columns, map = in_place ? s.out_height * s.out_width : 2 * tile_rows * row;
  return {s.outputs, s.out_height, s.out_width, 0, 0, 0, in_place, banded, row, map, s.outputs * map};
}

}  // namespace

// Of a part: the blob's first row, how many there are, and how many zeros in the room before them.
struct WinogradRows::Stretch {
  std::int64_t begin, count, before;
};

WinogradRows::Stretch WinogradRows::stretch(const WinogradPart& part) const {
  const std::int64_t first = 2 * part.row - above, begin = std::max<std::int64_t>(0, first);
  const std::int64_t end = std::min<std::int64_t>(height, first + 2 * part.rows + more);
  return {begin, std::max<std::int64_t>(0, end - begin), begin - first};
}

const float* WinogradRows::take(const float* blob, const WinogradPart& part, float* room) const {
  if (in_place) return place(const_cast<float*>(blob), part, room);
  const Stretch s = stretch(part);
  const std::int64_t maps = part.images * channels, behind = s.before + s.count;
  for (std::int64_t i = 0; banded && i < maps; ++i) {  // where another band had rows
    std::fill(room + i * map, room + i * map + s.before * row, 0.f);
    std::fill(room + i * map + behind * row, room + (i + 1) * map, 0.f);
  }
  winograd_copy(blob + (part.image * channels * height + s.begin) * width, width, height * width, maps,
                static_cast<int>(s.count), static_cast<int>(width), room + s.before * row + left, row, map);
  return room;
}

float* WinogradRows::place(float* blob, const WinogradPart& part, float* room) const {
  return in_place ? blob + part.image * image + 2 * part.row * row : room;
}

void WinogradRows::give(const float* room, const WinogradPart& part, float* blob) const {
  if (in_place) return;
  const Stretch s = stretch(part);
  winograd_copy(room, row, map, part.images * channels, static_cast<int>(s.count), static_cast<int>(width),
                blob + (part.image * channels * height + s.begin) * width, width, height * width);
}

void WinogradRows::look_ahead(const float* blob, std::int64_t first, int images, int blocks, int which,
                              WinogradAhead* ahead) const {
  const std::int64_t image = channels * height * width;
  ahead->from[which] = blob + first * image;
  ahead->end[which] = ahead->from[which] + images * image;
  ahead->lines[which] = static_cast<int>(images * image / kLine / std::max(1, blocks) + 1);
}

bool WinogradTiling::possible(const ConvolutionShape& s) {
  const bool fits = s.groups == 1 && s.kernel_h == 3 && s.kernel_w == 3 && s.stride_h == 1 && s.stride_w == 1 &&
                    s.dilation_h == 1 && s.dilation_w == 1;
  return fits && s.pad_h <= 2 && s.pad_w <= 2 && s.pad_h >= 0 && s.pad_w >= 0;
}

WinogradTiling WinogradTiling::best(const ConvolutionShape& s, int block, std::int64_t most, std::int64_t threads) {
  const int lanes = winograd_blocks().lanes;
  const WinogradTiling large(s, block, most, threads, lanes / 2);
  if (lanes < 8) return large;
  const WinogradTiling small(s, block, most, threads, lanes / 4);
  return small.batch_vectors() < kSmallWorthIt * large.batch_vectors() ? small : large;
}

WinogradTiling::WinogradTiling(const ConvolutionShape& s, int block, std::int64_t most, std::int64_t threads,
                               int columns)
    : images_(s.images),
      block_(block),
      columns_(columns),
      tile_rows_(static_cast<int>((s.out_height + 1) / 2)),
      across_(static_cast<int>((s.out_width - 1) / columns + 1)),
      most_(this->most(s, most, threads)),
      bands_((tile_rows_ - 1) / most_.rows + 1),
      bottom_(bottom_rows(s, columns, across_, most_.rows, bands_ > 1)),
      top_(top_rows(s, columns, across_, most_.rows, bands_ > 1)),
      bottom_at_(places(bottom_)),
      top_at_(places(top_)) {}

// Of how many images and rows a part is at most: of those that stay near, and are two a thread, such as leave fewest
// lanes over.
WinogradPart WinogradTiling::most(const ConvolutionShape& s, std::int64_t vectors, std::int64_t threads) const {
  const std::int64_t floats = 2 * (s.channels + s.outputs) * across_ * columns_;  // a row of tiles, before and after
  const std::int64_t share = threads == 1 ? images_ * tile_rows_ : images_ * tile_rows_ / (2 * threads);
  const std::int64_t near = std::min({kNear / floats, vectors * segments_of_vector() / across_, share});
  WinogradPart best = {0, 1, 0, static_cast<int>(std::max<std::int64_t>(1, std::min<std::int64_t>(tile_rows_, near)))};
  const bool whole = best.rows == tile_rows_;
  for (int i = 2; whole && i <= std::min<std::int64_t>({kTogether, images_, near / tile_rows_}); ++i) {
    if (batch_vectors(i, best.rows) < batch_vectors(best.images, best.rows)) best.images = i;
  }
  for (int i = best.rows - 1; !whole && i > 0; --i) {
    if (batch_vectors(1, i) < batch_vectors(1, best.rows)) best.rows = i;
  }
  return best;
}

// How many vectors whole blocks of a batch have, with parts of so many images or rows.
std::int64_t WinogradTiling::batch_vectors(int images, int rows) const {
  const auto whole = [&](std::int64_t tile_rows) {
    const std::int64_t block = block_ * segments_of_vector();
    return (tile_rows * across_ + block - 1) / block * block_;
  };
  if (rows < tile_rows_) return images_ * (tile_rows_ / rows * whole(rows) + whole(tile_rows_ % rows));
  return images_ / images * whole(std::int64_t(images) * rows) + whole(images_ % images * rows);
}

WinogradPart WinogradTiling::part(int number) const {
  const std::int64_t image = number / bands_ * most_.images;
  const int row = number % bands_ * most_.rows;
  return {image, static_cast<int>(std::min<std::int64_t>(most_.images, images_ - image)), row,
          std::min(most_.rows, tile_rows_ - row)};
}

// A whole number of blocks: those behind the last segment see the first's numbers.
std::vector<std::int64_t> WinogradTiling::places(const WinogradRows& rows) const {
  std::vector<std::int64_t> at;
  for (int i = 0; i < most_.images; ++i) {
    for (int y = 0; y < most_.rows; ++y) {
      for (int x = 0; x < across_; ++x) at.push_back(i * rows.image + 2 * y * rows.row + x * columns_);
    }
  }
  while (at.size() % (block_ * segments_of_vector())) at.push_back(0);
  return at;
}

}  // namespace fastcaffe
