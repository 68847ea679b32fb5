"""One build of Caffe in one temporary folder: source, libraries, edits, upstream's Makefile, wheel."""

from __future__ import annotations

import os
import shutil
import subprocess
import tarfile
import time
import zipfile
from collections.abc import Callable
from functools import cached_property
from pathlib import Path

import boost_python
import cuda_edits
import cuda_toolkit
import debian_packages as debian
import gpu_tests
import object_cache
import processors
import wheel_file
from apt_sources import own_suites
from caffe_edits import EDITS, apply_edits
from caffe_source import fetch_source
from cuda_toolkit import Cuda
from interpreter import Interpreter
from stages import CommandFailed, Stages, UserError, run

TOOLS = ("g++", "gcc", "make", "objdump", "strip")
STAGES = 7
BUILD_PRODUCTS = (".git", "build", ".build_*", "distribute", "*.so", "*.pyc", "*_pb2.py", "Makefile.config")
ON_CPUS = "CPU_ONLY := 1\n"
OPTIONS = """\
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
# Of nvcc 13, without which Caffe's test of kernels does not find those that it tests; others do not know them.
VISIBLE_KERNELS = "-static-global-template-stub=false --device-entity-has-hidden-visibility=false"


def require_compiler() -> str:
    """The multiarch name of the machine (x86_64-linux-gnu); UserError if a build tool is missing."""
    if missing := [name for name in TOOLS if not shutil.which(name)]:
        raise UserError(
            f"{', '.join(missing)} not found: apt-get install g++ make\n"
            "or set CAFFE_WHEEL to a wheel that was built elsewhere, CAFFE_ROOT to a Caffe that you built yourself."
        )
    return subprocess.check_output(["g++", "-print-multiarch"], text=True).strip()


def build_environment(sysroot: Path, libraries: Path) -> dict[str, str]:
    """What the compiler sees: no CXXFLAGS, MAKEFLAGS or CPATH of the caller's changes what is built."""
    kept = {name: os.environ[name] for name in ("HOME", "TMPDIR") if name in os.environ}
    path = f"{sysroot}/usr/bin:{os.environ.get('PATH', os.defpath)}"
    return {**kept, "PATH": path, "LD_LIBRARY_PATH": str(libraries), "LC_ALL": "C"}


