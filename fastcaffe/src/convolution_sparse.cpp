// Which sparse passes a shape has, and when they pay.

#include "convolution_sparse.h"

#include <cstdlib>
#include <cstring>

#include "lanes_kernels.h"
#include "sparse_planes.h"

namespace fastcaffe {
namespace {

constexpr std::int64_t kFewVectors = 4;    // of a plane: with fewer, a synapse's weight is read for too little
constexpr std::int64_t kFewChannels = 16;  // oneDNN's block
constexpr std::int64_t kSmall = 16;        // numbers of a map, of which padding is a large part
constexpr std::int64_t kLarge = 1 << 18;   // floats of an image, laid out, beyond the second cache
constexpr double kMostEmpty = 1.15;        // lanes, a lane with an image

enum class Kind { kNone, kRows, kLanes };

// FASTCAFFE_CONVOLUTION=sparse-rows|sparse-lanes: only these, whatever the density (tests).
const char* wish() {
  static const char* const wished = std::getenv("FASTCAFFE_CONVOLUTION");
  return wished;
}
bool wished(const char* kind) { return wish() && !std::strcmp(wish(), kind); }

bool steps(const ConvolutionShape& s) { return s.stride_h > 1 || s.stride_w > 1; }
bool large(const ConvolutionShape& s) { return SparsePlanes::most_floats(s) > kLarge; }

Kind kind(const ConvolutionShape& s) {
  if (wished("sparse-rows")) return Kind::kRows;
  if (wished("sparse-lanes")) return Kind::kLanes;
  const std::int64_t groups = (s.images + lanes() - 1) / lanes();
  const bool near = steps(s) || !large(s) || s.out_height * s.out_width < kFewVectors * lanes();
  if (near && groups * lanes() <= kMostEmpty * s.images) return Kind::kLanes;
  return s.out_height * s.out_width >= lanes() ? Kind::kRows : Kind::kNone;
}

}  // namespace

bool sparse_allowed() {
  const char* sparse = std::getenv("FASTCAFFE_SPARSE");
  return !(sparse && !std::strcmp(sparse, "0")) && (!wish() || wished("sparse-rows") || wished("sparse-lanes"));
}

double sparse_below(const ConvolutionShape& s) {
  if (wish()) return 2;
  const bool few = s.channels < kFewChannels || s.outputs < kFewChannels;
  switch (kind(s)) {
    case Kind::kRows:
      if (large(s)) return kSparseLargeBelow;
      return few ? kSparseFewChannelsBelow : kSparseBelow;
    case Kind::kLanes:
      if (steps(s) || s.height * s.width <= kSmall) return kSparseLanesBelow;
      return few ? kSparseFewChannelsBelow : kSparseBelow;
    default: return 0;
  }
}

double lanes_kept_below(const ConvolutionShape& s) {
  if (wish()) return 2;
  return s.channels < kFewChannels || s.outputs < kFewChannels ? kSparseFewChannelsBelow : kLanesKeptBelow;
}

std::unique_ptr<ForwardPass> sparse_forward(const ConvolutionShape& shape, const Pattern& pattern) {
  return kind(shape) == Kind::kRows ? sparse_rows_forward(shape, pattern) : sparse_lanes_forward(shape, pattern);
}

std::unique_ptr<BackwardPass> sparse_backward(const ConvolutionShape& shape, const Pattern& pattern) {
  return kind(shape) == Kind::kRows ? nullptr : sparse_lanes_backward(shape, pattern);
}

std::unique_ptr<BackwardDataPass> sparse_backward_data(const ConvolutionShape& shape, const Pattern& pattern) {
  return kind(shape) == Kind::kRows ? sparse_rows_backward_data(shape, pattern)
                                    : sparse_lanes_backward_data(shape, pattern);
}

std::unique_ptr<BackwardWeightsPass> sparse_backward_weights(const ConvolutionShape& shape, const Pattern& pattern) {
  return kind(shape) == Kind::kRows ? sparse_rows_backward_weights(shape, pattern)
                                    : sparse_lanes_backward_weights(shape, pattern);
}

}  // namespace fastcaffe
