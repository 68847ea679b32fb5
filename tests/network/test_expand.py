"""Expanding is the inverse of shrinking, for every kind of layer that evolves."""

import numpy as np
import pytest
from graphs import random_net, random_weights

from evolve.base.errors import UserError
from evolve.network import topology, widths
from evolve.network.expand import expanded
from evolve.network.reach import Existing, alive
from evolve.network.shrink import shrunk, silence
from evolve.network.stages import Stage
from evolve.network.topology import Graph
from evolve.network.weights import Weights


def _alive(random: np.random.Generator) -> tuple[Graph, Weights, Existing]:
    """A random network from which something is left, what does not exist silent."""
    while True:
        net = random_net(random)
        try:
            graph = topology.read([net])
            weights = random_weights(net, random)
            exists = alive(graph, weights)
        except UserError:
            continue
        silence(graph, weights, exists)
        return graph, weights, exists


@pytest.mark.parametrize("seed", range(60))
def test_what_was_shrunk_comes_back_in_its_old_place(seed: int) -> None:
    graph, weights, exists = _alive(np.random.default_rng(seed))
    multiple = 4 if seed % 3 == 0 else 1
    kept = widths.complete(graph, exists.kept, multiple)
    smaller = shrunk(graph, weights, kept)
    back = expanded(graph, smaller, kept)
    assert list(back) == list(smaller)
    for stage in graph.stages:
        # What does not exist was silent: nothing of a stage is lost.
        for name in (stage.name, *stage.sharers):
            for before, after in zip(weights[name], back[name], strict=True):
                assert np.array_equal(before.reshape(after.shape), after)
    again = shrunk(graph, back, kept)
    for name, blobs in smaller.items():
        assert all(np.array_equal(a, b) for a, b in zip(blobs, again[name], strict=True)), name


@pytest.mark.parametrize("kind", ["Convolution", "Deconvolution"])
def test_groups_by_hand(kind: str) -> None:
    """Two groups of two inputs and three outputs; of the first, input 1 and outputs 0 and 2 are left."""
    stage = Stage("grouped", kind, 6, 4, 1, False, group=2, window=(1, 1))
    outputs, inputs = np.array([1, 0, 1, 0, 0, 0], bool), np.array([0, 1, 0, 0], bool)
    shape = (1, 2, 1, 1) if kind == "Deconvolution" else (2, 1, 1, 1)
    whole = stage.whole(np.array([5.0, 7.0], np.float32).reshape(shape), outputs, inputs)
    expected = np.zeros(stage.kernel_shape, np.float32)
    if kind == "Deconvolution":
        expected[1, 0], expected[1, 2] = 5, 7
    else:
        expected[0, 1], expected[2, 1] = 5, 7
    assert np.array_equal(whole, expected)
