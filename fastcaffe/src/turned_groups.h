// Groups of images of a blob of Caffe's, turned around so that each is a lane of a vector, for the sparse passes of a
// convolution. A group meets the synapses (lanes_product.h) while it is near, and what comes of it is turned back map
// by map. By one thread groups go one after the other, several threads do all groups at a time. Sums depend neither on
// their number nor on how work is shared out.
#pragma once

#include <algorithm>
#include <vector>

#include "convolution_passes.h"
#include "lanes_product.h"
#include "threads.h"

namespace fastcaffe {

// What the way there and the way back have: a product that follows the weights, and where groups lie.
class TurnedGroups {
 public:
  static constexpr const char* kName = "sparse lanes";
  TurnedGroups(const ConvolutionShape& shape, const Pattern& pattern);

 protected:
  typedef LanesProduct::Rows Rows;

  // Lists of the synapses that exist now, and what these weigh, unless that is null.
  void list(const float* weights) const;
  void list_back(const float* weights) const;

  std::int64_t pixels_below() const { return s_.height * s_.width; }
  std::int64_t pixels() const { return s_.out_height * s_.out_width; }
  int images_in(int group) const {
    return static_cast<int>(std::min<std::int64_t>(lanes(), s_.images - group * lanes()));
  }
  // Where a group's map begins in a blob.
  std::int64_t at_below(int group, std::int64_t channel) const {
    return (std::int64_t(group) * lanes() * s_.channels + channel) * pixels_below();
  }
  std::int64_t at(int group, std::int64_t output) const {
    return (std::int64_t(group) * lanes() * s_.outputs + output) * pixels();
  }

  // Rows of an output that are done at a time: first..last of a map without zeros around. Room for them, and the whole
  // map to which they would belong.
  std::int64_t row_floats() const { return (bands_[0].last - bands_[0].first) * s_.out_width * lanes(); }
  LanesMaps rows_at(float* room, const Rows& rows) const {
    return {room - rows.first * s_.out_width * lanes(), 0, static_cast<int>(s_.out_width)};
  }

  // A loop over `tasks` that together multiply what so many groups meet.
  template <class Work>
  void share_out(std::int64_t tasks, int groups, const Work& work) const {
    const std::int64_t all = pattern_.synapses() * pixels() * groups * lanes();
    parallel(tasks, kMultiplied / (all / std::max<std::int64_t>(1, tasks) + 1) + 1,
             [&](std::int64_t task, std::int64_t end) {
               for (; task < end; ++task) work(task);
             });
  }

  const ConvolutionShape s_;
  const Pattern& pattern_;
  const int groups_, channels_, outputs_;
  mutable LanesProduct product_;  // its lists follow the weights
  const LanesPlane below_;
  std::vector<Rows> bands_;
  mutable std::vector<LanesBlob> in_;  // a group each

 private:
  mutable std::int64_t version_ = 0, version_back_ = 0;  // of the pattern, when lists were made
  mutable std::int64_t looks_ = 0;                       // when they were weighed
};

}  // namespace fastcaffe
