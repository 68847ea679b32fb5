"""`make doctor` says how many cores there are to use, and what keeps the others."""

import pytest

from evolve.base import processors
from evolve.command.verbs import doctor


@pytest.mark.parametrize(
    ("every", "quota", "said"),
    [
        (1, None, "1 core"),
        (8, None, "8 cores"),
        (8, 2.5, "2 cores, of 8 by a quota of 2.5"),
        (8, 0.5, "1 core, of 8 by a quota of 0.5"),
        (2, 16.0, "2 cores"),
    ],
)
def test_cores(every: int, quota: float | None, said: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(processors, "allowed", lambda: every)
    monkeypatch.setattr(processors, "quota", lambda: quota)
    assert doctor._cores() == said
