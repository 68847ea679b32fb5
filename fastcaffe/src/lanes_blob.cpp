#include "lanes_blob.h"

#include <algorithm>

#include "large_pages.h"
#include "threads.h"

namespace fastcaffe {
namespace {

constexpr std::int64_t kGrain = 16384;  // numbers below which another thread costs more than it brings

}  // namespace

void copy_maps(const LanesMaps& from, int height, int width, int groups, const LanesMaps& to) {
  for (int group = 0; group < groups; ++group) {
    for (int y = 0; y < height; ++y) {
      std::copy_n(from.of(group) + std::int64_t(y) * from.row * lanes(), width * lanes(),
                  to.of(group) + std::int64_t(y) * to.row * lanes());
    }
  }
}

void LanesBlob::shape(int images, int channels, const LanesPlane& plane) {
  if (images == images_ && channels == channels_ && plane == plane_) return;
  images_ = images, channels_ = channels, plane_ = plane;
  const std::int64_t count = groups() * group_floats();
  if (count > room_) {
    floats_.reset();
    room_ = 0;
    floats_ = large_pages(count);
    room_ = count;
  }
  std::fill(floats_.get(), floats_.get() + count, 0.f);
  place_.clear();
  for (int y = 0; y < plane.height; ++y) {
    for (int x = 0; x < plane.width; ++x) place_.push_back(y * plane.row + x);
  }
}

int LanesBlob::images_in(int group) const { return std::min(lanes(), images_ - group * lanes()); }

// Calls each(images, numbers, their place in a blob of Caffe's, place in lanes). Planes without zeros around lie one
// after the other as Caffe's do: all of a group at once.
template <class Each>
void LanesBlob::each_stretch(const Each& each) const {
  const std::int64_t pixels = static_cast<std::int64_t>(place_.size()), image = channels_ * pixels;
  const std::int64_t stretches = plane_.vectors() == pixels ? 1 : channels_;
  parallel(groups() * stretches, kGrain / (image / stretches * lanes() + 1) + 1, [&](std::int64_t i, std::int64_t end) {
    for (; i < end; ++i) {
      const int group = static_cast<int>(i / stretches), channel = static_cast<int>(i % stretches);
      const std::int64_t at = std::int64_t(group) * lanes() * image + channel * pixels;
      each(images_in(group), static_cast<int>(image / stretches), at, maps(group, channel).first);
    }
  });
}

void LanesBlob::take(const float* blob) {
  const std::int32_t* place = plane_.vectors() == plane_.height * plane_.width ? nullptr : place_.data();
  each_stretch([&](int images, int numbers, std::int64_t at, float* to) {
    to_lanes(blob + at, image_floats(), images, numbers, place, to);
  });
}

void LanesBlob::give(float* blob) const {
  const std::int32_t* place = plane_.vectors() == plane_.height * plane_.width ? nullptr : place_.data();
  each_stretch([&](int images, int numbers, std::int64_t at, const float* from) {
    from_lanes(from, images, numbers, place, blob + at, image_floats());
  });
}

}  // namespace fastcaffe
