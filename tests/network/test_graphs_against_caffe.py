"""Random networks of every layer type, made smaller, and real Caffe as the judge of what they compute."""

import copy
from pathlib import Path
from typing import Any

import numpy as np
from caffe_child import Job, Loaded, run
from graphs import random_net, random_weights
from hypothesis import settings

from evolve.network import fold, reach, resize, topology
from evolve.network.graph import Graph
from evolve.network.weights import Weights

NETS = 3 * settings().max_examples
LARGEST = 1e-5
TYPES = {
    "BatchNorm", "Bias", "Concat", "Convolution", "Crop", "Deconvolution", "Eltwise", "Flatten", "InnerProduct", "LRN",
    "Clip", "Im2col", "PReLU", "Pooling", "Reduction", "Reshape", "SPP", "Scale", "Slice", "Softmax", "Swish", "Tile",
}  # fmt: skip


def outputs(net: Any) -> list[str]:
    read = {bottom for layer in net.layer for bottom in layer.bottom if bottom not in layer.top}
    return [top for layer in net.layer for top in layer.top if top not in read]


def pair(net: Any, small: Any, weights: tuple[Weights, Weights], random: np.random.Generator) -> list[Job]:
    image = random.normal(size=tuple(net.layer[0].input_param.shape[0].dim)).astype(np.float32)
    return [Job(net, weights[0], image), Job(small, weights[1], image)]


def same(net: Any, before: Loaded, after: Loaded) -> None:
    for blob in outputs(net):
        first, second = before.blobs[blob], after.blobs[blob]
        assert first.shape == second.shape, (blob, net)
        # An output that cancels out has the rounding errors of what it is made of: numbers of about 1.
        assert np.abs(first - second).max() <= LARGEST * max(np.abs(first).max(), 0.02), (blob, net)


def judge(folder: Path, jobs: list[Job]) -> None:
    loaded = run(folder, jobs)
    for number in range(0, len(jobs), 2):
        same(jobs[number].net, loaded[number], loaded[number + 1])


def test_folding_changes_nothing(tmp_path: Path) -> None:
    """What is not needed, and what is constant, is gone; nothing else was touched before."""
    jobs: list[Job] = []
    removed, shrunk, seen = 0, 0, set()
    for seed in range(NETS):
        random = np.random.default_rng(seed)
        net = random_net(random)
        graph, weights = topology.read([net]), random_weights(net, random)
        resize.check(graph, weights, "random")
        folded = copy.deepcopy(weights)
        kept = resize.complete(graph, fold.fold_constants(graph, folded))
        removed += int((~kept).sum())
        shrunk += not kept.all()
        seen |= {layer.type for layer in net.layer}
        small = resize.resized(net, graph, kept)
        jobs += pair(net, small, (weights, resize.shrunk(graph, folded, kept)), random)
    judge(tmp_path, jobs)
    assert seen >= TYPES
    assert removed > 3 * NETS and shrunk > NETS / 2


def silenced(seed: int) -> tuple[Any, Graph, Weights, np.ndarray, np.random.Generator] | None:
    random = np.random.default_rng(seed)
    net = random_net(random)
    graph, weights = topology.read([net]), copy.deepcopy(random_weights(net, random, dead=0.15))
    try:
        exists = reach.alive(graph, weights)
    except reach.NothingLeft:
        return None
    resize.silence(graph, weights, exists)
    return net, graph, weights, exists.kept, random


def test_the_masked_and_the_shrunk_network_compute_the_same(tmp_path: Path) -> None:
    """As at an offspring's birth: silenced first, then made smaller; every other one to widths of multiples of 2."""
    jobs: list[Job] = []
    removed, seed = 0, 0
    while len(jobs) < 2 * NETS:
        made, seed = silenced(seed), seed + 1
        if made is None:
            continue
        net, graph, weights, exists, random = made
        kept = resize.complete(graph, exists, 1 + seed % 2)
        removed += int((~kept).sum())
        jobs += pair(net, resize.resized(net, graph, kept), (weights, resize.shrunk(graph, weights, kept)), random)
    judge(tmp_path, jobs)
    assert removed > NETS


def test_shrinking_again_removes_nothing_more() -> None:
    compared = 0
    for seed in range(NETS // 2):
        made = silenced(seed)
        if made is None:
            continue
        net, graph, weights, exists, _ = made
        kept = resize.complete(graph, exists)
        small, smaller = topology.read([resize.resized(net, graph, kept)]), resize.shrunk(graph, weights, kept)
        resize.check(small, smaller, "shrunk")
        assert resize.complete(small, reach.alive(small, smaller).kept).all()
        for stage in graph.weighted:
            assert np.count_nonzero(smaller[stage.name][0]) == np.count_nonzero(weights[stage.name][0])
        compared += 1
    assert compared > NETS / 6
