"""A table shows names as they are, on a terminal, in a pipe and as Markdown."""

import io

import pytest

from evolve.base import progress
from evolve.base.sheet import Sheet

NAMES = ["screws [long]", "screws [short]", "cats [/old]", "a :cat: | dog"]


@pytest.mark.parametrize("terminal", [True, False])
def test_brackets_and_colons_are_letters(
    terminal: bool, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    written = io.StringIO()
    if terminal:
        monkeypatch.setattr(progress.console, "_force_terminal", True)
        monkeypatch.setattr(progress.console, "_file", written)
    Sheet("of [bold]", ["name", "n [s]"], [[name, "1"] for name in NAMES], notice="[x]", notes=["[y]"]).show()
    said = written.getvalue() if terminal else capsys.readouterr().out
    for words in ("of [bold]", "n [s]", "[x]", "[y]", *NAMES):
        assert words in said


def test_a_bar_in_a_name_is_no_column_of_markdown() -> None:
    assert "| a :cat: \\| dog |" in Sheet("t", ["name", "n"], [["a :cat: | dog", "1"]]).markdown()
