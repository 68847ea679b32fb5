"""One rule says when an evolution ends early, for the lineage that ends and for the report that tells."""

import errno
from pathlib import Path

import pytest

from evolve.base import files
from evolve.runs import run_folder, state
from evolve.runs.metrics import Metrics
from evolve.runs.score import Score
from evolve.settings import settings
from tests.runs.made_up import metrics, with_score


def allowing(drop: str, folder: Path) -> settings.Settings:
    (folder / "prototxt").mkdir(exist_ok=True)
    path = folder / "prototxt" / "evolution.prototxt"
    path.write_text(f"generations: 13\nstop_when_accuracy_drops: {drop}\n")
    return settings.read(path)


def boxes(number: int, ap: float) -> Metrics:
    return with_score(metrics(number), precision=0.9, recall=0.9, map=0.9, ap=ap)


@pytest.mark.parametrize(
    ("now", "fell"), [(0.80, False), (0.76, False), (0.74, True)]
)
def test_the_score_is_a_classifiers_accuracy_or_a_detectors_average_precision(
    now: float, fell: bool, tmp_path: Path
) -> None:
    allowed = allowing("0.05", tmp_path)
    first, last = metrics(1, accuracy=0.8), metrics(2, accuracy=now)
    assert state.fell_too_far(allowed, first, last) is fell
    assert state.fell_too_far(allowed, boxes(1, 0.8), boxes(2, now)) is fell
    assert not state.fell_too_far(allowing("0", tmp_path), first, last)


@pytest.mark.parametrize(
    ("now", "words"),
    [
        (state.State(0, 1, False), "0 of 1 generation done; the same `make evolve` goes on"),
        (state.State(1, 1, False), "1 generation, all done"),
        (state.State(0, 1, True), "0 of 1 generation done; at work on generation 1"),
        (state.State(1, 0, True), "1 generation done; at work on generation 2"),
        (state.State(0, 0, True), "0 generations done; at work on generation 1"),
    ],
)
def test_one_generation_is_one(now: state.State, words: str) -> None:
    assert now.words() == words


def test_without_a_score_nothing_ends(tmp_path: Path) -> None:
    blind = with_score(metrics(2))
    assert blind.score == Score() and not state.fell_too_far(allowing("0.05", tmp_path), metrics(1), blind)


def test_a_detector_that_fell_has_ended(tmp_path: Path) -> None:
    allowing("0.0625", tmp_path)
    now = state.read(tmp_path, [boxes(1, 0.8), boxes(2, 0.7)], at_work=False)
    assert now.finished and now.words() == "ended at generation 2: average precision fell by more than 0.0625"
    now = state.read(tmp_path, [boxes(1, 0.8), boxes(2, 0.75)], at_work=False)
    assert not now.finished and now.words() == "2 of 13 generations done; the same `make evolve` goes on"


def test_a_validation_part_decides_where_there_is_one(tmp_path: Path) -> None:
    allowing("0.0625", tmp_path)
    first = with_score(metrics(1), accuracy=0.8, validation_accuracy=0.8)
    on_test_alone = with_score(metrics(2), accuracy=0.7, validation_accuracy=0.79)
    on_both = with_score(metrics(2), accuracy=0.79, validation_accuracy=0.7)
    assert not state.read(tmp_path, [first, on_test_alone], at_work=False).finished
    now = state.read(tmp_path, [first, on_both], at_work=False)
    assert now.finished and now.words() == "ended at generation 2: validation accuracy fell by more than 0.0625"


def test_what_the_last_command_asked_for_is_what_is_wanted(tmp_path: Path) -> None:
    allowing("0.5", tmp_path)
    known = [metrics(1), metrics(2)]
    assert state.read(tmp_path, known, at_work=False).wanted == 13
    half = "2 of 6 generations done; the same `make evolve` goes on"
    for asked, words in [(2, "2 generations, all done"), (6, half)]:
        run_folder.ask(tmp_path, asked)
        assert state.read(tmp_path, known, at_work=False).words() == words
    at_work = state.read(tmp_path, known, at_work=True).words()
    assert at_work == "2 of 6 generations done; at work on generation 3"


@pytest.mark.parametrize("damaged", [b"", b"six\n", b"\xff\n", b"6", b"9" * 400 + b"\n"])
def test_where_that_is_damaged_the_settings_say_it(damaged: bytes, tmp_path: Path) -> None:
    allowing("0.5", tmp_path)
    (tmp_path / ".asked").write_bytes(damaged)
    assert state.read(tmp_path, [metrics(1)], at_work=False).wanted == 13
    run_folder.ask(tmp_path, 6)
    assert run_folder.asked(tmp_path) == 6


def test_a_disk_that_is_full_ends_no_run_and_keeps_no_older_wish(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, "no space")

    run_folder.ask(tmp_path, 2)
    monkeypatch.setattr(files, "write_whole", full)
    run_folder.ask(tmp_path, 3)
    assert run_folder.asked(tmp_path) == 0
