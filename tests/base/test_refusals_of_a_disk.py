"""What a disk refuses is one line that says where, and what to do."""

import errno
import os
from pathlib import Path

import pytest

from evolve.base import files
from evolve.base.errors import MachineError, UserError
from evolve.runs import generation, run_folder

PLACE = Path("/runs/lenet/seed1")
FILE = "/runs/lenet/seed1/gen002/metrics.json"
RIGHTS = "nothing committed is lost: give the right to read and write there, and the same command resumes"
FULL = "no space left on the disk; nothing committed is lost: free some, and the same command resumes"
SAID = {
    errno.ENOSPC: f"{PLACE}: {FULL}",
    errno.EDQUOT: f"{PLACE}: {FULL}",
    errno.EACCES: f"{FILE}: permission denied; {RIGHTS}",
    errno.EPERM: f"{FILE}: operation not permitted; {RIGHTS}",
    errno.EROFS: f"{FILE}: read-only file system; {RIGHTS}",
    errno.EIO: f"{FILE}: input/output error; nothing committed is lost: see to that disk, and the same command resumes",
}


@pytest.mark.parametrize("number", SAID)
def test_what_the_user_reads(number: int) -> None:
    with pytest.raises(MachineError) as refused, files.refusals(PLACE):
        raise OSError(number, os.strerror(number), FILE)
    assert str(refused.value) == SAID[number]


def test_the_place_where_no_file_is_named() -> None:
    said = str(files.refusal(OSError(errno.EIO, "Input/output error"), PLACE))
    assert said.startswith(f"{PLACE}: input/output error; ")


def test_what_is_no_disks_stays_what_it_is() -> None:
    with pytest.raises(FileNotFoundError), files.refusals(PLACE):
        raise FileNotFoundError(errno.ENOENT, "No such file or directory", FILE)
    assert files.refusal(ValueError("no"), PLACE) is None


def test_what_cannot_be_read_is_not_damaged(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A generation of another user's is theirs to give; it is not to be set aside."""
    folder = tmp_path / "gen001"
    with generation.writing(folder) as unfinished:
        (unfinished / "metrics.json").write_text("{}")
    whole = generation.sha256

    def forbidden(path: Path) -> str:
        if path.name == "metrics.json":
            raise PermissionError(errno.EACCES, "Permission denied", str(path))
        return whole(path)

    monkeypatch.setattr(generation, "sha256", forbidden)
    with pytest.raises(UserError) as refused, run_folder.held(tmp_path):
        generation.damage(folder)
    assert str(refused.value) == f"{folder / 'metrics.json'}: permission denied; {RIGHTS}"


def test_a_kept_prototxt_that_is_damaged_is_written_anew(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    origin = {"solver.prototxt": "base_lr: 0.1\n", "train_val.prototxt": 'name: "tiny"\n'}
    run_folder.same_origin(tmp_path, origin)
    kept = tmp_path / "prototxt" / "solver.prototxt"
    for damaged in (b"base_lr: 0.3\n", b"\xff", b""):
        kept.write_bytes(damaged)
        run_folder.same_origin(tmp_path, origin)
        assert kept.read_text() == origin["solver.prototxt"]
        assert capsys.readouterr().out == f"{kept}: is not as it was written; written anew\n"
    (tmp_path / "prototxt" / "DONE.json").write_bytes(b"\xff")
    run_folder.same_origin(tmp_path, origin)
    with pytest.raises(UserError, match="solver.prototxt:1: this run was begun with other text than"):
        run_folder.same_origin(tmp_path, origin | {"solver.prototxt": "base_lr: 0.3\n"})
