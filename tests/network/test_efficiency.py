"""Counting what there is of a network, against loops and against the papers' own quotients."""

import numpy as np
import pytest
from chains import net_of, on_a_way, random_chain, random_weights
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from evolve.network import topology
from evolve.network.efficiency import (
    LayerCount,
    cluster_efficiencies,
    count,
    mean_cluster_efficiency,
    total,
)
from evolve.network.reach import NothingLeft, alive


@given(seed=st.integers(0, 2**32 - 1), density=st.sampled_from([0.05, 0.1, 0.3, 0.7, 1.0]))
@settings(deadline=None, max_examples=150)
def test_counts_are_what_loops_count(seed: int, density: float) -> None:
    random = np.random.default_rng(seed)
    net = random_chain(random)
    graph, weights = topology.read([net]), random_weights(net, random, density)
    stages = graph.stages
    ways = on_a_way(stages, weights)
    assume(any(ways[-1]))
    counted = count(graph, weights)
    assert counted == count(graph, weights, alive(graph, weights))
    for k, stage in enumerate(stages):
        values = weights[stage.name][0].reshape(stage.outputs, stage.inputs, stage.patch).tolist()
        synapses = biases = kernels = neurons = 0
        for output in range(stage.outputs):
            if not ways[k][output]:
                continue
            neurons += 1
            biases += stage.has_bias
            for source in range(stage.inputs):
                if k and not ways[k - 1][source]:
                    continue
                there = sum(value != 0 for value in values[output][source])
                synapses += there
                kernels += there > 0
        assert counted[k] == LayerCount(stage.name, synapses + biases, biases, kernels, neurons, stage.macs, kernels)


def test_as_dict_and_total() -> None:
    counts = [LayerCount("a", 10, 2, 3, 2, 100, 3), LayerCount("b", 5, 1, 4, 1, 50, 2)]
    figures = {"synapses": 10, "biases": 2, "kernels": 3, "neurons": 2, "macs": 100, "clusters": 3}
    assert counts[0].as_dict() == {"name": "a"} | figures
    assert [total(counts, what) for what in figures] == [15, 3, 7, 3, 150, 5]


def test_nothing_left() -> None:
    graph = topology.read([net_of("InnerProduct inner_product_param { num_output: 2 }", shape=(2, 1, 1))])
    with pytest.raises(NothingLeft) as error:
        count(graph, {"innerproduct1": [np.zeros((2, 2), np.float32), np.ones(2, np.float32)]})
    assert str(error.value) == "blob 'innerproduct1': no way of synapses leads to it from the image"


def with_kernels(*kernels: int) -> list[LayerCount]:
    return [LayerCount(f"layer{k}", 0, 0, number, 0, 0, number) for k, number in enumerate(kernels)]


@pytest.mark.parametrize(
    ("ancestor", "now", "published", "mean"),
    [
        # [Cluster16], Table 2: MNIST, generation 13. 640 / 40 stands for the last classifier, which it leaves out.
        ((32, 1024, 2048, 4096, 640), (9, 79, 232, 304, 40), (3.6, 12.96, 8.83, 13.47), 9.71),
        # STL-10, generation 10
        ((96, 1024, 2048, 4096, 640), (29, 121, 373, 624, 1), (3.31, 8.46, 5.49, 6.56), 5.96),
    ],
)
def test_the_papers_table_2(
    ancestor: tuple[int, ...], now: tuple[int, ...], published: tuple[float, ...], mean: float
) -> None:
    efficiencies = cluster_efficiencies(with_kernels(*ancestor), with_kernels(*now))
    assert efficiencies[:-1] == pytest.approx(list(published), abs=0.05)
    assert [round(ratio, 2) for ratio in efficiencies[1:-1]] == list(published[1:])
    # The paper took its mean of rounded figures.
    assert mean_cluster_efficiency([*published, 99.0]) == pytest.approx(mean, abs=0.0051)
    assert mean_cluster_efficiency(efficiencies) == pytest.approx(mean, abs=0.011)


def test_the_mean_by_hand() -> None:
    assert mean_cluster_efficiency([2.0, 4.0, 100.0]) == 3.0
    assert mean_cluster_efficiency([7.0]) == 7.0
