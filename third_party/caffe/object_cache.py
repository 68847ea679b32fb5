"""Caffe's object files, kept: all but one know nothing of Python, so that a second Python's wheel takes seconds."""

from __future__ import annotations

import hashlib
import os
import platform
import shutil
import subprocess
import time
from pathlib import Path

import caffe_source
from debian_packages import LIBRARIES, sha256_of

OF_A_PYTHON = ("layer_factory.o",)  # it makes Python layers
BUILT = Path(".build_release")


def objects_folder(cache: Path, options: str) -> Path:
    """Where the cache keeps the objects of stock Caffe that this machine's compiler makes with these options.

    The C library counts: what is compiled against a newer one asks for its functions.
    """
    compiler = subprocess.run(["g++", "--version"], capture_output=True, text=True).stdout.partition("\n")[0]
    edits = sha256_of(Path(__file__).with_name("caffe_edits.py"))
    parts = (caffe_source.SHA256, edits, " ".join(LIBRARIES), options, compiler, platform.machine(), c_library())
    return cache / "objects" / hashlib.sha256("\n".join(parts).encode()).hexdigest()


def c_library() -> str:
    """The C library that this process runs on: 'glibc 2.36'; empty where it does not say."""
    try:
        return os.confstr("CS_GNU_LIBC_VERSION") or ""
    except ValueError:
        return ""


def lay(folder: Path, source: Path) -> int:
    """Copy kept objects into a source tree whose generated code is there; make finds them newer. Returns how many."""
    kept = sorted(folder.rglob("*.o"))
    now = time.time()
    for path in kept:
        target = source / BUILT / path.relative_to(folder)
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(path, target)
        os.utime(target, (now, now))
    return len(kept)


def keep(folder: Path, source: Path, work: Path) -> None:
    """Keep the objects that a build has made, all at once; work: a temporary folder beside the cache's."""
    made = work / "objects"
    for path in (source / BUILT).rglob("*.o"):
        if path.name not in OF_A_PYTHON:
            target = made / path.relative_to(source / BUILT)
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(path, target)
    shutil.rmtree(folder, ignore_errors=True)
    folder.parent.mkdir(parents=True, exist_ok=True)
    made.rename(folder)
