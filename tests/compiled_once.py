"""What a compiler makes of the same words and sources is made once, and kept in Cavefish's cache."""

import contextlib
import hashlib
import os
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterable, Sequence
from pathlib import Path

_ROOT = Path(__file__).resolve().parents[1]
_UNUSED = 30 * 24 * 3600.0  # seconds, after which it goes


def compiled_once(command: Sequence[str], sources: Iterable[Path], target: Path, folder: Path | None = None) -> None:
    """Runs `command` in `folder`, which makes `target` of `sources`, headers too; AssertionError with its words.

    Where the checkout and the folder of `target` lie makes no difference, but to a program that seeks libraries there.
    """
    kept = _kept(command, sources, target)
    with contextlib.suppress(OSError):
        os.utime(kept)
        shutil.copy(kept, target)
        return
    done = subprocess.run(command, cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    assert done.returncode == 0, done.stdout[-4000:]
    kept.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.NamedTemporaryFile(dir=kept.parent) as whole:
        shutil.copy(target, whole.name)
        # Another process may have been quicker: it made the same.
        with contextlib.suppress(FileExistsError):
            os.link(whole.name, kept)
    for old in kept.parent.iterdir():
        with contextlib.suppress(OSError):
            if time.time() - old.stat().st_mtime > _UNUSED:
                old.unlink()


def _kept(command: Sequence[str], sources: Iterable[Path], target: Path) -> Path:
    compiler = Path(shutil.which(command[0]) or command[0]).resolve()
    known = hashlib.sha256(repr([str(compiler), compiler.stat().st_mtime_ns, compiler.stat().st_size]).encode())
    known.update("\0".join(_placeless(word, target) for word in command).encode())
    for source in sources:
        known.update(f"\0{source.name}\0".encode() + source.read_bytes())
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    return cache / "cavefish" / "compiled-for-tests" / known.hexdigest()


def _placeless(word: str, target: Path) -> str:
    # Where a program looks for its libraries is written into it.
    return word if "-rpath" in word else word.replace(str(target.parent), "").replace(str(_ROOT), "")
