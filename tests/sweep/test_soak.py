"""The short form of tests/bench/soak.py: a sweep's own process grows by nothing, and leaves nothing behind."""

import csv
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
    assert max(each.children for each in samples) >= 1 and samples[-1].children == 0
    soak.write(samples, tmp_path / "soak.csv")
    soak.draw(samples, tmp_path / "soak.png", "short")
    with open(tmp_path / "soak.csv", newline="") as file:
        assert int(list(csv.DictReader(file))[0]["memory_bytes"]) == samples[0].memory_bytes
    assert (tmp_path / "soak.png").stat().st_size > 10_000


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
