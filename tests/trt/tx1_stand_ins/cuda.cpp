// Stands in for CUDA's runtime: the GPU's memory is this process's, and what was taken has to be given back.
#include "cuda_runtime_api.h"

#include <cstdlib>
#include <cstring>

extern "C" {
cudaError_t cudaMalloc(void** place, std::size_t bytes) {
  *place = std::malloc(bytes);
  return *place ? cudaSuccess : static_cast<cudaError_t>(2);
}

cudaError_t cudaMemcpy(void* target, const void* source, std::size_t bytes, cudaMemcpyKind) {
  std::memcpy(target, source, bytes);
  return cudaSuccess;
}

cudaError_t cudaFree(void* place) {
  std::free(place);
  return cudaSuccess;
}
}
