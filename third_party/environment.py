"""Make the virtual environment of the Makefile's verbs: requirements first, then one process at a time.

    PYTHON third_party/environment.py --venv .venv --ready .venv/ready-KEY              the environment and Caffe
    PYTHON third_party/environment.py --venv .venv --ready .venv/test-… --extras test   more packages into it

CAFFE_ROOT, CAFFE_SRC, CAFFE_WHEEL and CAFFE_CUDA as third_party/caffe/README.md says. Whoever comes second waits, and
finds the ready file. Exit status 0, or 2 with what the user must mend.
"""

from __future__ import annotations

import argparse
import ctypes
import errno
import fcntl
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

# Python does not look there itself with PYTHONSAFEPATH. Behind what is installed: here is a folder named caffe too.
sys.path.append(str(Path(__file__).resolve().parent))

from lacking import BUILDER, ROOT, clean_environment, missing, shown  # noqa: E402

# Tests look at what would be installed, and an environment of Python 3.12 or newer has no setuptools to ask. It is none
# of setup.py's extras, a change of which sets every environment up anew.
BESIDE = {"test": ["setuptools"]}
MEND = "see above; mend the network, or make room on the disk, and repeat"


# The interpreter's name, for the next call; empty until all is there. What it lies in is Cavefish's own to clear.
MADE_BY = "made-by"
# What the next call is not told again, a file each.
KEPT = {name: name.lower().replace("_", "-") for name in ("CAFFE_ROOT", "CAFFE_SRC", "CAFFE_WHEEL")}
KEPT["CAFFE_CUDA"] = "cuda"


class CannotSetUp(Exception):
    """Something that the user can mend; the text says what, and how."""


@contextmanager
def locked(venv: Path) -> Iterator[None]:
    """One process at a time makes `venv`; the second waits and says for whom. The lock dies with its process."""
    with open(f"{venv}.lock", "a+") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            lock.seek(0)
            print(f"make: another make (pid {lock.read().strip()}) sets up {venv}; waiting for it", file=sys.stderr)
            fcntl.flock(lock, fcntl.LOCK_EX)
        lock.truncate(0)
        lock.write(f"{os.getpid()}\n")
        lock.flush()
        yield


def at_work(venv: Path) -> str | None:
    """A process that has a library of the environment loaded, as 'pid (command)'; None if there is none to see."""
    prefix = f"{venv.resolve()}/"
    for process in Path("/proc").glob("[0-9]*"):
        try:
            if prefix in (process / "maps").read_text(errors="surrogateescape"):
                command = (process / "cmdline").read_bytes().decode(errors="replace").split("\0")
                return f"{process.name} ({' '.join(command).strip()[:100]})"
        except OSError:  # it ended meanwhile, or is another user's
            continue
    return None


def make_environment(venv: Path) -> None:
    """Make `venv` anew, with what setup.py lists and with Caffe."""
    if found := missing(venv):
        raise CannotSetUp("this machine lacks, before anything can be installed:\n  " + "\n  ".join(found))
    if venv.exists() and (process := at_work(venv)):
        raise CannotSetUp(
            f"{venv} would be made anew, as setup.py, third_party/caffe, PYTHON, GPU or a CAFFE_ variable is another\n"
            f"now, but process {process} is at work in it; repeat when it has ended, or give VENV=another"
        )
    print(f"setting up {venv} with Python {sys.version.split()[0]}", file=sys.stderr)
    clear(venv)
    called([sys.executable, "-m", "venv", str(venv)], f"{shown()} made no environment; see above")
    install(venv, ["-e", "."], f"pip could not install what setup.py lists; {MEND}")
    if root := os.environ.get("CAFFE_ROOT"):
        ask = "import sysconfig; print(sysconfig.get_path('purelib'))"
        folder = called([python_of(venv), "-c", ask], f"{venv}: its Python does not run")
        Path(folder.strip(), "caffe_root.pth").write_text(f"{Path(root).resolve()}/python\n")
    else:
        wheel = called([python_of(venv), str(BUILDER), "--python", python_of(venv)], "no Caffe; see above").strip()
        install(venv, ["--no-deps", wheel], f"pip could not install Caffe's wheel; {MEND}")
        if cuda := lacking_cuda_libraries(wheel):
            install(venv, ["-e", f".[{cuda}]"], f"pip could not install cuBLAS and cuRAND; {MEND}")


