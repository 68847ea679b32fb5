#include "large_pages.h"

#include <sys/mman.h>

#include <algorithm>
#include <cstdlib>
#include <mutex>
#include <new>

namespace fastcaffe {
namespace {

constexpr std::size_t kPage = 2 << 20;   // bytes
constexpr std::size_t kArea = 16 << 20;  // of addresses; pages that nobody touches are not there
constexpr std::size_t kAligned = 64;

std::size_t rounded(std::size_t bytes, std::size_t to) { return (bytes + to - 1) / to * to; }

// Some large pages, from which pieces are taken until there is no more.
class Area {
 public:
  explicit Area(std::size_t bytes) : mapped_(rounded(bytes, kPage) + kPage) {
    memory_ = mmap(nullptr, mapped_, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (memory_ == MAP_FAILED) throw std::bad_alloc();
    void* first = memory_;
    left_ = mapped_;
    std::align(kPage, bytes, first, left_);
    next_ = static_cast<char*>(first);
#ifdef MADV_HUGEPAGE
    madvise(first, left_ / kPage * kPage, MADV_HUGEPAGE);  // a wish: without them all is as ever, but slower
#endif
  }
  ~Area() { munmap(memory_, mapped_); }
  Area(const Area&) = delete;

  bool has(std::size_t bytes) const { return bytes <= left_; }
  float* take(std::size_t bytes) {
    char* piece = next_;
    next_ += bytes;
    left_ -= bytes;
    return reinterpret_cast<float*>(piece);
  }

 private:
  void* memory_;
  std::size_t mapped_, left_;
  char* next_;
};

}  // namespace

std::shared_ptr<float> large_pages(std::int64_t count) {
#ifdef __SANITIZE_ADDRESS__
  void* memory = nullptr;  // each piece by itself, so that it sees who writes beyond the end
  if (posix_memalign(&memory, kAligned, count * sizeof(float))) throw std::bad_alloc();
  return std::shared_ptr<float>(static_cast<float*>(memory), std::free);
#else
  const std::size_t bytes = rounded(count * sizeof(float), kAligned);
  static std::mutex one_at_a_time;
  static std::weak_ptr<Area> latest;
  const std::lock_guard<std::mutex> lock(one_at_a_time);
  std::shared_ptr<Area> area = latest.lock();
  if (!area || !area->has(bytes)) latest = area = std::make_shared<Area>(std::max(bytes, kArea));
  return std::shared_ptr<float>(area, area->take(bytes));
#endif
}

}  // namespace fastcaffe
