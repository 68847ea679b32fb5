"""A disk that fills up: said as such, nothing half-written, and the same command resumes once there is room."""

import errno
import os
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from evolve.base import files, prototxt_text
from evolve.base.errors import UserError
from evolve.network import weights
from evolve.runs import generation, run_folder

DISK = 2 << 20  # bytes: three generations take a quarter of it


@pytest.fixture
def small_disk(begun: Callable[[int], Any]) -> Iterator[Any]:
    """A place whose runs/ is a small disk of its own, with two generations on it."""
    place = begun(0)
    runs = place.folder / "runs"
    runs.mkdir()
    mount = subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={DISK}", "tmpfs", runs], capture_output=True)
    if mount.returncode:
        pytest.skip("only root can mount a small disk")
    try:
        begun(2)
        yield place
    finally:
        subprocess.run(["umount", "-l", runs], check=True)


@pytest.mark.parametrize("free", [0, 4, 12, 24, 40, 64, 96, 120, 140])
def test_a_full_disk(free: int, small_disk: Any, reference: Any) -> None:
    """So many KiB are left: enough for one file, or for some of them; whichever it is that finds the disk full."""
    place = small_disk
    place.evolve(2)
    ballast = place.folder / "runs" / "ballast"
    ballast.write_bytes(bytes(os.statvfs(ballast.parent).f_bavail * os.statvfs(ballast.parent).f_bsize - free * 1024))
    with pytest.raises(UserError) as refused:
        place.evolve(3)
    # Without a page for the holder's pid it is the run that finds no space.
    where = place.run / "gen003" if free else place.run
    assert str(refused.value) == _message(where)
    of_commands = {".lock", ".holder", ".asked", "gen003.failed.log"}
    left = {path.name for path in place.run.iterdir()} - of_commands
    assert left == {"gen001", "gen002", "lineage.csv", "prototxt", "report.html"}
    ballast.unlink()
    place.evolve(3)
    assert run_folder.committed(place.run) == [1, 2, 3] and generation.exists(place.run / "gen003")
    assert (place.run / "gen003" / "weights.caffemodel").read_bytes() == reference.caffemodel(3)


def test_a_disk_full_when_lineage_csv_is_written(
    begun: Callable[[int], Any], reference: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The generation is committed, its row is not; the row comes with the next start."""
    place = begun(2)
    place.evolve(2)
    before = (place.run / "lineage.csv").read_text()
    write_whole = files.write_whole

    def full(path: Path, content: str) -> None:
        if path.name == "lineage.csv":
            raise OSError(errno.ENOSPC, "No space left on device")
        write_whole(path, content)

    with monkeypatch.context() as patch:
        patch.setattr(files, "write_whole", full)
        with pytest.raises(UserError) as refused:
            place.evolve(3)
    assert str(refused.value) == _message(place.run)
    assert generation.exists(place.run / "gen003") and (place.run / "lineage.csv").read_text() == before
    place.evolve(3)
    assert (place.run / "lineage.csv").read_text().startswith(before)
    assert (place.run / "lineage.csv").read_text().count("\n") == 4


@pytest.mark.parametrize("name", ["deploy.prototxt", "masked.caffemodel", "weights.caffemodel", "DONE.json"])
def test_whichever_file_finds_it_full(
    name: str, begun: Callable[[int], Any], reference: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The same without root."""
    place = begun(1)
    place.evolve(1)
    for owner, function, position in (
        (prototxt_text, "write", 1),
        (weights, "write", 0),
        (files, "write_whole", 0),
    ):
        monkeypatch.setattr(owner, function, _full_at(name, getattr(owner, function), position))
    with pytest.raises(UserError) as refused:
        place.evolve(2)
    assert str(refused.value) == _message(place.run / "gen002")
    assert run_folder.committed(place.run) == [1] and not list(place.run.glob(".gen*"))
    monkeypatch.undo()
    place.evolve(2)
    assert (place.run / "gen002" / "weights.caffemodel").read_bytes() == reference.caffemodel(2)


def _full_at(name: str, write: Callable[..., None], position: int) -> Callable[..., None]:
    def full(*arguments: Any, **named: Any) -> None:
        if arguments[position].name == name:
            raise OSError(errno.ENOSPC, "No space left on device")
        write(*arguments, **named)

    return full


def _message(where: Path) -> str:
    return f"{where}: no space left on the disk; nothing committed is lost: free some, and the same command resumes"
