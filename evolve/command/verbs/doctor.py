"""`make doctor` says what is used, where it is, what is missing, and the remedy."""

import importlib.metadata
import importlib.util
import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from evolve import __version__
from evolve.base import caffe_messages, processors
from evolve.base.counted import counted
from evolve.base.errors import UserError
from evolve.command.arguments import Arguments

WHAT = "versions and paths of everything used, what is missing and the remedy"
ARGUMENTS = ""

_OK, _ABSENT, _MISSING, _WARNING = "ok     ", "absent ", "MISSING", "WARNING"
_Line = tuple[str, str]  # a mark, and what it is of
_PROGRAMS = {
    "g++": "to build Caffe and its fast layers: apt-get install g++",
    "make": "to build Caffe: apt-get install make",
    "apt-get": "to build Caffe: it is made of Debian's packages here; elsewhere CAFFE_WHEEL= or CAFFE_ROOT=",
}
_OPTIONAL = {
    "onnx": "`make onnx` installs it",
    "onnxruntime": "`make engine` installs it",
    "tensorrt": "for engines, where there is a GPU: `make engine TENSORRT=tensorrt` installs it",
    "tensorrt_rtx": "for engines, with or without a GPU: `make engine TENSORRT=rtx` installs it",
}


def run(arguments: Arguments) -> int:
    """Exit status 0, or 2 where something that a run needs is missing."""
    lines = [*_system(), *_libraries(), *_caffe(), *_programs(), *_data(), *_optional()]
    for mark, what in lines:
        print(mark, what)
    return 2 if any(mark == _MISSING for mark, _ in lines) else 0


def _system() -> Iterator[_Line]:
    from evolve.runs import load

    free = shutil.disk_usage(".").free / 1e9
    yield _OK, f"cavefish {__version__} in {Path(__file__).parents[3]}"
    yield _OK, f"Python {sys.version.split()[0]} at {sys.executable}; {_cores()}"
    remedy = "" if free > 1 else "; a run needs about 1"
    yield _MISSING if remedy else _OK, f"disk: {free:.0f} GB free here{remedy}"
    busy = load.busy_cores()
    yield (_WARNING, f"load: {warning}") if (warning := load.warning(busy)) else (_OK, f"load: {busy:.1f} cores busy")


def _cores() -> str:
    """How many there are to use, and why not all of them where a quota is what keeps the others."""
    quota, every = processors.quota(), processors.allowed()
    why = f", of {every} by a quota of {quota:g}" if quota is not None and quota < every else ""
    return counted(processors.usable(), "core") + why


def _libraries() -> Iterator[_Line]:
    for name in required():
        try:
            yield _OK, f"{name} {importlib.metadata.version(name)}"
        except importlib.metadata.PackageNotFoundError:
            yield _MISSING, f"{name}: `make` installs it into .venv"


def required() -> list[str]:
    """The distributions that setup.py says are needed, extras aside; our own where it is not installed."""
    try:
        requirements = importlib.metadata.requires("cavefish") or []
    except importlib.metadata.PackageNotFoundError:
        return ["cavefish"]
    names = (re.match(r"[\w.-]+", each) for each in requirements if "extra ==" not in each)
    return sorted(name[0] for name in names if name)


def _caffe() -> Iterator[_Line]:
    from evolve.runs import blas_kernels
    from evolve.training.caffe_process import CaffeProcess

    folder = caffe_messages.package()
    if folder is None:
        yield _MISSING, "Caffe: `make` builds it; or CAFFE_ROOT= your own build, CAFFE_SRC= a source tree"
        return
    with tempfile.TemporaryDirectory() as name:
        log = Path(name) / "log"
        try:
            with CaffeProcess(Path(name), log, Path(name) / "none") as caffe:
                versions, gpus = caffe.call("versions"), caffe.call("gpu")
        except UserError as error:
            yield _MISSING, f"Caffe at {folder} does not load: {error}; rebuild it for this Python"
            return
    yield _OK, f"Caffe {versions['caffe']} at {versions['caffe_path']}, {versions['layer_types']} layer types"
    yield _OK, f"BLAS: {versions['blas']}, kernels for {versions['core']}, {versions['blas_threads']} thread"
    if problem := blas_kernels.problem(versions["core"], os.environ):
        yield _WARNING, f"BLAS: {problem}"
    yield from _fast_layers(versions)
    yield _gpus(**gpus)


def _gpus(cuda: bool, driver: str, devices: list[str], libraries: str) -> _Line:
    there = f"{', '.join(devices)} ({driver})" if devices else f"none ({driver})"
    if not cuda:
        return _ABSENT, f"training on a GPU: this Caffe is for CPUs alone, `make setup GPU=1` builds one; here: {there}"
    if devices and libraries:
        return _ABSENT, f"training on a GPU: {there}, and no cuBLAS and cuRAND: {libraries}"
    return (_OK if devices else _ABSENT), f"training on a GPU, GPU=0: {there}"


def _fast_layers(versions: dict[str, str]) -> Iterator[_Line]:
    from evolve.runs import paths, threads

    if versions["layers"] != "fast":
        yield _ABSENT, f"fast layers, stock Caffe's instead: {versions.get('why', 'FAST=0')}"
        return
    share = threads.share(paths.runs() / "network" / "run")
    code = f"{versions['simd']}, oneDNN {versions['onednn']} ({versions['onednn_isa']})"
    yield _OK, f"fast layers: {code}; THREADS={share} for a run that starts now"
    yield _OK, f"fast layer types: {', '.join(versions['fast_types'])}; all others are stock Caffe's"


def _programs() -> Iterator[_Line]:
    for name, remedy in _PROGRAMS.items():
        path = shutil.which(name)
        yield (_OK, f"{name} at {path}") if path else (_ABSENT, f"{name}, {remedy}")
    if compiler := shutil.which("g++"):
        version = subprocess.run([compiler, "-dumpfullversion"], capture_output=True, text=True, check=False).stdout
        yield _OK, f"g++ {version.strip()}"


def _data() -> Iterator[_Line]:
    from evolve.runs import paths
    from evolve.settings import networks

    folder = os.environ.get("CAVEFISH_DATA", "")
    if folder:
        there = Path(folder).is_dir()
        remedy = "" if there else ": no such folder; name another, or unset it"
        yield _OK if there else _MISSING, f"CAVEFISH_DATA={folder}{remedy}"
    else:
        yield _ABSENT, "CAVEFISH_DATA: a folder of raw data sets; without it data/raw is looked in, then downloads"
    yield _OK, f"data sets in {paths.data()}, runs in {paths.runs()}, networks in {networks.root()}"


def _optional() -> Iterator[_Line]:
    for name, remedy in _OPTIONAL.items():
        if importlib.util.find_spec(name) is None:
            yield _ABSENT, f"{name}: {remedy}"
