"""A child is started, asked, watched and ended the same way, whatever it is a child for."""

import errno
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from evolve.base import pulse
from evolve.base.child import Child, Died, Serving, end_all
from evolve.base.errors import MachineError, UserError
from evolve.base.machine import Machine

ROOT = Path(__file__).resolve().parents[2]
MODULE = "tests.base.obedient"


@pytest.fixture
def child(tmp_path: Path) -> Iterator[Serving]:
    with Serving(MODULE, "serve", called="the child", log=tmp_path / "log") as started:
        yield started


def test_it_answers_in_the_order_of_what_was_asked(child: Serving, tmp_path: Path) -> None:
    assert child.call("add", one=1, other=2) == {"sum": 3}
    for number in range(50):
        child.ask("add", one=number, other=number)
    assert [child.answer()["sum"] for _ in range(50)] == [2 * number for number in range(50)]
    assert child.said().count("this is said, and no answer\n") == 51
    progress: list[int] = []
    assert child.call("count", lambda said: progress.append(said["at"]), to=3) == {} and progress == [0, 1, 2]


@pytest.mark.parametrize(
    ("how", "kind", "words"),
    [
        ("user", UserError, "net.prototxt:3: no such layer"),
        ("machine", MachineError, "memory ran out"),
        ("memory", MachineError, "expected more memory than there is; a smaller network or batch needs less"),
        ("disk", MachineError, f"{Path.cwd()}: no space left on the disk; nothing committed is lost: free some, and "
         "the same command resumes"),
        ("file", MachineError, "/there/file: no space left on the disk; nothing committed is lost: free some, and the "
         "same command resumes"),
        ("fault", UserError, "echo: two lines"),
        ("wordless", UserError, "echo: ValueError"),
    ],
)  # fmt: skip
def test_what_fails_is_said_and_it_goes_on(child: Serving, how: str, kind: type[UserError], words: str) -> None:
    with pytest.raises(UserError) as error:
        child.call("fail", how=how)
    assert (type(error.value), str(error.value)) == (kind, words)
    assert ("Traceback" in child.said()) == (how not in ("user", "machine"))
    assert child.call("add", one=1, other=1) == {"sum": 2}


@pytest.mark.parametrize(
    ("how", "kind", "words"),
    [
        ("disk", MachineError, "expected a folder to work in, got one that is no longer there; go to another"),
        ("fault", UserError, "echo: two lines"),
    ],
)
def test_its_folder_may_have_gone(child: Serving, tmp_path: Path, how: str, kind: type[UserError], words: str) -> None:
    (tmp_path / "gone").mkdir()
    child.call("leave", folder=str(tmp_path / "gone"))
    with pytest.raises(UserError) as error:
        child.call("fail", how=how)
    assert (type(error.value), str(error.value)) == (kind, words)
    assert child.call("add", one=1, other=1) == {"sum": 2}


def test_its_surroundings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OMP_PLACES", "cores")
    monkeypatch.setenv("OPENBLAS_NUM_THREADS", "9")
    machine = Machine(threads=3, fast=False, blas_threads=2)
    with Serving(
        MODULE, "serve", called="it", log=tmp_path / "log", folder=tmp_path, machine=machine, more={"MORE": "1"},
        without=("OMP_",),
    ) as started:  # fmt: skip
        found = started.call("surroundings")
    inner = found["environment"]
    assert (found["machine"], found["folder"]) == (repr(machine), str(tmp_path))
    assert inner["MORE"] == "1" and "OMP_PLACES" not in inner
    assert inner["OPENBLAS_NUM_THREADS"] == inner["OMP_NUM_THREADS"] == "2"


@pytest.mark.parametrize(
    ("task", "arguments", "words"),
    [
        ("end", {"status": 3}, "the child ended with status 3; it last said: its last words"),
        ("end", {"status": 0}, "the child ended with status 0; it last said: its last words"),
    ],
)
def test_one_that_ends_says_its_last_words(child: Serving, task: str, arguments: Any, words: str) -> None:
    with pytest.raises(Died) as died:
        child.call(task, **arguments)
    assert str(died.value) == words and not died.value.stood_still
    with pytest.raises(Died, match="the child ended with status"):
        child.call("add", one=1, other=1)


def test_without_a_log_its_words_are_above(capfd: pytest.CaptureFixture[str]) -> None:
    with Serving(MODULE, "serve", called="the child") as started, pytest.raises(Died) as died:
        started.call("end", status=1)
    assert str(died.value) == "the child ended with status 1; what it said is above"
    assert started.said() == "" and "its last words\n" in capfd.readouterr().err


