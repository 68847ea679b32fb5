"""Selection pressure: equations (4) and (5) to the power of beta, in every encoding, F solved for it."""

import math
from pathlib import Path

import numpy as np
import pytest
from of_layers import encoded
from plain_loops import cluster_probabilities, synapse_probabilities

from evolve.base.errors import UserError
from evolve.genetics import budget
from evolve.genetics.clusters import encode_layer
from evolve.genetics.encoding import SelectionPressure
from evolve.genetics.environment import highest, solve
from evolve.proto import evolution_pb2
from evolve.settings import settings

RATIOS = [0.25, 1.0, 4.0]
PRESSURES = [0.5, 1.0, 4.0, 8.0]
HIGH = [16.0, 64.0]


def rows(seed: int = 0) -> np.ndarray:
    random = np.random.default_rng(seed)
    return (random.normal(size=(60, 9)) * (random.random((60, 9)) < 2 / 3)).astype(np.float32)


@pytest.mark.parametrize("cluster", PRESSURES)
@pytest.mark.parametrize("synapse", PRESSURES)
def test_each_probability_is_the_papers_to_that_power(cluster: float, synapse: float) -> None:
    weights = rows()
    encoding = encode_layer(weights, 0.125, pressure=SelectionPressure(cluster, synapse))
    of_clusters = [p**cluster for p in cluster_probabilities(weights.tolist(), 0.125)]
    of_synapses = [[p**synapse for p in row] for row in synapse_probabilities(weights.tolist())]
    np.testing.assert_allclose(encoding.cluster, of_clusters, rtol=1e-5)
    np.testing.assert_allclose(encoding.synapse, of_synapses, rtol=1e-5)


def test_a_pressure_of_1_keeps_every_bit_of_the_papers_form() -> None:
    weights = rows()
    ours = encode_layer(weights, 0.1, pressure=SelectionPressure(1, 1))
    z = np.abs(weights).max()
    papers = np.exp(np.abs(weights) / z - np.float32(1))
    assert np.array_equal(ours.synapse[weights != 0], papers[weights != 0])


@pytest.mark.parametrize("clustered", [True, False])
@pytest.mark.parametrize("ratio", RATIOS)
@pytest.mark.parametrize("pressure", PRESSURES + HIGH)
@pytest.mark.parametrize("part", [0.05, 0.5, 0.8, 1.0])
def test_factors_are_solved_for_whatever_the_pressure(
    pressure: float, ratio: float, clustered: bool, part: float
) -> None:
    selection = SelectionPressure(pressure, pressure / 2)
    encoding = encoded([rows(seed) for seed in range(3)], 0.1, clustered, selection)
    target = part * encoding.synapses
    factors = solve(encoding, target, ratio, pressure=selection)
    assert encoding.expected(factors) == pytest.approx(target, rel=2e-4)


@pytest.mark.parametrize("ratio", RATIOS)
def test_beyond_the_highest_factor_nothing_changes(ratio: float) -> None:
    pressure = SelectionPressure(4, 2)
    # 1e-6 is next to nothing of the strongest: its probability is the smallest that there is.
    weights = np.array([[1], [1e-6]], np.float32)
    layer = encode_layer(weights, 0, pressure=pressure)
    assert layer.cluster[1] == pytest.approx(math.exp(-4), rel=1e-4)
    factor = highest(encoded([weights], 0, pressure=pressure), ratio, pressure=pressure)
    assert factor * layer.cluster.min() >= 1 and factor * ratio * layer.synapse.min() >= 1


def test_the_strong_are_spared() -> None:
    """At the same budget, the offspring's strongest synapses are likelier under more pressure."""
    kept = []
    for pressure in (1.0, 4.0):
        selection = SelectionPressure(pressure, pressure)
        encoding = encoded([rows()], clustered=False, pressure=selection)
        factors = solve(encoding, 0.5 * encoding.synapses, pressure=selection)
        likely = np.minimum(encode_layer(rows(), 0.1, selection).synapse * np.float32(factors.synapse), 1)
        strength = np.abs(rows())
        kept.append(float((likely * strength).sum() / strength.sum()))
    # A draw that does not look keeps half of all strength.
    assert 0.5 < kept[0] < kept[1] - 0.05


@pytest.mark.parametrize(
    "words, expected",
    [
        ({}, SelectionPressure(1, 1)),
        ({"selection_pressure": 4}, SelectionPressure(4, 4)),
        ({"selection_pressure": 4, "synapse_selection_pressure": 2}, SelectionPressure(4, 2)),
    ],
)
def test_synapses_have_the_clusters_pressure_unless_another_is_named(
    words: dict[str, float], expected: SelectionPressure
) -> None:
    block = evolution_pb2.EnvironmentParameter(selection_pressure=1)
    for name, value in words.items():
        setattr(block, name, value)
    assert budget.pressure(block) == expected


@pytest.mark.parametrize(
    "field, value, message",
    [
        ("selection_pressure", 0, "environment: selection_pressure: expected above 0 and up to 64, got 0"),
        ("selection_pressure", math.inf, "environment: selection_pressure: expected above 0 and up to 64, got inf"),
        ("selection_pressure", 65, "environment: selection_pressure: expected above 0 and up to 64, got 65"),
        (
            "synapse_selection_pressure",
            -1,
            "environment: synapse_selection_pressure: expected 0 (the same as selection_pressure) or above, up to 64, "
            "got -1",
        ),
    ],
)
def test_a_pressure_that_cannot_be(tmp_path: Path, field: str, value: float, message: str) -> None:
    (tmp_path / "evolution.prototxt").write_text(f"environment {{ {field}: {value} }}")
    with pytest.raises(UserError) as refused:
        settings.read(tmp_path / "evolution.prototxt")
    assert str(refused.value).endswith(message)
