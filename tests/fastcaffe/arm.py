"""Compiles the fast layers for 64-bit Arm, and runs their loops there beside plain ones.

    python tests/fastcaffe/arm.py [cases]          (300)

Run it with the Python that has Caffe: every source but oneDNN's is compiled with its headers, and a warning is an
error. It needs a cross compiler and an emulator: apt-get install g++-aarch64-linux-gnu qemu-user-static, or ARM_CXX and
ARM_EMULATOR say what to run instead. Exit status: 2 if they are not there, 1 if something is wrong.
"""

from __future__ import annotations

import os
import shlex
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from kernels import SOURCES, build_check, compile_source

from fastcaffe.build import ONEDNN_SOURCES, ask_python

COMPILER = shlex.split(os.environ.get("ARM_CXX", "aarch64-linux-gnu-g++"))
EMULATOR = shlex.split(os.environ.get("ARM_EMULATOR", "qemu-aarch64-static"))


def missing() -> list[str]:
    """Which of the two programs are not here."""
    return [command[0] for command in (COMPILER, EMULATOR) if not shutil.which(command[0])]


def compile_all(folder: Path) -> list[str]:
    """Compiles every source of the library; returns their names. AssertionError with the compiler's words."""
    caffe = ask_python(sys.executable)
    includes = [flag for include in caffe.include_folders() for flag in ("-isystem", str(include))]
    sources = [path for path in sorted(SOURCES.glob("*.cpp")) if path.name not in ONEDNN_SOURCES]
    for source in sources:
        options = ["-DFASTCAFFE_ONEDNN=0", "-DCPU_ONLY", *includes]
        compile_source([*COMPILER, *options], source, folder / f"{source.stem}.o")
    return [path.name for path in sources]


def run_loops(folder: Path, cases: int) -> str:
    """What kernels_check prints in the emulator. AssertionError if a loop is wrong."""
    program = build_check(COMPILER, ["-static"], folder)
    done = subprocess.run([*EMULATOR, str(program), str(cases)], capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def main(cases: int) -> int:
    """Does both; returns the exit status."""
    if absent := missing():
        print(f"{', '.join(absent)}: not found; see the top of {__file__}", file=sys.stderr)
        return 2
    try:
        with tempfile.TemporaryDirectory() as folder:
            print("compiled:", *compile_all(Path(folder)))
            print(run_loops(Path(folder), cases), end="")
    except AssertionError as error:
        print(error, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(int((sys.argv[1:] or ["300"])[0])))
