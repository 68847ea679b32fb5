"""Random graphs of every layer type, shrunk, against real Caffe."""

import copy
from pathlib import Path

import numpy as np
from caffe_child import Job, run
from graphs import random_net, random_weights

from evolve.network import fold, reach, resize, shrink, topology, widths
from evolve.network.weights import Weights

NETS = 320


def copied(weights: Weights) -> Weights:
    return copy.deepcopy(weights)  # what is shared stays shared


def outputs(net):
    read = {bottom for layer in net.layer for bottom in layer.bottom if bottom not in layer.top}
    return [top for layer in net.layer for top in layer.top if top not in read]


def agree(before, after, net):
    for blob in outputs(net):
        scale = np.abs(before.blobs[blob]).max()
        assert before.blobs[blob].shape == after.blobs[blob].shape
        assert np.abs(before.blobs[blob] - after.blobs[blob]).max() <= 1e-5 * max(scale, 1e-3), (blob, net)


def test_folded_networks_compute_the_same(tmp_path: Path) -> None:
    jobs, removed = [], 0
    for seed in range(NETS):
        random = np.random.default_rng(seed)
        net = random_net(random)
        weights = random_weights(net, random)
        graph = topology.read([net])
        shrink.check(graph, weights, "w")
        small = copied(weights)
        kept = widths.complete(graph, fold.fold(graph, small))
        removed += int((~kept).sum())
        image = random.normal(size=tuple(net.layer[0].input_param.shape[0].dim)).astype(np.float32)
        jobs += [Job(net, weights, image), Job(resize.resized(net, graph, kept), shrink.shrunk(graph, small, kept), image)]
    loaded = run(tmp_path, jobs)
    for number in range(0, len(jobs), 2):
        agree(loaded[number], loaded[number + 1], jobs[number].net)
    assert removed > 500


def test_silenced_networks_compute_the_same(tmp_path: Path) -> None:
    jobs, removed = [], 0
    for seed in range(NETS):
        random = np.random.default_rng(seed)
        net = random_net(random)
        weights = copied(random_weights(net, random))
        graph = topology.read([net])
        try:
            exists = reach.alive(graph, weights)
        except reach.NothingLeft:
            continue
        shrink.silence(graph, weights, exists)
        kept = widths.complete(graph, exists.kept)
        removed += int((~kept).sum())
        image = random.normal(size=tuple(net.layer[0].input_param.shape[0].dim)).astype(np.float32)
        jobs += [Job(net, weights, image), Job(resize.resized(net, graph, kept), shrink.shrunk(graph, weights, kept), image)]
    loaded = run(tmp_path, jobs)
    for number in range(0, len(jobs), 2):
        agree(loaded[number], loaded[number + 1], jobs[number].net)
    print(len(jobs), removed)
    assert removed > 500
