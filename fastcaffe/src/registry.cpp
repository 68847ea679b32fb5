// Puts the fast layers into Caffe's layer registry and takes them out again; the library's C interface.

#include <cstdlib>
#include <cstring>
#include <map>
#include <sstream>

#include "lanes_kernels.h"
#include "layers.h"
#include "listing.h"
#include "neighbours.h"
#include "promises.h"
#include "simd.h"
#include "sparse_limits.h"
#include "staying_weights.h"
#include "threads.h"
#if FASTCAFFE_ONEDNN
#include "onednn.h"
#endif

namespace fastcaffe {
namespace {

struct Replacement {
  const char* type;
  Creator fast;
};

const Replacement kReplacements[] = {
    {"BatchNorm", create_batch_norm}, {"Convolution", create_convolution},
    {"Eltwise", create_eltwise},      {"InnerProduct", create_inner_product},
    {"LRN", create_lrn},              {"Pooling", create_pooling},
    {"ReLU", create_relu},            {"Scale", create_scale},
    {"Split", create_split},
};

// Caffe's own creators, from the moment that they are replaced.
std::map<std::string, Creator>& stock_creators() {
  static auto* creators = new std::map<std::string, Creator>;
  return *creators;
}

// Whether a comma-separated list names a type; no list names all.
bool named(const char* list, const char* type) {
  if (!list) return true;
  const std::string all = std::string(",") + list + ",";
  return all.find(std::string(",") + type + ",") != std::string::npos;
}

bool promised = false, promised_unread = false;

// The densities on which bits depend.
std::string limits() {
  std::ostringstream text;
  text << "sparse_below=" << kSparseBelow << "\nsparse_few_channels_below=" << kSparseFewChannelsBelow
       << "\nsparse_large_below=" << kSparseLargeBelow << "\nsparse_lanes_below=" << kSparseLanesBelow
       << "\nsparse_inner_product_below=" << kSparseInnerProductBelow
       << "\nsparse_few_images_below=" << kSparseFewImagesBelow << "\n";
  if (lanes() >= kLanesKept) text << "sparse_lanes_kept_below=" << kLanesKeptBelow << "\n";
  return text.str();
}

const char* kept(const std::string& text) {
  static thread_local std::string last;
  last = text;
  return last.c_str();
}

}  // namespace

bool absent_stays_absent() { return promised; }
bool blobs_between_unread() { return promised_unread; }

Creator stock_creator(const std::string& type) { return stock_creators().at(type); }

}  // namespace fastcaffe

extern "C" {

// Layers that are created from now on are fast ones, if they are of these types (comma-separated; null: all).
// Returns how many types that are.
int fastcaffe_enable(const char* types) {
  using namespace fastcaffe;
  forget_creations();
  auto& registry = caffe::LayerRegistry<float>::Registry();
  int count = 0;
  for (const Replacement& replacement : kReplacements) {
    const auto found = registry.find(replacement.type);
    if (found == registry.end() || !named(types, replacement.type)) continue;
    if (found->second != replacement.fast) stock_creators()[replacement.type] = found->second;
    found->second = replacement.fast;
    ++count;
  }
  if (taken_together() || promised_unread) note_creations();
  return count;
}

// Layers that are created from now on are Caffe's own; those that exist stay what they are.
void fastcaffe_disable() {
  fastcaffe::forget_creations();
  for (const auto& stock : fastcaffe::stock_creators()) {
    caffe::LayerRegistry<float>::Registry()[stock.first] = stock.second;
  }
}

// The types that can be replaced, separated by commas. Texts are valid until the thread asks for the next.
const char* fastcaffe_types() {
  std::string text;
  for (const auto& replacement : fastcaffe::kReplacements)
    text += (text.empty() ? "" : ",") + std::string(replacement.type);
  return fastcaffe::kept(text);
}

const char* fastcaffe_layers() { return fastcaffe::kept(fastcaffe::listing()); }

// "name=value" lines: what results depend on.
const char* fastcaffe_machine() {
  std::string text = std::string("simd=") + fastcaffe::simd_name() + "\n";
#if FASTCAFFE_ONEDNN
  text += "onednn=" + fastcaffe::onednn_version() + "\nonednn_isa=" + fastcaffe::onednn_isa() + "\n";
#else
  text += "onednn=none\nonednn_isa=none\n";
#endif
  if (fastcaffe::taken_together()) text += "together=1\n";
  return fastcaffe::kept(text + fastcaffe::limits() + "threads=" + std::to_string(fastcaffe::thread_count()) + "\n");
}

// Layers that are created from now on may leave out the gradients of weights that are zero, or (0) may not.
void fastcaffe_absent_stays_absent(int promised) { fastcaffe::promised = promised != 0; }

// Training nets that are made from now on may hand blobs on from layer to layer as they like, or (0) may not. Their
// layers have to know of each other, so every creation is noted.
void fastcaffe_blobs_between_unread(int promised) {
  fastcaffe::promised_unread = promised != 0;
  if (promised) {
    fastcaffe::note_creations();
  } else if (!fastcaffe::taken_together()) {
    fastcaffe::forget_creations();
  }
}

// Nobody writes these weights any more, or (0) may again; each is where a layer's begin. Returns the place of the first
// ones of which that is refused, because a layer for training has them, or -1.
int fastcaffe_weights_stay(const float* const* weights, int count, int promised) {
  return fastcaffe::StayingWeights::promise(weights, count, promised != 0);
}

// Whether layers that follow each other are done in one go, from the next fastcaffe_enable() on.
void fastcaffe_take_together(int on) { fastcaffe::take_together(on != 0); }

// For all threads of the process that run nets.
void fastcaffe_set_threads(int threads) { fastcaffe::threads_asked() = threads; }
}

namespace {

// For the `caffe` command, where nobody can call fastcaffe_enable: LD_PRELOAD of this library is enough. libcaffe,
// which this library needs, is initialised before it: the registry is there.
const bool kPreloaded = [] {
  const char* preloaded = std::getenv("LD_PRELOAD");
  return preloaded && std::strstr(preloaded, "libfastcaffe") && fastcaffe_enable(std::getenv("FASTCAFFE_TYPES"));
}();

}  // namespace
