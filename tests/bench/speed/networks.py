"""The networks that are measured, and one folder for each with all that every engine needs to run the same thing."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from evolve.base import prototxt_text
from evolve.base.caffe_messages import caffe_pb2
from evolve.network import deployment, phases
from evolve.network.shapes import infer
from evolve.runs import paths
from tests.bench.speed import case
from tests.network.famous_nets import detectnet

ROOT = Path(__file__).resolve().parents[3]
DETECTNET_SIZE = (384, 1248)  # height, width: KITTI's
SMALL_RATE = 1e-3  # the same batch is learnt again and again: weights shall stay as ordinary as they were


@dataclass(frozen=True)
class Network:
    """One network: how its nets are made, one example's shape, and how much of PyTorch's time it may take."""

    name: str
    shape: tuple[int, int, int]  # channels, height, width
    backward: str  # the pass with gradients that is measured: case.TRAIN or case.BOTH
    largest_ratio: float  # of that pass's time to PyTorch's
    nets: Callable[["Network"], tuple[Any, Any]]  # train net, deploy net; both fed by Input layers


def _of_folder(network: Network) -> tuple[Any, Any]:
    """What a user's train_val.prototxt says, its data layers replaced by inputs that stay in memory."""
    net = prototxt_text.read(
        ROOT / "prototxt" / network.name / paths.TRAIN_VAL, caffe_pb2.NetParameter(), {"DATA": "."}
    )
    return phases.fed_by_inputs(net, "TRAIN", network.shape), deployment.deploy(net, network.shape)


def _detectnet(network: Network) -> tuple[Any, Any]:
    """GoogLeNet-DetectNet for deployment, and the same with a Euclidean loss on each of its outputs."""
    deploy = detectnet(*network.shape[1:])
    return with_euclidean_losses(deploy), deploy


def with_euclidean_losses(deploy: Any) -> Any:
    """`deploy` with a EuclideanLoss on each output; the targets are inputs of its shape."""
    net = caffe_pb2.NetParameter()
    net.CopyFrom(deploy)
    read = {bottom for layer in deploy.layer for bottom in layer.bottom if bottom not in layer.top}
    for step in infer(deploy):
        for blob, shape in zip(step.layer.top, step.tops, strict=True):
            if blob in read:
                continue
            target = net.layer.add(name=f"{blob}-target", type="Input", top=[f"{blob}-target"])
            target.input_param.shape.add(dim=shape)
            ends = {"bottom": [blob, f"{blob}-target"], "top": [f"{blob}-loss"]}
            net.layer.add(name=f"{blob}-loss", type="EuclideanLoss", **ends)
    return net


NETWORKS = {
    network.name: network
    for network in (
        Network("lenet", (1, 32, 32), case.TRAIN, 0.55, _of_folder),
        Network("lenet_bvlc", (1, 28, 28), case.TRAIN, 0.8, _of_folder),
        Network("alexnet_cifar10", (3, 32, 32), case.TRAIN, 0.8, _of_folder),
        Network("resnet56_cifar10", (3, 32, 32), case.TRAIN, 0.8, _of_folder),
        Network("detectnet", (3, *DETECTNET_SIZE), case.BOTH, 0.55, _detectnet),
    )
}


def write_case(network: Network, folder: Path) -> dict[str, int]:
    """Fills `folder` with prototxts and inputs; the weights come from Caffe. Returns the batch of each pass."""
    train, deploy = network.nets(network)
    return write_nets(train, deploy, folder, network.backward)


def write_nets(train: Any, deploy: Any, folder: Path, backward: str = case.TRAIN) -> dict[str, int]:
    """The same for nets at hand."""
    folder.mkdir(parents=True, exist_ok=True)
    _fill(train)
    prototxt_text.write(train, folder / case.TRAIN_NET)
    prototxt_text.write(without_dropout(train), folder / case.CHECKED_NET)
    prototxt_text.write(deploy, folder / case.DEPLOY_NET)
    solver = caffe_pb2.SolverParameter(
        train_net=case.TRAIN_NET, type="SGD", base_lr=SMALL_RATE, lr_policy="fixed", momentum=0.9, weight_decay=5e-4
    )
    solver.max_iter, solver.random_seed, solver.snapshot_after_train = 10**6, 1, False
    prototxt_text.write(solver, folder / case.SOLVER)
    solver.train_net = case.CHECKED_NET
    prototxt_text.write(solver, folder / case.CHECKED_SOLVER)
    random = np.random.default_rng(1)
    case.save(folder, case.TRAIN_INPUTS, _inputs(train, random))
    case.save(folder, case.FORWARD_INPUTS, _inputs(deploy, random))
    return {backward: _shapes(train)[0][1][0], case.FORWARD: _shapes(deploy)[0][1][0]}


def without_dropout(net: Any) -> Any:
    """`net` without what is drawn at random, which two programs cannot draw alike."""
    result = caffe_pb2.NetParameter(name=net.name)
    stands_for: dict[str, str] = {}
    for layer in net.layer:
        if layer.type == "Dropout":
            stands_for[layer.top[0]] = layer.bottom[0]
            continue
        kept = result.layer.add()
        kept.CopyFrom(layer)
        kept.bottom[:] = [stands_for.get(bottom, bottom) for bottom in layer.bottom]
    return result


def _fill(net: Any) -> None:
    """Layers that do not say how their weights begin get MSRA's filler; Caffe's own would be zeros."""
    for layer in net.layer:
        parameter = {"Convolution": layer.convolution_param, "InnerProduct": layer.inner_product_param}.get(layer.type)
        if parameter is not None and not parameter.HasField("weight_filler"):
            parameter.weight_filler.type = "msra"


def _shapes(net: Any) -> list[tuple[str, list[int]]]:
    """(blob, shape) of every input."""
    return [
        (top, list(shape.dim))
        for layer in net.layer
        if layer.type == "Input"
        for top, shape in zip(layer.top, layer.input_param.shape, strict=True)
    ]


def _inputs(net: Any, random: np.random.Generator) -> dict[str, np.ndarray]:
    """Images and targets from 0 to 1; labels, which have no other axis than the batch's, from 0 to 9."""
    return {
        blob: (random.random(shape) if len(shape) > 1 else random.integers(0, 10, shape)).astype(np.float32)
        for blob, shape in _shapes(net)
    }
