// A blob with one image a lane of a vector, as layers hand it on that keep lanes (lanes_kept.h): groups of images, in
// each its channels, of each a plane of vectors with zeros around where its reader wants padding.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "lanes_kernels.h"

namespace fastcaffe {

// Counted in vectors.
struct LanesPlane {
  int height, width;  // of what is in it
  int above, left;    // zeros before
  int rows, row;      // how many rows there are with the zeros, and from one to the next
  int behind;         // zeros behind the last row

  static LanesPlane bare(int height, int width) { return {height, width, 0, 0, height, width, 0}; }
  int vectors() const { return rows * row + behind; }
  int first() const { return above * row + left; }
  bool operator==(const LanesPlane& o) const {
    return height == o.height && width == o.width && above == o.above && left == o.left && rows == o.rows &&
           row == o.row && behind == o.behind;
  }
};

// One channel of some groups of images: its first number, floats from one group to the next, vectors from row to row.
struct LanesMaps {
  float* first;
  std::int64_t group;
  int row;

  float* of(int number) const { return first + number * group; }
};

void copy_maps(const LanesMaps& from, int height, int width, int groups, const LanesMaps& to);

class LanesBlob {
 public:
  LanesBlob() = default;
  LanesBlob(LanesBlob&&) = default;  // and is not copied

  // Makes room; a shape that it had not just before begins as zeros, and around the planes they stay.
  void shape(int images, int channels, const LanesPlane& plane);
  // The same in memory that is lent for a while, so many floats: only what is around the planes becomes zeros.
  void lie_in(float* memory, int images, int channels, const LanesPlane& plane);
  static std::int64_t floats(int images, int channels, const LanesPlane& plane);

  int images() const { return images_; }
  int channels() const { return channels_; }
  const LanesPlane& plane() const { return plane_; }
  int groups() const { return (images_ + lanes() - 1) / lanes(); }
  std::int64_t group_floats() const { return std::int64_t(channels_) * plane_.vectors() * lanes(); }

  // A group's first plane, the zeros before it counted.
  float* begin(int group) const { return floats_.get() + group * group_floats(); }
  LanesMaps maps(int group, int channel) const {
    const std::int64_t vector = std::int64_t(channel) * plane_.vectors() + plane_.first();
    return {begin(group) + vector * lanes(), group_floats(), plane_.row};
  }

  // From and to Caffe's layout. `images`: so many from the first on.
  void take(const float* blob) { take(blob, images_); }
  void take(const float* blob, int images);
  void give(float* blob) const;

 private:
  void become(int images, int channels, const LanesPlane& plane);
  std::int64_t image_floats() const { return channels_ * static_cast<std::int64_t>(place_.size()); }
  template <class Each>
  void each_stretch(int images, const Each& each) const;

  int images_ = 0, channels_ = 0;
  LanesPlane plane_ = LanesPlane::bare(0, 0);
  std::vector<std::int32_t> place_;  // of a plane's numbers
  std::int64_t room_ = 0;
  std::shared_ptr<float> floats_;
};

}  // namespace fastcaffe