def clear(venv: Path) -> None:
    """Leave nothing in `venv` but the mark of its being Cavefish's; CannotSetUp for a folder with anything else."""
    inside = [each for each in venv.iterdir() if each.name != MADE_BY] if venv.exists() else []
    if inside and not (venv / MADE_BY).exists():
        raise CannotSetUp(
            f"VENV={venv}: expected a folder for an environment alone, got one with {inside[0].name} in it, which\n"
            f"would be cleared; give another one, VENV={venv / 'cavefish'}, or remove it yourself"
        )
    venv.mkdir(exist_ok=True)
    (venv / MADE_BY).write_text("")
    for each in inside:
        shutil.rmtree(each) if each.is_dir() and not each.is_symlink() else each.unlink()


def lacking_cuda_libraries(wheel: str) -> str:
    """The extra of setup.py that brings cuBLAS and cuRAND, half a gigabyte, where a GPU is that wants them; else ""."""
    match = re.search(r"\.cuda(\d+)\.", wheel)
    if match and loads("libcuda.so.1") and not (loads(f"libcublas.so.{match[1]}") and loads("libcurand.so.10")):
        return f"cuda{match[1]}"
    return ""


def loads(library: str) -> bool:
    """Whether this machine's loader finds a library."""
    try:
        ctypes.CDLL(library)
    except OSError:
        return False
    return True


def python_of(venv: Path) -> str:
    """The environment's interpreter."""
    return str(venv / "bin/python")


def install(venv: Path, what: list[str], complaint: str) -> None:
    """`pip install` into the environment."""
    called([python_of(venv), "-m", "pip", "install", "--quiet", "--disable-pip-version-check", *what], complaint)


def called(command: list[str], complaint: str) -> str:
    """What a command prints; CannotSetUp with `complaint` if it fails. Its errors go to the screen."""
    try:
        done = subprocess.run(command, cwd=ROOT, env=clean_environment(), stdout=subprocess.PIPE, text=True)
    except OSError as error:
        raise CannotSetUp(f"{command[0]}: {error.strerror}; {complaint}") from error
    if done.returncode:
        print(done.stdout, end="", file=sys.stderr)
        raise CannotSetUp(complaint)
    return done.stdout


def set_up(venv: Path, ready: Path, made_by: str, extras: str) -> None:
    """Make the environment, or add to it, unless another process has done so; `ready` says that it is whole."""
    with locked(venv):
        if ready.exists():
            return
        if extras:
            complaint = f"pip could not install {extras}; {MEND}"
            install(venv, ["-e", f".[{extras}]", *BESIDE.get(extras, [])], complaint)
        else:
            make_environment(venv)
            for name, file in KEPT.items():
                if given := os.environ.get(name):
                    (venv / file).write_text(f"{given}\n")
            (venv / MADE_BY).write_text(f"{made_by}\n")
        ready.touch()


def advice(error: OSError) -> str:
    """What the user does about what the system refused."""
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return "make room on that disk, and repeat"
    if error.errno in (errno.ENOENT, errno.ENOTDIR):
        return "VENV= is to lie in a folder that is there"
    return "the checkout must be yours to write to: `git clone` it into a folder of yours"


def main(arguments: list[str]) -> int:
    """Parse the command line, do it, and return the exit status."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--venv", type=Path, required=True, help="the environment's folder")
    parser.add_argument("--ready", type=Path, required=True, help="the file that says that all is done")
    parser.add_argument("--made-by", default=sys.executable, help="the interpreter's name, kept for the next call")
    parser.add_argument("--extras", default="", help="install these extras of setup.py into what is there already")
    options = parser.parse_args(arguments)
    try:
        set_up(options.venv, options.ready, options.made_by, options.extras)
        return 0
    except CannotSetUp as error:
        print(f"make: {error}", file=sys.stderr)
    except OSError as error:
        print(f"make: {error.filename or options.venv}: {error.strerror}; {advice(error)}", file=sys.stderr)
    except KeyboardInterrupt:
        return 130
    return 2


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
