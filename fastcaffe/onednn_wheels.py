"""oneDNN from PyPI: two wheels whose hashes are fixed, or the user's own below DNNL_ROOT.

The wheel with `gomp` in its name needs nothing but GCC's OpenMP library. It exists for x86-64 alone.
"""

from __future__ import annotations

import os
import platform
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


def get_onednn(python: str, downloads: Path, unpacked: Path) -> OneDnn | None:
    """oneDNN for this machine; None where there is none, and convolution stays Caffe's own.

    downloads: keeps the wheels from one build to the next. unpacked: an empty folder to use.
    """
    if root := os.environ.get("DNNL_ROOT"):
        places = [Path(root) / lib / SONAME for lib in ("lib", "lib64")]
        found = next((place for place in places if place.exists()), None)
        if found is None:
            raise CannotFetch(f"DNNL_ROOT={root}: no lib/{SONAME} there; it must be oneDNN 3.x")
        return OneDnn(Path(root) / "include", found, [])
    if platform.machine() != "x86_64":
        return None
    for wheel in _fetch(python, downloads):
        with zipfile.ZipFile(wheel) as archive:
            archive.extractall(unpacked)
    data = {path.parent.name: path for path in unpacked.glob("*.data/data")}
    binary = next(path for name, path in data.items() if "devel" not in name)
    headers = next(path for name, path in data.items() if "devel" in name)
    documents = binary / "share/doc/onednn"
    notices = [documents / "LICENSE", documents / "THIRD-PARTY-PROGRAMS"]
    return OneDnn(headers / "include", binary / "lib" / SONAME, notices)


def _fetch(python: str, downloads: Path) -> list[Path]:
    """The two wheels; pip itself compares the hashes, also of what an earlier build left."""
    downloads.mkdir(parents=True, exist_ok=True)
    requirements = downloads / "requirements.txt"
    requirements.write_text(WHEELS)
    options = ["--quiet", "--disable-pip-version-check", "--no-deps", "--only-binary=:all:", "--require-hashes"]
    command = [python, "-m", "pip", "download", *options, "--requirement", str(requirements), "--dest", str(downloads)]
    kept = subprocess.run(
        [*command, "--no-index", "--find-links", str(downloads)], stdin=subprocess.DEVNULL, capture_output=True
    )
    if kept.returncode:
        fetched = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True)
        if fetched.returncode:
            raise CannotFetch(
                f"oneDNN's wheels cannot be fetched:\n{fetched.stderr.strip()}\n"
                "Try again when the package index can be reached, or set DNNL_ROOT to a oneDNN 3.x of your own."
            )
    return sorted(downloads.glob("onednn*.whl"))
