"""A GPU computes where one is asked for, or nothing does: Caffe itself ends without a word where there is none.

`facts` is asked in Caffe's process by whoever wants one, before anything is trained; `begin` sets that process up.
"""

import ctypes
import tempfile
from dataclasses import replace
from pathlib import Path
from typing import Any

from evolve.base.errors import UserError
from evolve.base.machine import Machine
from evolve.training.caffe_process import CaffeProcess

# Of libcaffe, in builds with CUDA alone (util/math_functions.cu).
_ONLY_WITH_CUDA = "_ZN5caffe16caffe_gpu_memcpyEmPKvPv"
# Of Caffe as third_party/caffe builds it, which looks for them late: what keeps it from cuBLAS or cuRAND.
_WITHOUT_LIBRARIES = "caffe_without_cuda_libraries"
_INSTALL = "install NVIDIA's CUDA, or `.venv/bin/pip install nvidia-cublas nvidia-curand`"
_NAME = 256  # bytes of a device's


def of_solver(machine: Machine, solver: Any) -> Machine:
    """`machine`, on the device that a caffe_pb2.SolverParameter asks for by solver_mode, unless it has one already."""
    asks = solver.HasField("solver_mode") and solver.solver_mode == solver.GPU
    return replace(machine, gpu=int(solver.device_id)) if asks and machine.gpu is None else machine


def refuse(machine: Machine) -> None:
    """UserError where `machine` has a GPU that Caffe cannot have here."""
    if machine.gpu is None:
        return
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        # Computing on the CPU itself, to be asked about the GPUs that there are.
        with CaffeProcess(folder, folder / "log", folder, replace(machine, gpu=None)) as process:
            known = process.call("gpu")
    if why := missing(machine.gpu, **known):
        raise UserError(f"GPU={machine.gpu}: {why}")


def missing(device: int, cuda: bool, driver: str, devices: list[str], libraries: str) -> str:
    """What keeps Caffe from `device`, with the remedy; "" where nothing does."""
    otherwise = "or train on the CPU: no GPU=, and solver_mode: CPU"
    if not cuda:
        return f"expected a Caffe with CUDA, got one for CPUs alone; `make setup GPU=1` builds one, {otherwise}"
    if not devices:
        return f"expected a GPU, got none ({driver}); see whether nvidia-smi lists it, {otherwise}"
    if device >= len(devices):
        return f"expected a number below {len(devices)}, there are {', '.join(devices)}"
    return f"expected cuBLAS and cuRAND: {libraries}; {_INSTALL}, {otherwise}" if libraries else ""


def facts() -> dict[str, Any]:
    """Whether this process's Caffe has `cuda`, what the `driver` says, its `devices`' names, and why `libraries` are
    missing, "" where they are not. The task "gpu"."""
    import caffe

    library = ctypes.CDLL(caffe._caffe.__file__)
    driver, devices = _driver()
    return {
        "cuda": hasattr(library, _ONLY_WITH_CUDA), "driver": driver, "devices": devices, "libraries": _lacking(library),
    }  # fmt: skip


def _lacking(library: ctypes.CDLL) -> str:
    if not hasattr(library, _WITHOUT_LIBRARIES):
        return ""
    ask = getattr(library, _WITHOUT_LIBRARIES)
    ask.restype = ctypes.c_char_p
    return ask().decode(errors="replace")


def begin(machine: Machine) -> str:
    """Has Caffe compute on the machine's GPU from now on; its name, or "" where it has none."""
    if machine.gpu is None:
        return ""
    import caffe

    # Before any net or solver: blobs are allocated where the mode says.
    caffe.set_device(machine.gpu)
    caffe.set_mode_gpu()
    driver, devices = _driver()
    return f"{devices[machine.gpu]}, {driver}"


def _driver() -> tuple[str, list[str]]:
    """The version of CUDA that the driver has, or what keeps it from being asked, and the names of the devices."""
    try:
        cuda = ctypes.CDLL("libcuda.so.1")
    except OSError:
        return "no driver: libcuda.so.1 was not found", []
    if status := cuda.cuInit(0):
        return f"cuInit failed with status {status}", []
    version, count = ctypes.c_int(), ctypes.c_int()
    cuda.cuDriverGetVersion(ctypes.byref(version))
    cuda.cuDeviceGetCount(ctypes.byref(count))
    named = []
    for number in range(count.value):
        name = ctypes.create_string_buffer(_NAME)
        cuda.cuDeviceGetName(name, _NAME, number)
        named.append(name.value.decode(errors="replace"))
    return f"CUDA {version.value // 1000}.{version.value % 1000 // 10}", named
