"""What the system refuses a command (a place, room, a folder that has gone) is told in a line as the user's to mend."""

import errno
import fcntl
import os
import threading
from pathlib import Path

import pytest

from evolve.base.errors import UserError
from evolve.command import command
from evolve.command.verbs import evolve
from evolve.runs import run_folder
from tests.runs import made_up


@pytest.mark.parametrize("verb", ["report", "plot", "frontier"])
def test_a_place_that_cannot_be_written_is_the_users_to_mend(
    verb: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    run = made_up.write(tmp_path / "net" / "seed1", [made_up.metrics(n, 0.9) for n in (1, 2)])
    (tmp_path / "taken").touch()
    assert command.main([verb, f"RUN={run}", f"OUT={tmp_path}/taken/in"]) == 2
    assert capsys.readouterr().err == (
        f"cavefish: {tmp_path}/taken/in: expected to write there, got Not a directory; name another OUT=\n"
    )


@pytest.mark.parametrize("verb", ["report", "plot"])
def test_what_cannot_be_read_is_no_place_to_write(
    verb: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    run = made_up.write(tmp_path / "net" / "seed1", [made_up.metrics(1, 0.9)])
    kept = run / "gen001" / "metrics.json"

    def refused(*given: object) -> None:
        raise PermissionError(errno.EACCES, "Permission denied", str(kept))

    monkeypatch.setattr(run_folder, "read_lineage", refused)
    assert command.main([verb, f"RUN={run}", f"OUT={tmp_path}"]) == 2
    assert capsys.readouterr().err == (
        f"cavefish: {kept}: permission denied; nothing committed is lost: give the right to read and write there, and "
        "the same command resumes\n"
    )


@pytest.mark.parametrize(("number", "status"), [(errno.ENOSPC, 2), (errno.EACCES, 2), (errno.ENOENT, 1)])
def test_what_a_disk_refuses_anywhere_is_no_fault_of_cavefish(
    number: int, status: int, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def refused(arguments: object) -> int:
        raise OSError(number, os.strerror(number), "/some/file")

    monkeypatch.setattr(command.VERBS["count"], "run", refused)
    assert command.main(["count", "MODEL=x"]) == status
    assert ("fault of Cavefish" in capsys.readouterr().err) == (status == 1)


def test_a_file_system_without_locks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def flock(*given: object) -> None:
        raise OSError(errno.ENOLCK, os.strerror(errno.ENOLCK))

    monkeypatch.setattr(fcntl, "flock", flock)
    run = tmp_path / "runs" / "lenet" / "seed1"
    with pytest.raises(UserError) as refused, run_folder.held(run):
        pass
    assert str(refused.value) == (
        f"{run}: no locks available; nothing committed is lost: work on a file system that has locks (CAVEFISH_RUNS=, "
        "or another folder), and the same command resumes"
    )


def test_a_thread_that_does_not_start(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    """As where a container lets no more processes be: Python's words, whatever started it."""

    def refused(*given: object) -> None:
        raise RuntimeError("can't start new thread")

    monkeypatch.setattr(command.VERBS["count"], "run", lambda arguments: threading.Thread(target=print).start())
    monkeypatch.setattr(threading.Thread, "start", refused)
    assert command.main(["count", "MODEL=x"]) == 2
    assert capsys.readouterr().err == (
        "cavefish: expected one more thread, got none; end other processes, or let more be yours (ulimit -u), "
        "and the same command resumes\n"
    )


def leave(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Works in a folder that is then no longer there."""
    folder.mkdir()
    monkeypatch.chdir(folder)
    folder.rmdir()


def test_a_folder_that_has_gone_meanwhile_is_no_fault_of_cavefish(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    leave(tmp_path / "gone", monkeypatch)
    monkeypatch.delenv("CAVEFISH_RUNS", raising=False)
    assert command.main(["report"]) == 2
    assert capsys.readouterr().err == (
        "cavefish: expected a folder to work in, got one that is no longer there; go to another\n"
    )


def test_a_run_that_has_ended_says_where_its_page_lies(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    page = tmp_path / "runs" / "report.html"
    monkeypatch.chdir(tmp_path)
    assert evolve._from_here(page) == Path("runs/report.html")
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")
    assert evolve._from_here(page) == page
    leave(tmp_path / "gone", monkeypatch)
    assert evolve._from_here(page) == page


def test_a_fault_in_a_folder_that_has_gone_is_a_fault(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def faulty(arguments: object) -> int:
        raise KeyError("layers")

    monkeypatch.setattr(command.VERBS["count"], "run", faulty)
    leave(tmp_path / "gone", monkeypatch)
    assert command.main(["count", "MODEL=x"]) == 1
    assert "cavefish: this is a fault of Cavefish, not yours" in capsys.readouterr().err


@pytest.mark.parametrize("taken", ["runs", "runs/lenet", "runs/lenet/seed1"])
def test_a_file_in_the_place_of_a_run(taken: str, tmp_path: Path) -> None:
    file = tmp_path / taken
    file.parent.mkdir(parents=True, exist_ok=True)
    file.touch()
    with pytest.raises(UserError) as refused, run_folder.held(tmp_path / "runs" / "lenet" / "seed1"):
        pass
    assert str(refused.value) == (
        f"{file}: expected a folder for seed1, or nothing, got a file; move it away, or name another with RUN=, or "
        "CAVEFISH_RUNS= for all runs"
    )
