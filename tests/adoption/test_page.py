"""The commands of docs/your_network.md are run, on files of the names that they have."""

import re
import shlex
from pathlib import Path

import pytest

from evolve.command import command
from tests.adoption import networks
from tests.network.foreign import digits_detectnet

ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "docs" / "your_network.md").read_text(encoding="utf-8")
COMMANDS = [shlex.split(line) for line in re.findall(r"^make (.+)$", PAGE, re.MULTILINE)]


def test_adopt_is_shown_twice() -> None:
    assert [words[0] for words in COMMANDS] == ["adopt", "adopt"]


@pytest.mark.parametrize("words", COMMANDS, ids=lambda words: words[1])
def test_it_runs(
    words: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    network = networks.lenet()
    Path("train_val.prototxt").write_text(network.files["lenet_train_test.prototxt"])
    Path("detectnet_network.prototxt").write_text(digits_detectnet.training())
    Path("solver.prototxt").write_text(network.files["lenet_solver.prototxt"])
    status = command.main(words)
    said = capsys.readouterr().out
    folder = Path(next(word.partition("=")[2] for word in words if word.startswith("OUT=")))
    assert status == 0, said
    assert sorted(path.name for path in folder.iterdir()) == [
        "evolution.prototxt", "solver.prototxt", "train_val.prototxt"
    ]  # fmt: skip
    assert ": sound" in said and "CHOOSE" in (folder / "evolution.prototxt").read_text()
