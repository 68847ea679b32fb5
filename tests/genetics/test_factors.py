"""The environment as settings ask for it: what offspring really keep is what was asked for."""

import numpy as np
import pytest
from google.protobuf import text_format
from plain_loops import chain, stage

from evolve.base.errors import UserError
from evolve.genetics import budget, clusters, synthesis
from evolve.genetics.clusters import Clusters
from evolve.network.count import of_graph, total
from evolve.network.weights import Weights
from evolve.proto import evolution_pb2

GRAPH = chain(stage("conv1", 32, 1, 25), stage("conv2", 32, 32, 25), stage("ip1", 64, 32, 16), stage("ip2", 10, 64))
STAGES = GRAPH.weighted
WAYPOINTS = "waypoint { generation: 1 architectural_efficiency: 1 } waypoint { generation: 7"


def sparse_parent(density: float) -> Weights:
    """So sparse that many a draw cuts neurons off."""
    random = np.random.default_rng(4)
    weights: Weights = {}
    for each in STAGES:
        shape = (each.outputs, each.inputs * each.patch)
        present = random.random(shape) < density / each.patch**0.5
        present[:, 0] |= each.inputs == 1
        drawn = random.normal(size=shape) * present
        weights[each.name] = [drawn.astype(np.float32), np.ones(each.outputs, np.float32)]
    return weights


def settings(words: str) -> evolution_pb2.EvolutionParameter:
    block = evolution_pb2.EnvironmentParameter(
        from_generation=2, synapse_budget=0.67, synapse_to_cluster=1, largest_offspring=0.8, selection_pressure=1
    )
    return evolution_pb2.EvolutionParameter(environment=[text_format.Merge(words, block)])


def sizes(chosen: evolution_pb2.EvolutionParameter, parent: Weights, ancestor: int) -> list[int]:
    encoding = clusters.encode(GRAPH, parent, 0.1)
    found, limit = budget.of(chosen, 7, GRAPH, parent, encoding, ancestor, seed=3)
    offspring = [synthesis.synthesize(GRAPH, parent, encoding, found, (n, 7), limit) for n in range(40)]
    return [total(of_graph(GRAPH, weights), "synapses") for weights, _ in offspring]


@pytest.mark.parametrize("density", [0.3, 0.05])
def test_a_budget_counts_the_neurons_that_die(density: float) -> None:
    parent = sparse_parent(density)
    synapses = total(of_graph(GRAPH, parent), "synapses")
    assert np.mean(sizes(settings("synapse_budget: 0.6"), parent, 0)) == pytest.approx(0.6 * synapses, rel=0.03)


def test_on_a_pace_no_offspring_is_less_efficient_than_is_due() -> None:
    parent = sparse_parent(0.1)
    synapses = total(of_graph(GRAPH, parent), "synapses")
    chosen = settings(f"type: PACE {WAYPOINTS} architectural_efficiency: 12 }}")
    found = sizes(chosen, parent, round(12 * 0.65 * synapses))
    assert max(found) <= 0.65 * synapses
    assert np.mean(found) == pytest.approx(0.65 * synapses, rel=0.05)


@pytest.mark.parametrize("largest", [0.8, 0.95])
def test_no_offspring_is_larger_than_the_settings_allow(largest: float) -> None:
    """On a pace that is ahead of what is due, so that nothing else is in force."""
    parent = sparse_parent(0.3)
    synapses = total(of_graph(GRAPH, parent), "synapses")
    chosen = settings(f"type: PACE {WAYPOINTS} architectural_efficiency: 2 }} largest_offspring: {largest}")
    found = sizes(chosen, parent, 2 * synapses)
    assert max(found) <= largest * synapses
    assert np.mean(found) == pytest.approx(largest * synapses, rel=0.04)


def test_constant_factors_are_taken_as_they_are() -> None:
    chosen = settings("type: CONSTANT cluster_factor: 1.25 synapse_factor: 1.5")
    parent = sparse_parent(0.3)
    synapses = total(of_graph(GRAPH, parent), "synapses")
    found, limit = budget.of(chosen, 2, GRAPH, parent, Clusters({}), 0, seed=1)
    assert (found.cluster, found.synapse, limit) == (1.25, 1.5, pytest.approx(0.8 * synapses))


def test_a_budget_below_the_biases() -> None:
    parent = sparse_parent(0.3)
    biases = total(of_graph(GRAPH, parent), "biases")
    encoding = clusters.encode(GRAPH, parent, 0.1)
    with pytest.raises(UserError) as error:
        budget.of(settings("synapse_budget: 0.01"), 4, GRAPH, parent, encoding, 0, seed=1)
    wanted = 0.01 * total(of_graph(GRAPH, parent), "synapses")
    assert str(error.value) == (
        f"generation 4: a budget of {wanted:.0f} synapses, but the neurons' biases alone are {biases}; "
        "give the environment a milder pace"
    )
