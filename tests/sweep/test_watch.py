"""What a sweep says while it works, of runs that are made up."""

import io
from dataclasses import replace
from pathlib import Path

import pytest
from rich.console import Console

from evolve.base import progress
from evolve.runs.metrics import Data, Metrics, Training
from evolve.sweep import summary, watch
from evolve.sweep.child import Ended
from evolve.sweep.plan import PlannedRun
from tests.runs.made_up import metrics


def run(folder: Path, seed: int, generations: int = 0, iteration: int = 0) -> PlannedRun:
    """A run that wants 4 generations and has some, with the next one in training where `iteration` is given."""
    made = PlannedRun(folder / f"seed{seed}", seed, (), 4, (), folder, ())
    for number in range(1, generations + 1):
        generation = made.folder / f"gen{number:03d}"
        generation.mkdir(parents=True)
        (generation / "DONE.json").touch()
        metrics(
            number, accuracy=0.9, synapses=1234, architectural_efficiency=2.0, clusters=5, cluster_efficiency=1.5,
            macs=1_000_000, caffemodel_bytes=7000, flushed_synapses=0, training=Training(40, 3.0),
        ).write(generation)  # fmt: skip
    if iteration:
        unfinished = made.folder / f".gen{generations + 1:03d}.unfinished"
        unfinished.mkdir(parents=True)
        (unfinished / "solver.prototxt").write_text("max_iter: 40\n")
        (unfinished / "train.log").write_text(f"I1128 solver.cpp:218] Iteration {iteration} (9 iter/s), loss = 1\n")
    return made


def shown(monkeypatch: pytest.MonkeyPatch, terminal: bool) -> io.StringIO:
    out = io.StringIO()
    monkeypatch.setattr(progress, "console", Console(file=out, force_terminal=terminal, width=120, soft_wrap=True))
    return out


def test_a_line_without_a_terminal(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    out = shown(monkeypatch, terminal=False)
    first, second, third, fourth = run(tmp_path, 1, 2, 20), run(tmp_path, 2), run(tmp_path, 3, 4), run(tmp_path, 4)
    with watch.Watch([first, second, third, fourth]) as watching:
        watching.ended(third, Ended(0))
        watching.ended(fourth, Ended(2, "no such thing"))
        watching.look([first, second])
    assert out.getvalue().splitlines() == [
        "seed3: generation  4  accuracy 0.9000  synapses 1,234  A-E 2.00  1.00 MMAC  40 it in 3 s  "
        "clusters 5 (E 1.50)  7 kB  flushed 0",
        "seed4: no such thing",
        "2 of 4 runs done, 1 failed; seed1: generation 3 of 4, iteration 20 of 40 (accuracy 0.9000); "
        "seed2: generation 1 of 4",
    ]


def test_hundreds_at_work_make_no_endless_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    out = shown(monkeypatch, terminal=False)
    runs = [run(tmp_path, seed) for seed in range(100)]
    with watch.Watch(runs) as watching:
        watching.look(runs)
    assert out.getvalue().endswith("; seed29: generation 1 of 4; 70 more at work\n")


@pytest.mark.parametrize("terminal", [False, True])
def test_not_more_often_than_is_of_use(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, terminal: bool) -> None:
    shown(monkeypatch, terminal)
    now = 1000.0
    monkeypatch.setattr("time.monotonic", lambda: now)
    with watch.Watch([run(tmp_path, 1)]) as watching:
        now += 0.9 if terminal else 59.0
        assert not watching.due()
        now += 1.1
        assert watching.due()
        watching.look([])
        assert not watching.due()


def test_damaged_figures_of_one_run_stop_no_other(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The run itself makes them anew."""
    out = shown(monkeypatch, terminal=False)
    first, second = run(tmp_path, 1, 2, 20), run(tmp_path, 2, 1)
    (first.folder / "gen002" / "metrics.json").write_text('{"score"')
    with watch.Watch([first, second]) as watching:
        watching.look([first, second])
        watching.ended(first, Ended(0))
    assert out.getvalue().splitlines()[0].endswith(
        "seed1: generation 3 of 4, iteration 20 of 40; seed2: generation 2 of 4 (accuracy 0.9000)"
    )
    assert [row[0] for row in summary.sheets({first: Ended(0), second: Ended(0)})[0].rows] == ["seed2"]
    assert f"{first.folder} is left out of the tables: {first.folder}/gen002/metrics.json: " in out.getvalue()


def test_seeds_on_other_data_are_another_row(tmp_path: Path) -> None:
    """Pictures were added while the sweep was at work."""
    runs = [run(tmp_path, seed, 1) for seed in (1, 2, 3)]
    for each, sha256 in zip(runs, ("0123456789abcdef", "fedcba9876543210", "0123456789abcdef"), strict=True):
        folder = each.folder / "gen001"
        replace(Metrics.read(folder), dataset=Data("pictures (images)", sha256)).write(folder)
    by_setting = summary.sheets(dict.fromkeys(runs, Ended(0)))[1]
    first, other = "as its prototxts say", "as its prototxts say, on data of sha256 fedcba987654"
    assert [row[:2] for row in by_setting.rows] == [[first, "2"], [other, "1"]]


def test_bars_on_a_terminal(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    out = shown(monkeypatch, terminal=True)
    first, second = run(tmp_path, 1, 2, 20), run(tmp_path, 2, 4)
    with watch.Watch([first, second]) as watching:
        watching.look([first, second])
        watching.ended(second, Ended(0))
        out.truncate(out.seek(0))
        watching.look([first])
        frame = out.getvalue()
    # Generations of both, and the iteration of the one at work; the other one's bar is gone.
    assert "1 of 2 runs" in frame and "6/8" in frame
    assert "seed1 generation 3" in frame and "20/40" in frame and "accuracy 0.9000" in frame and "seed2" not in frame
