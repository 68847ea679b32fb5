"""Build real BVLC Caffe 1.0 (99bd997), for CPUs or with CUDA, as a relocatable pycaffe wheel; prints the wheel's path.

    python third_party/caffe/build.py --python PYTHON              builds, or finds in the cache
    python third_party/caffe/build.py --python PYTHON --print-key  only prints the cache key and the path
    python third_party/caffe/build.py --python PYTHON --check      only says what would keep it from building
    python third_party/caffe/build.py --python PYTHON --out FOLDER puts the wheel there, if other systems can load it
    python third_party/caffe/build.py --python PYTHON --tests FOLDER  Caffe's own tests for a GPU too; with CAFFE_CUDA=

CAFFE_WHEEL=file or folder is taken instead of a build, CAFFE_SRC=folder built instead of a downloaded source tree,
CAFFE_CUDA=75-90 with CUDA for these compute capabilities, or `default`: this machine's, else 75-90-120. The cache is
below ${XDG_CACHE_HOME:-~/.cache}/cavefish/caffe. Exit status: 2 for what the user must mend, 1 for our fault.
"""

from __future__ import annotations

import argparse
import errno
import os
import platform
import re
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType

import cuda_toolkit
from compilation import ON_CPUS, OPTIONS, STAGES, Build, require_compiler
from cuda_toolkit import Cuda
from debian_packages import require_mirrors
from given_wheel import given_wheel
from interpreter import Interpreter, ask_interpreter, require_python
from object_cache import c_library, objects_folder
from stages import CommandFailed, Stages, UserError, last_lines
from wheel_cache import (
    TEMPORARY,
    builder_lock,
    cache_folder,
    cache_key,
    put_in_place,
    remove_leftovers,
    wheel_path,
)
from wheel_needs import needs_of

USERS_ERRNO = (errno.ENOSPC, errno.EDQUOT, errno.EACCES, errno.EPERM, errno.EROFS)
RECIPE = Path(__file__).resolve().parent


def build(
    python: Interpreter,
    cache: Path,
    wheel: Path,
    own_source: str | None,
    cuda: Cuda | None = None,
    tests: Path | None = None,
) -> None:
    """Build the wheel and put it into the cache; the lock is held."""
    require_mirrors()
    require_compiler()
    for name in remove_leftovers(cache):
        print(f"removed the leftover of an interrupted build: {name}", file=sys.stderr)
    log_path = cache / "build.log"
    temporary = Path(tempfile.mkdtemp(prefix=TEMPORARY, dir=cache))
    options = cuda.identity + OPTIONS if cuda else ON_CPUS + OPTIONS
    objects = None if own_source else objects_folder(cache, options)
    total = STAGES + (tests is not None)
    try:
        with log_path.open("w") as log, Stages(total, log) as stages, plain_path(temporary) as work:
            Build(python, cache, work, stages, objects, cuda).run(wheel.name, own_source, tests)
            put_in_place(temporary / "result", wheel)
            stages.begin(f"done: {wheel.stat().st_size / 1e6:.1f} MB")
    except (CommandFailed, subprocess.CalledProcessError) as error:
        end = f"the log ends with\n{last_lines(log_path)}\nall of it: {log_path}"
        raise CommandFailed(f"{error}; {end}") from error
    except UserError as error:
        raise UserError(f"{error}\nThe log: {log_path}") from error
    finally:
        shutil.rmtree(temporary, ignore_errors=True)


@contextmanager
def plain_path(folder: Path) -> Iterator[Path]:
    """`folder` by a path that upstream's Makefile can take: through a link where its own has blanks or the like."""
    if re.fullmatch(r"[\w.+/-]+", str(folder), re.ASCII):
        yield folder
        return
    with tempfile.TemporaryDirectory(prefix="cavefish-") as place:
        link = Path(place) / "build"
        link.symlink_to(folder)
        yield link


