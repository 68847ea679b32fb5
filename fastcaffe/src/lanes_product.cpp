#include "lanes_product.h"

#include <algorithm>

#include "sparse_4x4_kernels.h"

namespace fastcaffe {
namespace {

LaneAxis rows_of(const ConvolutionShape& s) {
  return LaneAxis(s.height, s.out_height, s.kernel_h, s.stride_h, s.pad_h, s.dilation_h, false);
}
LaneAxis columns_of(const ConvolutionShape& s) {
  return LaneAxis(s.width, s.out_width, s.kernel_w, s.stride_w, s.pad_w, s.dilation_w, false);
}
LaneAxis diff_rows_of(const ConvolutionShape& s) {
  return LaneAxis(s.out_height, s.height, s.kernel_h, s.stride_h, s.pad_h, s.dilation_h, true);
}
LaneAxis diff_columns_of(const ConvolutionShape& s) {
  return LaneAxis(s.out_width, s.width, s.kernel_w, s.stride_w, s.pad_w, s.dilation_w, true);
}

LanesPlane plane(std::int64_t height, std::int64_t width, const LaneAxis& rows, const LaneAxis& columns) {
  return {static_cast<int>(height), static_cast<int>(width), rows.before(), columns.before(), rows.size(),
          columns.size()};
}

// Whether the kernels for maps of 4 x 4 are for it.
bool small(const ConvolutionShape& s) {
  return s.height == 4 && s.width == 4 && s.kernel_h == 3 && s.kernel_w == 3 && s.pad_h == 1 && s.pad_w == 1 &&
         s.stride_h == 1 && s.stride_w == 1 && s.dilation_h == 1 && s.dilation_w == 1;
}

// Calls each(y, x, rows, columns) so that tiles cover a plane.
template <class Each>
void cover(int height, int width, const Each& each) {
  const int most = sparse_tile();
  for (int y = 0, rows; y < height; y += rows) {
    rows = width > most / 2 ? 1 : width > most / 4 ? 2 : 4;
    while (rows > height - y) rows /= 2;
    for (int x = 0, columns; x < width; x += columns) {
      columns = most / rows;
      while (columns > width - x) columns /= 2;
      each(y, x, rows, columns);
    }
  }
}

// Of some taps, which follow each other in the order of their places, those that meet more than padding at one of these
// outputs: the first, and the one behind the last.
struct Met {
  int first = 0, last = 0;

