// How work is shared out among threads, and the scratch memory of each.
#pragma once

#include <omp.h>

#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <new>

namespace fastcaffe {

// Calls work(first, last) so that together the calls cover 0..count, each thread taking one stretch of it. Fewer
// threads are used where a stretch would have less than `grain` items. Nothing may depend on where stretches end.
template <class Work>
void parallel(std::int64_t count, std::int64_t grain, const Work& work) {
  const std::int64_t threads =
      omp_in_parallel() ? 1 : std::max<std::int64_t>(1, std::min<std::int64_t>(omp_get_max_threads(), count / grain));
  if (threads == 1) {
    if (count > 0) work(std::int64_t(0), count);
    return;
  }
#pragma omp parallel for num_threads(threads) schedule(static, 1)
  for (std::int64_t i = 0; i < threads; ++i) work(count * i / threads, count * (i + 1) / threads);
}

// Memory that belongs to the calling thread until it asks again; aligned to 64 bytes, its contents undefined.
class Scratch {
 public:
  static float* floats(std::size_t count) { return static_cast<float*>(bytes(count * sizeof(float))); }

  static void* bytes(std::size_t count) {
    static thread_local Scratch mine;
    if (count > mine.size_) {
      std::free(mine.memory_);
      mine.size_ = 0;
      mine.memory_ = std::aligned_alloc(64, (count + 4095) / 4096 * 4096);
      if (!mine.memory_) throw std::bad_alloc();
      mine.size_ = (count + 4095) / 4096 * 4096;
    }
    return mine.memory_;
  }

 private:
  Scratch() = default;
  Scratch(const Scratch&) = delete;
  ~Scratch() { std::free(memory_); }

  void* memory_ = nullptr;
  std::size_t size_ = 0;
};

}  // namespace fastcaffe
