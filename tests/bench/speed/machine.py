"""Which machine and which code the figures come from."""

import ctypes
import os
import platform
import sys
from collections.abc import Mapping
from pathlib import Path

from evolve.base import processors
from tests.bench.speed.process import PACKAGES

_FLAGS = ("avx", "avx2", "fma", "avx512f", "avx512vl", "avx512_vnni", "avx512_bf16", "amx_tile")


def description(engines: Mapping[str, Mapping[str, str]]) -> list[str]:
    """Lines on processor, system and versions; `engines` is what each engine said of itself."""
    cpu = _cpuinfo(Path("/proc/cpuinfo").read_text() if Path("/proc/cpuinfo").exists() else "")
    flags = set(cpu.get("flags", "").split())
    return [
        f"processor: {cpu.get('model name', platform.machine())}, family {cpu.get('cpu family', '?')} "
        f"model {cpu.get('model', '?')}; {processors.usable()} cores may be used",
        "instruction sets: " + " ".join(flag for flag in _FLAGS if flag in flags),
        f"system: {platform.system()} {platform.release()}, Python {platform.python_version()}",
        "load average before: " + " ".join(f"{load:.2f}" for load in os.getloadavg()),
        *(f"{name}: " + ", ".join(f"{key} {value}" for key, value in said.items()) for name, said in engines.items()),
    ]


def openblas(caffe: str) -> dict[str, str]:
    """Configuration and core type of the OpenBLAS that the library `caffe` is linked with; empty without one."""
    library = ctypes.CDLL(caffe)
    if not hasattr(library, "openblas_get_corename"):
        return {}
    for name in ("openblas_get_config", "openblas_get_corename"):
        getattr(library, name).restype = ctypes.c_char_p
    version = library.openblas_get_config().decode().split()[1]
    return {"openblas": version, "openblas_core": library.openblas_get_corename().decode()}


def packages_missing() -> str:
    """What to do if PyTorch and the other engines are not there; empty if they are."""
    if (PACKAGES / "torch").exists():
        return ""
    return f"{PACKAGES}: no PyTorch there; run `make bench-speed`, which fetches it ({Path(sys.executable).name})"


def _cpuinfo(text: str) -> dict[str, str]:
    pairs = (line.split(":", 1) for line in text.split("\n\n")[0].splitlines() if ":" in line)
    return {name.strip(): value.strip() for name, value in pairs}
