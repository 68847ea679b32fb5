"""`python -m tests.bench.silent_neurons NET RUN/gen001`: whose weights half precision flushes.

Of a generation in 32 bits (SET=precision=FLOAT) of a network that finds boxes, layer by layer: weights that the cast to
half precision would make zero, and how many of them lead into or out of neurons that answer none of the images that
TRAIN made of the training split, as often as all of it.
"""

import argparse
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from evolve.base import prototxt_text
from evolve.base.caffe_messages import caffe_pb2
from evolve.lineage import experiment
from evolve.network import weights
from evolve.network.graph import Graph
from evolve.network.weighted import WeightedLayer
from evolve.network.withered import LEAST
from evolve.runs import paths
from evolve.training import silent


@dataclass(frozen=True)
class Flushed:
    """Weights of a layer: all, those that touch a silent neuron; of both, how many half precision flushes."""

    weights: int
    touching: int
    flushed: int
    into: int  # silent neurons, of those flushed
    out: int  # of silent neurons into others, of those flushed
    silent: int  # neurons
    neurons: int


def answers(net: Path, caffemodel: Path, graph: Graph, images: int) -> dict[str, np.ndarray]:
    """Each layer's neurons, bool (outputs,): whether any of that many augmented images makes one more than zero."""
    found = {layer.name: np.ones(layer.outputs, bool) for layer in graph.weighted}
    for name, neurons in silent.silent(str(net), str(caffemodel), list(found), images).items():
        found[name][neurons] = False
    return found


def of_layer(layer: WeightedLayer, blob: np.ndarray, out: np.ndarray, into: np.ndarray) -> Flushed:
    """What `layer` with weights `blob` loses; `out` (inputs,) and `into` (outputs,) say which channels are silent."""
    matrix = layer.matrix(blob)
    flushed = (np.abs(matrix) <= LEAST) & (matrix != 0)
    touching = into[:, None] | out[None, :]
    return Flushed(
        matrix.size, int(touching.sum()) * layer.patch, int(flushed.sum()), int(flushed[into].sum()),
        int(flushed[~into][:, out].sum()), int(into.sum()), len(into),
    )  # fmt: skip


def measure(network: str, generation: Path, images: int) -> dict[str, Flushed]:
    """By layer."""
    made = experiment.load(network)
    net = prototxt_text.read(generation / paths.TRAIN_VAL, caffe_pb2.NetParameter())
    graph, learned = made.graph(net, made.stored_shape()), weights.read(generation / paths.WEIGHTS)
    answered = answers(generation / paths.TRAIN_VAL, generation / paths.WEIGHTS, graph, images)
    dead = np.zeros(len(graph.kept), bool)
    for layer in graph.weighted:
        dead[graph.blobs[layer.uses[0].top].channel_groups[~answered[layer.name]]] = True
    dead &= ~graph.outputs
    sides = {
        layer.name: [dead[graph.blobs[blob].channel_groups] for blob in (layer.uses[0].bottom, layer.uses[0].top)]
        for layer in graph.weighted
    }
    return {layer.name: of_layer(layer, learned[layer.name][0], *sides[layer.name]) for layer in graph.weighted}


def main() -> None:
    """Prints what the command line asks for."""
    parser = argparse.ArgumentParser("python -m tests.bench.silent_neurons", description=__doc__)
    parser.add_argument("network")
    parser.add_argument("generation", type=Path)
    parser.add_argument("--images", type=int, default=170)
    asked = parser.parse_args()
    found = measure(asked.network, asked.generation, asked.images)
    rows = [*((name, each) for name, each in found.items() if each.flushed), ("all", _sum(list(found.values())))]
    print(f"{'layer':26}{'weights':>10}{'touching':>10}{'flushed':>9}{'into':>8}{'out':>8}   silent neurons")
    for name, each in rows:
        numbers = f"{each.weights:10}{each.touching:10}{each.flushed:9}{each.into:8}{each.out:8}"
        print(f"{name:26}{numbers}   {each.silent} of {each.neurons}")


def _sum(every: list[Flushed]) -> Flushed:
    return Flushed(*(sum(column) for column in zip(*(vars(each).values() for each in every), strict=True)))


if __name__ == "__main__":
    main()
