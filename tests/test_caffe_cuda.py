"""The builder of a Caffe with CUDA, without building: toolkits, architectures, edits, options, names. No GPU."""

from __future__ import annotations

import ctypes
import importlib
import importlib.util
import os
import re
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
RECIPE = ROOT / "third_party/caffe"
sys.path.append(str(RECIPE))

compilation = importlib.import_module("compilation")
cuda_edits = importlib.import_module("cuda_edits")
cuda_toolkit = importlib.import_module("cuda_toolkit")
interpreter = importlib.import_module("interpreter")
stages = importlib.import_module("stages")
wheel_cache = importlib.import_module("wheel_cache")
wheel_file = importlib.import_module("wheel_file")

_SPEC = importlib.util.spec_from_file_location("set_up", ROOT / "third_party/environment.py")
assert _SPEC and _SPEC.loader
environment = importlib.util.module_from_spec(_SPEC)
_SPEC.loader.exec_module(environment)

NVCC = """#!/bin/sh
case $1 in
--version) echo 'Cuda compilation tools, release {version}, V{version}.88' ;;
--list-gpu-code) printf 'sm_75\\nsm_90\\nsm_90a\\nsm_100\\nsm_120\\n' ;;
--dryrun) echo '#$ TOP={top}/bin/..' >&2 ;;
esac
"""


def toolkit(folder: Path, version: str = "13.0") -> Path:
    """A folder that looks like CUDA's."""
    for name in ("bin/nvcc", "include/cuda_runtime.h", "include/crt/host_config.h", "lib/libcudart_static.a"):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(NVCC.format(version=version, top=folder))
    (folder / "bin/nvcc").chmod(0o755)
    return folder