class Build:
    """The stages of one build; everything is made below the folder `work`."""

    def __init__(
        self,
        python: Interpreter,
        cache: Path,
        work: Path,
        stages: Stages,
        objects: Path | None,
        cuda: Cuda | None = None,
    ) -> None:
        """objects: where the cache has, or gets, what is the same for every Python; None for a source of one's own.

        cuda: what a Caffe with CUDA is compiled by; None for one for CPUs.
        """
        self.python, self.stages, self.work, self.cuda = python, stages, work, cuda
        self.multiarch = require_compiler()
        self.downloads, self.objects = cache / "downloads", objects
        self.source, self.sysroot = work / "source", work / "sysroot"
        self.libraries = self.sysroot / "usr/lib" / self.multiarch
        self.headers = self.sysroot / "usr/include"
        self.env = build_environment(self.sysroot, self.libraries)

    def run(self, wheel_name: str, own_source: str | None, tests: Path | None = None) -> Path:
        """All stages; returns the folder that holds the wheel. Caffe's tests for a GPU go into the folder `tests`."""
        self.get_source(own_source)
        self.get_libraries()
        self.get_boost_python()
        self.edit()
        self.compile()
        if tests:
            self.stages.begin(f"Caffe's own tests: {len(gpu_tests.NAMES)} programs")
            gpu_tests.make(self.source, tests, self.patchelf, self.make)
        return self.pack(wheel_name)

    def get_source(self, own_source: str | None) -> None:
        """Stage: the source tree, a copy of the user's own or Debian's tarball."""
        if own_source:
            self.stages.begin(f"source: a copy of {own_source}")
            unwanted = shutil.ignore_patterns(*BUILD_PRODUCTS)
            shutil.copytree(own_source, self.source, symlinks=True, ignore=unwanted)
            return
        self.stages.begin("source: BVLC Caffe 1.0 (99bd997)")
        with tarfile.open(fetch_source(self.downloads, self.stages)) as archive:
            if hasattr(tarfile, "data_filter"):
                archive.extractall(self.source, filter="data")
            else:  # an older Python; the tarball's hash is known
                archive.extractall(self.source)

    def get_libraries(self) -> None:
        """Stage: Debian's libraries, and Python's headers if the interpreter has none."""
        self.stages.begin("libraries: Debian's packages into a private folder")
        apt = debian.PrivateApt(self.downloads, "deb", debian.LIBRARY_RELEASE, self.stages)
        packages = debian.fetch_packages(apt, self.downloads / "packages", debian.LIBRARIES)
        if not self.python.has_headers:
            packages += self.get_headers()
        megabytes = sum(path.stat().st_size for path in packages) / 1e6
        self.stages.say(f"libraries: {len(packages)} packages, {megabytes:.0f} MB")
        debian.unpack(packages, self.sysroot, self.stages)

    def get_headers(self) -> list[Path]:
        """Python's headers, from the release that this machine's own Python is of."""
        name = f"libpython{self.python.version}-dev"
        suite = next(iter(own_suites()), debian.LIBRARY_RELEASE)
        try:
            apt = debian.PrivateApt(self.downloads, "deb", suite, self.stages)
            return debian.fetch_packages(apt, self.downloads / "packages", (name,))
        except UserError as error:
            raise UserError(f"{self.python.path} has no Python.h: install {name}\n{error}") from error

    def get_boost_python(self) -> None:
        """Stage: Boost.Python compiled, where Debian's is for another Python."""
        if not boost_python.is_needed(self.python):
            self.stages.begin("Boost.Python: Debian's")
            return
        self.stages.begin(f"Boost.Python: compiled for Python {self.python.version}")
        headers = [*self.python_headers(), *self.header_roots()]
        sources = boost_python.fetch_sources(self.downloads, self.work, self.stages)
        boost_python.compile_library(self.python, sources, headers, self.libraries, self.work, self.stages)

    def edit(self) -> None:
        """Stage: the edits, each told."""
        edits = apply_edits(self.source, (*EDITS, *cuda_edits.EDITS) if self.cuda else EDITS)
        if self.cuda:
            cuda_edits.add_files(self.source)
        self.stages.begin(f"edits: {sum(edits.values())} of {len(edits)} made")
        for text, made in edits.items():
            self.stages.say(f"  {'made' if made else 'not needed here'}: {text}")

    def compile(self) -> None:
        """Stage: upstream's Makefile makes libcaffe, _caffe.so and caffe_pb2.py, of objects that are there already."""
        (self.source / "Makefile.config").write_text(self.configuration())
        self.make("proto")
        there = object_cache.lay(self.objects, self.source) if self.objects else 0
        jobs = processors.usable()
        kinds = (".cpp", ".cu") if self.cuda else (".cpp",)
        files = (path for path in (self.source / "src/caffe").rglob("*.c*") if "test" not in path.parts)
        total = 2 + sum(path.suffix in kinds for path in files) - there  # two more: caffe.pb.cc and _caffe.cpp
        self.stages.begin(f"compiling: {total} files, {jobs} at a time")
        self.make(f"-j{jobs}", "py", each_line=compile_progress(self.stages, total, jobs))
        if self.objects and not there:
            object_cache.keep(self.objects, self.source, self.work)

    def make(self, *arguments: str, each_line: Callable[[str], None] | None = None) -> None:
        """Upstream's Makefile."""
        command = ["make", "WARNINGS=-w", *arguments]
        run(command, self.stages.log, cwd=self.source, env=self.env, each_line=each_line)

    def configuration(self) -> str:
        """Makefile.config: what upstream's Makefile asks its user to say."""
        python = self.python_headers()
        headers = [*self.header_roots(), *python, Path(self.numpy_headers())]
        folders = [*self.library_folders(), self.libraries / "hdf5/serial"]
        if self.cuda and (runtime := cuda_toolkit.runtime_folder(self.toolkit)):
            folders.append(runtime)
        settings = {
            "BLAS_INCLUDE": self.header_roots()[0],
            "BLAS_LIB": self.library_folders()[1],
            # Not libpython: the interpreter that imports Caffe is already there, shared or static.
            "PYTHON_LIBRARIES": f"boost_python{self.python.digits}",
            "PYTHON_INCLUDE": python[0],
            "PYTHON_LIB": self.libraries,
            "INCLUDE_DIRS": " ".join(map(str, headers)),
            "LIBRARY_DIRS": " ".join(map(str, folders)),
        }
        settings |= self.flags()
        return (OPTIONS if self.cuda else ON_CPUS + OPTIONS) + "".join(f"{k} := {v}\n" for k, v in settings.items())

    def flags(self) -> dict[str, str]:
        """Without the build's own folder in them, the same compiler makes the same libcaffe anywhere."""
        anywhere, of_boost = f"-ffile-prefix-map={self.work}=.", " ".join(boost_python.flags(self.python))
        if not self.cuda:
            return {"COMMON_FLAGS": f"{anywhere} {of_boost}"}
        # COMMON_FLAGS are nvcc's too, which hands on what it is told to.
        nvcc = f"-Xcompiler {anywhere} {VISIBLE_KERNELS if self.cuda.major >= 13 else ''}"
        return {
            "COMMON_FLAGS": of_boost,
            "CXXFLAGS": anywhere,
            "LINKFLAGS": anywhere,
            "NVCCFLAGS": nvcc,
            "CUDA_DIR": str(self.toolkit),
            "CUDA_ARCH": " ".join(self.cuda.flags()),
        }

    @cached_property
    def toolkit(self) -> Path:
        """CUDA's folder by a path that upstream's Makefile can take."""
        assert self.cuda
        folder = self.cuda.folder or cuda_toolkit.fetched(self.python, self.downloads, self.stages)
        return Path(self.linked("cuda", str(folder)))

    def python_headers(self) -> list[Path]:
        """Where Python.h is: the interpreter's own folder, else those of Debian's package."""
        own = [self.linked("python-headers", self.python.include)]
        return own if self.python.has_headers else [self.headers / f"python{self.python.version}", self.headers]

    def linked(self, name: str, folder: str) -> Path:
        """A folder of the user's by a path that upstream's Makefile can take, whatever its own path holds."""
        link = self.work / name
        if not link.is_symlink():
            link.symlink_to(folder)
        return link

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
            return str(self.linked("numpy-headers", self.python.numpy))
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

    @property
    def patchelf(self) -> wheel_file.Patchelf:
        """The sysroot's."""
        return wheel_file.Patchelf(self.sysroot / "usr/bin/patchelf", self.env, self.stages.log)

    def pack(self, wheel_name: str) -> Path:
        """Stage: the package made relocatable, then the wheel."""
        self.stages.begin("packing the wheel")
        package, result = self.work / "package" / "caffe", self.work / "result"
        result.mkdir()
        wheel_file.collect_package(self.source, package)
        wheel_file.collect_headers(self.source, self.header_roots(), self.python_headers(), package / "include")
        wheel_file.bundle_libraries(package, self.library_folders())
        wheel_file.replace_s3_libraries(package, self.patchelf, self.work)
        wheel_file.make_relocatable(package, self.patchelf, wheel_file.OF_PIP if self.cuda else "")
        licences = wheel_file.licence_texts(self.source, self.sysroot)
        wheel_file.write_wheel(result / wheel_name, package, self.python.tag, licences)
        return result


def compile_progress(stages: Stages, total: int, jobs: int) -> Callable[[str], None]:
    """What to do with each line of make's output: count the files that it begins to compile."""
    begun, started = time.monotonic(), 0

    def count(line: str) -> None:
        nonlocal started
        if line.startswith(("CXX src/", "CXX .build", "CXX/LD -o python", "NVCC src/")):
            started += 1
            done = max(started - jobs, 0)
            left = (time.monotonic() - begun) / max(done, 1) * (total - done)
            estimate = f", about {left:.0f} s left" if done > 4 else ""
            stages.update(f"compiling: {started} of {total} files{estimate}")

    return count
