"""Filters as clusters: what is coupled comes together, and all of it."""

import math
from typing import Any

import numpy as np
import pytest
from google.protobuf import text_format
from plain_loops import chain, stage

from evolve.base.caffe_messages import caffe_pb2
from evolve.genetics import filters
from evolve.genetics.encoding import Factors
from evolve.genetics.environment import solve
from evolve.genetics.synthesis import synthesize, trial
from evolve.network import count, reach, resize, topology
from evolve.network.graph import Graph
from evolve.network.weights import Weights

CONV = 'layer {{ name: "{0}" type: "Convolution" bottom: "{1}" top: "{0}" convolution_param {{ num_output: {2} kernel_size: 1 }} }}\n'  # noqa: E501
RESIDUAL = (
    'layer { name: "data" type: "Input" top: "data" input_param { shape { dim: 1 dim: 3 dim: 2 dim: 2 } } }\n'
    + CONV.format("stem", "data", 16) + CONV.format("a", "stem", 12) + CONV.format("b", "a", 16)
    + 'layer { name: "sum" type: "Eltwise" bottom: "stem" bottom: "b" top: "sum" }\n'
    + CONV.format("out", "sum", 5)
)  # fmt: skip


def residual() -> Graph:
    return topology.read([text_format.Parse(RESIDUAL, caffe_pb2.NetParameter())])


def random_weights(graph: Graph, seed: int, density: float = 0.7) -> Weights:
    random = np.random.default_rng(seed)
    weights: Weights = {}
    for each in graph.weighted:
        kernels = random.normal(size=each.kernel_shape) * (random.random(each.kernel_shape) < density)
        weights[each.name] = [kernels.astype(np.float32), *([np.ones(each.outputs, np.float32)] * each.has_bias)]
    return weights


def clusters_of(graph: Graph, block: int, name: str) -> list[int]:
    clusters, _ = filters.partition(graph, block)
    found = next(each for each in graph.weighted if each.name == name)
    return clusters[graph.outputs_of(found)].tolist()


def test_what_eltwise_adds_is_one_cluster_and_outputs_are_none() -> None:
    graph = residual()
    assert clusters_of(graph, 1, "stem") == clusters_of(graph, 1, "b") == list(range(16))
    assert clusters_of(graph, 1, "a") == list(range(16, 28))
    assert clusters_of(graph, 1, "out") == [filters.ALWAYS] * 5
    assert clusters_of(graph, 8, "stem") == [0] * 8 + [1] * 8
    # A last block may be narrower; no block spans two layers that are not coupled.
    assert clusters_of(graph, 8, "a") == [2] * 8 + [3] * 4


def plain_probabilities(weights: Weights, truncation: float) -> list[float]:
    """Of RESIDUAL's 28 filters, in plain loops."""
    strengths: dict[str, list[float]] = {}
    for name in ("stem", "a", "b"):
        rows = [[abs(float(value)) for value in row.ravel()] for row in weights[name][0]]
        strongest = max(max(row) for row in rows)
        sums = [sum(value for value in row if value >= truncation * strongest) for row in rows]
        strengths[name] = [each / max(sums) for each in sums]
    both = [(first + second) / 2 for first, second in zip(strengths["stem"], strengths["b"], strict=True)]
    return [math.exp(each / max(part) - 1) for part in (both, strengths["a"]) for each in part]


def test_probabilities_by_plain_loops() -> None:
    graph = residual()
    weights = random_weights(graph, 1)
    encoding = filters.encode(graph, weights, 0.1, 1)
    assert encoding.probability == pytest.approx(plain_probabilities(weights, 0.1), rel=1e-5)


