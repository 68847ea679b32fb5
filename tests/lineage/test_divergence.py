"""Training that diverged to finite numbers is said after a generation, which has no offspring then."""

import math
from dataclasses import replace
from pathlib import Path

import pytest

from evolve.base.errors import UserError
from evolve.runs import run_folder, state
from evolve.runs.metrics import Metrics
from evolve.runs.score import Constant, Score
from tests.lineage.conftest import TRAIN_VAL, Place
from tests.lineage.networks import edited
from tests.runs.made_up import metrics

EVEN = Constant.of([36] * 10)


def test_one_answer_for_every_image_is_worked_by_hand() -> None:
    """Six images of one class, three and one of others: .6 right, and an entropy of .898 nats."""
    found, two = Constant.of([3, 6, 1]), Constant.of([3, 6, 1], answers=2)
    entropy = -0.6 * math.log(0.6) - 0.3 * math.log(0.3) - 0.1 * math.log(0.1)
    assert found and two and EVEN
    assert (found.accuracy, found.loss) == (0.6, pytest.approx(entropy, abs=1e-6))
    assert (EVEN.accuracy, EVEN.loss) == (0.1, pytest.approx(math.log(10), abs=1e-6))
    assert (two.accuracy, two.loss) == (0.9, found.loss)
    assert Constant.of([]) is None


@pytest.mark.parametrize(
    ("accuracy", "loss", "diverged"),
    [
        (0.1, 59.0, True),
        (0.1, 2.302585, True),  # all neurons dead: the classes' frequencies are all that is left
        (0.1, math.nan, True),
        (0.1, 2.29, False),  # a little was learned
        (0.6, 4.0, False),  # so sure of itself that its mistakes cost much: no divergence
        (0.1, None, True),
        (0.11, None, False),
    ],
)
def test_no_better_than_that(accuracy: float, loss: float | None, diverged: bool) -> None:
    assert Score(accuracy=accuracy, loss=loss, constant=EVEN).is_constants(None) is diverged
    # TEST without a loss: the training's counts.
    assert Score(accuracy=accuracy, constant=EVEN).is_constants(loss) is diverged


def test_what_cannot_be_told_so_never_is() -> None:
    assert not Score(accuracy=0.1, loss=59.0).is_constants(59.0)
    assert not Score(precision=0.0, recall=0.0, map=0.0, ap=0.0).is_constants(59.0)


def test_a_run_of_dead_neurons_ends_at_its_ancestor(place: Place) -> None:
    """No image gets past biases so far below zero: what is left is one answer for all of them, on any machine."""
    dead = 'num_output: 24 bias_filler { type: "constant" value: -1000 }'
    (place.folder / "tiny" / "train_val.prototxt").write_text(edited(TRAIN_VAL, ("num_output: 24", dead)))
    for _ in ("begun", "resumed"):
        with pytest.raises(UserError) as refused:
            place.evolve(3)
        found = Metrics.read(place.run / "gen001")
        assert found.score.constant == Constant.of([36, 36, 36, 35, 37, 36, 37, 36, 35, 36])
        assert str(refused.value) == (
            f"generation 1: {state.how_it_diverged(found)}: it is kept, and has no offspring; training diverged, or "
            f"learned nothing: lower {place.folder}/tiny/solver.prototxt:1: base_lr: 0.05, or give it a longer "
            "ancestor_training; then begin another run with RUN="
        )
        assert run_folder.committed(place.run) == [1]
    said = state.read(place.run, [found]).words()
    assert said == f"ended at generation 1: {state.how_it_diverged(found)}"
    assert said.startswith("ended at generation 1: accuracy 0.") and "no better than one answer for every" in said


def test_a_sibling_that_diverged_is_unfit(tmp_path: Path) -> None:
    each = replace(metrics(2), score=Score(accuracy=0.1, loss=87.3365, constant=EVEN))
    assert state.diverged(each)
    assert state.how_it_diverged(each) == (
        "accuracy 0.1000 and loss 87.3365 are no better than one answer for every image, 0.1000 and 2.3026"
    )
