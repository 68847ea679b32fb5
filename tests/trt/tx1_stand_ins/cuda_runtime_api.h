// Declarations for compiling trt/tx1/bench.cpp, written for that: what it uses of CUDA's runtime. Not NVIDIA's header.
#pragma once
#include <cstddef>

enum cudaError_t { cudaSuccess = 0 };
enum cudaMemcpyKind { cudaMemcpyHostToDevice = 1 };

extern "C" {
cudaError_t cudaMalloc(void** place, std::size_t bytes);
cudaError_t cudaMemcpy(void* target, const void* source, std::size_t bytes, cudaMemcpyKind kind);
cudaError_t cudaFree(void* place);
}
