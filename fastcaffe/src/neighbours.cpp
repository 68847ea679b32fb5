#include "neighbours.h"

#include <cstdlib>
#include <map>
#include <mutex>

#include "promises.h"

namespace fastcaffe {
namespace {

std::mutex& mutex() {
  static auto* one = new std::mutex;  // never destroyed: a layer may outlive this library's static objects
  return *one;
}

bool& together() {
  static bool on = std::getenv("FASTCAFFE_TOGETHER") != nullptr;
  return on;
}

std::map<std::string, Creator>& noted_creators() {
  static auto* creators = new std::map<std::string, Creator>;
  return *creators;
}

}  // namespace

// The layer that the thread has created last, and how deep it is inside of others.
class CreationOrder {
 public:
  static CreationOrder& of_thread() {
    static thread_local CreationOrder order;
    return order;
  }

  void created(const caffe::LayerParameter& parameter, Neighbour* layer) {
    if (depth_) return;
    const std::lock_guard<std::mutex> lock(mutex());
    const auto last = last_.lock();
    last_.reset();
    if (!layer) return;
    layer->name_ = parameter.name();
    layer->together_ = together() || (blobs_between_unread() && parameter.phase() == caffe::TRAIN);
    if (last && follows(parameter)) {
      (*last)->next_ = layer;
      layer->previous_ = *last;
    }
    if (parameter.top_size() != 1) return;
    last_ = layer->self_;
    last_top_ = parameter.top(0);
  }

  static void ended(Neighbour* layer) {
    const std::lock_guard<std::mutex> lock(mutex());
    layer->self_.reset();
    if (layer->next_) layer->next_->previous_ = nullptr;
    if (layer->previous_) layer->previous_->next_ = nullptr;
  }

  int depth_ = 0;

 private:
  // Whether this layer alone reads what the last one has written: only then have both the same name for it, as Caffe
  // puts a Split in between where there are several readers, or a loss. One that is to hand no gradients on has nobody
  // before it to do its way back.
  bool follows(const caffe::LayerParameter& parameter) const {
    const bool back = parameter.propagate_down_size() == 0 || parameter.propagate_down(0);
    return back && parameter.bottom_size() == 1 && parameter.bottom(0) == last_top_;
  }

  std::weak_ptr<Neighbour*> last_;
  std::string last_top_;
};

Neighbour::Neighbour() : self_(std::make_shared<Neighbour*>(this)) {}

Neighbour::~Neighbour() { CreationOrder::ended(this); }

namespace {

LayerPointer create_noted(const caffe::LayerParameter& parameter) {
  const LayerPointer layer = noted_creators().at(parameter.type())(parameter);
  CreationOrder::of_thread().created(parameter, dynamic_cast<Neighbour*>(layer.get()));
  return layer;
}

}  // namespace

CreatesParts::CreatesParts() { ++CreationOrder::of_thread().depth_; }
CreatesParts::~CreatesParts() { --CreationOrder::of_thread().depth_; }

void take_together(bool on) { together() = on; }
bool taken_together() { return together(); }

void note_creations() {
  for (auto& registered : caffe::LayerRegistry<float>::Registry()) {
    if (registered.second == create_noted) continue;
    noted_creators()[registered.first] = registered.second;
    registered.second = create_noted;
  }
}

void forget_creations() {
  auto& registry = caffe::LayerRegistry<float>::Registry();
  for (const auto& noted : noted_creators()) {
    if (registry[noted.first] == create_noted) registry[noted.first] = noted.second;
  }
}

}  // namespace fastcaffe
