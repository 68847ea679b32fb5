"""What a wheel asks of the machine that loads it: versions of the C and C++ libraries, and libraries outside it."""

from __future__ import annotations

import re
import subprocess
import tempfile
import zipfile
from dataclasses import dataclass
from pathlib import Path

from wheel_file import NEEDED

VERSIONED = re.compile(r"\b(GLIBC|GLIBCXX|CXXABI)_(\d+(?:\.\d+)+)\b")
# Of Debian 12, Ubuntu 22.04, Fedora 35 and RHEL 9: glibc 2.34 and GCC 11's libstdc++, or newer.
NEWEST = {"GLIBC": (2, 34), "GLIBCXX": (3, 4, 29), "CXXABI": (1, 3, 13)}
# Every such system has these.
OUTSIDE = re.compile(r"(lib(c|m|pthread|dl|rt|stdc\+\+|gcc_s|z|lzma)|ld-linux-[\w-]+)\.so\.\d+")


@dataclass(frozen=True)
class Needs:
    """The newest version of each, and the names of the libraries that the wheel does not bring."""

    versions: dict[str, tuple[int, ...]]
    outside: list[str]

    def complaints(self) -> list[str]:
        """What other systems would not have; empty for a wheel that runs on all of them."""
        found = [
            f"{name}_{dotted(version)}, where {name}_{dotted(NEWEST[name])} is the newest that they all have"
            for name, version in sorted(self.versions.items())
            if version > NEWEST[name]
        ]
        return [*found, *(f"{name}, which is not in the wheel" for name in self.outside if not OUTSIDE.fullmatch(name))]

    def __str__(self) -> str:
        versions = [f"{name} {dotted(version)}" for name, version in sorted(self.versions.items())]
        return ", ".join([*versions, *self.outside])


def dotted(version: tuple[int, ...]) -> str:
    """2.34 of (2, 34)."""
    return ".".join(map(str, version))


def needs_of(wheel: Path) -> Needs:
    """The needs of all shared libraries of a wheel."""
    with tempfile.TemporaryDirectory() as folder, zipfile.ZipFile(wheel) as archive:
        binaries = [Path(archive.extract(name, folder)) for name in archive.namelist() if ".so" in Path(name).name]
        return needs([objdump(path) for path in binaries], {path.name for path in binaries})


def objdump(path: Path) -> str:
    """Headers and dynamic symbols of a shared library."""
    return subprocess.check_output(["objdump", "-p", "-T", str(path)], text=True)


def needs(dumps: list[str], own: set[str]) -> Needs:
    """The needs that these dumps tell; own: the names of the wheel's libraries."""
    versions: dict[str, tuple[int, ...]] = {}
    outside: set[str] = set()
    for dump in dumps:
        outside |= set(NEEDED.findall(dump)) - own
        for name, text in VERSIONED.findall(dump):
            version = tuple(map(int, text.split(".")))
            versions[name] = max(version, versions.get(name, version))
    return Needs(versions, sorted(outside))
