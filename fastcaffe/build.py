"""Build the fast layers for one Caffe; prints the library's path, which the cache keeps.

    python fastcaffe/build.py --python PYTHON              for the Caffe that this Python imports
    python fastcaffe/build.py --python PYTHON --print-key  only prints the cache key and the path

FASTCAFFE_INCLUDE=folder:folder adds folders with headers (boost, glog, protobuf, gflags) that Caffe's include;
FASTCAFFE_CXXFLAGS more flags; DNNL_ROOT another oneDNN 3.x than PyPI's, or `none` for none. The cache is below
${XDG_CACHE_HOME:-~/.cache}/cavefish/fastcaffe. Exit status: 2 for what the user must mend, 1 for our fault.
"""

from __future__ import annotations

import argparse
import fcntl
import os
import platform
import shlex
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent))

from fastcaffe import processors  # noqa: E402
from fastcaffe.library import NAME, cache_folder, key, library_path, mapped_libraries  # noqa: E402
from fastcaffe.onednn_wheels import SONAME, CannotFetch, OneDnn, get_onednn  # noqa: E402

FLAGS = "-std=c++17 -O2 -fPIC -fopenmp -fno-math-errno -Wall -Wextra -Wno-psabi".split()
# Multiplications and additions are fused where nothing has to have Caffe's bits.
FUSED = (
    "lanes_kernels.cpp",
    "rows_kernels.cpp",
    "sparse_4x4_kernels.cpp",
    "sparse_dot_kernels.cpp",
    "sparse_gradients_kernels.cpp",
    "sparse_lanes_kernels.cpp",
    "sparse_rows_kernels.cpp",
    "winograd_products_kernels.cpp",
)
ONEDNN_SOURCES = ("onednn.cpp", "convolution_onednn.cpp", "convolution_pointwise.cpp")
MACHINE_FLAGS = {"x86_64": ["-march=x86-64-v2"]}
MAPS = "import caffe; print(caffe.__file__); print(open('/proc/self/maps').read())"
TEMPORARY = "building-"


class UserError(Exception):
    """Something that the user can mend. Exit status 2."""


class BuildFailed(Exception):
    """The compiler refused; its words are in the log. Exit status 1."""


class Caffe(NamedTuple):
    """The Caffe that a Python imports: its package and the libraries that it really loads."""

    package: Path
    libraries: dict[str, Path]

    def include_folders(self) -> list[Path]:
        """Where Caffe's headers and those of its libraries are; UserError if Caffe's are nowhere."""
        given = [Path(folder) for folder in os.environ.get("FASTCAFFE_INCLUDE", "").split(":") if folder]
        root = self.package.parent.parent  # of a source tree: CAFFE_ROOT/python/caffe
        candidates = [
            *given,
            self.package / "include",
            root / "include",
            root / ".build_release/src",
            root / "build/src",
        ]
        folders = [folder for folder in (*candidates, Path("/usr/include")) if folder.is_dir()]
        for header in ("caffe/layer_factory.hpp", "caffe/proto/caffe.pb.h"):
            if not any((folder / header).exists() for folder in folders):
                looked = ", ".join(map(str, folders))
                raise UserError(
                    f"{header} not found in {looked}\nFASTCAFFE_INCLUDE=folder:folder says where Caffe's headers are."
                )
        return [folder for folder in folders if folder != Path("/usr/include")]


def ask_python(python: str) -> Caffe:
    """Import Caffe in that Python and see which libraries it has loaded."""
    try:
        answer = subprocess.run([python, "-c", MAPS], stdin=subprocess.DEVNULL, capture_output=True, text=True)
    except OSError as error:
        raise UserError(f"'{python}' does not run ({error.strerror}); give another one with --python.") from error
    if answer.returncode:
        last = (answer.stderr.strip().splitlines() or ["no word"])[-1]
        raise UserError(f"'{python}' cannot import caffe: {last}")
    package, _, maps = answer.stdout.partition("\n")
    libraries = mapped_libraries(maps)
    if missing := [name for name in ("caffe", "glog", "protobuf") if name not in libraries]:
        raise UserError(f"the Caffe of '{python}' has no lib{missing[0]}.so of its own: it is linked statically.")
    return Caffe(Path(package).resolve().parent, libraries)