def test_blocks_of_like_filters_by_plain_loops() -> None:
    graph = residual()
    weights = random_weights(graph, 1)
    each = plain_probabilities(weights, 0.1)  # of filters alone, whose order is their strengths'
    stem, a = each[:16], each[16:]
    blocks = []
    for first, family, width in ((0, stem, 8), (2, a, 8)):
        order = sorted(range(len(family)), key=lambda filter: -family[filter])
        place = {filter: first + number // width for number, filter in enumerate(order)}
        blocks.append([place[filter] for filter in range(len(family))])
    encoding = filters.encode(graph, weights, 0.1, 8, alike=weights)
    found = {layer.name: encoding.clusters[graph.outputs_of(layer)].tolist() for layer in graph.weighted}
    assert found == {"stem": blocks[0], "a": blocks[1], "b": blocks[0], "out": [filters.ALWAYS] * 5}
    # The strongest block of each family is its strongest filters', 1; of the other one the mean's, by its strength.
    strengths = [[1 + math.log(one) for one in family] for family in (stem, a)]
    for number, (family, mine) in enumerate(zip(strengths, blocks, strict=True)):
        means = [
            np.mean([one for one, block in zip(family, mine, strict=True) if block == 2 * number + which])
            for which in range(2)
        ]
        assert encoding.probability[2 * number] == 1
        expected = math.exp(means[1] / means[0] - 1)
        assert encoding.probability[2 * number + 1] == pytest.approx(expected, rel=1e-5)


def test_blocks_are_alike_in_the_weights_that_are_named() -> None:
    """Parents that mate have the same blocks, whatever each one's strengths are; equals stay in their order."""
    graph = residual()
    first, second = random_weights(graph, 1), random_weights(graph, 2)
    both = [filters.encode(graph, one, 0.1, 4, alike=first) for one in (first, second)]
    assert np.array_equal(both[0].clusters, both[1].clusters)
    assert not np.array_equal(both[0].probability, both[1].probability)
    equal = {name: [np.ones_like(blob) for blob in blobs] for name, blobs in first.items()}
    alike = filters.encode(graph, second, 0.1, 4, alike=equal)
    assert np.array_equal(alike.clusters, filters.encode(graph, second, 0.1, 4).clusters)


def test_a_filter_that_the_parent_lacks_never_comes() -> None:
    graph = residual()
    weights = random_weights(graph, 1)
    weights["a"][0][3] = 0
    weights["stem"][0][5] = 0  # lives on in b
    probability = filters.encode(graph, weights, 0.1, 1).probability
    assert probability[16 + 3] == 0 and np.count_nonzero(probability == 0) == 1


@pytest.mark.parametrize(("block", "alike"), [(1, False), (4, False), (4, True)])
def test_the_expected_offspring_is_the_mean_of_the_draws(block: int, alike: bool) -> None:
    graph = chain(stage("a", 40, 3, 9), stage("b", 32, 40, 9), stage("c", 24, 32, 4), stage("d", 5, 24))
    weights = random_weights(graph, 2)
    encoding = filters.encode(graph, weights, 0.1, block, alike=weights if alike else None)
    factors = solve(encoding, 0.6 * encoding.synapses)
    assert encoding.expected(factors) == pytest.approx(0.6 * encoding.synapses, rel=1e-3)
    biases = sum(each.outputs for each in graph.weighted)
    # Of neurons in a row drawn independently, hardly any is lost for want of a way; biases go with their neurons.
    mean = np.mean(trial(graph, weights, encoding, factors, (1,), 300))
    assert 0.6 * encoding.synapses <= mean * 1.05 and mean <= 1.05 * (0.6 * encoding.synapses + biases)


def test_all_synapses_of_an_inherited_filter_come_too() -> None:
    graph = residual()
    parent = random_weights(graph, 3)
    encoding = filters.encode(graph, parent, 0.1, 1)
    factors = Factors(0.9, math.e)
    offspring, exists = synthesize(graph, parent, encoding, factors, (1,))
    for each in graph.weighted:
        there = np.ix_(exists.neurons[each.name], exists.inputs[each.name])
        assert np.array_equal(offspring[each.name][0][there], parent[each.name][0][there])
        assert np.count_nonzero(offspring[each.name][0]) == np.count_nonzero(parent[each.name][0][there])
    # Coupled filters come together.
    assert exists.neurons["stem"].tolist() == exists.neurons["b"].tolist()
    assert not exists.neurons["stem"].all() and exists.neurons["out"].all()


def test_the_seed_decides() -> None:
    graph = residual()
    parent = random_weights(graph, 4)
    encoding = filters.encode(graph, parent, 0.1, 1)
    made: list[Any] = [synthesize(graph, parent, encoding, Factors(0.9, 1), seed)[0] for seed in ((1,), (1,), (2,))]
    same = [all(np.array_equal(made[0][n][0], other[n][0]) for n in parent) for other in made[1:]]
    assert same == [True, False]


def test_clusters_are_counted_by_their_shape() -> None:
    graph = residual()
    weights = random_weights(graph, 5, density=1)
    weights["a"][0][:8] = 0
    resize.silence(graph, weights, reach.alive(graph, weights))
    counts = {block: count.of_graph(graph, weights, filters=filters.of_neurons(graph, block)) for block in (1, 8)}
    assert [each.clusters for each in counts[1]] == [16, 4, 16, 5]
    assert [each.clusters for each in counts[8]] == [2, 1, 2, 1]
    assert [each.clusters for each in count.of_graph(graph, weights)] == [48, 64, 64, 80]


def test_a_depthwise_filter_comes_with_its_channel() -> None:
    text = RESIDUAL + CONV.format("deep", "a", 24).replace("num_output: 24", "num_output: 24 group: 12")
    text += CONV.format("last", "deep", 2)
    graph = topology.read([text_format.Parse(text, caffe_pb2.NetParameter())])
    a = clusters_of(graph, 1, "a")
    assert clusters_of(graph, 1, "deep") == [each for each in a for _ in range(2)]
    assert clusters_of(graph, 8, "deep") == [each for each in clusters_of(graph, 8, "a") for _ in range(2)]
