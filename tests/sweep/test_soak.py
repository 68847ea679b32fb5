"""The short form of tests/bench/soak.py: a sweep's own process grows by nothing, and leaves nothing behind."""

import csv
import gc
import os
import subprocess
from pathlib import Path

from tests.bench import soak


def test_a_sweep_leaves_nothing_behind(tmp_path: Path) -> None:
    soak.network(tmp_path)
    samples = soak.measure(tmp_path, seeds=4, generations=2, every=0.2)
    assert len(list(tmp_path.glob("runs/tiny/seed*/gen*/DONE.json"))) == 8
    assert soak.leftovers(tmp_path) == []
    assert soak.growth(samples) < soak.GROWTH
    # A handle more for every run, or a child that nobody waited for, would still be there at the end.
    assert samples[-1].file_handles <= samples[0].file_handles
    assert samples[-1].children == 0
    soak.write(samples, tmp_path / "soak.csv")
    soak.draw(samples, tmp_path / "soak.png", "short")
    with open(tmp_path / "soak.csv", newline="") as file:
        assert int(list(csv.DictReader(file))[0]["memory_bytes"]) == samples[0].memory_bytes
    assert (tmp_path / "soak.png").stat().st_size > 10_000


def test_a_sample_is_of_a_process_and_its_children(tmp_path: Path) -> None:
    (tmp_path / "runs/tiny/seed1/gen001").mkdir(parents=True)
    (tmp_path / "runs/tiny/seed1/gen001/DONE.json").touch()
    gc.collect()  # what earlier tests left open goes now, and not between the two
    before = soak._sample(tmp_path, os.getpid(), 0.5, generations=2)
    with subprocess.Popen(["cat"], stdin=subprocess.PIPE), open(tmp_path / "open", "w"):
        sample = soak._sample(tmp_path, os.getpid(), 0.5, generations=1)
    assert (sample.children, sample.file_handles) == (before.children + 1, before.file_handles + 2)
    assert sample.memory_bytes > 10_000_000
    assert [(each.generations, each.runs_ended) for each in (before, sample)] == [(1, 0), (1, 1)]


def test_what_is_left_behind_is_found(tmp_path: Path) -> None:
    run = tmp_path / "runs" / "tiny" / "seed1"
    (run / ".gen002.unfinished").mkdir(parents=True)
    (tmp_path / "tmp").mkdir()
    (tmp_path / "tmp" / "forgotten").touch()
    (run / ".holder").touch()
    assert soak.leftovers(tmp_path) == [
        str(tmp_path / "tmp" / "forgotten"), str(run / ".holder"), str(run / ".gen002.unfinished"),
    ]  # fmt: skip


def test_growth_is_the_most_since_the_first_run_ended() -> None:
    samples = [soak.Sample(0, memory, 5, 2, 1, ended) for memory, ended in ((50, 0), (100, 1), (104, 2), (103, 3))]
    assert round(soak.growth(samples), 6) == 0.04