@pytest.fixture
def bare(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    """A machine with neither nvcc nor GPU."""
    (tmp_path / "bin").mkdir()
    monkeypatch.setenv("PATH", f"{tmp_path}/bin")
    monkeypatch.setattr(cuda_toolkit, "USUAL", tmp_path / "usr-local-cuda")
    return {"PATH": f"{tmp_path}/bin"}


def test_nobody_asks_for_cuda_unless_he_does(bare: dict[str, str]) -> None:
    assert cuda_toolkit.asked_for(bare) is None and cuda_toolkit.asked_for({**bare, "CAFFE_CUDA": ""}) is None


def test_pypis_compiler_serves_where_there_is_none(bare: dict[str, str]) -> None:
    cuda = cuda_toolkit.asked_for({**bare, "CAFFE_CUDA": "default"})
    assert (cuda.folder, cuda.version, cuda.major, cuda.architectures) == (None, "13.0", 13, ("75", "90", "120"))
    assert cuda.flags() == [
        "-gencode arch=compute_75,code=sm_75", "-gencode arch=compute_90,code=sm_90",
        "-gencode arch=compute_120,code=sm_120", "-gencode arch=compute_120,code=compute_120",
    ]  # fmt: skip


def test_an_nvcc_that_is_a_script_leads_to_its_toolkit(bare: dict[str, str], tmp_path: Path) -> None:
    folder = toolkit(tmp_path / "cuda-12.6", "12.6")
    script = tmp_path / "bin/nvcc"
    script.write_text(f'#!/bin/sh\nexec {folder}/bin/nvcc "$@"\n')
    script.chmod(0o755)
    cuda = cuda_toolkit.asked_for({**bare, "CAFFE_CUDA": "90"})
    assert (cuda.folder, cuda.version, cuda.architectures) == (folder, "12.6", ("90",))


def test_the_machines_own_gpus_are_compiled_for(
    bare: dict[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    smi = tmp_path / "bin/nvidia-smi"
    smi.write_text("#!/bin/sh\nprintf '9.0\\n7.5\\n9.0\\n'\n")
    smi.chmod(0o755)
    assert cuda_toolkit.asked_for({**bare, "CAFFE_CUDA": "default"}).architectures == ("75", "90")
    assert cuda_toolkit.asked_for({**bare, "CAFFE_CUDA": "120"}).architectures == ("120",)


@pytest.mark.parametrize(
    ("given", "why"),
    [
        ("hopper", "CUDA_ARCH=hopper: expected compute capabilities like 75-90, of 7.5 and 9.0"),
        ("90-53", "CUDA_ARCH=90-53: CUDA 13.0 compiles for 75, 90, 100, 120, not for 53;\n"
                  "CUDA_HOME= another CUDA (12 for what is below 75)"),
    ],
)  # fmt: skip
def test_what_is_no_architecture(bare: dict[str, str], tmp_path: Path, given: str, why: str) -> None:
    folder = toolkit(tmp_path / "cuda")
    with pytest.raises(stages.UserError) as refused:
        cuda_toolkit.asked_for({**bare, "CUDA_HOME": str(folder), "CAFFE_CUDA": given})
    assert str(refused.value) == why


@pytest.mark.parametrize(
    ("missing", "why"),
    [
        ("bin/nvcc", "no bin/nvcc in it"),
        ("include/crt/host_config.h", "no include/crt/host_config.h in it"),
        ("lib/libcudart_static.a", "no libcudart_static.a in it"),
        ("", "CUDA 11.8, and Caffe compiles with 12 and 13"),
    ],
)
def test_a_bad_toolkit_is_told_and_how_to_get_one(bare: dict[str, str], tmp_path: Path, missing: str, why: str) -> None:
    folder = toolkit(tmp_path / "cuda", "11.8")
    if missing:
        (folder / missing).unlink()
    given = {**bare, "CUDA_HOME": str(folder), "CAFFE_CUDA": "default"}
    with pytest.raises(stages.UserError) as refused:
        cuda_toolkit.asked_for(given)
    assert str(refused.value) == f"CUDA_HOME='{folder}': {why}\n{cuda_toolkit.HOW_TO_GET}"
    del given["CUDA_HOME"]
    (tmp_path / "bin/nvcc").symlink_to(folder / "bin/nvcc")
    assert cuda_toolkit.asked_for(given).folder is None  # PyPI's instead


def test_without_nvcc_and_network_the_message_says_how_to_get_it(bare: dict[str, str], tmp_path: Path) -> None:
    python = interpreter.Interpreter("/bin/false", "3.11", "cpython", "linux-x86_64", "", None)
    with (tmp_path / "log").open("w") as log, stages.Stages(8, log) as told, pytest.raises(stages.UserError) as refused:
        cuda_toolkit.fetched(python, tmp_path / "downloads", told)
    words = str(refused.value)
    assert words.startswith("no nvcc here, and pip cannot download one.\nGPU=1 compiles with nvcc")
    assert "CUDA_HOME=" in words and "pip download nvidia-cuda-nvcc==13.0.* " in words and words.endswith("for CPUs.")


def test_pypis_compiler_is_unpacked_once(tmp_path: Path) -> None:
    wheel = tmp_path / "nvcc.whl"
    with zipfile.ZipFile(wheel, "w") as archive:
        archive.writestr("nvidia/cu13/bin/nvcc", NVCC)
    pip = tmp_path / "python"
    to_dest = f"mkdir -p $word && cp {wheel} $word"
    pip.write_text(f'#!/bin/sh\nfor word; do [ "$before" = --dest ] && {to_dest}; before=$word; done\n'
                   f"echo once >> {tmp_path}/calls\n")  # fmt: skip
    pip.chmod(0o755)
    python = interpreter.Interpreter(str(pip), "3.11", "cpython", "linux-x86_64", "", None)
    with (tmp_path / "log").open("w") as log, stages.Stages(8, log) as told:
        for _ in range(2):
            folder = cuda_toolkit.fetched(python, tmp_path / "downloads", told)
    assert os.access(folder / "bin/nvcc", os.X_OK) and (tmp_path / "calls").read_text() == "once\n"
    assert not (tmp_path / "downloads/cuda-13.0/wheels").exists()


# As they stand in Caffe at 99bd997.
PLACES = {
    "static_runtime": ("\tLIBRARY_DIRS += $(CUDA_LIB_DIR)\n\tLIBRARIES := cudart cublas curand\n",
                       "\tLIBRARY_DIRS += $(CUDA_LIB_DIR)\n\tLIBRARIES := cudart_static dl rt pthread\n"),
    "read_once": (
        "\t@ echo NVCC $<\n"
        "\t$(Q)$(CUDA_DIR)/bin/nvcc $(NVCCFLAGS) $(CUDA_ARCH) -M $< -o ${@:.o=.d} \\\n\t\t-odir $(@D)\n"
        "\t$(Q)$(CUDA_DIR)/bin/nvcc $(NVCCFLAGS) $(CUDA_ARCH) -c $< -o $@ 2> $@.$(WARNS_EXT) \\\n",
        "\t@ echo NVCC $<\n"
        "\t$(Q)$(CUDA_DIR)/bin/nvcc $(NVCCFLAGS) $(CUDA_ARCH) -c $< -o $@ 2> $@.$(WARNS_EXT) \\\n"),
    "late_headers": ("#include <cublas_v2.h>\n#include <cuda.h>\n#include <cuda_runtime.h>\n#include <curand.h>\n",
                     '#include "caffe/util/late_libraries.hpp"\n#include <cuda.h>\n#include <cuda_runtime.h>\n'),
    "late_handles_declared": (
        "  inline static cublasHandle_t cublas_handle() { return Get().cublas_handle_; }\n"
        "  inline static curandGenerator_t curand_generator() {\n    return Get().curand_generator_;\n  }\n"
        " protected:\n"
        "#ifndef CPU_ONLY\n  cublasHandle_t cublas_handle_;\n  curandGenerator_t curand_generator_;\n#endif\n"
        "  shared_ptr<RNG> random_generator_;\n  bool multiprocess_;\n private:\n",
        "  static cublasHandle_t cublas_handle();\n  static curandGenerator_t curand_generator();\n protected:\n"
        "  shared_ptr<RNG> random_generator_;\n  bool multiprocess_;\n"
        "#ifndef CPU_ONLY\n  cublasHandle_t cublas_handle_;\n  curandGenerator_t curand_generator_;\n"
        "  int64_t curand_seed_;  // below zero: none was set\n#endif\n private:\n"),
    "asked_attributes": (
        "void Caffe::DeviceQuery() {\n  cudaDeviceProp prop;\n  LOG << prop.clockRate << prop.deviceOverlap\n"
        "  << prop.kernelExecTimeoutEnabled;\n",
        cuda_edits.ATTRIBUTE + "void Caffe::DeviceQuery() {\n  cudaDeviceProp prop;\n"
        "  LOG << DeviceAttribute(cudaDevAttrClockRate, device) << prop.asyncEngineCount\n"
        "  << DeviceAttribute(cudaDevAttrKernelExecTimeout, device);\n"),
    "devices_of_gpu_mode": (
        "  CUDA_CHECK(cudaGetDevice(&device));\n  CUDA_CHECK(cudaSetDevice(device));\n",
        "  if (Caffe::mode() == Caffe::GPU) CUDA_CHECK(cudaGetDevice(&device));\n"
        "  if (mode == Caffe::GPU) CUDA_CHECK(cudaSetDevice(device));\n"),
}  # fmt: skip


@pytest.mark.parametrize("edit", PLACES)
def test_an_edit_changes_its_place_once(edit: str) -> None:
    before, after = PLACES[edit]
    change = getattr(cuda_edits, edit)
    assert change(before) == after and change(after) == after and change("another\n") == "another\n"


COMMON = """\
Caffe::Caffe()
    : random_generator_(), mode_(Caffe::CPU) { }
void Caffe::set_random_seed(const unsigned int seed) {
  // RNG seed
  of_cpu;
}
#else  // Normal GPU + CPU Caffe.
Caffe::Caffe()
    : cublas_handle_(NULL), curand_generator_(NULL), random_generator_(),
    mode_(Caffe::CPU) {
  if (cublasCreate(&cublas_handle_) != CUBLAS_STATUS_SUCCESS) {
    LOG(ERROR) << "Cannot create Cublas handle. Cublas won't be available.";
  }
}

void Caffe::set_random_seed(const unsigned int seed) {
  // Curand seed
  if (Get().curand_generator_) {
  } else {
  }
  // RNG seed
  of_both;
}

void Caffe::SetDevice(const int device_id) {
  destroy;
  CUBLAS_CHECK(cublasCreate(&Get().cublas_handle_));
  CURAND_CHECK(curandCreateGenerator(&Get().curand_generator_,
      CURAND_RNG_PSEUDO_DEFAULT));
}
"""


def test_handles_are_made_when_they_are_asked_for() -> None:
    edited = cuda_edits.late_handles(COMMON)
    assert cuda_edits.late_handles(edited) == edited
    of_cpu, of_gpu = edited.split("#else")
    assert of_cpu == COMMON.split("#else")[0]
    assert edited.count("cublasCreate(") == edited.count("curandCreateGenerator(") == 1
    assert "Cannot create" not in edited
    assert "cublas_handle_(NULL), curand_generator_(NULL), curand_seed_(-1) { }" in of_gpu
    assert "  // RNG seed\n  of_both;\n}" in of_gpu and "Get().curand_seed_ = seed;" in of_gpu
    assert of_gpu.endswith("  destroy;\n  Get().cublas_handle_ = NULL;\n  Get().curand_generator_ = NULL;\n}\n")


def test_all_edits_find_their_places_in_caffes_own_source() -> None:
    caffe_source = importlib.import_module("caffe_source")
    tarball = wheel_cache.cache_folder(os.environ) / "downloads/source" / caffe_source.TARBALL
    if not tarball.exists():
        pytest.skip("Caffe was not built here")
    names = sorted({edit.path for edit in cuda_edits.EDITS})
    done = subprocess.run(["tar", "-xOzf", str(tarball), "--wildcards", *(f"*{name}" for name in names)],
                          capture_output=True, text=True, errors="replace", check=True)  # fmt: skip
    for edit in cuda_edits.EDITS:
        assert edit.change(done.stdout) != done.stdout, edit.why


def test_our_files_go_where_the_makefile_looks(tmp_path: Path) -> None:
    for folder in cuda_edits.ADDED.values():
        (tmp_path / folder).mkdir(parents=True)
    cuda_edits.add_files(tmp_path)
    assert (tmp_path / "include/caffe/util/late_libraries.hpp").exists()
    assert (tmp_path / "src/caffe/util/late_libraries.cpp").exists()


def test_what_caffe_calls_of_both_libraries_is_declared_late() -> None:
    declared = (RECIPE / "cuda/late_libraries.hpp").read_text()
    called = set(re.findall(r"\b(?:cublas|curand)[A-Z]\w+(?=\()", " ".join(after for _, after in PLACES.values())))
    called |= set(re.findall(r"\b((?:cublas|curand)[A-Z]\w+)\(", cuda_edits.HANDLES))
    names = set(re.findall(r'inline \S.*? (c\w+)\("(?:c\w+?)(?:_v2)?"\);', declared))
    assert len(names) == 27 and called <= names


MAIN = """
#include "late_libraries.hpp"
#include <cstdio>
#include <cstring>
namespace caffe {
const char* const Cublas::file = "cublas";
const char* const Curand::file = "curand";
int looked;
cublasStatus_t gemm(cublasHandle_t, cublasOperation_t a, cublasOperation_t, int m, int n, int k, const float* alpha,
                    const float*, int, const float*, int, const float*, float* c, int) {
  *c = *alpha * (m + 10 * n + 100 * k + 1000 * a);
  return CUBLAS_STATUS_EXECUTION_FAILED;
}
void* late_function(const char* file, const char* name) {
  ++looked;
  return !std::strcmp(file, "cublas") && !std::strcmp(name, "cublasSgemm_v2") ? (void*)gemm : nullptr;
}
}
int main() {
  float alpha = 2, c = 0;
  caffe::cublasStatus_t last;
  for (int call = 0; call < 2; ++call)
    last = caffe::cublasSgemm(nullptr, caffe::CUBLAS_OP_T, caffe::CUBLAS_OP_N, 3, 4, 5, &alpha, 0, 1, 0, 1, &alpha,
                              &c, 1);
  std::printf("%d %g %d\\n", (int)last, c, caffe::looked);
}
"""


def test_a_late_function_is_looked_for_once_and_called_with_its_arguments(tmp_path: Path) -> None:
    (tmp_path / "main.cpp").write_text(MAIN)
    (tmp_path / "cuda_runtime.h").write_text("typedef struct CUstream_st* cudaStream_t;\n")
    program = tmp_path / "main"
    command = ["g++", "-std=c++17", f"-I{tmp_path}", f"-I{RECIPE}/cuda", str(tmp_path / "main.cpp"), "-o", str(program)]
    subprocess.run(command, check=True)
    assert subprocess.run([str(program)], capture_output=True, text=True).stdout == "13 3086 1\n"


def test_a_build_with_cuda_has_its_flags_and_the_cpus_has_none(
    bare: dict[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "Python.h").write_text("")
    python = interpreter.Interpreter("python", "3.11", "cpython", "linux-x86_64", str(tmp_path), str(tmp_path))
    monkeypatch.setenv("PATH", os.defpath)
    given = {**bare, "CUDA_HOME": str(toolkit(tmp_path / "cuda 13")), "CAFFE_CUDA": "75-90"}
    texts = []
    with (tmp_path / "log").open("w") as log, stages.Stages(8, log) as told:
        for name, cuda in (("cpu", None), ("gpu", cuda_toolkit.asked_for(given))):
            (tmp_path / name).mkdir()
            texts.append(compilation.Build(python, tmp_path, tmp_path / name, told, None, cuda).configuration())
    cpu, gpu = texts
    assert "CPU_ONLY := 1\n" in cpu and "CUDA" not in cpu and "NVCC" not in cpu
    assert "CPU_ONLY" not in gpu and f"CUDA_DIR := {tmp_path}/gpu/cuda\n" in gpu and "cuda 13" not in gpu
    assert "code=sm_75 -gencode arch=compute_90,code=sm_90 -gencode arch=compute_90,code=compute_90\n" in gpu
    # nvcc is told what to hand on; what g++ alone knows is not in the flags that both get.
    assert "COMMON_FLAGS := \n" in gpu and f"NVCCFLAGS := -Xcompiler -ffile-prefix-map={tmp_path}/gpu=. -static-" in gpu
    assert f"{tmp_path}/gpu/cuda/lib\n" in gpu


def test_the_two_caffes_lie_side_by_side_in_the_cache(bare: dict[str, str], tmp_path: Path) -> None:
    given = {**bare, "CUDA_HOME": str(toolkit(tmp_path / "cuda"))}
    identities = {cuda_toolkit.asked_for({**given, "CAFFE_CUDA": wanted}).identity for wanted in ("75", "90", "75-90")}
    identities.add(cuda_toolkit.asked_for({**bare, "CAFFE_CUDA": "90"}).identity)
    assert len(identities) == 4
    keys = {wheel_cache.cache_key(RECIPE, "3.11", f"x86_64 {each}", None) for each in identities}
    keys.add(wheel_cache.cache_key(RECIPE, "3.11", "x86_64", None))
    assert len(keys) == 5
    wheel = wheel_cache.wheel_path(tmp_path, "0123456789", "cp311", None, 13)
    assert wheel.name == "caffe-1.0+99bd997.cuda13.01234567-cp311.whl"
    assert "CPUs and NVIDIA GPUs" in wheel_file.metadata("1.0+99bd997.cuda13.01234567", "cp311-x", [])
    assert "CPU only" in wheel_file.metadata("1.0+99bd997.01234567", "cp311-x", [])


def test_cublas_is_installed_where_a_driver_is_and_it_is_not(monkeypatch: pytest.MonkeyPatch) -> None:
    there: set[str] = set()
    monkeypatch.setattr(environment, "loads", there.__contains__)
    wheel = "caffe-1.0+99bd997.cuda13.01234567-cp311-cp311-linux_x86_64.whl"
    assert environment.lacking_cuda_libraries(wheel) == ""  # no driver: it would not be used
    there.add("libcuda.so.1")
    assert environment.lacking_cuda_libraries(wheel) == "cuda13"
    assert environment.lacking_cuda_libraries(wheel.replace("cuda13", "cuda12")) == "cuda12"
    assert environment.lacking_cuda_libraries(wheel.replace(".cuda13", "")) == ""
    there.update(("libcublas.so.13", "libcurand.so.10"))
    assert environment.lacking_cuda_libraries(wheel) == ""
    monkeypatch.undo()
    assert environment.loads("libc.so.6") and not environment.loads("libnothing.so.1")
    assert ctypes.CDLL("libc.so.6")


@pytest.mark.parametrize("words", [["--print-key"], ["--check"]])
def test_a_bad_architecture_is_the_users_to_mend(words: list[str]) -> None:
    command = [sys.executable, str(RECIPE / "build.py"), "--python", sys.executable, *words]
    environment_ = {**os.environ, "CAFFE_CUDA": "9x", "CAFFE_WHEEL": ""}
    done = subprocess.run(command, env=environment_, capture_output=True, text=True)
    assert done.returncode == 2 and "CUDA_ARCH=9x: expected compute capabilities" in done.stdout + done.stderr


def test_caffes_tests_find_the_caffe_that_they_are_carried_with(tmp_path: Path) -> None:
    gpu_tests = importlib.import_module("gpu_tests")
    asked: list[tuple[str, ...]] = []

    def make(*programs: str) -> None:
        for program in programs:
            (tmp_path / program).parent.mkdir(parents=True, exist_ok=True)
            (tmp_path / program).write_text(program)

    made = gpu_tests.make(tmp_path, tmp_path / "out", lambda *words: asked.append(words), make)
    assert "test_im2col_kernel.testbin" in {path.name for path in made} and len(made) == len(gpu_tests.NAMES) == 19
    assert asked[0][:3] == ("--force-rpath", "--set-rpath", "$ORIGIN/../site/caffe:$ORIGIN/../caffe")


def test_the_cpus_caffe_has_no_tests_for_a_gpu(tmp_path: Path) -> None:
    command = [sys.executable, str(RECIPE / "build.py"), "--python", sys.executable, "--tests", str(tmp_path / "out")]
    surroundings = {**os.environ, "CAFFE_CUDA": "", "CAFFE_WHEEL": ""}
    done = subprocess.run(command, env=surroundings, capture_output=True, text=True)
    assert done.returncode == 2 and "those of a Caffe with CUDA: CAFFE_CUDA=default" in done.stderr
