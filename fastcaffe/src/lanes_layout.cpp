#include "lanes_layout.h"

#include <algorithm>

namespace fastcaffe {
namespace {

constexpr int kBandPixels = 256;       // outputs that are turned back at once
constexpr int kBandBytes = 512 << 10;  // of input that a band sees, for its blocks of outputs to find in the cache

}  // namespace

LaneAxis::LaneAxis(int in, int out, int kernel, int stride, int pad, int dilation, bool turned)
    : in_(in), out_(out), kernel_(kernel), stride_(stride), pad_(pad), dilation_(dilation), turned_(turned) {
  int lowest = 0, highest = in - 1, place;
  for (int output = 0; output < out; ++output) {
    for (int tap = 0; tap < kernel; ++tap) {
      if (!input(output, tap, &place)) continue;
      lowest = std::min(lowest, place);
      highest = std::max(highest, place);
    }
  }
  before_ = -lowest;
  size_ = highest - lowest + 1;
}

bool LaneAxis::input(int output, int tap, int* place) const {
  if (!turned_) {
    *place = output * stride_ - pad_ + tap * dilation_;
    return true;
  }
  const int stepped = output + pad_ - (kernel_ - 1 - tap) * dilation_;
  *place = stepped / stride_;
  return stepped % stride_ == 0;
}

int LaneAxis::place(int output, int tap) const {
  int place;
  return input(output, tap, &place) ? place + before_ : -1;
}

bool LaneAxis::inside(int output, int tap) const {
  int place;
  return input(output, tap, &place) && place >= 0 && place < in_;
}

std::vector<int> LaneAxis::taps(const std::vector<int>& outputs) const {
  std::vector<int> met;
  for (int tap = 0; tap < kernel_; ++tap) {
    if (std::any_of(outputs.begin(), outputs.end(), [&](int output) { return inside(output, tap); }))
      met.push_back(tap);
  }
  return met;
}

Tiling::Tiling(const ConvolutionShape& s, bool turned)
    : channels(static_cast<int>(s.channels)),
      group_channels_(static_cast<int>(s.channels / s.groups)),
      kernel_w_(static_cast<int>(s.kernel_w)) {
  const LaneAxis rows(s.height, s.out_height, s.kernel_h, s.stride_h, s.pad_h, s.dilation_h, turned);
  const LaneAxis columns(s.width, s.out_width, s.kernel_w, s.stride_w, s.pad_w, s.dilation_w, turned);
  places = rows.size() * columns.size();
  for (int row = 0; row < rows.size(); ++row) {
    for (int column = 0; column < columns.size(); ++column) {
      const int y = row - rows.before(), x = column - columns.before();
      const bool inside = y >= 0 && y < s.height && x >= 0 && x < s.width;
      (inside ? place : zeros).push_back((row * columns.size() + column) * channels);
    }
  }
  const int row_bytes = columns.size() * channels * lanes() * 4;
  const int rows_in_cache =
      std::max<int>(1, (kBandBytes / row_bytes - (rows.size() - rows.out())) / (turned ? 1 : s.stride_h));
  const int height = std::max(1, std::min(rows_in_cache, kBandPixels / columns.out()));
  for (int first = 0; first < rows.out(); first += height) {
    add_band(rows, columns, first, std::min(first + height, rows.out()));
  }
}

void Tiling::add_band(const LaneAxis& rows, const LaneAxis& columns, int first, int last) {
  const int begun = static_cast<int>(tiles.size());
  const std::size_t most = lane_blocks().pixels;
  for (int phase_y = 0; phase_y < rows.phases(); ++phase_y) {
    for (int phase_x = 0; phase_x < columns.phases(); ++phase_x) {
      std::vector<Pixel> pixels;
      for (int row = first; row < last; ++row) {
        if (row % rows.phases() != phase_y) continue;
        for (int column = phase_x; column < columns.out(); column += columns.phases()) {
          pixels.push_back({row, column});
          if (pixels.size() < most) continue;
          add_tile(rows, columns, pixels, first);
          pixels.clear();
        }
      }
      if (!pixels.empty()) add_tile(rows, columns, pixels, first);
    }
  }
  bands.push_back(
      {first * columns.out(), (last - first) * columns.out(), begun, static_cast<int>(tiles.size()) - begun});
}

void Tiling::add_tile(const LaneAxis& rows, const LaneAxis& columns, const std::vector<Pixel>& pixels, int first_row) {
  std::vector<int> pixel_rows, pixel_columns;
  for (const Pixel& pixel : pixels) {
    pixel_rows.push_back(pixel.row);
    pixel_columns.push_back(pixel.column);
  }
  const std::vector<int> row_taps = rows.taps(pixel_rows), column_taps = columns.taps(pixel_columns);
  const auto in = [&](const Pixel& pixel, int row_tap, int column_tap) {
    return (rows.place(pixel.row, row_tap) * columns.size() + columns.place(pixel.column, column_tap)) * channels;
  };
  LaneTile tile = {};
  tile.pixels = pixels.size() == 1 ? 1 : lane_blocks().pixels;
  tile.first_run = static_cast<int>(runs.size());
  const bool empty = row_taps.empty() || column_taps.empty();
  const int start = empty ? 0 : in(pixels[0], row_taps[0], column_taps[0]);
  for (int row_tap : empty ? std::vector<int>() : row_taps) {
    for (int column_tap : column_taps) {
      const int tap = (row_tap * kernel_w_ + column_tap) * group_channels_;
      const int from = in(pixels[0], row_tap, column_tap) - start;
      if (static_cast<int>(runs.size()) > tile.first_run && group_channels_ == channels) {
        LaneRun& last = runs.back();
        if (last.in + last.taps == from && last.tap + last.taps == tap) {
          last.taps += group_channels_;
          continue;
        }
      }
      runs.push_back({from, tap, group_channels_});
    }
  }
  tile.runs = static_cast<int>(runs.size()) - tile.first_run;
  for (int i = 0; i < tile.pixels; ++i) {
    const Pixel& pixel = pixels[std::min<std::size_t>(i, pixels.size() - 1)];
    tile.in[i] = empty ? 0 : in(pixel, row_taps[0], column_taps[0]);
    tile.out[i] = (pixel.row - first_row) * columns.out() + pixel.column;
  }
  tiles.push_back(tile);
}

}  // namespace fastcaffe
