"""docs/check.md: its command is run, and what it shows is what is said."""

import re
from pathlib import Path

import pytest
from recipes import ROOT

from evolve.command import command

PAGE = (ROOT / "docs/check.md").read_text(encoding="utf-8")


def test_its_command_says_what_the_page_shows(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """MNIST's numbers apart, where handwritten digits stand in for it."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setenv("CAVEFISH_OFFLINE", "1")
    monkeypatch.delenv("CAVEFISH_DATA", raising=False)
    (words,) = re.findall(r"^make (check NET=lenet) +#", PAGE, re.MULTILINE)
    assert command.main(words.split()) == 0
    said = " ".join(capsys.readouterr().out.split())
    shown = " ".join(re.findall(r"```\n(lenet: .*?)```", PAGE, re.DOTALL)[0].split())
    before, _, after = shown.partition("mnist (60,000 train + 10,000 test")
    assert said.startswith(f"{before}digits (1,437 train + 360 test{after} (NOTE: MNIST could not be had")
    assert len(list((tmp_path / "cache" / "cavefish" / "checked").iterdir())) == 1
