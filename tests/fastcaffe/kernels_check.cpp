// Compares the fast layers' loops with plain ones (plain_loops.h) on random shapes; no Caffe is needed, so any
// processor that a compiler and an emulator are for can be checked. Prints a line each kernel; fails if one is wrong.
//
//     kernels_check [cases]

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <map>
#include <random>
#include <string>

#include "channel_kernels.h"
#include "convolution_sparse.h"
#include "eltwise_kernels.h"
#include "joined_kernels.h"
#include "kept_passes.h"
#include "map_kernels.h"
#include "plain_loops.h"
#include "relu_kernels.h"
#include "simd.h"

namespace {

using namespace plain;
using namespace fastcaffe;

std::mt19937 random_bits(1);

int between(int least, int most) { return least + static_cast<int>(random_bits() % (most - least + 1)); }

Floats numbers(std::int64_t count) {
  std::normal_distribution<float> normal;
  Floats all(count);
  for (float& x : all) x = normal(random_bits);
  return all;
}

struct Found {
  double worst = 0, bound = 0;
};
std::map<std::string, Found> found;

// The largest difference relative to the largest number, or to 1.
template <class Expected>
void close(const std::string& what, double bound, const std::vector<Expected>& expected, const Floats& got) {
  double difference = 0, largest = 1;
  for (std::size_t i = 0; i < expected.size(); ++i) {
    const double gap = std::fabs(double(expected[i]) - got[i]);
    difference = std::max(difference, gap == gap ? gap : INFINITY);
    largest = std::max(largest, std::fabs(double(expected[i])));
  }
  found[what].bound = bound;
  found[what].worst = std::max(found[what].worst, difference / largest);
}

void same(const std::string& what, const Floats& expected, const Floats& got) {
  const bool equal = !std::memcmp(expected.data(), got.data(), expected.size() * sizeof(float));
  found[what].worst = std::max(found[what].worst, equal ? 0. : INFINITY);
}

void check_relu() {
  const std::int64_t count = between(1, 300);
  const float slope = between(0, 1) ? 0.1f : 0.f;
  const Floats x = numbers(count), diff = numbers(count);
  Floats top(count), back(count), plain_top(count), plain_back(count);
  for (std::int64_t i = 0; i < count; ++i) {
    plain_top[i] = std::max(x[i], 0.f) + slope * std::min(x[i], 0.f);
    plain_back[i] = diff[i] * ((x[i] > 0) + slope * (x[i] <= 0));
  }
  relu_forward(x.data(), top.data(), count, slope);
  relu_backward(x.data(), diff.data(), back.data(), count, slope);
  same("relu", plain_top, top);
  same("relu backward", plain_back, back);
}

int tops(int size, int kernel, int stride, int pad) { return (size + 2 * pad - kernel) / stride + 1; }

Pool some_pool() {
  Pool p;
  p.height = between(1, 30), p.width = between(1, 50);
  p.kernel_h = between(1, std::min(p.height, 5)), p.kernel_w = between(1, std::min(p.width, 5));
  p.stride_h = between(1, 3), p.stride_w = between(1, 3);
  p.pad_h = between(0, p.kernel_h - 1), p.pad_w = between(0, p.kernel_w - 1);
  p.out_height = tops(p.height, p.kernel_h, p.stride_h, p.pad_h);
  p.out_width = tops(p.width, p.kernel_w, p.stride_w, p.pad_w);
  return p;
}

// 3 x 3 windows 2 apart; as Caffe rounds, windows may overhang on two sides. Every third has rows of 2, 4 or 8 windows,
// of which several planes lie side by side. Some are so large that they go in bands of rows.
Pool some_pool_3x3() {
  Pool p;
  p.kernel_h = p.kernel_w = 3, p.stride_h = p.stride_w = 2;
  const bool whole = between(0, 2) == 0;
  p.height = between(3, 30), p.width = whole ? 2 << between(1, 3) : between(7, 80);
  if (!whole && between(0, 9) == 0) p.height = between(90, 130), p.width = between(100, 200);
  p.pad_h = between(0, 2), p.pad_w = whole ? 0 : between(0, 1);
  const int up = between(0, 3) > 0;
  p.out_height = tops(p.height + up, 3, 2, p.pad_h), p.out_width = tops(p.width + up, 3, 2, p.pad_w);
  if (2 * (p.out_height - 1) >= p.height + p.pad_h) --p.out_height;
  return p;
}

// Calls each(first number before, vectors to its next row, the same after, number of the group) for maps of one image a
// lane, which some zeros may surround; returns what is after, as planes one after the other.
template <class Each>
Floats maps(const Pool& p, bool back, const Floats& from, const Each& each) {
  const bool zeros = between(0, 1);
  const LanesPlane below = {p.height, p.width, zeros, zeros, p.height + 2 * zeros, p.width + 3 * zeros,
                            between(0, 2)};
  const LanesPlane above = LanesPlane::bare(p.out_height, p.out_width);
  const int images = static_cast<int>(from.size() / (back ? p.above() : p.below()));
  LanesBlob in, out;
  in.shape(images, 1, back ? above : below);
  out.shape(images, 1, back ? below : above);
  in.take(from.data());
  for (int group = 0; group < in.groups(); ++group) {
    each(in.maps(group, 0).first, in.plane().row, out.maps(group, 0).first, out.plane().row, group);
  }
  Floats to(images * (back ? p.below() : p.above()));
  out.give(to.data());
  return to;
}

// Those of check_pooling.
struct Pooled {
  Floats x, diff, max, max_back, average, average_back;
};

void check_maps(const std::string& kind, const Pool& p, const Pooled& plain) {
  std::vector<std::uint8_t> at((plain.diff.size() / p.above() + lanes()) * p.above());
  const auto bytes = [&](int group) { return at.data() + group * lanes() * p.above(); };
  same(kind + "max pooling of maps", plain.max, maps(p, false, plain.x, [&](auto in, int row, auto out, int to, int i) {
         max_pool_map(p, in, row, out, to, bytes(i));
       }));
  same(kind + "max pooling of maps back", plain.max_back,
       maps(p, true, plain.diff, [&](auto in, int row, auto out, int to, int i) {
         max_pool_map_backward(p, in, row, bytes(i), out, to);
       }));
  same(kind + "max pooling of maps back by rows", plain.max_back,
       maps(p, true, plain.diff, [&](auto in, int row, auto out, int to, int i) {
         if (!threes(p)) return max_pool_map_backward(p, in, row, bytes(i), out, to);
         for (int y = 0; y < p.height; y += 4) {
           max_pool_rows_backward(p, y, std::min(p.height, y + 4), in, row, bytes(i), out + y * to * lanes(), to);
         }
       }));
  Floats cut(plain.max), cut_diff(plain.diff);
  for (std::size_t i = 0; i < cut.size(); ++i) {
    if (!(cut[i] > 0)) cut[i] = cut_diff[i] = 0;
  }
  const Floats cut_back = maps(p, true, cut_diff, [&](auto in, int row, auto out, int to, int i) {
    max_pool_map_backward(p, in, row, bytes(i), out, to);
  });
  same(kind + "max pooling of maps and relu", cut,
       maps(p, false, plain.x, [&](auto in, int row, auto out, int to, int i) {
         max_pool_map(p, in, row, out, to, bytes(i), true);
       }));
  same(kind + "max pooling of maps and relu back", cut_back,
       maps(p, true, plain.diff, [&](auto in, int row, auto out, int to, int i) {
         max_pool_map_backward(p, in, row, bytes(i), out, to);
       }));
  same(kind + "average pooling of maps", plain.average,
       maps(p, false, plain.x, [&](auto in, int row, auto out, int to, int) {
         average_pool_map(p, in, row, out, to);
       }));
  same(kind + "average pooling of maps back", plain.average_back,
       maps(p, true, plain.diff, [&](auto in, int row, auto out, int to, int) {
         average_pool_map_backward(p, in, row, out, to);
       }));
  const Pool same_size = {p.height, p.width, p.height, p.width, 1, 1, 1, 1, 0, 0};
  std::vector<std::uint16_t> positive(plain.x.size() + p.below());
  const auto words = [&](int group) { return positive.data() + group * p.below(); };
  maps(same_size, false, plain.x, [&](auto in, int row, auto out, int to, int i) {
    rectify_map(in, row, p.height, p.width, out, to, words(i));
  });
  Floats back(plain.x.size());
  relu_backward(plain.x.data(), plain.average_back.data(), back.data(), back.size(), 0);
  same(kind + "average pooling of maps and relu back", back,
       maps(p, true, plain.diff, [&](auto in, int row, auto out, int to, int i) {
         average_pool_map_backward(p, in, row, out, to, words(i));
       }));
}

// Of infinities, of numbers that are none and of the lowest, which is no maximum: in maps as in planes.
void check_odd_numbers() {
  const float odd[] = {NAN, -INFINITY, INFINITY, -FLT_MAX, 0.f, -0.f, 1.f};
  const int height = between(2, 9), width = between(2, 9);
  const Pool p = {height, width, height / 2, width / 2, 3, 3, 2, 2, 0, 0};
  Floats x(between(1, 20) * p.below()), top(x.size() / p.below() * p.above());
  for (float& number : x) number = odd[between(0, 6) * between(0, 1)];
  std::vector<std::int32_t> mask(top.size());
  max_pool_forward(p, x.size() / p.below(), x.data(), top.data(), mask.data());
  std::vector<std::uint8_t> at((top.size() / p.above() + lanes()) * p.above());
  same("max pooling of odd numbers in maps", top, maps(p, false, x, [&](auto in, int row, auto out, int to, int i) {
         max_pool_map(p, in, row, out, to, at.data() + i * lanes() * p.above());
       }));
  Floats places(mask.begin(), mask.end()), found_places(mask.size());
  for (std::size_t i = 0; i < mask.size(); ++i) {
    const int image = static_cast<int>(i / p.above()), window = static_cast<int>(i % p.above());
    const int place = at[((image / lanes()) * p.above() + window) * lanes() + image % lanes()];
    const int row = window / p.out_width * 2 + place / 3, column = window % p.out_width * 2 + place % 3;
    found_places[i] = static_cast<float>(place == kNoMaximum ? -1 : row * p.width + column);
  }
  same("places of odd maxima in maps", places, found_places);
}

void check_rectified_maps() {
  const int height = between(1, 9), width = between(1, 20);
  const Pool same_size = {height, width, height, width, 1, 1, 1, 1, 0, 0};
  const Floats x = numbers(between(1, 40) * same_size.below()), diff = numbers(x.size());
  Floats top(x.size()), back(x.size());
  relu_forward(x.data(), top.data(), x.size(), 0);
  relu_backward(x.data(), diff.data(), back.data(), x.size(), 0);
  std::vector<std::uint16_t> positive(x.size() + same_size.below());
  const auto words = [&](int group) { return positive.data() + group * same_size.below(); };
  same("relu of maps", top, maps(same_size, false, x, [&](auto in, int row, auto out, int to, int i) {
         rectify_map(in, row, height, width, out, to, words(i));
       }));
  same("relu of maps backward", back, maps(same_size, true, diff, [&](auto in, int row, auto out, int to, int i) {
         rectify_map_backward(in, row, height, width, words(i), out, to);
       }));
}

void check_pooling(const std::string& kind, const Pool& p) {
  const std::int64_t planes = between(1, 11), below = p.height * p.width, above = p.out_height * p.out_width;
  const Floats x = numbers(planes * below), diff = numbers(planes * above);
  Floats top(planes * above), average(planes * above), back(planes * below), average_back(planes * below);
  Floats plain_top(planes * above, -FLT_MAX), plain_average(planes * above), plain_back(planes * below);
  Floats plain_average_back(planes * below);
  std::vector<std::int32_t> mask(planes * above), plain_mask(planes * above, -1);
  for (std::int64_t plane = 0; plane < planes; ++plane) {
    const std::int64_t b = plane * below, a = plane * above;
    windows(p, [&](int out, int in, int size) {
      if (x[b + in] > plain_top[a + out]) plain_top[a + out] = x[b + in], plain_mask[a + out] = in;
      plain_average[a + out] += x[b + in];
      plain_average_back[b + in] += diff[a + out] / size;
    });
    std::vector<int> sizes(above);
    windows(p, [&](int out, int, int size) { sizes[out] = size; });
    for (int i = 0; i < above; ++i) {
      plain_average[a + i] /= sizes[i];
      plain_back[b + plain_mask[a + i]] += diff[a + i];
    }
  }
  max_pool_forward(p, planes, x.data(), top.data(), mask.data());
  max_pool_backward(p, planes, diff.data(), mask.data(), back.data());
  average_pool_forward(p, planes, x.data(), average.data());
  average_pool_backward(p, planes, diff.data(), average_back.data());
  same(kind + "max pooling", plain_top, top);
  same(kind + "max pooling's mask", Floats(plain_mask.begin(), plain_mask.end()), Floats(mask.begin(), mask.end()));
  same(kind + "max pooling backward", plain_back, back);
  same(kind + "average pooling", plain_average, average);
  same(kind + "average pooling backward", plain_average_back, average_back);
  check_maps(kind, p, {x, diff, plain_top, plain_back, plain_average, plain_average_back});
}

void check_pools() {
  check_pooling("", some_pool());
  check_pooling("3x3 ", some_pool_3x3());
  check_odd_numbers();
}

void check_lrn() {
  const float betas[] = {0.5f, 0.75f, 1.f};
  const Lrn lrn{between(1, 12), 2 * between(0, 3) + 1, between(1, 150), 0.5f, betas[between(0, 2)], between(1, 2) * 1.f};
  const std::int64_t count = lrn.channels * lrn.pixels;
  const Floats x = numbers(count), diff = numbers(count);
  Floats scale(count), top(count), back(count);
  lrn_forward(lrn, 0, lrn.pixels, x.data(), scale.data(), top.data());
  lrn_backward(lrn, 0, lrn.pixels, x.data(), scale.data(), top.data(), diff.data(), back.data());
  close("lrn", 2e-6, lrn_top(lrn, x), top);
  close("lrn backward", 2e-6, lrn_bottom_diff(lrn, x, diff), back);
}

// BatchNorm's and Scale's loops, on some of the pieces. Now and then a blob is so large that copies go past the caches.
void check_channels() {
  const bool large = between(0, 19) == 0;
  const Pieces pieces{between(1, 5), between(1, 6), large ? between(20000, 40000) : between(1, 90)};
  const std::int64_t first = between(0, pieces.count() - 1), last = between(first, pieces.count());
  const std::int64_t shift = between(0, 3);  // Caffe's blobs lie on multiples of 16 bytes
  const Floats x = numbers(pieces.count() * pieces.length), y = numbers(x.size());
  const Floats means = numbers(pieces.channels), factors = numbers(pieces.channels), biases = numbers(pieces.channels);
  Floats to(x.size()), copy(x.size() + shift), diffs(x.size()), scaled(x.size()), scaled_copy(x.size() + shift);
  Floats scaled_diffs(x.size()), found_sums, found_both, found_while_scaling;
  Doubles normal(x.size()), back(x.size()), plain_scaled(x.size()), plain_diffs(x.size()), kept(x.size());
  Doubles plain_sums, plain_both;
  std::vector<Moments> of(pieces.count());
  std::vector<Sums> both(pieces.count()), while_scaling(pieces.count());
  moments(pieces, first, last, x.data(), of.data());
  sums(pieces, first, last, x.data(), y.data(), both.data());
  scale_backward(pieces, first, last, x.data(), y.data(), factors.data(), scaled_diffs.data(), while_scaling.data());
  for (std::int64_t piece = first; piece < last; ++piece) {
    const std::int64_t begin = piece * pieces.length, end = begin + pieces.length;
    const double mean = means[piece % pieces.channels], factor = factors[piece % pieces.channels];
    double total = 0, squares = 0, products = 0;
    for (std::int64_t i = begin; i < end; ++i) total += x[i], products += double(x[i]) * y[i];
    for (std::int64_t i = begin; i < end; ++i) {
      squares += std::pow(x[i] - total / pieces.length, 2);
      normal[i] = (x[i] - mean) * factor;
      back[i] = (x[i] - mean - double(biases[piece % pieces.channels]) * y[i]) * factor;
      plain_scaled[i] = x[i] * factor + biases[piece % pieces.channels];
      plain_diffs[i] = x[i] * factor;
      kept[i] = x[i];
    }
    for (double sum : {total, squares}) plain_sums.push_back(sum);
    for (double sum : {total, products}) plain_both.push_back(sum);
    found_sums.push_back(of[piece].sum);
    found_sums.push_back(of[piece].squares);
    found_sums.push_back(sum(pieces.length, x.data() + begin));
    plain_sums.push_back(total);
    for (double sum : {both[piece].of_x, both[piece].of_products}) found_both.push_back(sum);
    for (double sum : {while_scaling[piece].of_x, while_scaling[piece].of_products}) found_while_scaling.push_back(sum);
  }
  close("moments of a piece", 2e-6, plain_sums, found_sums);
  close("sums of a piece", 2e-6, plain_both, found_both);
  close("sums of a piece that is scaled", 2e-6, plain_both, found_while_scaling);
  close("scale backward", 2e-6, plain_diffs, scaled_diffs);
  normalise(pieces, first, last, x.data(), means.data(), factors.data(), to.data(), copy.data() + shift);
  close("normalising", 2e-6, normal, to);
  close("normalising's copy", 2e-6, normal, Floats(copy.begin() + shift, copy.end()));
  normalise_backward(pieces, first, last, x.data(), y.data(), means.data(), biases.data(), factors.data(),
                     diffs.data());
  close("normalising backward", 2e-6, back, diffs);
  scale(pieces, first, last, x.data(), factors.data(), biases.data(), scaled.data(), scaled_copy.data() + shift);
  close("scale", 2e-6, plain_scaled, scaled);
  close("scale's copy", 0, kept, Floats(scaled_copy.begin() + shift, scaled_copy.end()));
}

// BatchNorm, Scale and perhaps ReLU in one go.
void check_joined_channels() {
  const Pieces pieces{between(1, 5), between(1, 6), between(0, 19) ? between(1, 90) : between(20000, 40000)};
  const std::int64_t first = between(0, pieces.count() - 1), last = between(first, pieces.count());
  const Floats x = numbers(pieces.count() * pieces.length), diff = numbers(x.size());
  const Floats means = numbers(pieces.channels), factors = numbers(pieces.channels), gammas = numbers(pieces.channels);
  const Floats betas = numbers(pieces.channels), diffs = numbers(pieces.channels), products = numbers(pieces.channels);
  const bool rectified = between(0, 1), biased = between(0, 1);
  const float* biases = biased ? betas.data() : nullptr;
  const NormalisedScale scale = {means.data(), factors.data(), gammas.data(), biases, rectified};
  Floats to(x.size()), kept(x.size()), back(x.size()), found_sums;
  Doubles plain_to(x.size()), plain_kept(x.size()), plain_back(x.size()), plain_sums;
  std::vector<Sums> of(pieces.count());
  normalise_and_scale(pieces, first, last, x.data(), scale, to.data(), kept.data());
  sums_of_scaled(pieces, first, last, diff.data(), kept.data(), scale, of.data());
  normalise_and_scale_backward(pieces, first, last, diff.data(), kept.data(), scale, diffs.data(), products.data(),
                               back.data());
  for (std::int64_t piece = first; piece < last; ++piece) {
    const std::int64_t c = piece % pieces.channels;
    double total = 0, of_products = 0, size = 1e-30, size_of_products = 1e-30;
    for (std::int64_t i = piece * pieces.length; i < (piece + 1) * pieces.length; ++i) {
      plain_kept[i] = (x[i] - double(means[c])) * factors[c];
      const float z = kept[i] * gammas[c] + (biased ? betas[c] : 0.f);  // as floats: which are cut off must agree
      const double given = rectified && z <= 0 ? 0 : diff[i];
      plain_to[i] = rectified ? std::max(z, 0.f) : z;
      total += given, of_products += given * kept[i];
      size += std::fabs(given), size_of_products += std::fabs(given * kept[i]);
      plain_back[i] = (given * gammas[c] - diffs[c] - double(products[c]) * kept[i]) * factors[c];
    }
    // As parts of what is summed up: what cancels out leaves the roundings of all of it.
    for (double sum : {total / size, of_products / size_of_products}) plain_sums.push_back(sum);
    for (double sum : {of[piece].of_x / size, of[piece].of_products / size_of_products}) found_sums.push_back(sum);
  }
  close("norm and scale", 2e-6, plain_to, to);
  close("norm and scale's copy", 2e-6, plain_kept, kept);
  close("norm and scale's sums", 2e-6, plain_sums, found_sums);
  close("norm and scale backward", 2e-6, plain_back, back);
}

// Eltwise, ReLU and perhaps Split in one go.
void check_joined_sum() {
  const std::int64_t count = between(1, 300);
  const Floats x = numbers(count), y = numbers(count), diff = numbers(count), more = numbers(count);
  const bool split = between(0, 1), both = between(0, 1);
  Floats to(count), back(count), also(count), plain_to(count), plain_back(count);
  for (std::int64_t i = 0; i < count; ++i) {
    plain_to[i] = std::max((0 + x[i]) + y[i], 0.f);
    plain_back[i] = (split ? diff[i] + more[i] : diff[i]) * (plain_to[i] > 0);
  }
  rectified_sum(count, x.data(), y.data(), to.data());
  rectified_sum_backward(count, to.data(), diff.data(), split ? more.data() : nullptr, back.data(),
                         both ? also.data() : nullptr);
  same("sum and relu", plain_to, to);
  same("sum and relu backward", plain_back, back);
  if (both) same("sum and relu backward", plain_back, also);
}

void check_eltwise() {
  const std::int64_t count = between(1, 300);
  const Floats x = numbers(count), y = numbers(count);
  Floats to(count), plain_sum(count), added, plain_added;
  for (std::int64_t i = 0; i < count; ++i) plain_sum[i] = (0 + x[i]) + y[i];
  weighted_sum(count, 1, x.data(), 1, y.data(), to.data());
  same("eltwise", plain_sum, to);
  for (std::int64_t i = 0; i < count; ++i) plain_sum[i] = x[i] + y[i];
  add(count, x.data(), y.data(), to.data());
  same("sum of two", plain_sum, to);
  added = plain_added = to;
  for (std::int64_t i = 0; i < count; ++i) plain_added[i] += -x[i];
  add_weighted(count, -1, x.data(), added.data());
  same("eltwise of more", plain_added, added);
}

ConvolutionShape some_convolution() {
  ConvolutionShape s;
  s.groups = between(1, 2), s.images = between(1, 18);
  s.channels = s.groups * between(1, 5), s.outputs = s.groups * between(1, 9);
  s.kernel_h = between(1, 4), s.kernel_w = between(1, 4), s.stride_h = between(1, 2), s.stride_w = between(1, 3);
  s.pad_h = between(0, 2), s.pad_w = between(0, 2), s.dilation_h = between(1, 2), s.dilation_w = between(1, 2);
  const int high = (s.kernel_h - 1) * s.dilation_h + 1, wide = (s.kernel_w - 1) * s.dilation_w + 1;
  s.height = high + between(0, 6), s.width = wide + between(0, 6);
  s.out_height = tops(s.height, high, s.stride_h, s.pad_h), s.out_width = tops(s.width, wide, s.stride_w, s.pad_w);
  s.threads = 1, s.bias = between(0, 1);
  return s;
}

// One whose rows are whole vectors, before as after.
ConvolutionShape some_wide_convolution() {
  ConvolutionShape s = some_convolution();
  s.groups = s.stride_h = s.stride_w = 1;
  s.dilation_w = 1, s.kernel_w = 2 * between(0, 3) + 1, s.pad_w = s.kernel_w / 2;
  s.out_width = s.width = 16 * between(1, 3);
  s.pad_h = between(0, s.kernel_h - 1);
  s.out_height = tops(s.height, (s.kernel_h - 1) * s.dilation_h + 1, 1, s.pad_h);
  return s;
}

struct ConvolutionPasses {
  std::unique_ptr<ForwardPass> forward;
  std::unique_ptr<BackwardDataPass> backward_data;
  std::unique_ptr<BackwardWeightsPass> backward_weights;
  std::unique_ptr<BackwardPass> both = nullptr;
};

Floats some_weights(const ConvolutionShape& s) {
  return numbers(s.outputs * s.channels / s.groups * s.kernel_h * s.kernel_w);
}

// `existing`: gradients of weights that are zero are not to be written.
void check_convolution(const std::string& kind, const ConvolutionShape& s, const ConvolutionPasses& passes,
                       const Floats& weights, bool existing = false) {
  const Floats in = numbers(s.images * s.channels * s.height * s.width);
  const Floats biases = numbers(s.outputs), diff = numbers(s.images * s.outputs * s.out_height * s.out_width);
  const std::int64_t plane = s.out_height * s.out_width;
  Floats top(diff.size()), back(in.size()), weights_diff = weights, biases_diff = biases;  // gradients are added to
  Doubles plain_top(diff.size()), plain_back(in.size()), plain_weights(weights.begin(), weights.end());
  Doubles plain_biases(biases.begin(), biases.end());
  for (std::size_t i = 0; i < diff.size(); ++i) {
    const std::int64_t output = i / plane % s.outputs;
    plain_top[i] = s.bias ? biases[output] : 0;
    if (s.bias) plain_biases[output] += diff[i];
  }
  multiplications(s, [&](std::int64_t out, std::int64_t weight, std::int64_t from) {
    plain_top[out] += double(weights[weight]) * in[from];
    plain_back[from] += double(weights[weight]) * diff[out];
    if (!existing || weights[weight] != 0) plain_weights[weight] += double(in[from]) * diff[out];
  });
  passes.forward->run(in.data(), weights.data(), s.bias ? biases.data() : nullptr, top.data());
  passes.backward_data->run(diff.data(), weights.data(), back.data());
  passes.backward_weights->run(in.data(), diff.data(), weights_diff.data(), s.bias ? biases_diff.data() : nullptr);
  close(kind + " forward", 2e-6, plain_top, top);
  close(kind + " backward data", 2e-6, plain_back, back);
  close(kind + " backward weights", 3e-5, plain_weights, weights_diff);
  close(kind + " backward biases", 3e-5, plain_biases, biases_diff);
  if (!passes.both) return;
  Floats also_back(in.size()), also_weights = weights, also_biases = biases;
  passes.both->run(in.data(), diff.data(), weights.data(),
                   {also_back.data(), also_weights.data(), s.bias ? also_biases.data() : nullptr});
  close(kind + " both, data", 2e-6, plain_back, also_back);
  close(kind + " both, weights", 3e-5, plain_weights, also_weights);
  close(kind + " both, biases", 3e-5, plain_biases, also_biases);
}

void check_lanes() {
  setenv("FASTCAFFE_CONVOLUTION", "lanes", 1);
  const ConvolutionShape s = some_convolution();
  const ConvolutionPasses passes{lanes_forward(s), lanes_backward_data(s), lanes_backward_weights(s)};
  check_convolution("lanes", s, passes, some_weights(s));
}

void check_rows() {
  setenv("FASTCAFFE_CONVOLUTION", "rows", 1);
  const ConvolutionShape s = some_wide_convolution();
  check_convolution("rows", s, {rows_forward(s), rows_backward_data(s), rows_backward_weights(s)}, some_weights(s));
}

void check_winograd() {
  setenv("FASTCAFFE_CONVOLUTION", "winograd", 1);
  ConvolutionShape s = some_convolution();
  s.groups = s.stride_h = s.stride_w = s.dilation_h = s.dilation_w = 1, s.kernel_h = s.kernel_w = 3;
  s.height += between(0, 2) ? 0 : 8, s.width = between(0, 2) ? s.width + 2 : 8 << between(0, 1);
  s.out_height = tops(s.height += 2, 3, 1, s.pad_h), s.out_width = tops(s.width, 3, 1, s.pad_w);
  s.threads = between(1, 3);
  const ConvolutionPasses passes{winograd_forward(s), winograd_backward_data(s), winograd_backward_weights(s)};
  check_convolution("winograd", s, passes, some_weights(s));
}

// The same passes, with weights that die and come back meanwhile.
void check_sparse(const std::string& kind, const ConvolutionShape& s, const Pattern& pattern,
                  const ConvolutionPasses& passes, Pattern* follower) {
  for (int round = 0; round < 3; ++round) {
    Floats weights = some_weights(s);
    const int density = between(0, 10);
    for (float& weight : weights) weight = between(1, 10) > density ? 0 : weight;
    follower->follow(weights.data(), weights.size());
    std::int64_t synapses = 0;
    for (std::size_t i = 0; i < weights.size(); ++i) {
      synapses += weights[i] != 0;
      found["pattern"].worst += (weights[i] != 0) != pattern.exists(i);
    }
    found["pattern"].worst += synapses != pattern.synapses();
    check_convolution(kind, s, passes, weights, true);
  }
}

void check_sparse_lanes() {
  ConvolutionShape s = some_convolution();
  s.threads = between(1, 3);
  Pattern p;
  check_sparse("sparse lanes", s, p,
               {sparse_lanes_forward(s, p), sparse_lanes_backward_data(s, p), sparse_lanes_backward_weights(s, p),
                sparse_lanes_backward(s, p)},
               &p);
}

// Where a plane has pixels enough, before as after; steps are the lanes' there.
void check_sparse_rows() {
  ConvolutionShape s = between(0, 2) ? some_convolution() : some_wide_convolution();
  s.threads = between(1, 3);
  Pattern p;
  ConvolutionPasses passes{sparse_rows_forward(s, p), sparse_rows_backward_data(s, p),
                           sparse_rows_backward_weights(s, p)};
  if (!passes.forward) return;
  if (!passes.backward_data) passes.backward_data = sparse_lanes_backward_data(s, p);
  check_sparse("sparse rows", s, p, passes, &p);
}

// Some are of maps of 4 x 4, some of one number, which have loops of their own.
void check_kept() {
  ConvolutionShape s = some_convolution();
  const int kind = between(0, 2);
  if (kind < 2) {
    s.stride_h = s.stride_w = s.dilation_h = s.dilation_w = 1;
    s.height = s.width = kind ? 4 : 1, s.kernel_h = s.kernel_w = kind ? 3 : 1, s.pad_h = s.pad_w = kind ? 1 : 0;
  }
  s.out_height = tops(s.height, (s.kernel_h - 1) * s.dilation_h + 1, s.stride_h, s.pad_h);
  s.out_width = tops(s.width, (s.kernel_w - 1) * s.dilation_w + 1, s.stride_w, s.pad_w);
  Pattern p;
  check_sparse("lanes kept", s, p,
               {std::make_unique<KeptForward>(s, p), std::make_unique<KeptBackwardData>(s, p),
                std::make_unique<KeptBackwardWeights>(s, p)},
               &p);
}

}  // namespace

int main(int count, char** arguments) {
  setenv("FASTCAFFE_GRAIN", "1", 0);  // threads even for the smallest work
  const int cases = count > 1 ? std::atoi(arguments[1]) : 100;
  void (*const checks[])() = {check_relu,    check_pools,           check_lrn,        check_channels,
                              check_eltwise, check_joined_channels, check_joined_sum, check_lanes,
                              check_rows,    check_winograd,        check_sparse_lanes, check_sparse_rows,
                              check_rectified_maps, check_kept};
  for (int i = 0; i < cases; ++i)
    for (const auto check : checks) check();
  bool right = true;
  std::printf("%d cases, %s\n", cases, fastcaffe::simd_name());
  for (const auto& kernel : found) {
    const bool good = kernel.second.worst <= kernel.second.bound;
    std::printf("%-30s %.1e %s\n", kernel.first.c_str(), kernel.second.worst, good ? "" : "WRONG");
    right = right && good;
  }
  return right ? 0 : 1;
}
