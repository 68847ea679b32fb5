"""Several parents: means of their probabilities, and whose weight an offspring starts from."""

import numpy as np
import pytest
from google.protobuf import text_format
from plain_loops import chain, stage

from evolve.base.caffe_messages import caffe_pb2
from evolve.genetics import clusters, filters, mating, synapses
from evolve.genetics.clusters import Clusters
from evolve.genetics.encoding import Factors
from evolve.genetics.environment import highest
from evolve.genetics.rows import as_rows
from evolve.network import topology
from evolve.network.weights import Weights

GRAPH = chain(stage("conv1", 4, 2, 9), stage("ip1", 5, 4, 4), stage("ip2", 3, 5))
ALL = np.ones(GRAPH.channel_groups, bool)


def parents(count: int, density: float = 0.5) -> list[Weights]:
    made = []
    for number in range(count):
        random = np.random.default_rng(number)
        weights: Weights = {}
        for each in GRAPH.weighted:
            shape = (each.outputs, each.inputs * each.patch)
            kernels = random.normal(size=shape) * (random.random(shape) < density)
            kernels[number % each.outputs] = 0  # a neuron that this one does not have
            weights[each.name] = [kernels.astype(np.float32), random.normal(size=each.outputs).astype(np.float32)]
        made.append(weights)
    return made


def mean_of(each: list[Weights]) -> Clusters:
    """The parents' mean, as their offspring's encoding has it."""
    start = mating.inherited(GRAPH, each, [ALL] * len(each))
    return clusters.encode(GRAPH, start, 0.1).mean([clusters.encode(GRAPH, one, 0.1) for one in each])


@pytest.mark.parametrize("count", [2, 3])
def test_probabilities_are_the_means(count: int) -> None:
    each = [clusters.encode(GRAPH, one, 0.1) for one in parents(count)]
    for layer, got in mean_of(parents(count)).layers.items():
        for c in range(len(got.cluster)):
            wanted = sum(float(one.layers[layer].cluster[c]) for one in each) / count
            assert got.cluster[c] == pytest.approx(wanted, rel=1e-6)
            for s in range(got.synapse.shape[1]):
                wanted = sum(float(one.layers[layer].synapse[c, s]) for one in each) / count
                assert got.synapse[c, s] == pytest.approx(wanted, rel=1e-6)


def test_a_probability_is_0_only_where_no_parent_has_the_synapse() -> None:
    both = parents(2)
    mean = mean_of(both)
    for layer in GRAPH.weighted:
        got = mean.layers[layer.name]
        has = [as_rows(one[layer.name][0], layer) != 0 for one in both]
        assert np.array_equal(got.synapse > 0, has[0] | has[1])
        assert np.array_equal(got.cluster > 0, (has[0] | has[1]).any(axis=1))


def test_synapses_alone_have_the_means_of_synapses() -> None:
    each = [synapses.encode(GRAPH, one) for one in parents(2)]
    start = mating.inherited(GRAPH, parents(2), [ALL] * 2)
    for layer, got in synapses.encode(GRAPH, start).mean(each).layers.items():
        assert np.array_equal(got, mean_of(parents(2)).layers[layer].synapse)
        assert np.array_equal(got, (each[0].layers[layer] + each[1].layers[layer]) / np.float32(2))


def test_with_the_highest_factor_every_synapse_of_any_parent_comes() -> None:
    mean = mean_of(parents(2))
    factors = Factors(highest(mean, 1.0, 2), highest(mean, 1.0, 2))
    for layer, drawn in mean.draw(factors, np.random.default_rng(1)):
        assert np.array_equal(drawn, mean.layers[layer].synapse > 0)


def test_filters_have_the_mean_and_the_synapses_of_what_they_start_from() -> None:
    both = parents(2)
    start = mating.inherited(GRAPH, both, [ALL, ALL])
    each = [filters.encode(GRAPH, one, 0.1, 1) for one in both]
    mean = filters.encode(GRAPH, start, 0.1, 1).mean(each)
    assert mean.probability == pytest.approx((each[0].probability + each[1].probability) / 2)
    assert mean.synapses == sum(np.count_nonzero(start[one.name][0]) for one in GRAPH.weighted)


def test_a_weight_is_the_fittest_parents_that_has_it() -> None:
    three = parents(3)
    start = mating.inherited(GRAPH, three, [ALL] * 3)
    for each in GRAPH.weighted:
        for place in np.ndindex(start[each.name][0].shape):
            having = [one[each.name][0][place] for one in three if one[each.name][0][place] != 0]
            assert start[each.name][0][place] == (having[0] if having else 0)
        for neuron in range(each.outputs):
            having = [one[each.name][1][neuron] for one in three if one[each.name][0][neuron].any()]
            assert start[each.name][1][neuron] == having[0]


def test_a_bias_of_zero_is_a_bias() -> None:
    both = parents(2)
    both[0]["conv1"][1][2] = 0
    assert both[0]["conv1"][0][2].any() and both[1]["conv1"][1][2] != 0
    assert mating.inherited(GRAPH, both, [ALL] * 2)["conv1"][1][2] == 0


NORMALISED = """
layer { name: "data" type: "Input" top: "data" input_param { shape { dim: 1 dim: 1 dim: 3 dim: 3 } } }
layer { name: "conv" type: "Convolution" bottom: "data" top: "conv" convolution_param { num_output: 3 kernel_size: 1
  bias_term: false } }
layer { name: "norm" type: "BatchNorm" bottom: "conv" top: "norm" }
layer { name: "scale" type: "Scale" bottom: "norm" top: "scale" scale_param { bias_term: true } }
layer { name: "units" type: "InnerProduct" bottom: "scale" top: "units" inner_product_param { num_output: 2 } }
"""


def test_statistics_come_with_their_channel_whatever_they_are_to_be_divided_by() -> None:
    graph = topology.read([text_format.Parse(NORMALISED, caffe_pb2.NetParameter())])
    of_conv = graph.blobs[graph.weighted[0].uses[0].top].channel_groups
    kept = [np.ones(graph.channel_groups, bool) for _ in range(2)]
    kept[0][of_conv[1]] = False

    def one(value: float, divisor: float) -> Weights:
        three = np.full(3, value, np.float32)
        return {
            "conv": [np.full((3, 1, 1, 1), value, np.float32)],
            "norm": [three * divisor, 10 * three * divisor, np.array([divisor], np.float32)],
            "scale": [three, -three],
            "units": [np.full((2, 27), value, np.float32), np.full(2, value, np.float32)],
        }

    start = mating.inherited(graph, [one(1, 2), one(3, 8)], kept)
    mean, variance, divisor = start["norm"]
    assert (mean / divisor).tolist() == [1, 3, 1] and (variance / divisor).tolist() == [10, 30, 10]
    assert start["scale"][0].tolist() == [1, 3, 1] and start["scale"][1].tolist() == [-1, -3, -1]
