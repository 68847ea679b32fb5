// A batch in turns of as many images as the nearest cache holds: what is converted there is still near when it is
// multiplied, and when it goes back. Without turns every conversion of a large batch goes through memory.
#pragma once

#include <algorithm>
#include <cstdint>

#include "convolution_shape.h"

namespace fastcaffe {

struct Turns {
  ConvolutionShape shape;    // of one turn
  std::int64_t count;        // of turns in the batch
  std::int64_t bottom, top;  // numbers of one turn's images
};

inline Turns turns_of(const ConvolutionShape& batch) {
  constexpr std::int64_t kCache = 512 << 10;  // bytes a thread; half of what today's second-level caches have
  const std::int64_t bottom = batch.channels * batch.height * batch.width;
  const std::int64_t top = batch.outputs * batch.out_height * batch.out_width;
  const std::int64_t image = (bottom + top) * std::int64_t(sizeof(float));
  const std::int64_t weights =
      batch.outputs * (batch.channels / batch.groups) * batch.kernel_h * batch.kernel_w * std::int64_t(sizeof(float));
  std::int64_t images = std::min(batch.images, batch.threads * kCache / image);
  while (images > 1 && batch.images % images) --images;
  // Each turn goes through all the weights again, and has a price of its own.
  const bool pays = images > 0 && 2 * images * image > batch.threads * kCache / 2 && 2 * weights < images * image;
  Turns turns = {batch, 1, bottom * batch.images, top * batch.images};
  if (pays && images < batch.images) {
    turns = {batch, batch.images / images, bottom * images, top * images};
    turns.shape.images = images;
  }
  return turns;
}

}  // namespace fastcaffe
