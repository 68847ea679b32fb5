// What leaders (BatchNorm, Eltwise) ask those that they may do along with their own work.
#pragma once

#include "channel_kernels.h"
#include "lanes_blob.h"
#include "neighbours.h"

namespace fastcaffe {

// A Split whose two gradients are still to be added.
class SplitFollower : public Follower {
 public:
  const float* diffs[2] = {nullptr, nullptr};  // of its tops, while it waits
};

// A ReLU without a slope.
class ReluFollower : public Follower {
 public:
  virtual bool cuts_to_zero() const = 0;
  SplitFollower* split() const { return next<SplitFollower>(); }
  // Whether its leader, an Eltwise, adds the gradients of a Split behind it as well.
  bool takes_split() const { return led() && led_by_sum; }
  bool led_by_sum = false;
};

// A Scale with one factor a channel.
class ScaleFollower : public Follower {
 public:
  virtual bool scales(const Pieces& pieces) const = 0;
  virtual const float* factors() const = 0;
  virtual const float* biases() const = 0;  // or null
  virtual void add_gradients(int channel, const Sums& sums) = 0;
  // Done in lanes (lanes_kept.h): a channel's sums in this backward pass; else null.
  virtual const Sums* lanes_sums(int channel) const = 0;
  ReluFollower* relu() const {
    ReluFollower* found = next<ReluFollower>();
    return found && found->cuts_to_zero() ? found : nullptr;
  }
};

// The BatchNorm before a Scale: where the numbers are that it has scaled.
class ScaleLeader : public Follower {
 public:
  virtual const float* normalised() const = 0;
  virtual const LanesBlob* lanes_normalised() const = 0;  // the same, where both are done in lanes
};

}  // namespace fastcaffe
