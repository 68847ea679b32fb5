#include "lanes_product.h"

#include <algorithm>

#include "sparse_4x4_kernels.h"

namespace fastcaffe {
namespace {

constexpr std::int64_t kNear = 28 << 10;  // bytes of maps that stay in the nearest cache beside what is made of them
constexpr std::int64_t kFewest = 2;       // maps of which a block pays, though they may not stay

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

// The zeros behind a row are those before the next.
LanesPlane plane(std::int64_t height, std::int64_t width, const LaneAxis& rows, const LaneAxis& columns) {
  const int inside = static_cast<int>(width), before = columns.before(), after = columns.size() - before - inside;
  return {static_cast<int>(height), inside, rows.before(), before, rows.size(), inside + std::max(before, after),
          std::min(before, after)};
}

// Whether the kernels for maps of 4 x 4 are for it, which need registers for a whole one.
bool small(const ConvolutionShape& s) {
  return sparse_tile() >= 16 && s.height == 4 && s.width == 4 && s.kernel_h == 3 && s.kernel_w == 3 &&
         s.pad_h == 1 && s.pad_w == 1 &&
         s.stride_h == 1 && s.stride_w == 1 && s.dilation_h == 1 && s.dilation_w == 1;
}

// Calls each(y, x, rows, columns) so that tiles of at most so many vectors cover a plane.
template <class Each>
void cover(int height, int width, int most, const Each& each) {
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

// How many maps stay near of which a tile sees so many rows.
std::int64_t most_maps(std::int64_t rows, std::int64_t row) {
  return std::max<std::int64_t>(kFewest, kNear / (rows * row * lanes() * std::int64_t(sizeof(float))));
}

// Cuts maps 0..count into stretches of about equally many that exist, at most `most`: where each begins, and `count`.
template <class Exists>
std::vector<std::int64_t> stretches(std::int64_t count, std::int64_t most, const Exists& exists) {
  std::vector<std::int64_t> found, begins = {0};
  for (std::int64_t map = 0; map < count; ++map) {
    if (exists(map)) found.push_back(map);
  }
  const std::int64_t number = static_cast<std::int64_t>(found.size()), blocks = (number + most - 1) / most;
  for (std::int64_t block = 1; block < blocks; ++block) begins.push_back(found[number * block / blocks]);
  begins.push_back(count);
  return begins;
}

}  // namespace

LanesPlane LanesProduct::plane_below(const ConvolutionShape& s) {
  return small(s) ? LanesPlane::bare(4, 4) : plane(s.height, s.width, rows_of(s), columns_of(s));
}

LanesPlane LanesProduct::plane_of_diffs(const ConvolutionShape& s) {
  return small(s) ? LanesPlane::bare(4, 4) : plane(s.out_height, s.out_width, diff_rows_of(s), diff_columns_of(s));
}

bool LanesProduct::possible(const ConvolutionShape& s) {
  return s.channels * plane_below(s).vectors() * lanes() <= INT32_MAX &&
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
  find_row_tiles();
  for (int row = 0; row < std::min(s.stride_h, s.height); ++row) {
    for (int column = 0; column < std::min(s.stride_w, s.width); ++column) add_phase(row, column);
  }
  if (!flat_ && !small_ && s.stride_h == 1 && s.stride_w == 1) find_gradient_tiles();
}

std::vector<SparseTile> LanesProduct::tiles(int out_row) const {
  const std::vector<int> taps = all_taps(shape_.kernel_h);
  const int down = static_cast<int>(shape_.stride_h) * in_.row, right = static_cast<int>(shape_.stride_w);
  std::vector<SparseTile> found;
  const int height = static_cast<int>(shape_.out_height), width = static_cast<int>(shape_.out_width);
  cover(height, width, sparse_tile(), [&](int y, int x, int rows, int columns) {
    const Met met(rows_, taps, y, 1, rows);
    found.push_back({rows, columns, y * down + x * right, y * out_row + x, met.first, met.last});
  });
  return found;
}

void LanesProduct::find_row_tiles() {
  const int width = static_cast<int>(shape_.out_width);
  for (std::size_t i = 0; i < bare_tiles_.size() && !small_ && !flat_; ++i) {
    if (bare_tiles_[i].rows > 1) return row_tiles_.clear();
    if (bare_tiles_[i].out % width == 0) row_tiles_.push_back(static_cast<int>(i));
  }
  if (!row_tiles_.empty()) row_tiles_.push_back(static_cast<int>(bare_tiles_.size()));
}

// Outputs of a phase lie a stride apart in the bottom, which is bare.
void LanesProduct::add_phase(int row, int column) {
  const int down = static_cast<int>(shape_.stride_h), right = static_cast<int>(shape_.stride_w);
  const int width = static_cast<int>(shape_.width);
  Phase phase = {row, column, {}, {}, {}, {}, {}};
  phase.row_taps = taps_of(diff_rows_, row, shape_.kernel_h);
  phase.column_taps = taps_of(diff_columns_, column, shape_.kernel_w);
  cover((static_cast<int>(shape_.height) - row + down - 1) / down, (width - column + right - 1) / right,
        sparse_tile(), [&](int y, int x, int rows, int columns) {
          const Met met(diff_rows_, phase.row_taps, row + y * down, down, rows);
          const int out = (row + y * down) * width + column + x * right;
          phase.tiles.push_back({rows, columns, y * diffs_.row + x, out, met.first, met.last});
        });
  phases_.push_back(phase);
}

void LanesProduct::find_gradient_tiles() {
  const int height = static_cast<int>(shape_.height), width = static_cast<int>(shape_.width);
  cover(height, width, gradient_tile(), [&](int y, int x, int rows, int columns) {
    const Met met(diff_rows_, phases_[0].row_taps, y, 1, rows);
    gradient_tiles_.push_back({rows, columns, y, x, met.first, met.last});
  });
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

void LanesProduct::list_outputs(const Pattern& pattern) {
  const int width = static_cast<int>(shape_.kernel_w), step = small_ ? 1 : width;
  forward_.clear();
  blocks_.clear();
  int block = 0;
  for (std::int64_t output = 0; output < shape_.outputs; ++output) {
    blocks_.push_back(block);
    const std::vector<std::int64_t> begins = near_inputs(pattern, output);
    for (std::size_t i = 0; i + 1 < begins.size(); ++i, ++block) {
      for (int y = 0; y < shape_.kernel_h; ++y) {
        for (int x = 0; x < width; x += step) {
          forward_.next();
          list_output(pattern, output, y, {begins[i], begins[i + 1], x, x + step});
        }
      }
    }
  }
  blocks_.push_back(block);
  forward_.next();
}

void LanesProduct::list_channels(const Pattern& pattern) {
  for (Phase& phase : phases_) list_phase(pattern, &phase);
}

// Synapses of an output, of the inputs of its group and the columns of the kernel's row that a stretch says. Small:
// where a map begins, and taps are added to that.
void LanesProduct::list_output(const Pattern& pattern, std::int64_t output, int y, const Stretch& of) {
  const std::int64_t inputs = shape_.channels / shape_.groups, group = output / (shape_.outputs / shape_.groups);
  for (std::int64_t input = of.first_map; input < of.last_map; ++input) {
    const std::int64_t channel = group * inputs + input;
    for (int x = of.first_x; x < of.last_x; ++x) {
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
  phase->blocks.clear();
  int block = 0;
  for (std::int64_t channel = 0; channel < shape_.channels; ++channel) {
    phase->blocks.push_back(block);
    const std::vector<std::int64_t> begins = near_outputs(pattern, channel, *phase);
    for (std::size_t i = 0; i + 1 < begins.size(); ++i, ++block) {
      for (int y : phase->row_taps) {
        for (int x = 0; x < std::max(1, taps); x += step) {
          phase->lists.next();
          list_channel(pattern, channel, y, {begins[i], begins[i + 1], x, std::min(taps, x + step)}, phase);
        }
      }
    }
  }
  phase->blocks.push_back(block);
  phase->lists.next();
}

// Synapses that a channel's gradient comes through, in some columns of taps. These are numbered from the kernel's end.
void LanesProduct::list_channel(const Pattern& pattern, std::int64_t channel, int y, const Stretch& of,
                                Phase* phase) const {
  const std::int64_t inputs = shape_.channels / shape_.groups, outputs = shape_.outputs / shape_.groups;
  for (std::int64_t i = of.first_map; i < of.last_map; ++i) {
    const std::int64_t output = channel / inputs * outputs + i;
    for (int k = of.first_x; k < of.last_x; ++k) {
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

// Where the inputs of an output are cut so that what a tile's synapses see of them stays near for the next tile.
std::vector<std::int64_t> LanesProduct::near_inputs(const Pattern& pattern, std::int64_t output) const {
  const std::int64_t inputs = shape_.channels / shape_.groups, kernel = shape_.kernel_h * shape_.kernel_w;
  if (small_ || flat_) return {0, inputs};
  const std::int64_t rows = (tiles_[0].rows - 1) * shape_.stride_h + (shape_.kernel_h - 1) * shape_.dilation_h + 1;
  return stretches(inputs, most_maps(rows, in_.row), [&](std::int64_t input) {
    return pattern.any((output * inputs + input) * kernel, kernel);
  });
}

std::vector<std::int64_t> LanesProduct::near_outputs(const Pattern& pattern, std::int64_t channel,
                                                     const Phase& phase) const {
  const std::int64_t inputs = shape_.channels / shape_.groups, outputs = shape_.outputs / shape_.groups;
  const std::int64_t kernel = shape_.kernel_h * shape_.kernel_w, first = channel / inputs * outputs;
  if (small_ || flat_ || phase.tiles.empty() || phase.row_taps.empty()) return {0, outputs};
  const std::int64_t rows = phase.tiles[0].rows + phase.parts() - 1;
  return stretches(outputs, most_maps(rows, diffs_.row), [&](std::int64_t output) {
    return pattern.any(((first + output) * inputs + channel % inputs) * kernel, kernel);
  });
}

void LanesProduct::weigh_backward(const float* weights) {
  for (Phase& phase : phases_) phase.lists.weigh(weights);
}

void LanesProduct::forward(const LanesBlob& in, int output, int first, int groups, SumsOf of,
                           const LanesMaps& out) const {
  const std::int32_t* begin = forward_.begin.data() + blocks_[output] * parts_;
  if (flat_) {
    const std::int64_t from = in.group_floats() / lanes(), to = out.group / lanes();
    const std::vector<SparseTile>& all = tiles_of_groups(groups, from, to);
    return convolve_sparse_lanes(in.begin(first), static_cast<int>(from), all.data(), static_cast<int>(all.size()),
                                 forward_.all.data(), begin, of, out.first, static_cast<int>(to));
  }
  const int blocks = blocks_[output + 1] - blocks_[output];
  std::uint16_t* const positive = of.positive;
  for (int i = 0; i < groups * blocks; ++i) {
    const int group = i / blocks, block = i % blocks;
    of.more = block > 0;
    of.positive = positive && block + 1 == blocks ? positive + group * shape_.out_height * shape_.out_width : nullptr;
    const float* from = in.begin(first + group);
    if (small_) {
      convolve_4x4(from, forward_.all.data(), begin, of, out.of(group), out.row);
    } else {
      convolve_sparse_lanes(from, static_cast<int>(shape_.stride_h) * in_.row, tiles_.data(),
                            static_cast<int>(tiles_.size()), forward_.all.data(), begin + block * parts_, of,
                            out.of(group), out.row, {static_cast<int>(shape_.stride_w), 1});
    }
  }
}

void LanesProduct::forward_rows(const LanesBlob& in, int output, int group, Rows rows, float bias,
                                const LanesMaps& out) const {
  const int begin = row_tiles_[rows.first], end = row_tiles_[rows.last];
  for (int block = blocks_[output]; block < blocks_[output + 1]; ++block) {
    convolve_sparse_lanes(in.begin(group), static_cast<int>(shape_.stride_h) * in_.row, tiles_.data() + begin,
                          end - begin, forward_.all.data(), forward_.begin.data() + block * parts_,
                          {bias, block > blocks_[output], nullptr}, out.first, out.row,
                          {static_cast<int>(shape_.stride_w), 1});
  }
}

void LanesProduct::correlate_rows(const LanesBlob& in, int output, int group, Rows rows, const LanesMaps& diff,
                                  float* sums, float* total) const {
  const int begin = row_tiles_[rows.first], end = row_tiles_[rows.last];
  const std::vector<SparseTile>& tiles = diff.row == diffs_.row ? diff_tiles_ : bare_tiles_;
  const std::int32_t* of_output = forward_.begin.data() + blocks_[output] * parts_;
  for (int block = 0; block < blocks_[output + 1] - blocks_[output]; ++block) {
    const std::int32_t* of_block = of_output + block * parts_;
    correlate_sparse_lanes(in.begin(group), static_cast<int>(shape_.stride_h) * in_.row, tiles.data() + begin,
                           end - begin, diff.first, diff.row, forward_.all.data(), of_block,
                           sums + std::int64_t(*of_block - *of_output) * lanes(), static_cast<int>(shape_.stride_w),
                           block ? nullptr : total);
  }
}

void LanesProduct::backward(const LanesBlob& diffs, int channel, int first, int groups,
                            const LanesMaps& in_diff) const {
  if (flat_) {
    const std::int64_t from = diffs.group_floats() / lanes(), to = in_diff.group / lanes();
    const std::vector<SparseTile>& all = tiles_of_groups(groups, from, to);
    const SynapseLists& lists = phases_[0].lists;
    return convolve_sparse_lanes(diffs.begin(first), static_cast<int>(from), all.data(), static_cast<int>(all.size()),
                                 lists.all.data(), lists.begin.data() + channel, {}, in_diff.first,
                                 static_cast<int>(to));
  }
  for (int group = 0; group < groups; ++group) {
    const LanesMaps of_group = {in_diff.of(group), in_diff.group, in_diff.row};
    for (const Phase& phase : phases_) backward_phase(diffs.begin(first + group), channel, phase, of_group);
  }
}

void LanesProduct::backward_phase(const float* diffs, int channel, const Phase& phase, const LanesMaps& in_diff) const {
  const Synapse* synapses = phase.lists.all.data();
  const int parts = small_ ? kTaps4x4 : phase.parts(), tiles = static_cast<int>(phase.tiles.size());
  for (int block = phase.blocks[channel]; block < phase.blocks[channel + 1]; ++block) {
    const std::int32_t* begin = phase.lists.begin.data() + block * parts;
    if (small_) return convolve_4x4(diffs, synapses, begin, {}, in_diff.first, in_diff.row);
    convolve_sparse_lanes(diffs, diffs_.row, phase.tiles.data(), tiles, synapses, begin,
                          {0.f, block > phase.blocks[channel], nullptr}, in_diff.first,
                          static_cast<int>(shape_.stride_h) * in_diff.row, {1, static_cast<int>(shape_.stride_w)});
  }
}

void LanesProduct::gradients(const LanesBlob& in, const LanesBlob& diffs, int channel, int group, int slot,
                             const LanesMaps& in_diff, float* sums) const {
  const Phase& phase = phases_[0];
  const LanesMaps seen = in.maps(group, channel);
  ChannelGradients of = {seen.first, seen.row, in_diff.first, in_diff.row, false};
  for (int block = phase.blocks[channel]; block < phase.blocks[channel + 1]; ++block, of.more = true) {
    const std::int32_t* begin = phase.lists.begin.data() + block * phase.parts();
    gradients_sparse_lanes(diffs.begin(slot), diffs_.row, gradient_tiles_.data(),
                           static_cast<int>(gradient_tiles_.size()), phase.lists.all.data(), begin, of,
                           sums + std::int64_t(*begin - begin_below(channel)) * lanes());
  }
}

void LanesProduct::gradients_of_numbers(const LanesBlob& in, const LanesBlob& diffs, int first, int last,
                                        const LanesMaps& in_diff, float* sums) const {
  const SynapseLists& lists = phases_[0].lists;
  const auto row = [](std::int64_t group_floats) { return static_cast<int>(group_floats / lanes()); };
  const ChannelGradients of = {in.begin(0) + std::int64_t(first) * lanes(), row(in.group_floats()), in_diff.first,
                               row(in_diff.group), false};
  gradients_of_numbers_in_lanes(diffs.begin(0), row(diffs.group_floats()), in.groups(), lists.all.data(),
                                lists.begin.data() + first, last - first, of, sums);
}

void LanesProduct::correlate(const LanesBlob& in, int output, int first, int groups, const LanesMaps& diff,
                             float* sums, float* total) const {
  const std::int32_t* begin = forward_.begin.data() + blocks_[output] * parts_;
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
  const int blocks = blocks_[output + 1] - blocks_[output];
  for (int i = 0; !small_ && i < groups * blocks; ++i) {
    const int group = i / blocks, block = i % blocks;
    const std::int32_t* of_block = begin + block * parts_;
    correlate_sparse_lanes(in.begin(first + group), static_cast<int>(shape_.stride_h) * in_.row, tiles.data(),
                           static_cast<int>(tiles.size()), diff.of(group), diff.row, forward_.all.data(), of_block,
                           sums + std::int64_t(*of_block - *begin) * lanes(), static_cast<int>(shape_.stride_w),
                           block ? nullptr : total);
  }
}

}  // namespace fastcaffe