  Met(const LaneAxis& axis, const std::vector<int>& taps, int output, int step, int outputs) {
    bool any = false;
    for (std::size_t i = 0; i < taps.size(); ++i) {
      for (int k = 0; k < outputs; ++k) {
        if (!axis.inside(output + k * step, taps[i])) continue;
        if (!any) first = static_cast<int>(i);
        any = true;
        last = static_cast<int>(i) + 1;
      }
    }
  }
};

std::vector<int> all_taps(std::int64_t kernel) {
  std::vector<int> taps;
  for (int tap = 0; tap < kernel; ++tap) taps.push_back(tap);
  return taps;
}

// Those that an output's phase meets, and not the places between.
std::vector<int> taps_of(const LaneAxis& axis, int output, std::int64_t kernel) {
  std::vector<int> taps = all_taps(kernel);
  taps.erase(std::remove_if(taps.begin(), taps.end(), [&](int tap) { return axis.place(output, tap) < 0; }),
             taps.end());
  return taps;
}

}  // namespace

LanesPlane LanesProduct::plane_below(const ConvolutionShape& s) {
  return small(s) ? LanesPlane::bare(4, 4) : plane(s.height, s.width, rows_of(s), columns_of(s));
}

LanesPlane LanesProduct::plane_of_diffs(const ConvolutionShape& s) {
  return small(s) ? LanesPlane::bare(4, 4) : plane(s.out_height, s.out_width, diff_rows_of(s), diff_columns_of(s));
}

bool LanesProduct::possible(const ConvolutionShape& s) {
  return s.stride_w <= 2 && s.stride_h <= 2 && s.channels * plane_below(s).vectors() * lanes() <= INT32_MAX &&
         s.outputs * plane_of_diffs(s).vectors() * lanes() <= INT32_MAX &&
         s.outputs * (s.channels / s.groups) * s.kernel_h * s.kernel_w <= INT32_MAX;
}

LanesProduct::LanesProduct(const ConvolutionShape& s, int out_row)
    : shape_(s), out_row_(out_row),
      flat_(s.height * s.width == 1 && s.out_height * s.out_width == 1 && s.kernel_h * s.kernel_w == 1),
      small_(small(s)), rows_(rows_of(s)), columns_(columns_of(s)), diff_rows_(diff_rows_of(s)),
      diff_columns_(diff_columns_of(s)),
      in_(plane_below(s)), diffs_(plane_of_diffs(s)), parts_(small_ ? kTaps4x4 : static_cast<int>(s.kernel_h)) {
  tiles_ = tiles(out_row);
  diff_tiles_ = tiles(diffs_.row);
  bare_tiles_ = tiles(static_cast<int>(s.out_width));
  for (int row = 0; row < std::min(s.stride_h, s.height); ++row) {
    for (int column = 0; column < std::min(s.stride_w, s.width); ++column) add_phase(row, column);
  }
}

std::vector<SparseTile> LanesProduct::tiles(int out_row) const {
  const std::vector<int> taps = all_taps(shape_.kernel_h);
  const int down = static_cast<int>(shape_.stride_h) * in_.row, right = static_cast<int>(shape_.stride_w);
  std::vector<SparseTile> found;
  const int height = static_cast<int>(shape_.out_height), width = static_cast<int>(shape_.out_width);
  cover(height, width, [&](int y, int x, int rows, int columns) {
    const Met met(rows_, taps, y, 1, rows);
    found.push_back({rows, columns, y * down + x * right, y * out_row + x, met.first, met.last});
  });
  return found;
}

// Outputs of a phase lie a stride apart in the bottom, which is bare.
void LanesProduct::add_phase(int row, int column) {
  const int down = static_cast<int>(shape_.stride_h), right = static_cast<int>(shape_.stride_w);
  const int width = static_cast<int>(shape_.width);
  Phase phase = {row, column, {}, {}, {}, {}};
  phase.row_taps = taps_of(diff_rows_, row, shape_.kernel_h);
  phase.column_taps = taps_of(diff_columns_, column, shape_.kernel_w);
  cover((static_cast<int>(shape_.height) - row + down - 1) / down, (width - column + right - 1) / right,
        [&](int y, int x, int rows, int columns) {
          const Met met(diff_rows_, phase.row_taps, row + y * down, down, rows);
          const int out = (row + y * down) * width + column + x * right;
          phase.tiles.push_back({rows, columns, y * diffs_.row + x, out, met.first, met.last});
        });
  phases_.push_back(phase);
}

// As many groups at a time as the registers hold; from one to the next are `in` and `out` vectors.
const std::vector<SparseTile>& LanesProduct::tiles_of_groups(int groups, std::int64_t in, std::int64_t out) {
  static thread_local std::vector<SparseTile> found;  // asked for by every output: no memory is made each time
  found.clear();
  for (int group = 0, rows; group < groups; group += rows) {
    rows = sparse_tile();
    while (rows > groups - group) rows /= 2;
    const auto from = static_cast<std::int32_t>(group * in), to = static_cast<std::int32_t>(group * out);
    found.push_back({rows, 1, from, to, 0, 1});
  }
  return found;
}

void LanesProduct::list(const Pattern& pattern) {
  const int width = static_cast<int>(shape_.kernel_w), step = small_ ? 1 : width;
  forward_.clear();
  for (std::int64_t output = 0; output < shape_.outputs; ++output) {
    for (int y = 0; y < shape_.kernel_h; ++y) {
      for (int x = 0; x < width; x += step) {
        forward_.next();
        list_output(pattern, output, y, x, x + step);
      }
    }
  }
  forward_.next();
  for (Phase& phase : phases_) list_phase(pattern, &phase);
}

// Synapses of an output in some columns of a kernel's row. Small: where a map begins, and taps are added to that.
void LanesProduct::list_output(const Pattern& pattern, std::int64_t output, int y, int first_x, int last_x) {
  const std::int64_t inputs = shape_.channels / shape_.groups, group = output / (shape_.outputs / shape_.groups);
  for (std::int64_t input = 0; input < inputs; ++input) {
    const std::int64_t channel = group * inputs + input;
    for (int x = first_x; x < last_x; ++x) {
      const std::int64_t weight = ((output * inputs + input) * shape_.kernel_h + y) * shape_.kernel_w + x;
      if (!pattern.exists(weight)) continue;
      const std::int64_t tap = small_ ? 0 : rows_.place(0, y) * in_.row + columns_.place(0, x);
      forward_.add((channel * in_.vectors() + tap) * lanes(), weight);
    }
  }
}

void LanesProduct::list_phase(const Pattern& pattern, Phase* phase) const {
  const int taps = static_cast<int>(phase->column_taps.size()), step = small_ ? 1 : std::max(1, taps);
  phase->lists.clear();
  for (std::int64_t channel = 0; channel < shape_.channels; ++channel) {
    for (int y : phase->row_taps) {
      for (int x = 0; x < std::max(1, taps); x += step) {
        phase->lists.next();
        list_channel(pattern, channel, y, x, std::min(taps, x + step), phase);
      }
    }
  }
  phase->lists.next();
}

// Synapses that a channel's gradient comes through, in some columns of taps. These are numbered from the kernel's end.
void LanesProduct::list_channel(const Pattern& pattern, std::int64_t channel, int y, int first_x, int last_x,
                                Phase* phase) const {
  const std::int64_t inputs = shape_.channels / shape_.groups, outputs = shape_.outputs / shape_.groups;
  for (std::int64_t i = 0; i < outputs; ++i) {
    const std::int64_t output = channel / inputs * outputs + i;
    for (int k = first_x; k < last_x; ++k) {
      const int x = phase->column_taps[k];
      const std::int64_t kernel = (output * inputs + channel % inputs) * shape_.kernel_h + shape_.kernel_h - 1 - y;
      const std::int64_t weight = kernel * shape_.kernel_w + shape_.kernel_w - 1 - x;
      if (!pattern.exists(weight)) continue;
      const std::int64_t row = diff_rows_.place(phase->row, y), column = diff_columns_.place(phase->column, x);
      const std::int64_t tap = small_ ? 0 : row * diffs_.row + column;
      phase->lists.add((output * diffs_.vectors() + tap) * lanes(), weight);
    }
  }
}

void LanesProduct::weigh_backward(const float* weights) {
  for (Phase& phase : phases_) phase.lists.weigh(weights);
}

void LanesProduct::forward(const LanesBlob& in, int output, int first, int groups, float bias,
                           const LanesMaps& out) const {
  const std::int32_t* begin = forward_.begin.data() + output * parts_;
  if (flat_) {
    const std::int64_t from = in.group_floats() / lanes(), to = out.group / lanes();
    const std::vector<SparseTile>& all = tiles_of_groups(groups, from, to);
    return convolve_sparse_lanes(in.begin(first), static_cast<int>(from), all.data(), static_cast<int>(all.size()),
                                 forward_.all.data(), begin, bias, out.first, static_cast<int>(to));
  }
  for (int group = 0; small_ && group < groups; ++group) {
    convolve_4x4(in.begin(first + group), forward_.all.data(), begin, bias, out.of(group), out.row);
  }
  for (int group = 0; !small_ && group < groups; ++group) {
    convolve_sparse_lanes(in.begin(first + group), static_cast<int>(shape_.stride_h) * in_.row, tiles_.data(),
                          static_cast<int>(tiles_.size()), forward_.all.data(), begin, bias, out.of(group), out.row,
                          {static_cast<int>(shape_.stride_w), 1});
  }
}

void LanesProduct::backward(const LanesBlob& diffs, int channel, int first, int groups,
                            const LanesMaps& in_diff) const {
  if (flat_) {
    const std::int64_t from = diffs.group_floats() / lanes(), to = in_diff.group / lanes();
    const std::vector<SparseTile>& all = tiles_of_groups(groups, from, to);
    const SynapseLists& lists = phases_[0].lists;
    return convolve_sparse_lanes(diffs.begin(first), static_cast<int>(from), all.data(), static_cast<int>(all.size()),
                                 lists.all.data(), lists.begin.data() + channel, 0.f, in_diff.first,
                                 static_cast<int>(to));
  }
  for (int group = 0; small_ && group < groups; ++group) {
    const SynapseLists& lists = phases_[0].lists;
    convolve_4x4(diffs.begin(first + group), lists.all.data(), lists.begin.data() + channel * kTaps4x4, 0.f,
                 in_diff.of(group), in_diff.row);
  }
  for (int group = 0; !small_ && group < groups; ++group) {
    for (const Phase& phase : phases_) {
      const int parts = static_cast<int>(phase.row_taps.size());
      convolve_sparse_lanes(diffs.begin(first + group), diffs_.row, phase.tiles.data(),
                            static_cast<int>(phase.tiles.size()), phase.lists.all.data(),
                            phase.lists.begin.data() + channel * parts, 0.f, in_diff.of(group),
                            static_cast<int>(shape_.stride_h) * in_diff.row, {1, static_cast<int>(shape_.stride_w)});
    }
  }
}

void LanesProduct::correlate(const LanesBlob& in, int output, int first, int groups, const LanesMaps& diff,
                             float* sums, float* total) const {
  const std::int32_t* begin = forward_.begin.data() + output * parts_;
  if (flat_) {
    const std::int64_t from = in.group_floats() / lanes(), to = diff.group / lanes();
    const std::vector<SparseTile>& all = tiles_of_groups(groups, from, to);
    return correlate_sparse_lanes(in.begin(first), static_cast<int>(from), all.data(), static_cast<int>(all.size()),
                                  diff.first, static_cast<int>(to), forward_.all.data(), begin, sums, 1, total);
  }
  const std::vector<SparseTile>& tiles = diff.row == diffs_.row ? diff_tiles_ : bare_tiles_;
  for (int group = 0; small_ && group < groups; ++group) {
    correlate_4x4(in.begin(first + group), diff.of(group), diff.row, forward_.all.data(), begin, sums, total);
  }
  for (int group = 0; !small_ && group < groups; ++group) {
    correlate_sparse_lanes(in.begin(first + group), static_cast<int>(shape_.stride_h) * in_.row, tiles.data(),
                           static_cast<int>(tiles.size()), diff.of(group), diff.row, forward_.all.data(), begin, sums,
                           static_cast<int>(shape_.stride_w), total);
  }
}

}  // namespace fastcaffe
