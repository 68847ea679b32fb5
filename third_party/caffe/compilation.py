"""One build of Caffe in one temporary folder: source, libraries, edits, upstream's Makefile, wheel."""

from __future__ import annotations

import os
import shutil
import subprocess
import tarfile
import time
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import debian_packages as debian
import wheel_file
from caffe_edits import apply_edits
from stages import CommandFailed, Stages, UserError, run

STAGES = 6
TOOLS = ("g++", "gcc", "make", "objdump", "strip")
BUILD_PRODUCTS = (".git", "build", ".build_*", "distribute", "*.so", "*.pyc", "*_pb2.py", "Makefile.config")
OPTIONS = """\
CPU_ONLY := 1
USE_OPENCV := 0
USE_LEVELDB := 0
USE_LMDB := 1
USE_HDF5 := 1
WITH_PYTHON_LAYER := 1
BLAS := open
BUILD_DIR := build
DISTRIBUTE_DIR := distribute
Q ?= @
"""


@dataclass(frozen=True)
class Interpreter:
    """What the build must know of the Python that will load Caffe."""

    path: str
    version: str
    implementation: str
    platform: str
    include: str
    numpy: str | None  # NumPy's headers if it is 2 or newer: these serve NumPy 1.23 and later alike

    @property
    def tag(self) -> str:
        """The wheel's compatibility tag."""
        python = "cp" + self.version.replace(".", "")
        return f"{python}-{python}-{self.platform.replace('-', '_').replace('.', '_')}"

    @property
    def has_headers(self) -> bool:
        """Whether Python.h is there (Debian's python3 has it in another package)."""
        return (Path(self.include) / "Python.h").exists()


def require_compiler() -> str:
    """The multiarch name of the machine (x86_64-linux-gnu); UserError if a build tool is missing."""
    if missing := [name for name in TOOLS if not shutil.which(name)]:
        raise UserError(
            f"{', '.join(missing)} not found: apt-get install g++ make\n"
            "or set CAFFE_ROOT to a Caffe that you built yourself."
        )
    return subprocess.check_output(["g++", "-print-multiarch"], text=True).strip()


def build_environment(sysroot: Path, libraries: Path) -> dict[str, str]:
    """What the compiler sees: no CXXFLAGS, MAKEFLAGS or CPATH of the caller's changes what is built."""
    kept = {name: os.environ[name] for name in ("HOME", "TMPDIR") if name in os.environ}
    path = f"{sysroot}/usr/bin:{os.environ.get('PATH', os.defpath)}"
    return {**kept, "PATH": path, "LD_LIBRARY_PATH": str(libraries), "LC_ALL": "C"}


