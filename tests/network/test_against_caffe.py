"""What is claimed about Caffe, asked of Caffe itself."""

import itertools
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from caffe_child import Job, run
from chains import forward, net_of, parsed, random_chain, random_weights, walk

from evolve.base import prototxt_text
from evolve.base.caffe_messages import caffe_pb2
from evolve.network import deployment, phases, topology
from evolve.network.reach import NothingLeft, alive
from evolve.network.resize import resized, shrunk, silence
from evolve.runs import paths
from evolve.settings import networks

LENET_LIKE = [
    "Convolution convolution_param { num_output: 12 kernel_size: 5 pad: 2 }",
    "Pooling pooling_param { pool: MAX kernel_size: 3 stride: 2 }",
    "ReLU",
    "Convolution convolution_param { num_output: 16 kernel_size: 5 pad: 2 }",
    "ReLU",
    "Pooling pooling_param { pool: AVE kernel_size: 3 stride: 2 }",
    "InnerProduct inner_product_param { num_output: 30 }",
    "ReLU",
    "InnerProduct inner_product_param { num_output: 10 }",
]
# A last window that would begin beyond the image, dropped or not.
STRIDES_ABOVE_KERNELS = [
    f"Pooling pooling_param {{ pool: MAX kernel_size: 2 stride_h: {stride} stride_w: {stride + 1} {pad} {mode} }}"
    for stride in (4, 7)
    for pad in ("", "pad_h: 0 pad_w: 1", "pad_h: 1 pad_w: 0", "pad_h: 1 pad_w: 1")
    for mode in ("", "round_mode: FLOOR")
]


def test_shapes_and_outputs_of_random_chains(tmp_path: Path) -> None:
    """Shapes are `shapes.infer`'s; and the plain NumPy that the other tests compare with computes as Caffe does."""
    random = np.random.default_rng(11)
    jobs = []
    for _ in range(30):
        net = random_chain(random)
        shape = tuple(net.layer[0].input_param.shape[0].dim[1:])
        jobs.append(Job(net, random_weights(net, random, density=0.8), random.normal(size=shape).astype(np.float32)))
    for layer, size in itertools.product(STRIDES_ABOVE_KERNELS, [(5, 5), (8, 9), (11, 12)]):
        jobs.append(Job(net_of(layer, shape=(2, *size))))
    for job, loaded in zip(jobs, run(tmp_path, jobs), strict=True):
        for layer, _, top in walk(job.net):
            shape = loaded.blobs[layer.top[0]].shape
            assert shape[1:] in (top, (top[0],), (int(np.prod(top)),)), layer
            assert len(shape) == 4 or layer.type in ("InnerProduct", "Flatten") or top[1:] == (1, 1)
        if job.weights is not None and job.image is not None:
            last = loaded.blobs[job.net.layer[-1].top[0]][0]
            np.testing.assert_allclose(last, forward(job.net, job.weights, job.image), rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("density", [0.003, 0.01, 0.05, 0.3])
def test_masked_and_shrunk_networks_give_the_same(tmp_path: Path, density: float) -> None:
    random = np.random.default_rng(5)
    net = net_of(*LENET_LIKE, shape=(1, 20, 20))
    graph = topology.read([net])
    jobs: list[Job] = []
    while len(jobs) < 4:
        weights = random_weights(net, random, density)
        try:
            exists = alive(graph, weights)
        except NothingLeft:
            continue
        silence(graph, weights, exists)
        smaller = resized(net, graph, exists.kept)
        image = random.random((1, 20, 20), np.float32)
        jobs += [Job(net, weights, image), Job(smaller, shrunk(graph, weights, exists.kept), image)]
        assert density > 0.01 or sum(e.sum() for e in exists.neurons.values()) < 12 + 16 + 30 + 10
    masked_and_shrunk = iter(run(tmp_path, jobs))
    for masked, small in zip(masked_and_shrunk, masked_and_shrunk, strict=True):
        before, after = (each.blobs["innerproduct9"] for each in (masked, small))
        assert before.shape == (1, 10) and np.abs(before).max() > 0
        assert np.abs(before - after).max() <= 1e-5 * np.abs(before).max()


RULES = [
    "",
    "phase: TRAIN",
    "phase: TEST",
    "stage: 'a'",
    "not_stage: 'a'",
    "stage: 'a' not_stage: 'b'",
    "min_level: 0",
    "min_level: 1",
    "max_level: 0",
    "max_level: -1",
    "min_level: -1 max_level: 1",
    "phase: TEST min_level: 1",
    "phase: TRAIN not_stage: 'a' max_level: 3",
]


def in_place_layers(random: np.random.Generator) -> Any:
    """Layers that each have none, one or more of RULES, as include or as exclude."""
    rules = [[f"{kind} {{ {rule} }}"] for kind in ("include", "exclude") for rule in RULES]
    for _ in range(40):
        kind = random.choice(["include", "exclude"])
        rules.append([f"{kind} {{ {random.choice(RULES)} }}" for _ in range(random.integers(2, 4))])
    lines = ['layer { name: "data" type: "Input" top: "data" input_param { shape { dim: 1 dim: 1 } } }']
    for number, chosen in enumerate([[], *rules]):
        lines.append(
            f'layer {{ name: "l{number}" type: "ReLU" bottom: "data" top: "data" {" ".join(map(str, chosen))} }}'
        )
    return parsed("\n".join(lines))


def test_phases_include_what_caffe_includes(tmp_path: Path) -> None:
    net = in_place_layers(np.random.default_rng(2))
    loaded = run(tmp_path, [Job(net, phase=phase) for phase in ("TRAIN", "TEST")])
    for phase, made in zip(("TRAIN", "TEST"), loaded, strict=True):
        ours = [layer.name for layer in phases.for_phase(net, phase).layer]
        assert ours == [name for name, _ in made.layers]
        assert 10 < len(ours) < len(net.layer) - 10


@pytest.mark.parametrize(("network", "shape"), [("lenet", (3, 32, 32)), ("lenet_bvlc", (1, 28, 28))])
def test_caffe_loads_the_deploy_nets(tmp_path: Path, network: str, shape: tuple[int, int, int]) -> None:
    template = prototxt_text.read(networks.find(network) / paths.TRAIN_VAL, caffe_pb2.NetParameter(), {"DATA": "/data"})
    net = deployment.deploy(template, shape)
    (loaded,) = run(tmp_path, [Job(net)])
    assert loaded.layers == [(layer.name, layer.type) for layer in net.layer]
    assert loaded.blobs["data"].shape == (1, *shape) and loaded.blobs["prob"].shape == (1, 10)
    for layer, _, top in walk(net):
        assert loaded.blobs[layer.top[0]].shape[1:] in (top, top[:1])
