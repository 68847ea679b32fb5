"""What a disk refuses is one line that says where, and what to do."""

import errno
import os
import subprocess
import sys
import threading
from pathlib import Path

import lmdb
import pytest

from evolve.base import files
from evolve.base.errors import MachineError, UserError
from evolve.runs import generation, run_folder
from tests.runs import made_up

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
    errno.EMFILE: f"{FILE}: too many open files; nothing committed is lost: let more files be open (ulimit -n), and "
    "the same command resumes",
    errno.EFBIG: f"{FILE}: file too large; nothing committed is lost: let files be larger (ulimit -f), or choose a "
    "file system that takes such, and the same command resumes",
    errno.ENAMETOOLONG: f"{FILE}: file name too long; give a shorter one",
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


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (OSError(errno.EROFS, "Read-only file system", FILE), f"{FILE}: expected a place to write seed1, got Read-only "
         "file system; choose another folder, or give the right to write there"),
        (FileExistsError(errno.EEXIST, "File exists"), f"{PLACE}: expected a place to write seed1, got File exists; "
         "choose another folder, or give the right to write there"),
        (OSError(errno.EIO, "Input/output error", FILE), f"{FILE}: input/output error; see to that disk, and the same "
         "command resumes"),
        (lmdb.MapFullError("full"), f"{PLACE}: expected 9 bytes free, got 5; make room there, or choose another "
         "folder"),
        (lmdb.Error("mdb_put: Input/output error"), f"{PLACE}: expected 9 bytes free, got 5; make room there, or "
         "choose another folder"),
    ],
)  # fmt: skip
def test_what_is_made_anew_has_nothing_to_lose(
    error: Exception, words: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(files, "free", lambda place: 5)
    with pytest.raises(MachineError) as refused, files.refusals(PLACE, needed=9):
        raise error
    assert str(refused.value) == words


def test_another_error_of_lmdb_stays_what_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(files, "free", lambda place: 10)
    with pytest.raises(lmdb.BadValsizeError), files.refusals(PLACE, needed=9):
        raise lmdb.BadValsizeError("odd")


ELSEWHERE = "/other/labels.txt"


def test_a_full_disk_elsewhere_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(files, "free", lambda place: 5)
    written = OSError(errno.ENOSPC, "No space left on device", FILE, None, ELSEWHERE)
    for needed in (0, 9):
        assert str(files.refusal(written, PLACE, needed)) == f"{ELSEWHERE}: {FULL}"


def test_a_file_elsewhere_is_no_place_to_write() -> None:
    read = PermissionError(errno.EACCES, "Permission denied", ELSEWHERE)
    assert str(files.refusal(read, PLACE, 9)) == (
        f"{ELSEWHERE}: permission denied; give the right to read and write there, and the same command resumes"
    )


@pytest.mark.parametrize(
    ("number", "named"),
    [
        (errno.EACCES, "/runs/lenet/seed1/gen002/metrics.json"),
        (errno.EEXIST, "/runs/lenet/seed1"),
        (errno.ENOTDIR, "/runs/lenet"),
        (errno.EACCES, "/runs/lenet/.seed1.unfinished"),
        (errno.EACCES, "/runs/lenet/seed1.part"),
        (errno.EACCES, "/runs/lenet/.seed1.unfinished-7/train_val.prototxt"),
        (errno.EFBIG, None),
    ],
)
def test_out_is_what_cannot_be_written(number: int, named: str | None) -> None:
    with pytest.raises(UserError) as refused, files.named_by_out(PLACE):
        raise OSError(number, "No", named)
    assert str(refused.value) == f"{PLACE}: expected to write there, got No; name another OUT="


@pytest.mark.parametrize(
    "error",
    [
        PermissionError(errno.EACCES, "Permission denied", ELSEWHERE),
        PermissionError(errno.EACCES, "Permission denied", "/runs/lenet/seed2"),
        PermissionError(errno.EACCES, "Permission denied", "/runs/lenet/seed1.prototxt"),
        PermissionError(errno.EACCES, "Permission denied", "/runs/lenet/seed11"),
        OSError(errno.ENOSPC, "No space left on device", FILE, None, ELSEWHERE),
        OSError(errno.EMFILE, "Too many open files", FILE),
        BlockingIOError(errno.EAGAIN, "Resource temporarily unavailable"),
        FileNotFoundError(errno.ENOENT, "No usable temporary directory found in ['/tmp']"),
        OSError("cannot write mode F as PNG"),
    ],
)
def test_what_is_not_of_out_stays_what_it_is(error: OSError) -> None:
    with pytest.raises(OSError) as raised, files.named_by_out(PLACE):
        raise error
    assert raised.value is error


@pytest.mark.parametrize("content", ["text ÷", b"\x00\xff"])
def test_a_file_is_written_whole_or_stays(
    tmp_path: Path, content: str | bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "file"
    files.write_whole(path, content)
    expected = content.encode() if isinstance(content, str) else content
    assert path.read_bytes() == expected and list(tmp_path.iterdir()) == [path]

    def full(descriptor: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(UserError) as refused, files.named_by_out(path):
        files.write_whole(path, "new")
    assert str(refused.value) == f"{path}: expected to write there, got No space left on device; name another OUT="
    assert path.read_bytes() == expected and list(tmp_path.iterdir()) == [path]


def test_a_signal_in_the_middle_of_a_file_leaves_nothing_beside_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "lineage.csv"
    files.write_whole(path, "old")

    def stopped(descriptor: int) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(os, "fsync", stopped)
    with pytest.raises(KeyboardInterrupt):
        files.write_whole(path, "new")
    assert path.read_text() == "old" and list(tmp_path.iterdir()) == [path]


def test_two_writers_of_one_file_wait_for_each_other(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As `make report` and the run that renews its page: none fails, and what is read is one of the two, whole."""
    path, fsync = tmp_path / "report.html", os.fsync
    second: list[threading.Thread] = []

    def overtaken(descriptor: int) -> None:
        if not second:
            second.append(threading.Thread(target=files.write_whole, args=(path, "2" * 100_000)))
            second[0].start()
            second[0].join(0.2)
            assert second[0].is_alive()
        fsync(descriptor)

    monkeypatch.setattr(os, "fsync", overtaken)
    files.write_whole(path, "1")
    second[0].join()
    assert path.read_text() == "2" * 100_000 and list(tmp_path.iterdir()) == [path]


WRITER = """
import sys
from pathlib import Path
from evolve.base import files
for number in range(100):
    files.write_whole(Path(sys.argv[1]), sys.argv[2] * (1000 + number))
"""


def test_nor_do_processes_disturb_each_other(tmp_path: Path) -> None:
    path = tmp_path / "lineage.csv"
    writers = [subprocess.Popen([sys.executable, "-c", WRITER, str(path), letter]) for letter in "abc"]
    while any(writer.poll() is None for writer in writers):
        if path.exists():
            read = path.read_text()
            assert len(set(read)) == 1 and len(read) >= 1000
    assert [writer.returncode for writer in writers] == [0, 0, 0] and list(tmp_path.iterdir()) == [path]


def test_what_a_killed_writer_left_is_not_in_the_way(tmp_path: Path) -> None:
    (tmp_path / ".lineage.csv.unfinished").write_text("a longer text than the new one")
    files.write_whole(tmp_path / "lineage.csv", "new")
    assert [(each.name, each.read_text()) for each in tmp_path.iterdir()] == [("lineage.csv", "new")]


def test_what_a_killed_maker_of_a_folder_left_is_gone(tmp_path: Path) -> None:
    left, of_another = (tmp_path / f".photos {name}.unfinished-1" for name in ("[new]", "n"))
    for folder in (left, of_another):
        folder.mkdir()
    said: list[str] = []
    with files.replacing(tmp_path / "photos [new]", said.append) as unfinished:
        (unfinished / "image").touch()
    assert said == [f"{left}: left behind by a process that died; removed"]
    assert sorted(tmp_path.iterdir()) == [of_another, tmp_path / "photos [new]"]


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
    made_up.write(tmp_path, [made_up.metrics(1, 0.9)])
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


def test_a_run_that_has_made_nothing_yet_takes_what_was_mended(tmp_path: Path) -> None:
    """As after a mistyped folder; hours of training, which snapshots are, are not lost to a changed line."""
    run_folder.same_origin(tmp_path, {"evolution.long.prototxt": 'folder: "pcitures"\n', "solver.prototxt": "x\n"})
    mended = {"evolution.prototxt": 'folder: "pictures"\n', "solver.prototxt": "x\n"}
    run_folder.same_origin(tmp_path, mended)
    kept = tmp_path / "prototxt"
    assert {path.name: path.read_text() for path in kept.glob("*.prototxt")} == mended
    (tmp_path / ".gen001.training" / "scratch").mkdir(parents=True)
    (tmp_path / ".gen001.training" / "scratch" / "state_iter_500.solverstate").touch()
    with pytest.raises(UserError, match="evolution.prototxt:1: this run was begun with other text than"):
        run_folder.same_origin(tmp_path, mended | {"evolution.prototxt": "other\n"})
