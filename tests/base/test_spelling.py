"""What somebody meant: the best of all names, not the first that is near enough."""

import re
from pathlib import Path

import pytest

from evolve.base.spelling import did_you_mean, nearest

ROOT = Path(__file__).resolve().parents[2]


@pytest.mark.parametrize(
    ("written", "known", "meant"),
    [
        ("lennet", ["detectnet", "lenet_bvlc", "lenet"], "lenet"),
        ("max", ["AVE", "MAX"], "MAX"),
        ("sinapse_budget", ["synapse_cost", "environment.synapse_budget"], "environment.synapse_budget"),
        ("environment.synapses", ["synapse_cost", "environment.synapse_budget"], "environment.synapse_budget"),
        ("Data", ["DATA", "Data2", "data"], "data"),
        ("x", ["synapse_cost", "seed"], ""),
        ("environment.qqq", ["environment.type"], ""),
        ("anything", [], ""),
    ],
)
def test_the_most_alike(written: str, known: list[str], meant: str) -> None:
    assert nearest(written, known) == meant
    assert nearest(written, known[::-1]) == meant


def test_how_alike_it_has_to_be() -> None:
    assert nearest("conv1", ["conv2a"], likeness=0.7) == "conv2a"
    assert nearest("conv1", ["conv2a"], likeness=0.8) == ""


def test_the_words() -> None:
    assert did_you_mean("NTE", ["NET", "GEN"], "evolve knows NET, GEN", quoted="{}=") == "did you mean NET=?"
    assert did_you_mean("FOLDER", ["NET", "GEN"], "evolve knows NET, GEN") == "evolve knows NET, GEN"


def test_nobody_else_spells() -> None:
    """Nine files had a way of their own each, and one of them took the first near name."""
    for file in [*ROOT.glob("evolve/**/*.py"), *ROOT.glob("trt/**/*.py")]:
        # merging.py compares nets layer by layer, no names.
        assert file.name in ("spelling.py", "merging.py") or not re.search(r"\bdifflib\b", file.read_text()), file
