"""Equations (3) to (5) of [Cluster16] in plain loops, written from the paper: what the tests compare with."""

import math
from collections.abc import Sequence

from google.protobuf import text_format
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays

from evolve.base.caffe_messages import caffe_pb2
from evolve.network import topology
from evolve.network.graph import Graph
from evolve.network.weighted import WeightedLayer

Rows = Sequence[Sequence[float]]

# Sixty-fourths: sums and thresholds are exact in 32 bits, and zeros are frequent.
SIXTY_FOURTHS = st.integers(-64, 64).map(lambda number: number / 64)
SMALL_LAYERS = arrays("float32", array_shapes(min_dims=2, max_dims=2, max_side=6), elements=SIXTY_FOURTHS)


def synapse_probabilities(rows: Rows) -> list[list[float]]:
    """Equation (5): P(s) = exp(w / z - 1), z the strongest of the layer; what is absent has no probability."""
    z = 0.0
    for row in rows:
        for weight in row:
            if abs(weight) > z:
                z = abs(weight)
    return [[math.exp(abs(weight) / z - 1) if weight != 0 else 0.0 for weight in row] for row in rows]


def cluster_probabilities(rows: Rows, truncation: float) -> list[float]:
    """Equation (4): P(c) = exp(sum of the truncated w / Z - 1), Z the strongest cluster of the layer."""
    strongest = 0.0
    for row in rows:
        for weight in row:
            strongest = max(strongest, abs(weight))
    sums = []
    for row in rows:
        sums.append(0.0)
        for weight in row:
            if abs(weight) >= truncation * strongest:
                sums[-1] += abs(weight)
    normaliser = max(sums) if max(sums) > 0 else 1.0
    present = [any(weight != 0 for weight in row) for row in rows]
    return [math.exp(s / normaliser - 1) if there else 0.0 for s, there in zip(sums, present, strict=True)]


def expected(cluster: Sequence[float], synapse: Rows, cluster_factor: float, synapse_factor: float) -> float:
    """The mean number of synapses under equation (3), no probability above 1."""
    total = 0.0
    for p_cluster, row in zip(cluster, synapse, strict=True):
        for p_synapse in row:
            total += min(1.0, cluster_factor * p_cluster) * min(1.0, synapse_factor * p_synapse)
    return total


def stage(name: str, outputs: int, inputs: int, patch: int = 1, has_bias: bool = True) -> WeightedLayer:
    """A stage on its own, without a prototxt."""
    return WeightedLayer(name, "InnerProduct", outputs, inputs, patch, has_bias)


def chain(*layers: WeightedLayer) -> Graph:
    """A graph of such stages one after the other: convolutions along one axis, kernels of `patch`."""
    length = 1 + sum(each.patch - 1 for each in layers)
    text = [
        f'layer {{ name: "data" type: "Input" top: "data" '
        f"input_param {{ shape {{ dim: 1 dim: {layers[0].inputs} dim: 1 dim: {length} }} }} }}"
    ]
    bottom = "data"
    for each in layers:
        bias = "true" if each.has_bias else "false"
        words = f"num_output: {each.outputs} kernel_h: 1 kernel_w: {each.patch} bias_term: {bias}"
        text.append(f'layer {{ name: "{each.name}" type: "Convolution" bottom: "{bottom}" top: "{each.name}" '
                    f"convolution_param {{ {words} }} }}")  # fmt: skip
        bottom = each.name
    return topology.read([text_format.Parse("\n".join(text), caffe_pb2.NetParameter())])
