// Rows taken apart by stride, so that what neighbouring windows see at one place of the kernel is one stretch.
//
// With a stride of 2, a row with its padding becomes its even and its odd columns; window number w sees kernel column
// k at phase k % 2, place w + k / 2. A window's column is then one load for as many windows as a vector has lanes.
#pragma once

#include <algorithm>
#include <cstring>

#include "pooling_kernels.h"
#include "simd.h"

namespace fastcaffe {

FASTCAFFE_INLINE int round_up(int value, int multiple) { return (value + multiple - 1) / multiple * multiple; }

// The widest vector that a row of windows fills; rows shorter than 4 are done one by one.
FASTCAFFE_INLINE int lanes_for(int count, int most) {
  return count >= 16 && most >= 16 ? 16 : count >= 8 && most >= 8 ? 8 : count >= 4 ? 4 : 1;
}

// Calls each(place) with places 0, W, 2 W, ... and, if count is not a multiple of W, at last count - W: the last two
// vectors overlap, so nothing beyond the row is touched. Needs count >= W.
template <int W, class Count, class Each>
FASTCAFFE_INLINE void each_vector(Count count, Each each) {
  Count place = 0;
  for (; place + W <= count; place += W) each(place);
  if (place < count) each(count - W);
}

// Copies `width` numbers into phases of `pitch` places each: column c goes to the place of column c + pad.
template <int W>
FASTCAFFE_INLINE void take_apart(const float* row, int width, int stride, int pad, int pitch, float* phases) {
  typedef typename Lanes<W>::F F;
  int column = 0;
  if (stride == 1) {
    for (; column + W <= width; column += W) store(phases + pad + column, load<F>(row + column));
    for (; column < width; ++column) phases[pad + column] = row[column];
    return;
  }
  if (stride == 2) {
    if (pad % 2 && width) phases[pitch + pad / 2] = row[column++];
    float* even = phases + (pad + column) / 2;
    for (; column + 2 * W <= width; column += 2 * W, even += W) {
      F a, b;
      split_pairs<W>(load<F>(row + column), load<F>(row + column + W), &a, &b, typename CountTo<W>::type());
      store(even, a);
      store(even + pitch, b);
    }
  }
  int phase = (column + pad) % stride, place = (column + pad) / stride;
  for (; column < width; ++column) {
    phases[phase * pitch + place] = row[column];
    if (++phase == stride) phase = 0, ++place;
  }
}

// The inverse of take_apart.
template <int W>
FASTCAFFE_INLINE void put_together(const float* phases, int width, int stride, int pad, int pitch, float* row) {
  typedef typename Lanes<W>::F F;
  int column = 0;
  if (stride == 1) {
    for (; column + W <= width; column += W) store(row + column, load<F>(phases + pad + column));
    for (; column < width; ++column) row[column] = phases[pad + column];
    return;
  }
  if (stride == 2) {
    if (pad % 2 && width) row[column++] = phases[pitch + pad / 2];
    const float* even = phases + (pad + column) / 2;
    for (; column + 2 * W <= width; column += 2 * W, even += W) {
      F a, b;
      join_pairs<W>(load<F>(even), load<F>(even + pitch), &a, &b, typename CountTo<W>::type());
      store(row + column, a);
      store(row + column + W, b);
    }
  }
  int phase = (column + pad) % stride, place = (column + pad) / stride;
  for (; column < width; ++column) {
    row[column] = phases[phase * pitch + place];
    if (++phase == stride) phase = 0, ++place;
  }
}

// Bands of top rows: as many at a time as keep the rows in the first-level cache.
FASTCAFFE_INLINE int band_height(int floats_per_row, int rows) {
  return std::max(1, std::min(rows, 6144 / std::max(floats_per_row, 1)));
}

}  // namespace fastcaffe