@pytest.mark.parametrize(
    ("number", "words"),
    [
        (errno.EAGAIN, "resource temporarily unavailable; end other processes, or let more be yours (ulimit -u)"),
        (errno.ENOMEM, "cannot allocate memory; end other processes, which take memory"),
        (errno.EMFILE, "too many open files; let more files be open (ulimit -n)"),
    ],
)
def test_one_that_the_system_does_not_start(number: int, words: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def refused(*command: object, **options: object) -> None:
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(subprocess, "Popen", refused)
    with pytest.raises(MachineError) as error:
        Serving(MODULE, "serve", called="the child")
    assert str(error.value) == f"the child did not start: {words}, and the same command resumes"


def test_one_whose_folder_or_interpreter_has_gone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    gone, said = tmp_path / "gone", "the child did not start: no such file or directory; bring it back"
    with pytest.raises(MachineError, match=f"^{gone}: {said}, and the same command resumes$"):
        Serving(MODULE, "serve", called="the child", folder=gone)
    with pytest.raises(MachineError, match=f"^{gone}/log: {said}, and the same command resumes$"):
        Serving(MODULE, "serve", called="the child", log=gone / "log")
    monkeypatch.setattr(sys, "executable", str(gone))
    with pytest.raises(MachineError, match=f"^{gone}: {said}, and the same command resumes$"):
        Serving(MODULE, "serve", called="the child", log=tmp_path / "log")
    assert not (tmp_path / "log").read_bytes()


def test_one_that_is_killed(child: Serving) -> None:
    child.call("add", one=1, other=1)
    child.kill()
    with pytest.raises(Died) as died:
        child.call("add", one=1, other=1)
    assert str(died.value) == "the child was killed; most often because memory ran out"


@pytest.mark.parametrize(
    ("stopped", "words"),
    [
        (True, "the child was stopped (SIGSTOP) and did not go on for 0 s; it was ended"),
        (False, "the child has computed nothing for 1 s; see what its disk waits for; it was ended"),
    ],
)
def test_one_that_owes_an_answer_for_ever_is_ended(
    child: Serving, monkeypatch: pytest.MonkeyPatch, stopped: bool, words: str
) -> None:
    monkeypatch.setattr(pulse, "SECONDS", 0.05)
    monkeypatch.setattr(pulse, "STOPPED", 6)
    monkeypatch.setattr(pulse, "STILL", 20)
    child.call("add", one=1, other=1)
    if stopped:
        os.kill(child.pid, signal.SIGSTOP)
    with pytest.raises(Died) as died:
        child.call("sleep", seconds=600)
    assert str(died.value) == words and died.value.stood_still
    child.end()
    assert child.status() == -signal.SIGKILL


def test_patience(tmp_path: Path) -> None:
    """One that is asked clears away; one that does not listen is ended by force, and both have the same seconds."""

    class Patient(Child):
        patience = 2.0

    children = [Patient(MODULE, how, called=how, log=tmp_path / how) for how in ("polite", "stay")]
    _wait(lambda: all(each.said() == "ready\n" for each in children))
    began = time.monotonic()
    end_all(children)
    assert [each.status() for each in children] == [0, -signal.SIGKILL] and time.monotonic() - began >= 2
    assert children[0].said() == "ready\ncleared away\n"
    with Child(MODULE, "polite", called="it", log=tmp_path / "impatient") as impatient:
        _wait(lambda: impatient.said() == "ready\n")
    assert impatient.status() == -signal.SIGKILL and impatient.said() == "ready\n"


PARENT = """
import sys, time
from pathlib import Path
from evolve.base.child import Child
with Child("tests.base.obedient", "stay", called="it", log=Path(sys.argv[1])) as child:
    print(child.pid, flush=True)
    time.sleep(600)
"""


def test_it_never_outlives_its_parent(tmp_path: Path) -> None:
    parent = subprocess.Popen(
        [sys.executable, "-c", PARENT, str(tmp_path / "log")], cwd=ROOT, stdout=subprocess.PIPE, text=True
    )
    assert parent.stdout
    pid = int(parent.stdout.readline())
    _wait(lambda: (tmp_path / "log").exists() and "ready" in (tmp_path / "log").read_text())
    parent.kill()
    parent.wait()
    parent.stdout.close()
    _wait(lambda: not _alive(pid))


def _alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def _wait(until: Callable[[], bool]) -> None:
    end = time.monotonic() + 120
    while not until():
        assert time.monotonic() < end
        time.sleep(0.05)
