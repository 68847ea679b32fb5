"""Files are written whole or not at all, and stay; what a disk refuses is one line that says what to do."""

import errno
import fcntl
import glob
import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import IO, TYPE_CHECKING

import lmdb

from evolve.base.errors import MORE_PROCESSES, REMEDIES, MachineError, UserError

if TYPE_CHECKING:
    # It loads a terminal's bars, and every child writes files.
    from evolve.base.progress import Report

_FULL = (errno.ENOSPC, errno.EDQUOT)
_FORBIDDEN = (errno.EACCES, errno.EPERM, errno.EROFS)
_IN_THE_WAY = (errno.ENOTDIR, errno.EEXIST)
_BROKEN = (errno.EIO, errno.ENXIO, errno.ENODEV, errno.ESTALE, errno.ETIMEDOUT)
_OF_THE_MACHINE = REMEDIES.keys() - {errno.EFBIG, errno.ENOLCK}  # wherever it writes
_IN_WRITING = (*_FULL, *_BROKEN, errno.EFBIG)  # which the system says of no file by its name
_SECONDS_BETWEEN_WORDS = 30.0


@contextmanager
def refusals(place: Path, needed: int = 0) -> Iterator[None]:
    """Turns what the disk of `place` refuses in the block into a MachineError; any other error stays what it is.

    `needed` is for what is made anew: the bytes that it takes, where nothing that is there already can be lost.
    """
    try:
        yield
    except (OSError, lmdb.Error) as error:
        told = refusal(error, place, needed)
        if told is None:
            raise
        raise told from None


def refusal(error: BaseException, place: Path, needed: int = 0) -> MachineError | None:
    """What the user reads of an error at `place`; None if it is no refusal of a disk's."""
    if isinstance(error, lmdb.Error):
        # LMDB calls a write that a full disk cut short an I/O error: what is free tells the two apart.
        short = isinstance(error, (lmdb.MapFullError, lmdb.DiskError)) or free(place) < needed
        return no_space(place, needed) if needed and short else None
    if not isinstance(error, OSError):
        return None
    where, is_there = _named(error) or place, _is_at(place, _named(error))
    if error.errno in _FULL:
        return no_space(place, needed) if is_there else no_space(where)
    if needed and is_there and error.errno in (*_FORBIDDEN, *_IN_THE_WAY):
        return MachineError(
            f"{where}: expected a place to write {place.name}, got {error.strerror}; "
            "choose another folder, or give the right to write there"
        )
    what = (error.strerror or str(error)).lower()
    kept = "" if needed else "nothing committed is lost: "
    if error.errno in _FORBIDDEN:
        return MachineError(
            f"{where}: {what}; {kept}give the right to read and write there, and the same command resumes"
        )
    if error.errno == errno.ENAMETOOLONG:
        return MachineError(f"{where}: {what}; give a shorter one")
    if error.errno in REMEDIES:
        return MachineError(f"{where}: {what}; {kept}{REMEDIES[error.errno]}, and the same command resumes")
    if error.errno in _BROKEN:
        return MachineError(f"{where}: {what}; {kept}see to that disk, and the same command resumes")
    return None


def refusal_here(error: BaseException) -> MachineError | None:
    """What the user reads of an error where this process works: refusal's words, or what else the machine lacks."""
    if isinstance(error, MemoryError):
        return MachineError("expected more memory than there is; a smaller network or batch needs less")
    if isinstance(error, RuntimeError) and str(error) == "can't start new thread":
        return MachineError(f"expected one more thread, got none; {MORE_PROCESSES}, and the same command resumes")
    if not isinstance(error, (OSError, lmdb.Error)):
        return None
    try:
        return refusal(error, Path.cwd())
    except FileNotFoundError:
        return MachineError("expected a folder to work in, got one that is no longer there; go to another")


def _named(error: OSError) -> Path | None:
    """The file that the system refused, of two the one that had no room; None where it named none."""
    full = error.errno in _FULL and error.filename2
    named = error.filename2 if full else error.filename
    return Path(os.path.abspath(os.fsdecode(named))) if isinstance(named, (str, bytes)) else None


def _is_at(place: Path, file: Path | None) -> bool:
    """Whether it is `place`, in it, above it, or what becomes it; one that nobody named is taken to be."""
    there = Path(os.path.abspath(place))
    if file is None or file in there.parents:
        return True
    # Not whatever has its stem: net.prototxt is read beside net.onnx.
    beside = (f".{there.name}.", f"{there.name}.part")
    return any(
        each.parent == there.parent and (each.name == there.name or each.name.startswith(beside))
        for each in (file, *file.parents)
    )


def no_space(place: Path, needed: int = 0) -> MachineError:
    """What the user reads when the disk of `place` is full, or has not the bytes `needed`."""
    if needed:
        return MachineError(
            f"{place}: expected {needed} bytes free, got {free(place)}; make room there, or choose another folder"
        )
    return MachineError(
        f"{place}: no space left on the disk; nothing committed is lost: free some, and the same command resumes"
    )


