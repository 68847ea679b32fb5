"""The report of a run at work: as far as the run is, soon after each generation, and never in the run's way."""

import errno
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from evolve.base import files
from evolve.figures import report
from evolve.figures.report import page
from evolve.lineage import ancestor, offspring, reporting
from evolve.lineage.workspace import Workspace
from evolve.runs import generation, run_folder, state

Begun = Callable[[int], Any]


@pytest.fixture
def pages(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Every report that is written from now on, as text."""
    written: list[str] = []
    write = files.write_whole

    def spy(path: Path, content: str) -> None:
        write(path, content)
        if path.name == "report.html":
            written.append(content)

    monkeypatch.setattr(files, "write_whole", spy)
    return written


def wait_for(words: str, pages: list[str]) -> None:
    """Until one of the pages has those words."""
    deadline = time.monotonic() + 60
    while not any(words in each for each in pages):
        assert time.monotonic() < deadline
        time.sleep(0.01)


def test_it_says_how_far_the_run_is(
    begun: Begun, reference: Any, monkeypatch: pytest.MonkeyPatch, pages: list[str]
) -> None:
    place, made = begun(1), offspring.make
    said = [
        "1 of 3 generations done; at work on generation 2",
        "2 of 3 generations done; at work on generation 3",
        "3 generations, all done",
    ]

    def watched(workspace: Workspace, parent: Path) -> Any:
        wait_for(said[workspace.number - 2], pages)
        return made(workspace, parent)

    monkeypatch.setattr(reporting, "_SECONDS_AT_LEAST", 0)
    monkeypatch.setattr(reporting, "_SECONDS_BETWEEN", 900)  # however long a generation takes under load
    monkeypatch.setattr(offspring, "make", watched)
    place.evolve(3)
    assert len(pages) == 3 and all(words in content for words, content in zip(said, pages, strict=True))
    assert ["<body data-renewed=" in content for content in pages] == [True, True, False]
    assert "the run writes it anew every half minute." in pages[1] and "Written" not in pages[2]
    assert (place.run / "report.html").read_text() == pages[-1]
    # The settings say four: whoever looks later is told what GEN= asked for, and a longer GEN= is asked anew.
    assert "3 generations, all done" in page.write(place.run).read_text()
    # Generations faster than anybody reads: one when it begins, and one at its end.
    del pages[:]
    monkeypatch.setattr(reporting, "_SECONDS_AT_LEAST", 900)
    monkeypatch.setattr(offspring, "make", made)
    place.evolve(5)
    assert len(pages) == 2 and "at work on generation 4" in pages[0] and "5 generations, all done" in pages[1]
    assert run_folder.asked(place.run) == 5


def test_a_run_that_is_done_leaves_it_alone(
    begun: Begun, reference: Any, content: Callable[[Path], dict[str, tuple[bytes, int]]]
) -> None:
    place = begun(4)
    place.evolve()
    before = content(place.run)
    assert "report.html" in before
    place.evolve()
    assert content(place.run) == before


def test_an_interrupted_run_is_not_at_work(begun: Begun, monkeypatch: pytest.MonkeyPatch) -> None:
    place = begun(2)

    def interrupted(*_: Any) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(offspring, "make", interrupted)
    with pytest.raises(KeyboardInterrupt):
        place.evolve(4)
    said = (place.run / "report.html").read_text()
    assert "2 of 4 generations done; the same `make evolve` goes on" in said and "at work" not in said


def test_before_the_first_generation_there_is_one_as_long_as_it_is_made(
    place: Any, monkeypatch: pytest.MonkeyPatch, capsys: Any, pages: list[str]
) -> None:
    def interrupted(*_: Any) -> None:
        assert "0 of 2 generations done; at work on generation 1" in (place.run / "report.html").read_text()
        raise KeyboardInterrupt

    monkeypatch.setattr(ancestor, "make", interrupted)
    with pytest.raises(KeyboardInterrupt):
        place.evolve(2)
    assert not (place.run / "report.html").exists() and "no report" not in capsys.readouterr().out


def test_it_is_renewed_while_a_generation_is_made(
    begun: Begun, monkeypatch: pytest.MonkeyPatch, pages: list[str]
) -> None:
    place, made = begun(1), offspring.make
    monkeypatch.setattr(reporting, "_SECONDS_AT_LEAST", 0)
    monkeypatch.setattr(reporting, "_SECONDS_BETWEEN", 0.02)

    def slow(*given: Any) -> Any:
        # Whatever the first one wrote, the state at work is another a while later.
        monkeypatch.setattr(state, "training", lambda *_: (7, 40))
        wait_for("iteration 7 of 40", pages)
        return made(*given)

    monkeypatch.setattr(offspring, "make", slow)
    place.evolve(2)
    assert "2 of 2 generations" in pages[-1] or "2 generations, all done" in pages[-1]


@pytest.mark.parametrize(
    "error",
    [OSError(errno.ENOSPC, "No space left on device"), PermissionError(errno.EACCES, "Permission denied"),
     KeyError("layers"), MemoryError(), AssertionError("first line\nsecond")],
)  # fmt: skip
def test_whatever_goes_wrong_with_it_the_run_goes_on(
    error: Exception, begun: Begun, reference: Any, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    place = begun(1)

    def failing(*_: Any) -> str:
        raise error

    monkeypatch.setattr(page, "page", failing)
    place.evolve(3)
    for number in (2, 3):
        made = place.run / f"gen{number:03d}"
        assert generation.exists(made) and (made / "weights.caffemodel").read_bytes() == reference.caffemodel(number)
    said = [line for line in capsys.readouterr().out.splitlines() if "report" in line]
    why = " ".join(f"{type(error).__name__}: {error}".split())
    assert said == [f"{place.run}: no report ({why}); the run goes on, and `make report` writes it later"]
    assert not list(place.run.glob("*report*"))


def test_it_is_written_by_one_at_a_time(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As where data are made for longer than the first half minute: the thread's first is due when the run begins."""
    writing: list[int] = []

    def slow(*given: Any, **more: Any) -> None:
        writing.append(1)
        time.sleep(0.05)
        assert writing.pop() and not writing

    monkeypatch.setattr(report, "write", slow)
    reports = reporting.Reports(tmp_path, 1)
    said: list[str] = []
    monkeypatch.setattr(reporting.progress, "say_once", said.append)
    both = [threading.Thread(target=reports.write) for _ in range(2)]
    for each in both:
        each.start()
    for each in both:
        each.join()
    assert not said


def test_a_full_disk_keeps_the_old_page_and_nothing_half_written(tmp_path: Path, monkeypatch: Any) -> None:
    path = tmp_path / "report.html"
    files.write_whole(path, "old")

    def full(_: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(files.os, "fsync", full)
    with pytest.raises(OSError, match="No space left on device"):
        files.write_whole(path, "new")
    assert path.read_text() == "old" and [each.name for each in tmp_path.iterdir()] == ["report.html"]