class Build:
    """One build in one temporary folder; every command and its output go to the log."""

    def __init__(self, caffe: Caffe, onednn: OneDnn | None, work: Path, log: Path) -> None:
        self.caffe, self.onednn, self.work, self.log = caffe, onednn, work, log

    def run(self) -> Path:
        """Compile and link; returns the folder that holds the library and what it needs beside it."""
        result = self.work / "result"
        result.mkdir()
        if self.onednn:
            link_or_copy(self.onednn.library.resolve(), result / SONAME)
            for text in self.onednn.licences:
                shutil.copy(text, result / f"oneDNN.{text.name}")
        sources = sorted((HERE / "src").glob("*.cpp"))
        if not self.onednn:
            sources = [path for path in sources if path.name not in ONEDNN_SOURCES]
        with ThreadPoolExecutor(processors.usable()) as pool:
            objects = list(pool.map(self.compile, sources))
        self.link(objects, result)
        return result

    def flags(self) -> list[str]:
        """What every source is compiled with."""
        includes = [flag for folder in self.caffe.include_folders() for flag in ("-isystem", str(folder))]
        onednn = [f"-DFASTCAFFE_ONEDNN={int(self.onednn is not None)}"]
        if self.onednn:
            onednn += ["-isystem", str(self.onednn.include)]
        own = shlex.split(os.environ.get("FASTCAFFE_CXXFLAGS", ""))
        return [*FLAGS, *MACHINE_FLAGS.get(platform.machine(), []), "-DCPU_ONLY", *onednn, *includes, *own]

    def compile(self, source: Path) -> Path:
        """One source file to one object file."""
        target = self.work / f"{source.stem}.o"
        contract = "-ffp-contract=fast" if source.name in FUSED else "-ffp-contract=off"
        self.command(["g++", "-c", contract, *self.flags(), str(source), "-o", str(target)])
        return target

    def link(self, objects: list[Path], result: Path) -> None:
        """The shared library. It needs Caffe's: a process that has imported Caffe has them already, and where it is
        preloaded they are looked for where they are now."""
        needed = [str(self.caffe.libraries[name]) for name in ("caffe", "glog", "protobuf")]
        if self.onednn:
            needed.append(str(result / SONAME))
        folders = sorted({str(path.parent) for path in self.caffe.libraries.values()})
        options = ["-Wl,-rpath,$ORIGIN", "-Wl,--no-undefined", "-Wl,--as-needed"]
        options += [f"-Wl,-rpath,{folder}" for folder in folders]
        own = shlex.split(os.environ.get("FASTCAFFE_CXXFLAGS", ""))
        command = ["g++", "-shared", "-fopenmp", *own, *map(str, objects), *needed, *options]
        self.command([*command, "-o", str(result / NAME)])

    def command(self, command: list[str]) -> None:
        """Run it, with no CPATH or LIBRARY_PATH of the caller's; BuildFailed unless its status is 0."""
        kept = {name: os.environ[name] for name in ("HOME", "PATH", "TMPDIR") if name in os.environ}
        done = subprocess.run(
            command,
            env={**kept, "LC_ALL": "C"},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        with self.log.open("a") as log:
            log.write(f"$ {shlex.join(command)}\n{done.stdout}")
        if done.returncode:
            errors = [line for line in done.stdout.splitlines() if "error" in line] or done.stdout.splitlines()
            raise BuildFailed("\n".join([*errors[:5], f"all of it: {self.log}"]))


def link_or_copy(file: Path, target: Path) -> None:
    """The same file under another name: oneDNN's 54 MB are on the disk once, however many libraries were built."""
    try:
        os.link(file, target)
    except OSError:
        shutil.copy(file, target)


@contextmanager
def builder_lock(cache: Path) -> Iterator[None]:
    """One builder at a time; the second waits."""
    cache.mkdir(parents=True, exist_ok=True)
    with (cache / "lock").open("a") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            print("another build of the fast layers is running; waiting for it", file=sys.stderr)
            fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def build(python: str, caffe: Caffe, library: Path) -> None:
    """Build the library and put its folder into the cache; the lock is held."""
    if not shutil.which("g++"):
        raise UserError("g++ not found: apt-get install g++")
    cache, begun = cache_folder(), time.monotonic()
    for leftover in cache.glob(f"{TEMPORARY}*"):  # of a build that was killed: the lock is ours
        shutil.rmtree(leftover, ignore_errors=True)
    log = cache / "build.log"
    log.write_text("")
    # Made within: a signal just after would leave it behind.
    work = cache / f"{TEMPORARY}{os.getpid()}"
    try:
        work.mkdir()
        onednn = get_onednn(python, cache / "downloads")
        print(f"fastcaffe: compiling{'' if onednn else ' without oneDNN'}", file=sys.stderr)
        made = Build(caffe, onednn, work, log).run()
        shutil.rmtree(library.parent, ignore_errors=True)
        made.rename(library.parent)
    finally:
        shutil.rmtree(work, ignore_errors=True)
    print(f"fastcaffe: done in {time.monotonic() - begun:.0f} s", file=sys.stderr)


def is_whole(library: Path) -> bool:
    """Whether it is there with oneDNN's beside it, if it needs that: whoever tidies up a cache takes large files."""
    if not library.exists():
        return False
    try:
        done = subprocess.run(["ldd", str(library)], stdin=subprocess.DEVNULL, capture_output=True, text=True)
    except OSError:  # a system without ldd does not tell
        return True
    return f"{SONAME} => not found" not in done.stdout


def main(arguments: list[str]) -> int:
    """Parse the command line, do it, and return the exit status."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--python", default=sys.executable, help="the Python that imports Caffe (default: this)")
    parser.add_argument("--print-key", action="store_true", help="print the key and the path, build nothing")
    options = parser.parse_args(arguments)
    try:
        caffe = ask_python(options.python)
        library = library_path(caffe.libraries["caffe"])
        if options.print_key:
            print(key(caffe.libraries["caffe"]))
        elif not is_whole(library):
            with builder_lock(cache_folder()):
                if not is_whole(library):  # another builder may have made it meanwhile
                    build(options.python, caffe, library)
        print(library)
        return 0
    except (UserError, CannotFetch, OSError) as error:
        print(f"fastcaffe: {error}", file=sys.stderr)
        return 2
    except BuildFailed as error:
        print(f"fastcaffe: {error}", file=sys.stderr)
        return 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
