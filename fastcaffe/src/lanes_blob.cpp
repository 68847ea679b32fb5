#include "lanes_blob.h"

#include <algorithm>

#include "large_pages.h"
#include "threads.h"

namespace fastcaffe {
namespace {

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
  become(images, channels, plane);
  const std::int64_t count = groups() * group_floats();
  if (count > room_) {
    floats_.reset();
    room_ = 0;
    floats_ = large_pages(count);
    room_ = count;
  }
  std::fill(floats_.get(), floats_.get() + count, 0.f);
}

void LanesBlob::lie_in(float* memory, int images, int channels, const LanesPlane& plane) {
  become(images, channels, plane);
  room_ = 0;
  floats_ = std::shared_ptr<float>(std::shared_ptr<float>(), memory);
  const int vectors = plane.vectors(), after = plane.row - plane.width;  // zeros between two rows
  if (vectors == plane.height * plane.width) return;
  const std::int64_t planes = std::int64_t(groups()) * channels;
  parallel(planes, kCopied / (vectors * lanes()) + 1, [&](std::int64_t i, std::int64_t end) {
    for (; i < end; ++i) {
      float* at = memory + i * vectors * lanes();
      std::fill_n(at, plane.first() * lanes(), 0.f);
      at += (plane.first() + plane.width) * lanes();
      for (int y = 1; y < plane.height; ++y, at += plane.row * lanes()) std::fill_n(at, after * lanes(), 0.f);
      std::fill(at, memory + (i + 1) * vectors * lanes(), 0.f);
    }
  });
}

std::int64_t LanesBlob::floats(int images, int channels, const LanesPlane& plane) {
  return std::int64_t((images + lanes() - 1) / lanes()) * channels * plane.vectors() * lanes();
}

void LanesBlob::become(int images, int channels, const LanesPlane& plane) {
  const bool same = plane == plane_;
  images_ = images, channels_ = channels, plane_ = plane;
  if (same) return;
  place_.clear();
  for (int y = 0; y < plane.height; ++y) {
    for (int x = 0; x < plane.width; ++x) place_.push_back(y * plane.row + x);
  }
}

// Calls each(images, numbers, their place in a blob of Caffe's, place in lanes). Planes without zeros around lie one
// after the other as Caffe's do: all of a group at once.
template <class Each>
void LanesBlob::each_stretch(int images, const Each& each) const {
  const std::int64_t pixels = static_cast<std::int64_t>(place_.size()), image = channels_ * pixels;
  const std::int64_t stretches = plane_.vectors() == pixels ? 1 : channels_;
  const int groups = (images + lanes() - 1) / lanes();
  parallel(groups * stretches, kCopied / (image / stretches * lanes() + 1) + 1, [&](std::int64_t i, std::int64_t end) {
    for (; i < end; ++i) {
      const int group = static_cast<int>(i / stretches), channel = static_cast<int>(i % stretches);
      const std::int64_t at = std::int64_t(group) * lanes() * image + channel * pixels;
      const int of_group = std::min(lanes(), images - group * lanes());
      each(of_group, static_cast<int>(image / stretches), at, maps(group, channel).first);
    }
  });
}

void LanesBlob::take(const float* blob, int images) {
  const std::int32_t* place = plane_.vectors() == plane_.height * plane_.width ? nullptr : place_.data();
  each_stretch(images, [&](int of_group, int numbers, std::int64_t at, float* to) {
    to_lanes(blob + at, image_floats(), of_group, numbers, place, to);
  });
}

void LanesBlob::give(float* blob) const {
  const std::int32_t* place = plane_.vectors() == plane_.height * plane_.width ? nullptr : place_.data();
  each_stretch(images_, [&](int of_group, int numbers, std::int64_t at, const float* from) {
    from_lanes(from, of_group, numbers, place, blob + at, image_floats());
  });
}

}  // namespace fastcaffe