def check_space(place: Path, needed: int) -> None:
    """MachineError if the file system of `place`'s folder has less than `needed` bytes free."""
    if free(place) < needed:
        raise no_space(place, needed)


def free(place: Path) -> int:
    """Free bytes for a user on the file system that `place`, or the nearest folder above it, lies on."""
    there = next(folder for folder in (place, *place.absolute().parents) if folder.exists())
    return shutil.disk_usage(there).free


@contextmanager
def named_by_out(place: Path) -> Iterator[None]:
    """Turns what keeps the block from writing `place`, which the user names by OUT=, into a UserError.

    Any other error, of a file that lies elsewhere too, stays what it is.
    """
    try:
        yield
    except OSError as error:
        named = _named(error)
        elsewhere = not _is_at(place, named) or named is None and error.errno not in _IN_WRITING
        if elsewhere or error.errno in _OF_THE_MACHINE:
            raise
        raise UserError(f"{place}: expected to write there, got {error.strerror}; name another OUT=") from None


def write_whole(path: Path, content: str | bytes | Callable[[], str]) -> None:
    """Writes a file, text in UTF-8, so that a reader, or a power cut, sees the old one or the new one. OSError.

    Of two who write it at once, processes or threads, the second waits: a function that makes the text of what the file
    has is called when no other writes.
    """
    unfinished = path.with_name(f".{path.name}.unfinished")
    with _alone(unfinished) as file:
        try:
            made = content() if callable(content) else content
            file.write(made.encode() if isinstance(made, str) else made)
            file.flush()
            os.fsync(file.fileno())
            unfinished.replace(path)
        except BaseException:
            # Half of a page is nothing, and on a full disk takes the room of what is needed more; a signal ends it too.
            with suppress(OSError):
                unfinished.unlink()
            raise
    sync(path.parent)


@contextmanager
def _alone(path: Path) -> Iterator[IO[bytes]]:
    """An empty file at `path`, this writer's alone until the block ends; what a killed one left there is gone."""
    while True:
        with open(path, "ab") as file:
            # Where a file system knows no locks, whoever writes alone is as well off without.
            with suppress(OSError):
                fcntl.flock(file, fcntl.LOCK_EX)
            # The one who was waited for has given it its name, or removed it: what is at `path` now is another.
            if not _is_still_at(path, file):
                continue
            file.truncate(0)
            yield file
            return


def _is_still_at(path: Path, file: IO[bytes]) -> bool:
    try:
        return os.path.samestat(os.fstat(file.fileno()), os.stat(path))
    except FileNotFoundError:
        return False


def sync(path: Path) -> None:
    """Returns when a file's content, or a folder's entries (names, renames), are on the disk itself."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


@contextmanager
def locked(path: Path, doing: str, report: "Report") -> Iterator[None]:
    """Holds the lock ``.<name>.lock`` next to ``path``; a process that dies loses it by itself."""
    # Imported here: few of the many that start hold a lock.
    from filelock import FileLock, Timeout

    lock = FileLock(path.with_name(f".{path.name}.lock"))
    patience = 0.0
    while True:
        try:
            lock.acquire(timeout=patience)
            break
        except Timeout:
            report(f"{path}: another process is {doing}; waiting for it (its lock is {lock.lock_file})")
            patience = _SECONDS_BETWEEN_WORDS
    try:
        yield
    finally:
        lock.release()


@contextmanager
def turn(folder: Path, report: "Report") -> Iterator[None]:
    """This process's turn to make ``folder``; MachineError if nothing can be written there."""
    with ExitStack() as held:
        with refusals(folder, 1):
            folder.parent.mkdir(parents=True, exist_ok=True)
            held.enter_context(locked(folder, "preparing it", report))
        yield


@contextmanager
def replacing(folder: Path, report: "Report", why: str = "is not as its DONE.json says") -> Iterator[Path]:
    """An empty folder beside ``folder`` that takes its place if the block ends well, and is gone if not.

    ``why`` is what is said of a folder that is there already.

    The caller holds the lock, so whatever lies there from earlier belongs to a process that has died.
    """
    for stale in folder.parent.glob(f".{glob.escape(folder.name)}.unfinished-*"):
        report(f"{stale}: left behind by a process that died; removed")
        shutil.rmtree(stale)
    unfinished = folder.with_name(f".{folder.name}.unfinished-{os.getpid()}")
    try:
        unfinished.mkdir()
        yield unfinished
        sync(unfinished)
        if os.path.lexists(folder):
            report(f"{folder}: {why}; made anew")
            _remove(folder)
        unfinished.rename(folder)
        sync(folder.parent)
    finally:
        shutil.rmtree(unfinished, ignore_errors=True)


def _remove(place: Path) -> None:
    # Not set aside first: of a process that is killed then nobody would look for what lies there, and it can be large.
    if place.is_dir() and not place.is_symlink():
        shutil.rmtree(place)
    else:
        place.unlink()
