"""The fittest of siblings, by what is stated."""

from typing import Any

import pytest

from evolve.lineage import selection
from evolve.proto import evolution_pb2
from evolve.runs.metrics import Metrics
from evolve.runs.score import Score
from tests.runs.made_up import metrics


def settings(cost: float = 0) -> Any:
    return evolution_pb2.EvolutionParameter(synapse_cost=cost)


def accuracies(*each: tuple[float, int]) -> dict[int, Metrics]:
    return {n: metrics(accuracy=accuracy, synapses=synapses) for n, (accuracy, synapses) in enumerate(each, start=1)}


def order(siblings: dict[int, Metrics], cost: float = 0) -> list[int]:
    return [number for number, _ in selection.by_fitness(settings(cost), siblings, parent_synapses=1000)]


def test_the_highest_score_first() -> None:
    assert order(accuracies((0.5, 600), (0.9, 700), (0.7, 650))) == [2, 3, 1]


def test_of_equals_the_one_with_fewer_synapses_then_the_first() -> None:
    assert order(accuracies((0.9, 700), (0.9, 600), (0.9, 600))) == [2, 3, 1]


def test_synapses_cost_what_the_settings_say() -> None:
    # 0.1 x (700 - 600) / 1000 = a hundredth.
    assert order(accuracies((0.905, 700), (0.9, 600)), cost=0) == [1, 2]
    assert order(accuracies((0.905, 700), (0.9, 600)), cost=0.1) == [2, 1]
    assert selection.fitness(settings(0.1), metrics(accuracy=0.9, synapses=600), 1000) == pytest.approx(0.84)


def test_detectors_are_judged_by_ap() -> None:
    boxes = metrics(score=Score(precision=0.9, recall=0.2, map=0.18, ap=0.4), synapses=5)
    assert selection.fitness(settings(), boxes, 10) == 0.4


def test_a_validation_part_chooses_where_there_is_one() -> None:
    better_on_test = metrics(score=Score(accuracy=0.9, validation_accuracy=0.7), synapses=600)
    better_on_part = metrics(score=Score(accuracy=0.8, validation_accuracy=0.75), synapses=600)
    assert order({1: better_on_test, 2: better_on_part}) == [2, 1]
    assert selection.fitness(settings(0.1), better_on_part, 1000) == pytest.approx(0.69)


def test_why() -> None:
    siblings = accuracies((0.9, 700), (0.9, 600), (0.8975, 600), (0.9, 600), (0.9, 601))
    best = (2, 0.9)
    said = [selection.reason_for(number, each.score.value, best, siblings) for number, each in siblings.items()]
    assert said == [
        "as fit as sibling 2, with 100 synapses more",
        "the fittest",
        "0.0025 less fit than sibling 2",
        "as fit as sibling 2, which was born before",
        "as fit as sibling 2, with 1 synapse more",
    ]
