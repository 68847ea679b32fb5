"""What is shown of trainings, alone and side by side."""

import io
import re

import pytest
from rich.console import Console

from evolve.base import progress


@pytest.fixture(params=[True, False], ids=["terminal", "lines"])
def shown(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> io.StringIO:
    written = io.StringIO()
    console = Console(
        file=written, force_terminal=request.param, width=120,
        highlight=False, soft_wrap=True, markup=False, emoji=False,
    )  # fmt: skip
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


def drawn() -> None:
    """What a terminal would show a tenth of a second later."""
    if progress._bars._shown:
        progress._bars._shown.refresh()


def test_a_name_beside_a_bar_is_shown_as_it_is(shown: io.StringIO) -> None:
    with progress.training("net [draft] [/old] :cat:") as training:
        training({"iteration": 1, "of": 2, "loss": 1.0})
        drawn()
    assert "net [draft] [/old] :cat:" in shown.getvalue()


def test_what_is_left_of_a_training_and_of_the_run(shown: io.StringIO, monkeypatch: pytest.MonkeyPatch) -> None:
    now = 100.0
    monkeypatch.setattr("time.monotonic", lambda: now)
    with progress.training("generation 3 of 6", ahead=1600) as training:
        # It goes on where it was: 200 iterations have been done before.
        training({"iteration": 200, "of": 800, "loss": 0.5})
        now += 50
        training({"iteration": 300, "of": 800, "loss": 0.125})
        drawn()
    assert "4 min left · run 18 min left" in shown.getvalue()
    with progress.training("generation 6 of 6") as training:
        training({"iteration": 0, "of": 80, "loss": 0.5})
        now += 20
        training({"iteration": 40, "of": 80, "loss": 0.125})
        drawn()
    said = shown.getvalue()
    assert "20 s left" in said and "run 20 s" not in said
    assert progress.console.is_terminal or (
        "generation 3 of 6: 300 of 800 iterations, loss 0.1250, about 4 min left · run 18 min left" in said
    )


def test_a_bar_fits_80_columns(monkeypatch: pytest.MonkeyPatch) -> None:
    written = io.StringIO()
    console = Console(file=written, force_terminal=True, width=80, highlight=False, soft_wrap=True, color_system=None)
    monkeypatch.setattr(progress, "console", console)
    now = 0.0
    monkeypatch.setattr("time.monotonic", lambda: now)
    with progress.training("generation 12 of 13", ahead=9000) as training:
        training({"iteration": 0, "of": 8000, "loss": 0.5})
        now += 60
        training({"iteration": 1000, "of": 8000, "loss": 0.0625})
        drawn()
    frame = re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", written.getvalue())
    (line,) = {line.rstrip() for line in re.split(r"[\r\n]", frame) if "16 min" in line}
    assert line.endswith("1000/8000 · 7 min left · run 16 min left") and len(line) <= 80, line


def test_a_line_has_the_parts_that_a_terminal_has_room_for(shown: io.StringIO) -> None:
    parts = ["generation 1", "a" * 60, "b" * 44, "c" * 10]
    progress.say_parts(parts)
    kept = parts[:3] if progress.console.is_terminal else parts
    assert shown.getvalue() == "  ".join(kept) + "\n"


def test_images_are_counted(shown: io.StringIO, monkeypatch: pytest.MonkeyPatch) -> None:
    now = 100.0
    monkeypatch.setattr("time.monotonic", lambda: now)
    said: list[str] = []
    with progress.counting("train images", 1000, said.append) as count:
        for done in (1, 200):
            now += 10
            count(done)
    if progress.console.is_terminal:
        assert not said
    else:
        # 200 in 20 seconds, and 800 to go.
        assert said[-1] == "train images: 200 of 1000 images, 10 a second, about 80 s left"
