"""What is shown of trainings, alone and side by side."""

import io

import pytest
from rich.console import Console

from evolve.base import progress


@pytest.fixture(params=[True, False], ids=["terminal", "lines"])
def shown(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> io.StringIO:
    written = io.StringIO()
    console = Console(file=written, force_terminal=request.param, width=120, highlight=False, soft_wrap=True)
    monkeypatch.setattr(progress, "console", console)
    monkeypatch.setattr(progress, "_SECONDS_BETWEEN_LINES", 0)
    return written


def test_trainings_side_by_side_are_told_apart(shown: io.StringIO) -> None:
    with progress.training("generation 2, sibling 1 of 2") as first:
        first({"iteration": 5, "of": 40, "loss": 0.5})
        with progress.training("generation 2, sibling 2 of 2") as second:
            second({"iteration": 7, "of": 40, "loss": 0.25})
            first({"iteration": 20, "of": 40, "loss": 0.125})
            second({"words": "something to know"})
        first({"iteration": 40, "of": 40, "loss": 0.0625})
    said = shown.getvalue()
    for words in ("generation 2, sibling 1 of 2", "generation 2, sibling 2 of 2", "something to know"):
        assert words in said
    assert progress.console.is_terminal or "generation 2, sibling 1 of 2: 20 of 40 iterations, loss 0.1250" in said
    # One after the other they are shown as well: the display was ended, and begins again.
    with progress.training("generation 3") as third:
        third({"iteration": 1, "of": 2, "loss": 1.0})
    assert "generation 3" in shown.getvalue()
