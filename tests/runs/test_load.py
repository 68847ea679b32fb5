"""How busy the machine is, from what its system counts."""

from pathlib import Path

import pytest

from evolve.runs import load

CORES = "cpu0 0 0 0 0 0 0 0 0 0 0\ncpu1 0 0 0 0 0 0 0 0 0 0\nintr 5\n"


def counted(monkeypatch: pytest.MonkeyPatch, folder: Path, before: str, after: str) -> float:
    """What is found where the system's counters go from `before` to `after` while this process waits."""
    stat = folder / "stat"
    stat.write_text(before)
    monkeypatch.setattr(load, "_STAT", stat)
    monkeypatch.setattr(load.time, "sleep", lambda seconds: stat.write_text(after))
    return load.busy_cores()


def test_busy_is_all_but_idle_and_waiting_for_disks(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    # user nice system idle iowait irq softirq steal guest guest_nice: 100 ticks of two cores, 60 of them busy.
    before = f"cpu  100 5 50 1000 10 1 2 3 7 0\n{CORES}"
    after = f"cpu  120 10 60 1030 20 3 5 23 27 0\n{CORES}"
    assert counted(monkeypatch, tmp_path, before, after) == 2 * 60 / 100


def test_a_quiet_machine_and_one_that_says_nothing(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    assert counted(monkeypatch, tmp_path, f"cpu 1 1 1 10 0 0 0 0\n{CORES}", f"cpu 1 1 1 90 0 0 0 0\n{CORES}") == 0
    assert counted(monkeypatch, tmp_path, f"cpu 0 0 0 0 0 0 0 0\n{CORES}", f"cpu 0 0 0 0 0 0 0 0\n{CORES}") == 0
    monkeypatch.setattr(load, "_STAT", tmp_path / "none")
    assert load.busy_cores() == 0


def test_what_is_said() -> None:
    assert load.warning(0.49) == ""
    assert load.warning(3.14) == (
        "about 3.1 cores are at work on something else: fps are worse than this machine's own, and marked"
    )
