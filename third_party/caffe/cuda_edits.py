"""The edits of a Caffe with CUDA: for CUDA 13, and so that where no driver is, the same library computes on the CPU.

Three things of stock Caffe would keep it from that: threads ask CUDA for their device in CPU mode too, the handles of
cuBLAS and cuRAND are made with a thread's first use of Caffe, and both libraries are linked.
"""

from __future__ import annotations

import re
import shutil
from pathlib import Path

from caffe_edits import Edit

HERE = Path(__file__).resolve().parent / "cuda"
# Of ours, and where upstream's Makefile looks for its like.
ADDED = {"late_libraries.hpp": "include/caffe/util", "late_libraries.cpp": "src/caffe/util"}

HANDLES = """\
cublasHandle_t Caffe::cublas_handle() {
  if (!Get().cublas_handle_) CUBLAS_CHECK(cublasCreate(&Get().cublas_handle_));
  return Get().cublas_handle_;
}

curandGenerator_t Caffe::curand_generator() {
  if (!Get().curand_generator_) {
    CURAND_CHECK(curandCreateGenerator(&Get().curand_generator_, CURAND_RNG_PSEUDO_DEFAULT));
    CURAND_CHECK(curandSetPseudoRandomGeneratorSeed(Get().curand_generator_,
        Get().curand_seed_ < 0 ? cluster_seedgen() : Get().curand_seed_));
  }
  return Get().curand_generator_;
}

void Caffe::set_random_seed(const unsigned int seed) {
  Get().curand_seed_ = seed;
  if (Get().curand_generator_) {
    CURAND_CHECK(curandSetPseudoRandomGeneratorSeed(curand_generator(), seed));
    CURAND_CHECK(curandSetGeneratorOffset(curand_generator(), 0));
  }
  // RNG seed
"""
ATTRIBUTE = """\
static int DeviceAttribute(cudaDeviceAttr attribute, int device) {
  int value;
  CUDA_CHECK(cudaDeviceGetAttribute(&value, attribute, device));
  return value;
}

"""


def static_runtime(text: str) -> str:
    """CUDA's runtime is linked in, which asks for the driver when it is first called; cuBLAS and cuRAND are not."""
    return re.sub(r"^(\s*LIBRARIES := )cudart cublas curand$", r"\1cudart_static dl rt pthread", text, flags=re.M)


def read_once(text: str) -> str:
    """No first pass for the dependencies that make notes: this build is thrown away."""
    return re.sub(r"^\t.*/bin/nvcc .* -M .*\\\n\t+-odir .*\n", "", text, flags=re.M)


def late_headers(text: str) -> str:
    """Our declarations in place of those of cuBLAS and cuRAND."""
    text = text.replace("#include <cublas_v2.h>\n", '#include "caffe/util/late_libraries.hpp"\n')
    return text.replace("#include <curand.h>\n", "")


def late_handles_declared(text: str) -> str:
    """Handles are made by their getters, and are the last members: what was compiled with CPU_ONLY, as the fast layers
    are, finds the others where it expects them."""
    text = re.sub(
        r"  inline static (cublasHandle_t cublas_handle\(\)|curandGenerator_t curand_generator\(\)) \{[^}]*\}\n",
        r"  static \1;\n",
        text,
    )
    members = "#ifndef CPU_ONLY\n  cublasHandle_t cublas_handle_;\n  curandGenerator_t curand_generator_;\n#endif\n"
    if members not in text:
        return text
    later = members.replace("#endif", "  int64_t curand_seed_;  // below zero: none was set\n#endif")
    return text.replace(members, "").replace("  bool multiprocess_;\n", f"  bool multiprocess_;\n{later}")


def late_handles(text: str) -> str:
    """The getters, and nothing at a thread's first use of Caffe."""
    start, cpu_only, gpu = text.partition("#else  // Normal GPU + CPU Caffe.\n")
    if "Cannot create Cublas handle" not in gpu:
        return text
    gpu = re.sub(r"^    : cublas_handle_\(NULL\).*?\n\}\n", CONSTRUCTED, gpu, count=1, flags=re.M | re.S)
    gpu = re.sub(r"^void Caffe::set_random_seed\(.*?  // RNG seed\n", HANDLES, gpu, count=1, flags=re.M | re.S)
    destroyed = "  Get().cublas_handle_ = NULL;\n  Get().curand_generator_ = NULL;\n}\n"
    gpu = re.sub(r"^  CUBLAS_CHECK\(cublasCreate\(&Get.*?\n\}\n", destroyed, gpu, count=1, flags=re.M | re.S)
    return start + cpu_only + gpu


CONSTRUCTED = """\
    : random_generator_(), mode_(Caffe::CPU),
      solver_count_(1), solver_rank_(0), multiprocess_(false),
      cublas_handle_(NULL), curand_generator_(NULL), curand_seed_(-1) { }
"""


def asked_attributes(text: str) -> str:
    """CUDA 13's cudaDeviceProp has three fields less; CUDA 12 has both ways to ask."""
    asked = text.replace("prop.clockRate", "DeviceAttribute(cudaDevAttrClockRate, device)")
    asked = asked.replace("prop.deviceOverlap", "prop.asyncEngineCount")
    asked = asked.replace(
        "prop.kernelExecTimeoutEnabled", "DeviceAttribute(cudaDevAttrKernelExecTimeout, device)"
    )
    return asked if asked == text else asked.replace("void Caffe::DeviceQuery() {\n  cuda", ATTRIBUTE + QUERY)


QUERY = "void Caffe::DeviceQuery() {\n  cuda"


def devices_of_gpu_mode(text: str) -> str:
    """A new thread asks for its parent's device, and sets it, in GPU mode alone."""
    text = re.sub(r"^(  )(CUDA_CHECK\(cudaGetDevice)", r"\1if (Caffe::mode() == Caffe::GPU) \2", text, flags=re.M)
    return re.sub(r"^(  )(CUDA_CHECK\(cudaSetDevice)", r"\1if (mode == Caffe::GPU) \2", text, flags=re.M)


EDITS = (
    Edit("Makefile", "CUDA's runtime linked in, cuBLAS and cuRAND not linked", static_runtime),
    Edit("Makefile", "each .cu compiled in one pass", read_once),
    Edit("include/caffe/util/device_alternate.hpp", "cuBLAS and cuRAND looked for when called", late_headers),
    Edit("include/caffe/common.hpp", "their handles made when asked for", late_handles_declared),
    Edit("src/caffe/common.cpp", "their handles made when asked for", late_handles),
    Edit("src/caffe/common.cpp", "attributes of a device asked for (CUDA 13)", asked_attributes),
    Edit("src/caffe/internal_thread.cpp", "devices in GPU mode alone", devices_of_gpu_mode),
)


def add_files(source: Path) -> None:
    """Our own files into a source tree."""
    for name, folder in ADDED.items():
        shutil.copy(HERE / name, source / folder)
