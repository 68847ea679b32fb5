// Stands in for CUDA's runtime: the GPU's memory is this process's, and what was taken has to be given back.
#include <cstdlib>
#include <cstring>

// The three numbers of CUDA's own header that are asked for.
enum cudaError_t { cudaSuccess = 0 };
enum cudaMemcpyKind { cudaMemcpyHostToDevice = 1, cudaMemcpyDeviceToHost = 2 };

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
