"""Every bad input is refused by the real command in the words of the table, with exit status 2, and leaves nothing."""

from pathlib import Path

import pytest

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
def test_what_is_said(here: Path, case: Case, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    case.make(here, monkeypatch)
    before = tree(here)
    said = run(case.words.split(), capsys)
    import os
    if os.environ.get("SHOW"):
        with open(os.environ["SHOW"], "a") as f:
            print(repr((case.name, said.status, said.out[:300], said.err.replace(str(here), "{here}")[:1500], sorted(set(tree(here)) ^ set(before)))), file=f)
        return
    assert (said.status, said.err.replace(str(here), "{here}")) == (2, f"cavefish: {case.says}\n")
    assert tree(here) == before
