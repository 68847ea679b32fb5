"""What was sound is remembered, but not for ever: of more runs than that, those go that nobody asked for longest."""

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from evolve.base.machine import USUAL
from evolve.datasets import Dataset, Handful
from evolve.lineage import experiment, rehearsal, verdict

Ask = Callable[[str, int], bool]


@pytest.fixture
def ask(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Ask:
    """``ask(run, second)``: asks of a run at a time, and says whether it had to be rehearsed."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.setattr(verdict, "KEPT", 3)
    monkeypatch.setattr(experiment, "data_state", lambda *given: "state")
    rehearsed: list[str] = []
    handful = Handful(Dataset("digits", tmp_path, (1, 8, 8), {}, 10, ""), {"train": 5})

    def rehearse(*given: object) -> Handful:
        rehearsed.append("again")
        return handful

    monkeypatch.setattr(rehearsal, "rehearse", rehearse)

    def asked(run: str, second: int) -> bool:
        monkeypatch.setattr(verdict, "_key", lambda *given: run)
        before = len(rehearsed)
        assert verdict.of(None, None, 1, USUAL) == verdict.Verdict("digits", {"train": 5}, 10)  # type: ignore[arg-type]
        os.utime(tmp_path / "cavefish" / "checked" / run, (second, second))
        return len(rehearsed) > before

    return asked


def remembered(folder: Path) -> set[str]:
    return {file.name for file in (folder / "cavefish" / "checked").iterdir()}


def test_those_asked_for_longest_ago_go(tmp_path: Path, ask: Ask) -> None:
    for second, run in enumerate("abc", 1):
        assert ask(run, second)
    assert not ask("a", 4) and remembered(tmp_path) == {"a", "b", "c"}
    assert ask("d", 5) and remembered(tmp_path) == {"a", "c", "d"}
    assert ask("b", 6) and remembered(tmp_path) == {"a", "b", "d"}


def test_what_is_asked_for_again_counts_as_asked_for_now(tmp_path: Path, ask: Ask) -> None:
    ask("a", 1)
    file = tmp_path / "cavefish" / "checked" / "a"
    assert verdict._read(file) and file.stat().st_mtime > 1


def test_many_left_from_before_go_at_once(tmp_path: Path, ask: Ask) -> None:
    ask("a", 100)
    for number in range(50):
        file = tmp_path / "cavefish" / "checked" / f"0{number:02d}"
        file.write_text("{}")
        os.utime(file, (number, number))
    ask("b", 101)
    assert remembered(tmp_path) == {"a", "b", "049"}


def test_of_a_user_without_a_home_nothing_is_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HOME", "XDG_CACHE_HOME"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr("pwd.getpwuid", {}.__getitem__)  # a number that nobody has, as in a container
    assert verdict._folder() is None