class Build:
    """The stages of one build; everything is made below the folder `work`."""

    def __init__(self, python: Interpreter, cache: Path, work: Path, stages: Stages) -> None:
        self.python, self.stages, self.work = python, stages, work
        self.multiarch = require_compiler()
        self.downloads = cache / "downloads"
        self.apt = debian.PrivateApt(self.downloads / "apt", stages)
        self.source, self.sysroot = work / "source", work / "sysroot"
        self.libraries = self.sysroot / "usr/lib" / self.multiarch
        self.headers = self.sysroot / "usr/include"
        self.env = build_environment(self.sysroot, self.libraries)

    def run(self, wheel_name: str, own_source: str | None) -> Path:
        """All stages; returns the folder that holds the wheel."""
        self.get_source(own_source)
        self.get_libraries()
        self.edit()
        self.compile()
        return self.pack(wheel_name)

    def get_source(self, own_source: str | None) -> None:
        """Stage: the source tree, a copy of the user's own or Debian's tarball."""
        if own_source:
            self.stages.begin(f"source: a copy of {own_source}")
            unwanted = shutil.ignore_patterns(*BUILD_PRODUCTS)
            shutil.copytree(own_source, self.source, symlinks=True, ignore=unwanted)
            return
        self.stages.begin("source: BVLC Caffe 1.0 (99bd997)")
        with tarfile.open(debian.fetch_source(self.apt, self.downloads / "source")) as archive:
            if hasattr(tarfile, "data_filter"):
                archive.extractall(self.source, filter="data")
            else:  # an older Python; the tarball's hash is known
                archive.extractall(self.source)

    def get_libraries(self) -> None:
        """Stage: Debian's libraries, and Python's headers if the interpreter has none."""
        self.stages.begin("libraries: Debian's packages into a private folder")
        extra = () if self.python.has_headers else (f"libpython{self.python.version}-dev",)
        packages = debian.fetch_libraries(self.apt, self.downloads / "packages", (*debian.LIBRARIES, *extra))
        megabytes = sum(path.stat().st_size for path in packages) / 1e6
        self.stages.say(f"libraries: {len(packages)} packages, {megabytes:.0f} MB")
        debian.unpack(packages, self.sysroot, self.stages)

    def edit(self) -> None:
        """Stage: the edits, each told."""
        edits = apply_edits(self.source)
        self.stages.begin(f"edits: {sum(edits.values())} of {len(edits)} made")
        for text, made in edits.items():
            self.stages.say(f"  {'made' if made else 'not needed here'}: {text}")

    def compile(self) -> None:
        """Stage: upstream's Makefile makes libcaffe, _caffe.so and caffe_pb2.py."""
        (self.source / "Makefile.config").write_text(self.configuration())
        jobs = len(os.sched_getaffinity(0))
        cpp_files = (path for path in (self.source / "src/caffe").rglob("*.cpp") if "test" not in path.parts)
        total = 2 + sum(1 for _ in cpp_files)  # two more: caffe.pb.cc and _caffe.cpp
        self.stages.begin(f"compiling: {total} files, {jobs} at a time")
        each_line = compile_progress(self.stages, total, jobs)
        run(
            ["make", f"-j{jobs}", "WARNINGS=-w", "py"],
            self.stages.log,
            cwd=self.source,
            env=self.env,
            each_line=each_line,
        )

    def configuration(self) -> str:
        """Makefile.config: what upstream's Makefile asks its user to say."""
        python = self.python_headers()
        headers = [*self.header_roots(), *python, Path(self.numpy_headers())]
        folders = [*self.library_folders(), self.libraries / "hdf5/serial"]
        settings = {
            "BLAS_INCLUDE": self.header_roots()[0],
            "BLAS_LIB": self.library_folders()[1],
            # Not libpython: the interpreter that imports Caffe is already there, shared or static.
            "PYTHON_LIBRARIES": f"boost_python{self.python.version.replace('.', '')}",
            "PYTHON_INCLUDE": python[0],
            "PYTHON_LIB": self.libraries,
            "INCLUDE_DIRS": " ".join(map(str, headers)),
            "LIBRARY_DIRS": " ".join(map(str, folders)),
        }
        return OPTIONS + "".join(f"{name} := {value}\n" for name, value in settings.items())

    def python_headers(self) -> list[Path]:
        """Where Python.h is: the interpreter's own folder, else those of Debian's package."""
        own = [Path(self.python.include)]
        return (
            own if self.python.has_headers else [self.headers / f"python{self.python.version}", self.headers]
        )

    def header_roots(self) -> list[Path]:
        """The sysroot's include folders; the innermost come first."""
        triplet = self.headers / self.multiarch
        return [triplet / "openblas-pthread", self.headers / "hdf5/serial", triplet, self.headers]

    def library_folders(self) -> list[Path]:
        """Where the sysroot has its shared libraries."""
        return [self.libraries, self.libraries / "openblas-pthread"]

    def numpy_headers(self) -> str:
        """NumPy 2's headers: the interpreter's own, else those of a wheel that its pip fetches."""
        if self.python.numpy:
            return self.python.numpy
        folder = self.work / "numpy"
        options = ["--quiet", "--no-deps", "--only-binary=:all:", "--dest", str(folder)]
        try:
            run([self.python.path, "-m", "pip", "download", *options, "numpy>=2"], self.stages.log)
        except CommandFailed as error:
            raise UserError(
                "NumPy 2's headers are needed and pip cannot download them:\n"
                f"{self.python.path} -m pip install 'numpy>=2' when the package index can be reached."
            ) from error
        with zipfile.ZipFile(next(folder.glob("numpy-*.whl"))) as archive:
            archive.extractall(folder)
        return str(folder / "numpy/_core/include")

    def pack(self, wheel_name: str) -> Path:
        """Stage: the package made relocatable, then the wheel."""
        self.stages.begin("packing the wheel")
        package, result = self.work / "package" / "caffe", self.work / "result"
        result.mkdir()
        wheel_file.collect_package(self.source, package)
        wheel_file.collect_headers(
            self.source, self.header_roots(), self.python_headers(), package / "include"
        )
        wheel_file.bundle_libraries(package, self.library_folders())
        patchelf = wheel_file.Patchelf(self.sysroot / "usr/bin/patchelf", self.env, self.stages.log)
        wheel_file.replace_s3_libraries(package, patchelf, self.work)
        wheel_file.make_relocatable(package, patchelf)
        licences = wheel_file.licence_texts(self.source, self.sysroot)
        wheel_file.write_wheel(result / wheel_name, package, self.python.tag, licences)
        return result


def compile_progress(stages: Stages, total: int, jobs: int) -> Callable[[str], None]:
    """What to do with each line of make's output: count the files that it begins to compile."""
    begun, started = time.monotonic(), 0

    def count(line: str) -> None:
        nonlocal started
        if line.startswith(("CXX src/", "CXX .build", "CXX/LD -o python")):
            started += 1
            done = max(started - jobs, 0)
            left = (time.monotonic() - begun) / max(done, 1) * (total - done)
            estimate = f", about {left:.0f} s left" if done > 4 else ""
            stages.update(f"compiling: {started} of {total} files{estimate}")

    return count
