"""`make doctor`: versions and paths of everything used, what is missing, and the remedy."""

import importlib.metadata
import importlib.util
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from evolve import __version__
from evolve.base.errors import UserError
from evolve.runs import paths, threads
from evolve.training.caffe_process import CaffeProcess

_LIBRARIES = "numpy protobuf lmdb matplotlib rich filelock ml_dtypes scikit-learn".split()
_PROGRAMS = {
    "g++": "apt-get install g++",
    "make": "apt-get install make",
    "apt-get": "Caffe is built from Debian's packages here; elsewhere CAFFE_ROOT= your own build",
}


def report() -> tuple[list[str], bool]:
    """The lines to print, and whether everything that a run needs is there."""
    lines = [*_system(), *_libraries(), *_caffe(), *_programs(), *_data(), *_optional()]
    return [f"{mark} {what}" for mark, what in lines], all(mark != "MISSING" for mark, _ in lines)


def _system() -> Iterator[tuple[str, str]]:
    free = shutil.disk_usage(Path.cwd()).free / 1e9
    yield "ok     ", f"cavefish {__version__} in {Path(__file__).parents[1]}"
    yield "ok     ", f"Python {sys.version.split()[0]} at {sys.executable}; {threads.cores()} cores"
    remedy = "" if free > 1 else "; a run needs about 1"
    yield "MISSING" if remedy else "ok     ", f"disk: {free:.0f} GB free here{remedy}"


def _libraries() -> Iterator[tuple[str, str]]:
    for name in _LIBRARIES:
        try:
            yield "ok     ", f"{name} {importlib.metadata.version(name)}"
        except importlib.metadata.PackageNotFoundError:
            yield "MISSING", f"{name}: `make` installs it into .venv"


def _caffe() -> Iterator[tuple[str, str]]:
    package = importlib.util.find_spec("caffe")
    if package is None:
        yield "MISSING", "Caffe: `make` builds it; or CAFFE_ROOT= your own build, CAFFE_SRC= a source tree"
        return
    with tempfile.TemporaryDirectory() as name:
        log = Path(name) / "log"
        try:
            with CaffeProcess(Path(name), log, Path(name) / "none") as caffe:
                found = caffe.call("versions")
        except UserError as error:
            yield "MISSING", f"Caffe at {package.origin} does not load: {error}; rebuild it for this Python"
            return
    yield "ok     ", f"Caffe {found['caffe']} at {found['caffe_path']}, {found['layer_types']} layer types"
    yield "ok     ", f"BLAS: {found['blas']}, kernels for {found['core']}, {found['blas_threads']} thread"
    if found["layers"] == "fast":
        share = threads.share(paths.runs() / "network" / "run")
        code = f"{found['simd']}, oneDNN {found['onednn']} ({found['onednn_isa']})"
        yield "ok     ", f"fast layers: {code}; THREADS={share} for a run that starts now"
        yield "ok     ", f"fast layer types: {', '.join(found['fast_types'])}; all others are stock Caffe's"
    else:
        yield "absent ", f"fast layers, stock Caffe's instead: {found.get('why', 'FAST=0')}"


def _programs() -> Iterator[tuple[str, str]]:
    for name, remedy in _PROGRAMS.items():
        path = shutil.which(name)
        yield ("ok     ", f"{name} at {path}") if path else ("absent ", f"{name}, to build Caffe: {remedy}")
    if compiler := shutil.which("g++"):
        version = subprocess.run([compiler, "-dumpfullversion"], capture_output=True, text=True, check=False).stdout
        yield "ok     ", f"g++ {version.strip()}"


def _data() -> Iterator[tuple[str, str]]:
    folder = os.environ.get("CAVEFISH_DATA", "")
    if folder:
        there = Path(folder).is_dir()
        remedy = "" if there else ": no such folder; name another, or unset it"
        yield "ok     " if there else "MISSING", f"CAVEFISH_DATA={folder}{remedy}"
    else:
        yield "absent ", "CAVEFISH_DATA: a folder of raw data sets; without it data/raw is looked in, then downloads"
    yield "ok     ", f"data sets in {paths.data()}, runs in {paths.runs()}, networks in {paths.prototxt_root()}"


def _optional() -> Iterator[tuple[str, str]]:
    for name, remedy in {
        "onnx": "`make onnx` installs it",
        "onnxruntime": "`make engine` installs it",
        "tensorrt": "for engines, where there is a GPU: `make engine TENSORRT=tensorrt` installs it",
        "tensorrt_rtx": "for engines, with or without a GPU: `make engine TENSORRT=rtx` installs it",
    }.items():
        if importlib.util.find_spec(name) is None:
            yield "absent ", f"{name}: {remedy}"
