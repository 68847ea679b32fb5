"""2:4 against NVIDIA's own loops: what holds, what is beyond it, and what stays where it is imposed."""

from typing import Any

import numpy as np
import pytest
from chains import net_of, parsed, random_weights

from evolve.network import shapes, topology, two_of_four
from evolve.network.weights import Weights

HEAD = 'layer { name: "data" type: "Input" top: "data" input_param { shape { dim: 1 dim: %s } } }'
LAYERS = {
    "convolution": ("8 dim: 5 dim: 5", 'type: "Convolution" convolution_param { num_output: 3 kernel_size: 2 }'),
    "ragged": ("6 dim: 5 dim: 5", 'type: "Convolution" convolution_param { num_output: 3 kernel_size: 2 }'),
    "groups": ("8 dim: 5 dim: 5", 'type: "Convolution" convolution_param { num_output: 4 kernel_size: 3 group: 2 }'),
    "units": ("3 dim: 2 dim: 2", 'type: "InnerProduct" inner_product_param { num_output: 5 }'),
    "transposed units": ("16", 'type: "InnerProduct" inner_product_param { num_output: 5 transpose: true }'),
}


def net(kind: str) -> Any:
    dims, words = LAYERS[kind]
    return parsed(f'{HEAD % dims} layer {{ name: "l" bottom: "data" top: "l" {words} }}')


def learned(kind: str, part: float, seed: int = 0) -> Weights:
    random = np.random.default_rng(seed)
    shape = next(step.weighted for step in shapes.infer(net(kind)) if step.weighted).kernel_shape
    drawn = random.normal(size=shape) * (random.random(shape) < part)
    return {"l": [drawn.astype(np.float32), np.ones(9, np.float32)[: layer(kind).outputs]]}


def layer(kind: str) -> Any:
    return next(step.weighted for step in shapes.infer(net(kind)) if step.weighted)


def as_nvidia_has_it(kind: str, blob: np.ndarray) -> np.ndarray:
    """[K, C, R, S]."""
    if "units" in kind:
        matrix = blob.T if kind.startswith("transposed") else blob
        return matrix.reshape(*matrix.shape, 1, 1)
    return blob


def by_loops(weights: np.ndarray) -> tuple[list[int], bool]:
    """How many weights each group has, and whether its inputs come in fours: the guide's algorithm."""
    outputs, inputs, height, width = weights.shape
    counts = [
        int(np.count_nonzero(weights[k, c : c + 4, r, s]))
        for k in range(outputs) for r in range(height) for s in range(width) for c in range(0, inputs, 4)
    ]  # fmt: skip
    return counts, bool(inputs % 4 == 0)


@pytest.mark.parametrize("kind", LAYERS)
@pytest.mark.parametrize("part", [0.0, 0.2, 0.6, 1.0])
def test_what_there_is(kind: str, part: float) -> None:
    blob = learned(kind, part)["l"][0]
    found = two_of_four.of_layer(layer(kind), blob)
    counts, in_fours = by_loops(as_nvidia_has_it(kind, blob))
    assert found is not None
    assert (found.groups, found.kept, found.synapses) == (len(counts), sum(n <= 2 for n in counts), sum(counts))
    assert (found.beyond, found.whole) == (sum(max(0, n - 2) for n in counts), in_fours)
    assert found.holds == (in_fours and max(counts) <= 2)


@pytest.mark.parametrize("kind", LAYERS)
def test_what_stays_where_it_is_imposed(kind: str) -> None:
    """The two strongest of each group, unchanged; nothing where the inputs do not come in fours."""
    before = learned(kind, 0.8)
    kept = before["l"][0].copy()
    after, gone = two_of_four.imposed([layer(kind)], before, 0.5)
    assert np.array_equal(before["l"][0], kept) and after["l"][1] is before["l"][1]
    old, new = (as_nvidia_has_it(kind, each["l"][0]) for each in (before, after))
    groups = two_of_four.of_layer(layer(kind), before["l"][0])
    assert groups is not None
    if not groups.whole:
        assert gone == 0 and after["l"][0] is before["l"][0]
        return
    assert gone == groups.beyond == np.count_nonzero(old) - np.count_nonzero(new) > 0
    for k, r, s in np.ndindex(old.shape[0], *old.shape[2:]):
        for c in range(0, old.shape[1], 4):
            had, has = old[k, c : c + 4, r, s], new[k, c : c + 4, r, s]
            strongest = sorted(np.abs(had))[-2:]
            assert (has == np.where(np.abs(had) >= strongest[0], had, 0)).all()


def test_of_equals_the_first_stay_and_layers_beyond_the_part_stay_whole() -> None:
    layers, ones = [layer("convolution")], {"l": [np.ones((3, 8, 2, 2), np.float32), np.ones(3, np.float32)]}
    after, gone = two_of_four.imposed(layers, ones, 0.5)
    assert gone == 48 and (after["l"][0][:, [0, 1, 4, 5]] == 1).all() and not after["l"][0][:, [2, 3, 6, 7]].any()
    assert two_of_four.imposed(layers, ones, 0.49) == (ones, 0)
    # What is so already loses nothing, and is not written anew.
    again, gone = two_of_four.imposed(layers, after, 0.5)
    assert gone == 0 and again["l"][0] is after["l"][0]


def test_layers_that_share_weights_lose_the_same() -> None:
    owner, before = layer("convolution"), learned("convolution", 0.8)
    owner.sharers.append("m")
    after, gone = two_of_four.imposed([owner], before | {"m": before["l"]}, 0.5)
    assert gone and np.array_equal(after["m"][0], after["l"][0])


def test_none_of_a_deconvolution() -> None:
    text = 'layer { name: "l" type: "Deconvolution" bottom: "data" top: "l" %s }'
    words = "convolution_param { num_output: 4 kernel_size: 2 bias_term: false }"
    steps = shapes.infer(parsed(f"{HEAD % '4 dim: 3 dim: 3'} {text % words}"))
    assert two_of_four.of_steps(steps, {"l": [np.ones((4, 4, 2, 2), np.float32)]}) == {}


def test_every_layer_of_a_graph() -> None:
    built = net_of("Convolution convolution_param { num_output: 8 kernel_size: 3 }",
                   "InnerProduct inner_product_param { num_output: 4 }")  # fmt: skip
    graph = topology.read([built])
    weights = random_weights(built, np.random.default_rng(0), density=0.5)
    found = {each.layer: each for each in two_of_four.of_graph(graph, weights)}
    assert found == two_of_four.of_steps(shapes.infer(built), weights)
    assert {name: groups.whole for name, groups in found.items()} == {"convolution1": False, "innerproduct2": True}
