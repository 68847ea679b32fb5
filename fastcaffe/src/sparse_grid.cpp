#include "sparse_grid.h"

#include <algorithm>

#include "lanes_kernels.h"

namespace fastcaffe {
namespace {

constexpr int kBandBytes = 512 << 10;  // of input that a band sees, for its outputs to find in the cache

// Division that rounds down.
int below(int number, int by) { return number >= 0 ? number / by : -((-number + by - 1) / by); }

GridAxis rows_of(const ConvolutionShape& s, bool turned) {
  return GridAxis(s.height, s.out_height, s.kernel_h, s.stride_h, s.pad_h, s.dilation_h, turned);
}

GridAxis columns_of(const ConvolutionShape& s, bool turned) {
  return GridAxis(s.width, s.out_width, s.kernel_w, s.stride_w, s.pad_w, s.dilation_w, turned);
}

// Rows and columns of a tile for so many columns that are left.
int tile_rows(int columns) {
  const int most = sparse_tile();
  return columns > most / 2 ? 1 : columns > most / 4 ? 2 : 4;
}

}  // namespace

GridAxis::GridAxis(int in, int out, int kernel, int stride, int pad, int dilation, bool turned)
    : out_(out), in_step_(turned ? 1 : stride), taps_(turned ? stride : 1) {
  int lowest = 0, highest = (in - 1) / in_step_;
  std::vector<int> steps(kernel), phase_of(kernel);
  for (int tap = 0; tap < kernel; ++tap) {
    // Forward, output i meets input i * stride + apart. Backward, output i meets input (i - apart) / stride.
    const int apart = tap * dilation - pad;
    const int out_phase = turned ? apart - below(apart, stride) * stride : 0;
    const int step = turned ? below(out_phase - apart, stride) : below(apart, stride);
    const int in_phase = turned ? 0 : apart - step * stride;
    if (outputs(out_phase) <= 0) continue;
    const int inputs = (in - in_phase + in_step_ - 1) / in_step_;
    const int first = std::min(std::max(0, -step), outputs(out_phase));
    const int last = std::max(first, std::min(outputs(out_phase), inputs - step));
    taps_[out_phase].push_back({tap, step, first, last});
    steps[tap] = step;
    phase_of[tap] = in_phase;
    lowest = std::min(lowest, step);
    highest = std::max(highest, step + outputs(out_phase) - 1);
  }
  before_ = -lowest;
  size_ = highest - lowest + 1;
  for (std::vector<Tap>& taps : taps_) {
    std::stable_sort(taps.begin(), taps.end(), [](const Tap& a, const Tap& b) { return a.place < b.place; });
    for (Tap& tap : taps) tap.place = phase_of[tap.tap] * size_ + before_ + steps[tap.tap];
  }
}

bool SparseGrid::possible(const ConvolutionShape& s, bool turned) {
  const std::int64_t plane = std::int64_t(rows_of(s, turned).size()) * columns_of(s, turned).size();
  return s.channels * plane * lanes() <= INT32_MAX &&
         s.outputs * (s.channels / s.groups) * s.kernel_h * s.kernel_w <= INT32_MAX;
}

SparseGrid::SparseGrid(const ConvolutionShape& s, bool turned)
    : s_(s), turned_(turned), rows_(rows_of(s, turned)), columns_(columns_of(s, turned)) {
  std::vector<bool> inside(plane());
  for (int y = 0; y < s.height; ++y) {
    for (int x = 0; x < s.width; ++x) {
      place.push_back(rows_.place(y) * row() + columns_.place(x));
      inside[place.back()] = true;
    }
  }
  for (int i = 0; i < plane(); ++i) {
    if (!inside[i]) zeros.push_back(i);
  }
  int begin = 0;
  for (int y = 0; y < rows_.phases(); ++y) {
    for (int x = 0; x < columns_.phases(); ++x) {
      phases.push_back({y, x, columns_.outputs(x), begin});
      begin += std::max(0, rows_.outputs(y)) * std::max(0, columns_.outputs(x));
    }
  }
  for (int y = 0; y < s.out_height; ++y) {
    for (int x = 0; x < s.out_width; ++x) {
      const Phase& phase = phases[y % rows_.phases() * columns_.phases() + x % columns_.phases()];
      out_place.push_back(phase.begin + y / rows_.phases() * phase.columns + x / columns_.phases());
    }
  }
  // Rows of a phase that are done together.
  const std::int64_t bytes = s.channels * plane() * lanes() * std::int64_t(sizeof(float));
  const int all = rows_.outputs(0), few = std::max<int>(4, (all * kBandBytes / bytes) / 4 * 4);
  for (int first = 0; first < all; first += few) add_band(first, std::min(all, first + few));
}

void SparseGrid::add_band(int first, int last) {
  const int steps = rows_.phases(), width = static_cast<int>(s_.out_width);
  const int end = std::min<int>(s_.out_height, last * steps);
  Band band = {first * steps * width, (end - first * steps) * width, {}};
  for (const Phase& phase : phases) {
    band.tile.push_back(static_cast<int>(tiles.size()));
    add_tiles(phase, first, std::min(last, rows_.outputs(phase.row_phase)));
  }
  band.tile.push_back(static_cast<int>(tiles.size()));
  bands.push_back(band);
}

void SparseGrid::add_tiles(const Phase& phase, int first, int last) {
  const std::vector<GridAxis::Tap>& taps = rows_.taps(phase.row_phase);
  for (int y = first, rows; y < last; y += rows) {
    rows = tile_rows(phase.columns);
    while (rows > last - y) rows /= 2;
    // The taps that meet more than padding at one of these rows; they follow each other.
    const auto met = [&](const GridAxis::Tap& tap) { return tap.first < y + rows && tap.last > y; };
    const auto from = std::find_if(taps.begin(), taps.end(), met);
    const auto to = std::find_if(taps.rbegin(), taps.rend(), met).base();
    for (int x = 0, columns; x < phase.columns; x += columns) {
      columns = sparse_tile() / rows;
      while (columns > phase.columns - x) columns /= 2;
      tiles.push_back({rows, columns, y * row() + x, phase.begin + y * phase.columns + x,
                       static_cast<int>(from - taps.begin()),
                       static_cast<int>(from == taps.end() ? from - taps.begin() : to - taps.begin())});
    }
  }
}

void SparseGrid::list(const Pattern& pattern, std::vector<SynapseLists>* lists) const {
  const std::int64_t kernel = s_.kernel_h * s_.kernel_w, inputs = s_.channels / s_.groups;
  const std::int64_t outputs = s_.outputs / s_.groups;
  lists->resize(phases.size());
  for (std::size_t i = 0; i < phases.size(); ++i) {
    SynapseLists& list = (*lists)[i];
    list.clear();
    for (std::int64_t output = 0; output < s_.outputs; ++output) {
      for (const GridAxis::Tap& y : rows_.taps(phases[i].row_phase)) {
        list.next();
        for (std::int64_t input = 0; input < inputs; ++input) {
          const std::int64_t channel = output / outputs * inputs + input;
          const std::int64_t first = turned_ ? channel * outputs + output % outputs : output * inputs + input;
          for (const GridAxis::Tap& x : columns_.taps(phases[i].column_phase)) {
            const std::int64_t weight = first * kernel + y.tap * s_.kernel_w + x.tap;
            if (!pattern.exists(weight)) continue;
            list.add((channel * plane() + y.place * row() + x.place) * lanes(), weight);
          }
        }
      }
    }
    list.next();
  }
}

}  // namespace fastcaffe
