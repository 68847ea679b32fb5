// cuBLAS and cuRAND, looked for when the first of their functions is called: where nobody computes on a GPU, nothing of
// them has to be there, and Caffe is compiled without their headers, which come with 600 MB of libraries.
//
// What Caffe calls, with the values and the order of arguments of NVIDIA's cublas_v2.h and curand.h (CUDA 12 and 13).
#ifndef CAFFE_UTIL_LATE_LIBRARIES_HPP_
#define CAFFE_UTIL_LATE_LIBRARIES_HPP_

#include <cuda_runtime.h>

#include <atomic>
#include <cstddef>

namespace caffe {

struct Cublas { static const char* const file; };
struct Curand { static const char* const file; };

// The address of a function; where it cannot be had, a failed check that says why, and what to install.
void* late_function(const char* file, const char* name);

template <typename Library, typename Function> class Late;

template <typename Library, typename Result, typename... Arguments>
class Late<Library, Result(Arguments...)> {
 public:
  explicit constexpr Late(const char* name) : name_(name), function_(nullptr) {}

  Result operator()(Arguments... arguments) {
    auto function = function_.load(std::memory_order_relaxed);
    if (!function) {
      function = reinterpret_cast<Result (*)(Arguments...)>(late_function(Library::file, name_));
      function_.store(function, std::memory_order_relaxed);
    }
    return function(arguments...);
  }

 private:
  const char* name_;
  std::atomic<Result (*)(Arguments...)> function_;
};

typedef struct cublasContext* cublasHandle_t;
enum cublasOperation_t { CUBLAS_OP_N = 0, CUBLAS_OP_T = 1 };
enum cublasStatus_t {
  CUBLAS_STATUS_SUCCESS = 0,
  CUBLAS_STATUS_NOT_INITIALIZED = 1,
  CUBLAS_STATUS_ALLOC_FAILED = 3,
  CUBLAS_STATUS_INVALID_VALUE = 7,
  CUBLAS_STATUS_ARCH_MISMATCH = 8,
  CUBLAS_STATUS_MAPPING_ERROR = 11,
  CUBLAS_STATUS_EXECUTION_FAILED = 13,
  CUBLAS_STATUS_INTERNAL_ERROR = 14,
  CUBLAS_STATUS_NOT_SUPPORTED = 15,
  CUBLAS_STATUS_LICENSE_ERROR = 16
};

typedef struct curandGenerator_st* curandGenerator_t;
enum curandRngType_t { CURAND_RNG_PSEUDO_DEFAULT = 100 };
enum curandStatus_t {
  CURAND_STATUS_SUCCESS = 0,
  CURAND_STATUS_VERSION_MISMATCH = 100,
  CURAND_STATUS_NOT_INITIALIZED = 101,
  CURAND_STATUS_ALLOCATION_FAILED = 102,
  CURAND_STATUS_TYPE_ERROR = 103,
  CURAND_STATUS_OUT_OF_RANGE = 104,
  CURAND_STATUS_LENGTH_NOT_MULTIPLE = 105,
  CURAND_STATUS_DOUBLE_PRECISION_REQUIRED = 106,
  CURAND_STATUS_LAUNCH_FAILURE = 201,
  CURAND_STATUS_PREEXISTING_FAILURE = 202,
  CURAND_STATUS_INITIALIZATION_FAILED = 203,
  CURAND_STATUS_ARCH_MISMATCH = 204,
  CURAND_STATUS_INTERNAL_ERROR = 999
};

template <typename... Arguments> using OfCublas = Late<Cublas, cublasStatus_t(Arguments...)>;
template <typename... Arguments> using OfHandle = OfCublas<cublasHandle_t, Arguments...>;
template <typename... Arguments> using OfCurand = Late<Curand, curandStatus_t(Arguments...)>;
template <typename... Arguments> using OfGenerator = OfCurand<curandGenerator_t, Arguments...>;

inline OfCublas<cublasHandle_t*> cublasCreate("cublasCreate_v2");
inline OfHandle<> cublasDestroy("cublasDestroy_v2");
inline OfHandle<cudaStream_t> cublasSetStream("cublasSetStream_v2");
inline OfHandle<cudaStream_t*> cublasGetStream("cublasGetStream_v2");

// m, n, k, alpha, A, lda, B, ldb, beta, C, ldc
template <typename T>
using Gemm = OfHandle<cublasOperation_t, cublasOperation_t, int, int, int, const T*, const T*, int, const T*, int,
                      const T*, T*, int>;
// m, n, alpha, A, lda, x, incx, beta, y, incy
template <typename T>
using Gemv = OfHandle<cublasOperation_t, int, int, const T*, const T*, int, const T*, int, const T*, T*, int>;
template <typename T> using Axpy = OfHandle<int, const T*, const T*, int, T*, int>;
template <typename T> using Scal = OfHandle<int, const T*, T*, int>;
template <typename T> using Dot = OfHandle<int, const T*, int, const T*, int, T*>;
template <typename T> using Asum = OfHandle<int, const T*, int, T*>;
template <typename T> using Copy = OfHandle<int, const T*, int, T*, int>;

inline Gemm<float> cublasSgemm("cublasSgemm_v2");
inline Gemm<double> cublasDgemm("cublasDgemm_v2");
inline Gemv<float> cublasSgemv("cublasSgemv_v2");
inline Gemv<double> cublasDgemv("cublasDgemv_v2");
inline Axpy<float> cublasSaxpy("cublasSaxpy_v2");
inline Axpy<double> cublasDaxpy("cublasDaxpy_v2");
inline Scal<float> cublasSscal("cublasSscal_v2");
inline Scal<double> cublasDscal("cublasDscal_v2");
inline Dot<float> cublasSdot("cublasSdot_v2");
inline Dot<double> cublasDdot("cublasDdot_v2");
inline Asum<float> cublasSasum("cublasSasum_v2");
inline Asum<double> cublasDasum("cublasDasum_v2");
inline Copy<float> cublasScopy("cublasScopy_v2");
inline Copy<double> cublasDcopy("cublasDcopy_v2");

inline OfCurand<curandGenerator_t*, curandRngType_t> curandCreateGenerator("curandCreateGenerator");
inline OfGenerator<> curandDestroyGenerator("curandDestroyGenerator");
inline OfGenerator<unsigned long long> curandSetPseudoRandomGeneratorSeed("curandSetPseudoRandomGeneratorSeed");
inline OfGenerator<unsigned long long> curandSetGeneratorOffset("curandSetGeneratorOffset");
inline OfGenerator<unsigned int*, std::size_t> curandGenerate("curandGenerate");
inline OfGenerator<float*, std::size_t> curandGenerateUniform("curandGenerateUniform");
inline OfGenerator<double*, std::size_t> curandGenerateUniformDouble("curandGenerateUniformDouble");
inline OfGenerator<float*, std::size_t, float, float> curandGenerateNormal("curandGenerateNormal");
inline OfGenerator<double*, std::size_t, double, double> curandGenerateNormalDouble("curandGenerateNormalDouble");

}  // namespace caffe

#endif  // CAFFE_UTIL_LATE_LIBRARIES_HPP_
