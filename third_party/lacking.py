"""What a machine lacks before anything is installed, all of it at once, each with its remedy; without the network."""

from __future__ import annotations

import glob
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
BUILDER = Path("third_party/caffe/build.py")
OLDEST = (3, 11)  # as setup.py says
OLDEST_GLIBC = (2, 34)  # what Caffe's wheel asks for
# What is written, in bytes: 650 MB of packages; Caffe's build, 500 MB that are kept and 400 while it runs.
PACKAGES, BUILD = 800_000_000, 1_000_000_000
# What would make pip look at, or install into, something else than the environment.
MISLEADING = ("PYTHONPATH", "PYTHONHOME", "PYTHONSAFEPATH", "PIP_TARGET", "PIP_PREFIX", "PIP_REQUIRE_VIRTUALENV")


def clean_environment() -> dict[str, str]:
    """The environment without the variables that mislead pip; a user's pip.conf may say `user = true`."""
    return {name: value for name, value in os.environ.items() if name not in MISLEADING} | {"PIP_USER": "0"}


def missing(venv: Path) -> list[str]:
    """Everything that this machine lacks for an environment at `venv`, each with its remedy."""
    found = [*lacking_python(), *lacking_venv(), *lacking_glibc(), *lacking_places(venv)]
    root = os.environ.get("CAFFE_ROOT")
    if root and not (Path(root) / "python/caffe/_caffe.so").exists():
        found.append(f"{root}/python/caffe/_caffe.so: no such file; build pycaffe there (make pycaffe), for {shown()}")
    if not root and not lacking_python():
        command = [sys.executable, str(BUILDER), "--python", sys.executable, "--check"]
        done = subprocess.run(command, cwd=ROOT, env=clean_environment(), stdout=subprocess.PIPE, text=True)
        found += (done.stdout.strip() or f"{BUILDER}: it failed; see above").split("\n\n") if done.returncode else []
    return found


def shown() -> str:
    """This interpreter, as messages name it."""
    return f"{sys.executable} (Python {sys.version.split()[0]})"


def lacking_python() -> list[str]:
    """Whether this interpreter is too old."""
    if sys.version_info[:2] < OLDEST:
        return [f"{shown()}: Python 3.11 or newer is needed: apt-get install python3.11 python3.11-venv, or PYTHON="]
    return []


def lacking_venv() -> list[str]:
    """Whether `python -m venv` would fail, with the interpreter's own words."""
    done = subprocess.run(
        [sys.executable, "-E", "-c", "import ensurepip"], stderr=subprocess.PIPE, text=True, errors="replace"
    )
    if done.returncode == 0:
        return []
    words = (done.stderr.strip().splitlines() or ["it said nothing"])[-1]
    system = sys.executable == "/usr/bin/python3" or os.path.realpath("/usr/bin/python3") == sys.executable
    package = "python3-venv" if system else f"python3.{sys.version_info[1]}-venv"
    return [f"{shown()} has no venv ({words}): apt-get install {package}"]


def lacking_glibc() -> list[str]:
    """Whether the C library is too old for a Caffe that was built elsewhere, or another, as Alpine's is."""
    try:
        name, _, version = (os.confstr("CS_GNU_LIBC_VERSION") or "").partition(" ")
        fits = name == "glibc" and tuple(map(int, version.split(".")[:2])) >= OLDEST_GLIBC
    except (OSError, ValueError):
        name, version, fits = "", "", False
    if fits or os.environ.get("CAFFE_ROOT"):
        return []
    got = f"{name} {version}".strip() or "another C library"
    return [f"expected glibc 2.34 or newer (Debian 12, Ubuntu 22.04, Fedora 35, RHEL 9), got {got}; or CAFFE_ROOT="]


def lacking_places(venv: Path) -> list[str]:
    """Whether programs can be written and run, and there is room, where the environment and Caffe's build go."""
    places = [(venv.absolute(), PACKAGES * (not os.path.exists(venv)), "VENV=")]
    if not os.environ.get("CAFFE_ROOT") and not os.environ.get("CAFFE_WHEEL"):
        cache = Path(os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache"))
        if not cache.is_absolute():
            return ["there is no home folder to keep Caffe's build in: XDG_CACHE_HOME=a folder"]
        if not glob.glob(f"{glob.escape(str(cache))}/cavefish/caffe/*/*.whl"):
            places.append((cache / "cavefish", BUILD, "XDG_CACHE_HOME="))
    needed: dict[int, int] = {}
    return [complaint for place in places for complaint in complaints(*place, needed)]


def complaints(place: Path, size: int, variable: str, needed: dict[int, int]) -> Iterator[str]:
    """What is wrong with a place for `size` bytes; `needed` is what others need of each disk, added to."""
    # Unlike os.path, Path raises where a folder above is not the user's to look into.
    there = next(folder for folder in (place, *place.parents) if os.path.exists(folder))
    other = f"{variable}another folder"
    if not os.access(there, os.W_OK | os.X_OK):
        yield f"{there} is not yours to write to: {other}"
    if os.statvfs(there).f_flag & os.ST_NOEXEC:
        yield f"{there} is on a disk that no program runs from (noexec): {other}"
    disk = os.stat(there).st_dev
    needed[disk] = needed.get(disk, 0) + size
    if (free := shutil.disk_usage(there).free) < needed[disk]:
        yield f"{there}: {free / 1e9:.1f} GB free, {needed[disk] / 1e9:.1f} are needed: make room there, or {other}"
