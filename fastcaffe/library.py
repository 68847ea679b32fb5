"""Where the built library is: one folder for each recipe, Caffe and machine, in the cache.

Standard library only, and nothing that takes time: both the builder and every process that enables the fast layers
ask here.
"""

from __future__ import annotations

import hashlib
import os
import platform
import re
from collections.abc import Iterable
from pathlib import Path

HERE = Path(__file__).resolve().parent
NAME = "libfastcaffe.so"
# Five columns, then a path, which may have spaces in it.
_MAPPED = re.compile(r"^(?:\S+ +){5}(/.*/lib(caffe|glog|protobuf)\.so[^/\s]*)$", re.M)


def mapped_libraries(maps: str) -> dict[str, Path]:
    """Which libcaffe, libglog and libprotobuf a process has loaded; `maps` is what its /proc/self/maps says."""
    return {name: Path(path) for path, name in _MAPPED.findall(maps)}


def cache_folder() -> Path:
    """Where built libraries, oneDNN's wheels, the lock and the log live; OSError where that is nowhere."""
    try:
        root = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    except RuntimeError as error:  # no $HOME, and nobody of this number in /etc/passwd
        raise FileNotFoundError(f"no cache folder: {error} XDG_CACHE_HOME chooses one.") from error
    return root / "cavefish" / "fastcaffe"


def recipe_files() -> list[Path]:
    """Everything in this repository that decides what the library is."""
    return sorted([*HERE.glob("src/*.cpp"), *HERE.glob("src/*.h"), HERE / "build.py", HERE / "onednn_wheels.py"])


def key(libcaffe: Path, variables: Iterable[str] = ("DNNL_ROOT", "FASTCAFFE_INCLUDE", "FASTCAFFE_CXXFLAGS")) -> str:
    """sha256 of the recipe, of the very Caffe that will load the library, of the machine and of what the user set."""
    digest = hashlib.sha256(f"{platform.machine()}\n".encode())
    for name in variables:
        digest.update(f"{name}={os.environ.get(name, '')}\n".encode())
    for path in (*recipe_files(), libcaffe):
        digest.update(f"{path.name} {hashlib.sha256(path.read_bytes()).hexdigest()}\n".encode())
    return digest.hexdigest()


def library_path(libcaffe: Path) -> Path:
    """The place of the library for this libcaffe, built or not."""
    return cache_folder() / key(libcaffe) / NAME