class Order:
    """One wheel to find or to build: for which Python and GPUs, of which source, and where the cache has it."""

    def __init__(self, python: Interpreter) -> None:
        self.python = python
        self.source = os.environ.get("CAFFE_SRC") or None
        self.cuda = cuda_toolkit.asked_for(os.environ)
        machine = f"{platform.machine()} {c_library()}" + (f" {self.cuda.identity}" if self.cuda else "")
        self.key = cache_key(RECIPE, python.version, machine, self.source)
        self.cache = cache_folder(os.environ)
        self.wheel = wheel_path(self.cache, self.key, python.tag, self.source, self.cuda.major if self.cuda else None)

    def fill(self, tests: Path | None = None) -> Path:
        """The wheel, built if the cache has none, or if Caffe's tests are wanted too."""
        if not self.wheel.exists() or tests:
            with builder_lock(self.cache):
                if not self.wheel.exists() or tests:  # another builder may have made it meanwhile
                    build(self.python, self.cache, self.wheel, self.source, self.cuda, tests)
        return self.wheel

    def obstacles(self) -> list[str]:
        """All that would keep this wheel from being built."""
        found = []
        for require in (require_compiler, require_mirrors) if not self.wheel.exists() else ():
            try:
                require()
            except UserError as error:
                found.append(str(error))
        return found


def put_out(wheel: Path, folder: Path) -> Path:
    """A copy of the wheel for other machines; UserError if it asks for more than they have."""
    needs = needs_of(wheel)
    if complaints := needs.complaints():
        raise UserError(
            "this wheel runs here, but not on every system of glibc 2.34 or newer; it needs\n  "
            + "\n  ".join(complaints)
            + f"\nBuild it on Debian 12 for those. The wheel: {wheel}"
        )
    folder.mkdir(parents=True, exist_ok=True)
    print(f"needs {needs}: for Debian 12, Ubuntu 22.04, Fedora 35, RHEL 9 and newer", file=sys.stderr)
    return Path(shutil.copy(wheel, folder))


def carry_out(options: argparse.Namespace) -> int:
    """Do what the command line asks; returns the exit status."""
    python = ask_interpreter(options.python)
    given = os.environ.get("CAFFE_WHEEL")
    if given and not options.out:
        wheel = given_wheel(given, python)
        print("" if options.check else wheel)
        return 0
    require_python(python)
    order = Order(python)
    if options.check:
        obstacles = order.obstacles()
        print("\n\n".join(obstacles))
        return 2 if obstacles else 0
    if options.print_key:
        print(f"{order.key}\n{order.wheel}")
    else:
        if options.tests and not order.cuda:
            raise UserError("--tests: Caffe's tests for a GPU are those of a Caffe with CUDA: CAFFE_CUDA=default")
        wheel = order.fill(options.tests and options.tests.resolve())
        print(put_out(wheel, options.out) if options.out else wheel)
    return 0


def interrupted(number: int, frame: FrameType | None) -> None:
    """End through every `finally`: make's children end, the temporary folder goes."""
    for other in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(other, signal.SIG_IGN)
    raise SystemExit(128 + number)


def main(arguments: list[str]) -> int:
    """Parse the command line, do it, and return the exit status."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--python", default=sys.executable, help="the Python that will load Caffe (default: this)")
    parser.add_argument("--print-key", action="store_true", help="print the key and the wheel's path, build nothing")
    parser.add_argument("--check", action="store_true", help="print what is missing, build nothing")
    parser.add_argument("--out", type=Path, help="a folder for a copy of the wheel, checked for other machines")
    parser.add_argument("--tests", type=Path, help="a folder for Caffe's own tests for a GPU, compiled as well")
    options = parser.parse_args(arguments)
    os.environ["LC_ALL"] = "C"  # the tools' output is read
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        if signal.getsignal(number) != signal.SIG_IGN:  # nohup stays nohup
            signal.signal(number, interrupted)
    try:
        return carry_out(options)
    except UserError as error:
        if options.check:
            print(error)
        else:
            print(f"third_party/caffe: {error}", file=sys.stderr)
        return 2
    except OSError as error:
        if error.errno not in USERS_ERRNO:
            raise
        print(f"third_party/caffe: {error}\nXDG_CACHE_HOME chooses another cache folder.", file=sys.stderr)
        return 2
    except CommandFailed as error:
        print(f"third_party/caffe: {error}", file=sys.stderr)
        return 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
