"""The cache of built wheels: keyed by what they are made from, written whole or not at all."""

from __future__ import annotations

import fcntl
import hashlib
import os
import shutil
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from debian_packages import sha256_of
from stages import UserError

TEMPORARY = "building-"  # the prefix of a build's folder; what has it while no one builds is a leftover


def cache_folder(env: Mapping[str, str]) -> Path:
    """Where wheels, downloads, the lock and the log live."""
    try:
        root = Path(env.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    except RuntimeError as error:  # no $HOME, and nobody of this number in /etc/passwd
        raise UserError(f"no cache folder: {error} XDG_CACHE_HOME chooses one.") from error
    return root / "cavefish" / "caffe"


def source_identity(source: str) -> str:
    """A digest of the names and contents of the files that a user's source tree brings to the build."""
    root = Path(source)
    if not (root / "src/caffe/proto/caffe.proto").is_file():
        raise UserError(f"CAFFE_SRC='{source}' is no Caffe source tree: no src/caffe/proto/caffe.proto in it.")
    digest = hashlib.sha256()
    for top in ("Makefile", "LICENSE", "include", "src", "python"):
        for path in sorted([root / top, *(root / top).rglob("*")]):
            if path.is_file() and path.suffix not in (".so", ".pyc") and not path.name.endswith("_pb2.py"):
                digest.update(f"{path.relative_to(root)} {sha256_of(path)}\n".encode())
    return digest.hexdigest()


def cache_key(recipe: Path, version: str, machine: str, source: str | None) -> str:
    """sha256 over the recipe's Python files, the Python version, the machine and the user's source tree."""
    digest = hashlib.sha256(f"python {version}\nmachine {machine}\n".encode())
    for path in sorted(recipe.glob("*.py")):
        digest.update(f"{path.name} {sha256_of(path)}\n".encode())
    if source:
        digest.update(f"source {source_identity(source)}\n".encode())
    return digest.hexdigest()


def wheel_path(cache: Path, key: str, tag: str, source: str | None, cuda: int | None = None) -> Path:
    """The one place of the wheel of a key; its version tells BVLC's commit from a user's own source, and CUDA's."""
    version = f"1.0+{'own' if source else '99bd997'}{f'.cuda{cuda}' if cuda else ''}.{key[:8]}"
    return cache / key / f"caffe-{version}-{tag}.whl"


@contextmanager
def builder_lock(cache: Path) -> Iterator[None]:
    """One builder at a time; the second waits and says for whom."""
    try:
        cache.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UserError(f"no cache folder: {error}\nXDG_CACHE_HOME chooses another.") from error
    with (cache / "lock").open("a+") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            lock.seek(0)
            pid = lock.read().strip() or "unknown"
            print(f"another build of Caffe (pid {pid}) is running; waiting for it", file=sys.stderr)
            fcntl.flock(lock, fcntl.LOCK_EX)
        lock.truncate(0)
        lock.write(f"{os.getpid()}\n")
        lock.flush()
        yield


def remove_leftovers(cache: Path) -> list[str]:
    """Remove what interrupted builds left, and name it; the caller holds the lock, so no one is using it."""
    leftovers = sorted(cache.glob(f"{TEMPORARY}*"))
    for path in leftovers:
        shutil.rmtree(path, ignore_errors=True)
    return [path.name for path in leftovers]


def put_in_place(made: Path, wheel: Path) -> None:
    """Sync the folder that holds the new wheel and rename it to its final name."""
    sync(made / wheel.name)
    sync(made)
    shutil.rmtree(wheel.parent, ignore_errors=True)
    made.rename(wheel.parent)
    sync(wheel.parent.parent)


def sync(path: Path) -> None:
    """Have a file or a folder on the disk before going on."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
