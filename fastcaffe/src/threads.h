// How work is shared out among threads, and the scratch memory of each.
#pragma once

#include <omp.h>

#include <algorithm>
#include <atomic>
#include <cstdint>
#include <cstdlib>
#include <new>
#ifdef __SANITIZE_THREAD__
#include <thread>
#include <vector>
#endif

namespace fastcaffe {

// Stretches of work that get a thread of their own have no fewer multiplications, or numbers that are read and written:
// some twenty microseconds, as to wake a thread that sleeps, and to wait for it, takes ten.
constexpr std::int64_t kMultiplied = 1 << 20, kCopied = 1 << 17;

// How many were asked for; 0: as many as OpenMP has from the start.
inline std::atomic<int>& threads_asked() {
  static std::atomic<int> number{0};
  return number;
}

// How many threads this one may use: what was asked for, whoever did. OpenMP, by which oneDNN goes as well, keeps a
// number for each thread, so this one is told if it has not heard yet.
inline int thread_count() {
  const int asked = threads_asked();
  if (asked && asked != omp_get_max_threads()) omp_set_num_threads(asked);
  return omp_get_max_threads();
}

// The smallest stretch, of which `grain` is the product's or the copy's share; tests set FASTCAFFE_GRAIN=1.
inline std::int64_t smallest_stretch(std::int64_t grain) {
  static const char* wish = std::getenv("FASTCAFFE_GRAIN");
  return std::max<std::int64_t>(1, wish ? std::atoll(wish) : grain);
}

// Calls work(first, last) so that together the calls cover 0..count, each thread taking one stretch of it. Fewer
// threads are used where a stretch would have less than `grain` items. Nothing may depend on where stretches end.
template <class Work>
void parallel(std::int64_t count, std::int64_t grain, const Work& work) {
  const std::int64_t stretches = std::min<std::int64_t>(thread_count(), count / smallest_stretch(grain));
  const std::int64_t threads = omp_in_parallel() ? 1 : std::max<std::int64_t>(1, stretches);
  if (threads == 1) {
    if (count > 0) work(std::int64_t(0), count);
    return;
  }
  const auto stretch = [&](std::int64_t i) { work(count * i / threads, count * (i + 1) / threads); };
#ifdef __SANITIZE_THREAD__
  // GCC's OpenMP library hides from this sanitizer who waits for whom.
  std::vector<std::thread> others;
  for (std::int64_t i = 1; i < threads; ++i) others.emplace_back(stretch, i);
  stretch(0);
  for (std::thread& other : others) other.join();
#else
#pragma omp parallel for num_threads(threads) schedule(static, 1)
  for (std::int64_t i = 0; i < threads; ++i) stretch(i);
#endif
}

// Memory that belongs to the calling thread until it asks for the same kind again; aligned to 64 bytes, its contents
// undefined. kShared is for what a thread prepares for others too, kOwn for what each of them needs meanwhile.
class Scratch {
 public:
  enum Kind { kShared, kOwn };

  static float* floats(std::size_t count, Kind kind = kOwn) {
    return static_cast<float*>(bytes(count * sizeof(float), kind));
  }

  static void* bytes(std::size_t count, Kind kind = kOwn) {
    static thread_local Scratch kinds[2];
    return kinds[kind].at_least(count);
  }

 private:
  Scratch() = default;
  Scratch(const Scratch&) = delete;
  ~Scratch() { std::free(memory_); }

  void* at_least(std::size_t count) {
#ifdef __SANITIZE_ADDRESS__
    const bool fits = count == size_;  // exactly, so that it sees who writes beyond the end
    const std::size_t size = count;
#else
    const bool fits = count <= size_;
    const std::size_t size = (count + 4095) / 4096 * 4096;
#endif
    if (!fits) {
      std::free(memory_);
      memory_ = nullptr;
      size_ = 0;
      if (posix_memalign(&memory_, 64, size)) throw std::bad_alloc();
      size_ = size;
    }
    return memory_;
  }

  void* memory_ = nullptr;
  std::size_t size_ = 0;
};

}  // namespace fastcaffe
