"""Build real BVLC Caffe 1.0 (99bd997), CPU only, as a relocatable pycaffe wheel; prints the wheel's path.

    python third_party/caffe/build.py --python PYTHON              builds, or finds in the cache
    python third_party/caffe/build.py --python PYTHON --print-key  only prints the cache key and the path

CAFFE_SRC=folder builds that source tree instead of downloading one. The cache is below
${XDG_CACHE_HOME:-~/.cache}/cavefish/caffe. Exit status: 2 for what the user must mend, 1 for our fault.
"""

from __future__ import annotations

import argparse
import errno
import json
import os
import platform
import shutil
import signal
import subprocess
import sys
import tempfile
from pathlib import Path
from types import FrameType

from apt_sources import release_codename
from compilation import STAGES, Build, Interpreter
from debian_packages import require_release
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

USERS_ERRNO = (errno.ENOSPC, errno.EDQUOT, errno.EACCES, errno.EPERM, errno.EROFS)
RECIPE = Path(__file__).resolve().parent
QUESTIONS = """
import json, sys, sysconfig
try:
    import numpy
    headers = numpy.get_include() if int(numpy.__version__.split(".")[0]) >= 2 else None
except ImportError:
    headers = None
print(json.dumps({
    "version": "%d.%d" % sys.version_info[:2],
    "implementation": sys.implementation.name,
    "platform": sysconfig.get_platform(),
    "include": sysconfig.get_paths()["include"],
    "numpy": headers,
}))
"""


def ask_interpreter(path: str) -> Interpreter:
    """Run an interpreter and let it tell about itself."""
    try:
        answer = subprocess.run([path, "-c", QUESTIONS], capture_output=True, text=True, check=True).stdout
        return Interpreter(path=path, **json.loads(answer))
    except (OSError, subprocess.CalledProcessError, ValueError) as error:
        raise UserError(f"'{path}' is not a Python that runs; give another one with --python.") from error


def require_python(python: Interpreter) -> None:
    """Debian's boost-python exists for one Python version."""
    if (python.implementation, python.version) != ("cpython", "3.11"):
        raise UserError(
            f"'{python.path}' is {python.implementation} {python.version}.\n"
            "Debian 12's boost-python is for 3.11 only: PYTHON=.../python3.11, or CAFFE_ROOT=your own build."
        )


def build(python: Interpreter, cache: Path, wheel: Path, own_source: str | None) -> None:
    """Build the wheel and put it into the cache; the lock is held."""
    require_release(release_codename())
    for name in remove_leftovers(cache):
        print(f"removed the leftover of an interrupted build: {name}", file=sys.stderr)
    log_path = cache / "build.log"
    work = Path(tempfile.mkdtemp(prefix=TEMPORARY, dir=cache))
    try:
        with log_path.open("w") as log, Stages(STAGES, log) as stages:
            put_in_place(Build(python, cache, work, stages).run(wheel.name, own_source), wheel)
            stages.begin(f"done: {wheel.stat().st_size / 1e6:.1f} MB")
    except (CommandFailed, subprocess.CalledProcessError) as error:
        end = f"the log ends with\n{last_lines(log_path)}\nall of it: {log_path}"
        raise CommandFailed(f"{error}; {end}") from error
    except UserError as error:
        raise UserError(f"{error}\nThe log: {log_path}") from error
    finally:
        shutil.rmtree(work, ignore_errors=True)


def find_or_build(python: Interpreter, print_key: bool) -> None:
    """Print the wheel's path, after building it if the cache has none; or only the key and the path."""
    own_source = os.environ.get("CAFFE_SRC") or None
    key = cache_key(RECIPE, python.version, platform.machine(), own_source)
    cache = cache_folder(os.environ)
    wheel = wheel_path(cache, key, python.tag, own_source)
    if print_key:
        print(key)
    elif not wheel.exists():
        with builder_lock(cache):
            if not wheel.exists():  # another builder may have made it meanwhile
                build(python, cache, wheel, own_source)
    print(wheel)


def interrupted(number: int, frame: FrameType | None) -> None:
    """End through every `finally`: make's children end, the temporary folder goes."""
    for other in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(other, signal.SIG_IGN)
    raise SystemExit(128 + number)


def main(arguments: list[str]) -> int:
    """Parse the command line, do it, and return the exit status."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "--python", default=sys.executable, help="the Python that will load Caffe (default: this)"
    )
    parser.add_argument(
        "--print-key", action="store_true", help="print the key and the wheel's path, build nothing"
    )
    options = parser.parse_args(arguments)
    os.environ["LC_ALL"] = "C"  # the tools' output is read
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        if signal.getsignal(number) != signal.SIG_IGN:  # nohup stays nohup
            signal.signal(number, interrupted)
    try:
        python = ask_interpreter(options.python)
        require_python(python)
        find_or_build(python, options.print_key)
        return 0
    except UserError as error:
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
