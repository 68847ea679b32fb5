#include "turned_groups.h"

namespace fastcaffe {
namespace {

constexpr std::int64_t kRows = 16 << 10;  // bytes of a map's rows that are turned while they are in the nearest cache
constexpr std::int64_t kSeen = 512 << 10;  // bytes of input that rows see, for all maps to find in the second

}  // namespace

TurnedGroups::TurnedGroups(const ConvolutionShape& shape, const Pattern& pattern)
    : s_(shape),
      pattern_(pattern),
      groups_(static_cast<int>((shape.images + lanes() - 1) / lanes())),
      channels_(static_cast<int>(shape.channels)),
      outputs_(static_cast<int>(shape.outputs)),
      product_(shape, static_cast<int>(shape.out_width)),
      below_(LanesProduct::plane_below(shape)) {
  const std::int64_t vector = lanes() * std::int64_t(sizeof(float)), row = shape.channels * below_.row * vector;
  const std::int64_t seen = kSeen / row - (shape.kernel_h - 1) * shape.dilation_h;
  const std::int64_t near = std::min(kRows / (shape.out_width * vector), seen / shape.stride_h);
  const int height = static_cast<int>(shape.out_height);
  const int high = product_.rows_apart() ? static_cast<int>(std::max<std::int64_t>(1, near)) : height;
  for (int first = 0; first < height; first += high) bands_.push_back({first, std::min(height, first + high)});
}

void TurnedGroups::list(const float* weights) const {
  if (version_ != pattern_.version()) product_.list_outputs(pattern_);
  version_ = pattern_.version();
  if (!weights) return;
  if (looks_ != pattern_.looks()) product_.weigh(weights);
  looks_ = pattern_.looks();
}

void TurnedGroups::list_back(const float* weights) const {
  if (version_back_ != pattern_.version()) product_.list_channels(pattern_);
  version_back_ = pattern_.version();
  if (looks_ != pattern_.looks()) product_.weigh_backward(weights);
  looks_ = pattern_.looks();
}

}  // namespace fastcaffe
