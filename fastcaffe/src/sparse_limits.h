// Below which density of synapses sparse code is chosen. Bits depend on it, so machine() tells these limits.
#pragma once

namespace fastcaffe {

// A convolution. For layers of few channels, whose dense code leaves lanes idle or converts layouts, more is still
// worth it; with images in the lanes, less where a layer steps or has small planes; with pixels in the lanes, far less
// where an image leaves the second cache.
constexpr double kSparseBelow = 0.5;
constexpr double kSparseFewChannelsBelow = 0.75;
constexpr double kSparseLargeBelow = 0.2;
constexpr double kSparseLanesBelow = 0.4;
constexpr double kSparseInnerProductBelow = 0.3;

// An InnerProduct of fewer images, whose weights stay (staying_weights.h).
constexpr double kSparseFewImagesBelow = 0.2;

// Layers that keep lanes (lanes_kept.h) need so many of them, AVX-512's, and a density below this: nothing is turned
// around then. A convolution of few channels has kSparseFewChannelsBelow.
constexpr int kLanesKept = 16;
constexpr double kLanesKeptBelow = 0.5;

// Whether neither FASTCAFFE_SPARSE=0 nor another wish of FASTCAFFE_CONVOLUTION's forbids it.
bool sparse_allowed();

}  // namespace fastcaffe
