"""Debian packages without root: the machine's own mirror, a private apt state, a private sysroot.

apt itself verifies every index by its signature and every package by its hash. The system's apt state,
its package data base and its files stay as they are.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import subprocess
from collections.abc import Iterable, Sequence
from pathlib import Path

from apt_sources import AptSource, debian_mirrors, machine_sources, own_suites, private_sources, system_name
from stages import CommandFailed, Stages, UserError, last_lines, run

LIBRARY_RELEASE = "bookworm"
LIBRARIES = tuple(
    """
    libboost1.74-dev libboost-python1.74-dev libboost-python1.74.0
    libboost-thread1.74-dev libboost-thread1.74.0
    libboost-filesystem1.74-dev libboost-filesystem1.74.0 libboost-system1.74-dev libboost-system1.74.0
    libprotobuf-dev libprotobuf32 libprotoc32 protobuf-compiler liblmdb-dev liblmdb0
    libgflags-dev libgflags2.2 libgoogle-glog-dev libgoogle-glog0v6 libunwind8
    libopenblas-pthread-dev libopenblas0-pthread libgfortran5 libquadmath0
    libhdf5-dev libhdf5-103-1 libhdf5-hl-100 libsz2 libaec0 patchelf
    """.split()
)
NO_NETWORK_HELP = (
    "this step needs the Debian mirror of this machine's own apt configuration.\n"
    "Try again when it can be reached, or set CAFFE_WHEEL to a wheel that was built elsewhere (`make caffe-wheel`),\n"
    "or CAFFE_ROOT to a Caffe that you built yourself{more}."
)
FULL = ("No space left on device", "enough free space")  # the system's words, and apt's


def cannot_download(what: str, stages: Stages, more: str = "") -> UserError:
    """What the user reads where nothing came: of a full disk, if the end of the log tells of one, or of the mirror."""
    said = last_lines(Path(stages.log.name))
    if any(words in said for words in FULL):
        remedy = "Make room where the cache folder is, or XDG_CACHE_HOME chooses another."
        return UserError(f"{what} cannot be downloaded: the disk is full.\n{remedy}")
    return UserError(f"{what} cannot be downloaded: {NO_NETWORK_HELP.format(more=more)}")


def require_mirrors() -> list[AptSource]:
    """Where this machine finds Debian's releases; UserError on a machine that knows no Debian."""
    mirrors = debian_mirrors(machine_sources(), (LIBRARY_RELEASE, *own_suites()))
    if not mirrors or not shutil.which("apt-get"):
        raise UserError(
            f"Caffe's libraries come from Debian's packages, and this machine ({system_name()}) names no Debian\n"
            "repository in /etc/apt. `make caffe-wheel` on a Debian, in a container for one, builds a wheel that runs\n"
            "here: CAFFE_WHEEL= that file. Or CAFFE_ROOT= your own build."
        )
    return mirrors


class PrivateApt:
    """apt-get that knows one suite, with its own lists, cache, status and sources below one folder."""

    def __init__(self, downloads: Path, kind: str, suite: str, stages: Stages) -> None:
        self.folder = downloads / f"apt-{suite}-{kind}"
        self.kind, self.suite, self.stages = kind, suite, stages
        self.updated = False

    def run(self, *arguments: str, cwd: Path) -> None:
        """Run apt-get; the indices are fetched before the first use."""
        if not self.updated:
            self._configure()
            try:
                self._apt("update", cwd=self.folder)
            except CommandFailed:  # one index of several may be missing; whether it was needed shows later
                self.stages.say("apt-get update had complaints (see the log)")
            self.updated = True
        self._apt(*arguments, cwd=cwd)

    def _apt(self, *arguments: str, cwd: Path) -> None:
        env = {**os.environ, "APT_CONFIG": str(self.folder / "apt.conf"), "LC_ALL": "C"}
        run(["apt-get", "-qq", *arguments], self.stages.log, cwd=cwd, env=env)

    def _configure(self) -> None:
        for name in ("lists/partial", "cache/archives/partial", "empty.d"):
            (self.folder / name).mkdir(parents=True, exist_ok=True)
        (self.folder / "status").write_text("")
        (self.folder / "preferences").write_text("Package: *\nPin: release o=Debian\nPin-Priority: 990\n")
        sources = private_sources(require_mirrors(), self.kind, self.suite)
        (self.folder / "private.sources").write_text(sources)
        (self.folder / "apt.conf").write_text(private_configuration(self.folder, machine_acquire_settings()))


def machine_acquire_settings() -> list[str]:
    """The machine's own download settings (proxies, methods), as configuration lines."""
    dump = subprocess.run(["apt-config", "dump"], capture_output=True, text=True, check=True).stdout
    return [line for line in dump.splitlines() if line.startswith(("Acquire::", "Dir::Bin::methods"))]


def private_configuration(folder: Path, acquire: Sequence[str]) -> str:
    """apt.conf: no hook and no pin of the machine's applies, only its download settings (and credentials)."""
    settings = {
        "Dir::Etc::Main": "/dev/null",
        "Dir::Etc::Parts": folder / "empty.d",
        "Dir::Etc::Preferences": folder / "preferences",
        "Dir::Etc::PreferencesParts": folder / "empty.d",
        "Dir::Etc::SourceList": folder / "private.sources",
        "Dir::Etc::SourceParts": folder / "empty.d",
        "Dir::State::Lists": folder / "lists",
        "Dir::State::Status": folder / "status",
        "Dir::Cache": folder / "cache",
        "APT::Sandbox::User": "root",  # root's apt would else download as a user who cannot write here
        "Acquire::Languages": "none",
        "Acquire::Retries": "3",
    }
    return "\n".join([*acquire, *(f'{name} "{value}";' for name, value in settings.items())]) + "\n"


def sha256_of(path: Path) -> str:
    """The sha256 of a file, in hexadecimal."""
    digest = hashlib.sha256()
    with path.open("rb") as stream:
        for block in iter(lambda: stream.read(1 << 20), b""):
            digest.update(block)
    return digest.hexdigest()


def fetch_packages(apt: PrivateApt, folder: Path, names: Sequence[str]) -> list[Path]:
    """The .deb files of these packages, from the folder if a former run fetched all, else from the mirror."""
    folder = folder / hashlib.sha256(" ".join(names).encode()).hexdigest()[:8]
    record = folder / "complete.json"
    if kept := recorded_files(record):
        return kept
    for leftover in folder.glob("*.deb"):
        leftover.unlink()
    folder.mkdir(parents=True, exist_ok=True)
    try:
        apt.run("download", *names, cwd=folder)
    except CommandFailed as error:
        raise cannot_download("Debian's packages", apt.stages) from error
    return record_files(record, folder.glob("*.deb"))


def record_files(record: Path, files: Iterable[Path]) -> list[Path]:
    """Write down the hashes of files beside the record; returns the files in order."""
    paths = sorted(files)
    record.write_text(json.dumps({path.name: sha256_of(path) for path in paths}))
    return paths


def recorded_files(record: Path) -> list[Path]:
    """The files that a record names, if every one is there and unchanged; else none."""
    try:
        hashes: dict[str, str] = json.loads(record.read_text())
        paths = [record.parent / name for name in sorted(hashes)]
        return paths if all(sha256_of(path) == hashes[path.name] for path in paths) else []
    except (OSError, ValueError):
        return []


def unpack(packages: Iterable[Path], sysroot: Path, stages: Stages) -> None:
    """Unpack .deb files into the sysroot, without running their scripts."""
    for package in packages:
        run(["dpkg", "-x", str(package), str(sysroot)], stages.log)
