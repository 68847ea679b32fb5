// Layers that follow each other in a net, each of which alone reads what the one before it has written: the first may do
// the others' work on its way through memory. Only where the user has asked for it, or has promised that nobody reads
// blobs in between (promises.h), because these do not show then what Caffe would show there.
//
// Forward, the leader does all and marks its followers as done; backward, where followers come first, each waits, and
// the leader does all. Who they are is known from the order in which Caffe creates a net's layers.
#pragma once

#include <memory>

#include "layers.h"

namespace fastcaffe {

// A layer of which neighbours may be taken together.
class Neighbour {
 public:
  Neighbour();
  Neighbour(const Neighbour&) = delete;
  virtual ~Neighbour();

  const std::string& name() const { return name_; }
  // The next layer if it alone reads what this one writes, in place or not.
  Neighbour* reader() const { return next_; }
  const caffe::Blob<float>* blob() const { return blob_; }  // that works_on() has named

 protected:
  // The next layer, if both may be taken together, it is a T that works on the same blob, and nothing else reads or
  // writes that in between.
  template <class T>
  T* next() const {
    T* found = dynamic_cast<T*>(next_);
    return together_ && found && blob_ && blob_ == next_->blob_ ? found : nullptr;
  }
  template <class T>
  T* previous() const {
    T* found = dynamic_cast<T*>(previous_);
    return found && blob_ && blob_ == previous_->blob_ ? found : nullptr;
  }
  // To be told at every Reshape: the blob that the layer writes, or that a Split shows.
  void works_on(const caffe::Blob<float>* blob) { blob_ = blob; }

 private:
  friend class CreationOrder;
  std::string name_;
  bool together_ = false;
  const caffe::Blob<float>* blob_ = nullptr;
  Neighbour *next_ = nullptr, *previous_ = nullptr;
  std::shared_ptr<Neighbour*> self_;  // for as long as the layer lives
};

// One that a leader may do.
class Follower : public Neighbour {
 public:
  // Whether a leader has done it in this pass; asked once.
  bool take_done() {
    led_ = done_;
    done_ = false;
    return led_;
  }
  void set_done() { done_ = true; }
  // Whether its gradients wait for the leader; asked once.
  bool take_waiting() {
    const bool waiting = waits_;
    waits_ = false;
    return waiting;
  }

 protected:
  bool led() const { return led_; }  // in the last forward pass
  static const char* leader() { return "with its leader"; }
  void wait() { waits_ = true; }

 private:
  bool done_ = false, led_ = false, waits_ = false;
};

// Whether neighbours that are created from now on are taken together; at first what FASTCAFFE_TOGETHER=1 says. Those of
// training nets are too if nobody reads the blobs in between (promises.h).
void take_together(bool on);
bool taken_together();

// Replaces every creator in Caffe's registry by one that notes the order, and takes that back.
void note_creations();
void forget_creations();

// While it lives, layers that this thread creates are parts of another layer and no neighbours.
class CreatesParts {
 public:
  CreatesParts();
  ~CreatesParts();
};

}  // namespace fastcaffe
