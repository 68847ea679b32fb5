"""A run that was begun on its seed's own copy of a data set goes on with it; all seeds share one now."""

from dataclasses import replace
from pathlib import Path

import pytest

from evolve.datasets import Dataset
from evolve.datasets.dataset import write_done
from evolve.lineage import resume
from evolve.runs.generation import writing
from evolve.runs.metrics import Data
from tests.runs import made_up


@pytest.fixture(params=["", "-validation5"])
def part(request: pytest.FixtureRequest) -> str:
    """What a folder's name ends with; of one's own images all seeds share the validation part as well."""
    return str(request.param)


@pytest.fixture
def shared(tmp_path: Path, part: str) -> Dataset:
    """What all seeds read, and beside it the copy that seed 2 had once."""
    made = Dataset("mnist", tmp_path / f"mnist-34-seed1{part}", (1, 34, 34), {"train": 6, "test": 1}, 10, "shared")
    for each in (made, replace(made, folder=tmp_path / f"mnist-34-seed2{part}", sha256="own")):
        each.folder.mkdir()
        write_done(each.folder, each)
    return replace(made, notice="a notice")


def begun(run: Path, sha256: str) -> Path:
    with writing(run / "gen001") as folder:
        replace(made_up.metrics(seed=2), dataset=Data("mnist", sha256)).write(folder)
    return run


def test_a_run_begun_on_its_own_copy_goes_on_with_it(tmp_path: Path, shared: Dataset, part: str) -> None:
    found = resume.as_begun(begun(tmp_path / "run", "own"), shared, 2)
    assert (found.folder, found.sha256, found.notice) == (tmp_path / f"mnist-34-seed2{part}", "own", "a notice")


def test_what_ends_in_more_digits_is_another_seeds(tmp_path: Path) -> None:
    """What seed 12 drew is not seed 1's with a 2 behind it."""
    own = Dataset("streets", tmp_path / "streets-seed12", (3, 8, 8), {"train": 6, "val": 1}, 1, "own")
    assert resume.as_begun(begun(tmp_path / "run", "other"), own, 12) is own


def test_any_other_run_reads_what_is_shared(tmp_path: Path, shared: Dataset) -> None:
    assert resume.as_begun(tmp_path / "none", shared, 2) is shared
    assert resume.as_begun(begun(tmp_path / "run", "shared"), shared, 2) is shared
    # Its own copy is gone: the run says then which data it wants back.
    assert resume.as_begun(begun(tmp_path / "other", "own"), shared, 3) is shared
