"""Every bad input is refused by the real command in the words of the table, with exit status 2, and leaves nothing."""

from pathlib import Path

import pytest

from evolve.base import prototxt_text
from evolve.base.errors import UserError
from tests.bad.inputs import BAD, of_folder
from tests.bad.refused import run, tree
from tests.bad.table import CASES, Case


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    for name in ("CAVEFISH_DATA", "CAVEFISH_RUNS"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("CAVEFISH_OFFLINE", "1")
    return tmp_path


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_what_is_said(
    here: Path, case: Case, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    case.make(here, monkeypatch)
    before = tree(here)
    said = run(case.words.split(), capsys)
    says = case.says if case.says.startswith("usage: ") else f"cavefish: {case.says}"
    assert (said.status, said.err.replace(str(here), "{here}")) == (2, f"{says}\n")
    assert tree(here) == before


def test_there_are_many_and_each_is_another() -> None:
    assert len(CASES) >= 100
    assert len({case.name for case in CASES}) == len(CASES)


EVOLUTIONS, NETS = (sorted(BAD.glob(f"{kind}_*.prototxt")) for kind in ("evolution", "train_val"))


@pytest.mark.parametrize("path", EVOLUTIONS, ids=lambda path: path.stem)
def test_settings_in_this_folder(
    here: Path, path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Each file begins with what is said of it; tests/settings/test_settings.py reads the same without a command."""
    of_folder(path.name, "evolution.prototxt")(here, monkeypatch)
    said = run(["check", "NET=net"], capsys)
    assert (said.status, said.err) == (2, f"cavefish: {_says(path, here / 'net' / 'evolution.prototxt')}\n")


@pytest.mark.parametrize("path", NETS, ids=lambda path: path.stem)
def test_nets_in_this_folder(
    here: Path, path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """tests/network/test_bad_networks.py reads the same; the command says file and line besides."""
    of_folder(path.name, "train_val.prototxt")(here, monkeypatch)
    before = tree(here)
    file = here / "net" / "train_val.prototxt"
    said = run(["shrink", f"MODEL={file}", "WEIGHTS=w.caffemodel", "OUT=small", "SHAPE=3x8x8"], capsys)
    expected = prototxt_text.located(UserError(_says(path, file)), file, file.read_text())
    says = str(expected).replace(f"{file}: {file}", str(file))
    # What only the command knows: another name for a setting, another value of its own, the data layer's batch.
    others = {"keep_unknown ": "KEEP_UNKNOWN=1 ", "here: $DATA)": "here: $DATA, $NET)", "1 x 4 x": "8 x 4 x"}
    for old, new in others.items():
        says = says.replace(old, new)
    assert (said.status, said.err) == (2, f"cavefish: {says}\n")
    assert tree(here) == before


def _says(path: Path, file: Path) -> str:
    return path.read_text().splitlines()[0].removeprefix("# says: ").replace("{file}", str(file))
