// Compiled into libcaffe where that is built with CUDA, which looks beside itself for what pip installs.
#ifndef CPU_ONLY

#include <dlfcn.h>

#include "caffe/common.hpp"

#if CUDA_VERSION >= 13000
#define CUDA_MAJOR 13
#define OF_CUDA
#else
#define CUDA_MAJOR 12
#define OF_CUDA "-cu12"
#endif

namespace caffe {

const char* const Cublas::file = "libcublas.so." AS_STRING(CUDA_MAJOR);
const char* const Curand::file = "libcurand.so.10";

void* late_function(const char* file, const char* name) {
  void* library = dlopen(file, RTLD_NOW | RTLD_LOCAL);  // counted, and opened once
  CHECK(library) << dlerror() << "; pip install nvidia-cublas" OF_CUDA " nvidia-curand" OF_CUDA;
  void* function = dlsym(library, name);
  CHECK(function) << dlerror();
  return function;
}

}  // namespace caffe

// "" where both can be had, else why not.
extern "C" const char* caffe_without_cuda_libraries() {
  for (const char* file : {caffe::Cublas::file, caffe::Curand::file}) {
    if (!dlopen(file, RTLD_NOW | RTLD_LOCAL)) return dlerror();
  }
  return "";
}

#endif  // CPU_ONLY
