"""What an environment asks for can be drawn, and where the parent cannot give it, all that it can is."""

from collections.abc import Callable

import numpy as np
import pytest

from evolve.base import prototxt_text
from evolve.base.caffe_messages import caffe_pb2
from evolve.genetics import budget, clusters, environment, synthesis
from evolve.network import topology
from evolve.network.count import of_graph, total
from evolve.settings import networks, settings

NET = """
layer { name: "data" type: "Input" top: "data" input_param { shape { dim: 1 dim: 1600 } } }
layer { name: "ip1" type: "InnerProduct" bottom: "data" top: "a" inner_product_param { num_output: 400 } }
layer { name: "relu" type: "ReLU" bottom: "a" top: "a" }
layer { name: "ip2" type: "InnerProduct" bottom: "a" top: "b" inner_product_param { num_output: 10 } }
"""

CONVOLUTION = """
layer { name: "data" type: "Input" top: "data" input_param { shape { dim: 1 dim: 1 dim: 8 dim: 8 } } }
layer { name: "conv" type: "Convolution" bottom: "data" top: "c" convolution_param { num_output: 4 kernel_size: 3 } }
layer { name: "ip1" type: "InnerProduct" bottom: "c" top: "a" inner_product_param { num_output: 40 } }
layer { name: "ip2" type: "InnerProduct" bottom: "a" top: "b" inner_product_param { num_output: 10 } }
"""


def test_a_pace_is_kept_whichever_side_of_it_is_found_first(monkeypatch: pytest.MonkeyPatch) -> None:
    """Draws of 270,000 synapses differ by a thousandth: all would be too large where the mean is .45 % beyond."""
    exact = environment.root

    def beyond(function: Callable[[float], float], low: float, high: float, tolerance: float) -> float:
        return exact(lambda factor: function(factor) - 0.9 * tolerance, low, high, 0.02 * tolerance)

    monkeypatch.setattr(environment, "root", beyond)
    graph = topology.read([prototxt_text.parse(NET, caffe_pb2.NetParameter(), "net")])
    random = np.random.default_rng(1)
    shapes = {"ip1": [(400, 1600), (400,)], "ip2": [(10, 400), (10,)]}
    parent = {name: [random.normal(size=each).astype(np.float32) for each in of] for name, of in shapes.items()}
    parent["ip1"][0][random.random((400, 1600)) < 0.3] = 0
    wanted = settings.read(networks.defaults())
    del wanted.environment[1:]
    block = wanted.environment[0]
    block.type = block.PACE
    for generation, efficiency in ((1, 1), (2, 1.7)):
        block.waypoint.add(generation=generation, architectural_efficiency=efficiency)
    synapses = total(of_graph(graph, parent), "synapses")
    encoding = clusters.encode(graph, parent, 0.1)
    factors, limit = budget.of(wanted, 2, graph, parent, encoding, synapses, seed=1)
    offspring, _ = synthesis.synthesize(graph, parent, encoding, factors, (1, 2), limit)
    assert limit == pytest.approx(synapses / 1.7)
    assert 0.985 * limit < total(of_graph(graph, offspring), "synapses") <= limit


@pytest.mark.parametrize("budgeted", [0.8, 1.0])
def test_synapses_that_lead_nowhere_are_no_reason_to_end(budgeted: float) -> None:
    """As another tool leaves them: a quarter of ip1's units feed nothing, so that less than the budget can be kept."""
    graph = topology.read([prototxt_text.parse(CONVOLUTION, caffe_pb2.NetParameter(), "net")])
    random = np.random.default_rng(1)
    shapes = {"conv": [(4, 1, 3, 3), (4,)], "ip1": [(40, 144), (40,)], "ip2": [(10, 40), (10,)]}
    parent = {name: [random.normal(size=each).astype(np.float32) for each in of] for name, of in shapes.items()}
    parent["ip2"][0][:, :10] = 0
    wanted = settings.defaults()
    block = wanted.environment[0]
    block.synapse_budget, block.largest_offspring = budgeted, budgeted
    encoding = clusters.encode(graph, parent, 0.1)
    factors, limit = budget.of(wanted, 2, graph, parent, encoding, ancestor_synapses=1, seed=1)
    offspring, _ = synthesis.synthesize(graph, parent, encoding, factors, (1, 2), limit)
    assert total(of_graph(graph, offspring), "synapses") == 4 * 10 + 30 * 145 + 10 * 31


def test_a_line_spares_a_layer_or_all_that_its_pattern_matches() -> None:
    names = ["conv1", "stage1_block1_conv1", "stage1_block1_conv2", "stage2_block1_conv2", "ip[1]", "ip1"]
    block = settings.Environment()
    lines = (("conv1", 2), ("stage1_*", 5), ("*_block?_conv2", 3), ("*1_block1_conv2", 4), ("ip[1]", 7), ("CONV1", 8))
    for layer, times in lines:
        block.spared.add(layer=layer, times=times)
    assert budget.spared(block, names) == {
        "conv1": 2,
        "stage1_block1_conv1": 5,
        "stage1_block1_conv2": 5,
        "stage2_block1_conv2": 3,
        "ip[1]": 7,
        "ip1": 7,
    }
