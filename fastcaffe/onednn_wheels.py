"""oneDNN from PyPI: two wheels whose hashes are fixed, or the user's own below DNNL_ROOT.

The wheel with `gomp` in its name needs nothing but GCC's OpenMP library. It exists for x86-64 alone.
"""

from __future__ import annotations

import hashlib
import os
import platform
import shutil
import subprocess
import zipfile
from pathlib import Path
from typing import NamedTuple

WHEELS = """\
onednn-cpu-gomp==2023.2.0 --hash=sha256:2f22a54d6a890ed14bfa185d42a4be65d8b5b1df85dc1f0f3a9abe31620416fb
onednn-devel-cpu-gomp==2023.2.0 --hash=sha256:9763c69e8c907e119056bd52ad918ca84ac9ba939d130a99dfa95ccca3e5e284
"""
SONAME = "libdnnl.so.3"


class OneDnn(NamedTuple):
    """Where oneDNN's headers and its library are, and its licence texts."""

    include: Path
    library: Path
    licences: list[Path]


class CannotFetch(Exception):
    """The wheels are not in the cache and pip cannot get them."""


def get_onednn(python: str, downloads: Path) -> OneDnn | None:
    """oneDNN for this machine; None where there is none. Large images are then convolved by Caffe's own code.

    downloads: keeps the wheels, unpacked, from one build to the next; the caller holds the builder's lock.
    """
    root = os.environ.get("DNNL_ROOT")
    if root == "none":
        return None
    if root:
        candidates = [Path(root) / folder / SONAME for folder in ("lib", "lib64")]
        found = next((path for path in candidates if path.exists()), None)
        if found is None:
            raise CannotFetch(f"DNNL_ROOT={root}: no lib/{SONAME} there; it must be oneDNN 3.x")
        return OneDnn(Path(root) / "include", found, [])
    if platform.machine() != "x86_64":
        return None
    unpacked = downloads / _key()
    if not (unpacked / "lib" / SONAME).exists():
        _unpack(_fetch(python, wheels_folder(downloads)), unpacked)
    documents = unpacked / "share/doc/onednn"
    licences = [documents / "LICENSE", documents / "THIRD-PARTY-PROGRAMS"]
    return OneDnn(unpacked / "include", unpacked / "lib" / SONAME, licences)


def wheels_folder(downloads: Path) -> Path:
    """Where the wheels are kept: these alone, not those of another version."""
    return downloads / f"{_key()}.wheels"


def _key() -> str:
    return hashlib.sha256(WHEELS.encode()).hexdigest()[:16]


def _unpack(wheels: list[Path], target: Path) -> None:
    """What the wheels would put below a Python's prefix goes below `target`: all of it, or nothing."""
    half_done = target.with_suffix(".unpacking")
    shutil.rmtree(half_done, ignore_errors=True)
    for wheel in wheels:
        with zipfile.ZipFile(wheel) as archive:
            for entry in archive.infolist():
                _, marker, path = entry.filename.partition(".data/data/")
                # The library is there three times, under three names.
                if marker and not entry.is_dir() and not (".so" in path and Path(path).name != SONAME):
                    (half_done / path).parent.mkdir(parents=True, exist_ok=True)
                    (half_done / path).write_bytes(archive.read(entry))
    shutil.rmtree(target, ignore_errors=True)  # of which somebody took the library
    half_done.rename(target)


def _fetch(python: str, folder: Path) -> list[Path]:
    """The two wheels; pip itself compares the hashes, also of what an earlier build left."""
    folder.mkdir(parents=True, exist_ok=True)
    requirements = folder / "requirements.txt"
    requirements.write_text(WHEELS)
    options = ["--quiet", "--disable-pip-version-check", "--no-deps", "--only-binary=:all:", "--require-hashes"]
    command = [python, "-m", "pip", "download", *options, "--requirement", str(requirements), "--dest", str(folder)]
    kept = subprocess.run(
        [*command, "--no-index", "--find-links", str(folder)], stdin=subprocess.DEVNULL, capture_output=True
    )
    if kept.returncode:
        fetched = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True)
        if fetched.returncode:
            raise CannotFetch(
                f"oneDNN's wheels cannot be fetched:\n{fetched.stderr.strip()}\n"
                "Try again when the package index can be reached, or set DNNL_ROOT to a oneDNN 3.x of your own."
            )
    return sorted(folder.glob("onednn*.whl"))
