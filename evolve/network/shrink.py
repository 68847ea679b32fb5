"""Neurons that lost all their incoming or all their outgoing synapses are removed: smaller blobs, same function.

A neuron's bias goes with it *before* the offspring is trained, so that what is removed contributed nothing.
The image's channels and the network's outputs stay.
"""

from typing import Any

import numpy as np

from evolve.errors import UserError
from evolve.network.topology import Stage
from evolve.network.weights import Weights


class NothingLeft(UserError):
    """A layer without any synapse on a way from input to output: no network remains."""


def check(stages: list[Stage], weights: Weights, source: str) -> None:
    """UserError unless `weights` (from `source`) has every stage's blobs, in its shapes."""
    for stage in stages:
        blobs = weights.get(stage.name)
        if not blobs:
            raise UserError(
                f"{source}: layer '{stage.name}': expected its weights, got none; layers with weights there: "
                f"{', '.join(weights)}; name the layer as the trained one is named"
            )
        expected = stage.outputs * stage.inputs * stage.patch
        if blobs[0].size != expected or len(blobs) != 1 + stage.has_bias:
            raise UserError(
                f"{source}: layer '{stage.name}': expected {stage.outputs} x {stage.inputs} x {stage.patch} = "
                f"{expected} weights{' and biases' if stage.has_bias else ''}, got blobs "
                f"{[blob.shape for blob in blobs]}; "
                "the prototxt and the caffemodel belong to different networks"
            )


def alive(stages: list[Stage], weights: Weights) -> list[np.ndarray]:
    """Which neurons exist: a bool array (outputs,) a stage. NothingLeft if a layer has none.

    A neuron exists if a synapse leads in from an existing neuron and one leads out to an existing neuron.
    """
    linked = [connections(stage, weights) for stage in stages]
    exists = [np.ones(stage.outputs, bool) for stage in stages]
    changed = True
    while changed:
        changed = False
        for k in range(len(stages) - 1):
            sources = exists[k - 1] if k else np.ones(stages[0].inputs, bool)
            has_incoming = existing(linked[k], inputs=sources).any(axis=1)
            has_outgoing = existing(linked[k + 1], outputs=exists[k + 1]).any(axis=0)
            now = exists[k] & has_incoming & has_outgoing
            changed |= bool((now != exists[k]).any())
            exists[k] = now
    for stage, neurons in zip(stages, exists, strict=True):
        if not neurons.any():
            raise NothingLeft(f"layer '{stage.name}': none of its neurons has both incoming and outgoing synapses")
    if not linked[-1][:, exists[-2] if len(stages) > 1 else slice(None)].any():
        raise NothingLeft(f"layer '{stages[-1].name}': no synapse reaches the outputs")
    return exists


def existing(array: np.ndarray, outputs: np.ndarray | None = None, inputs: np.ndarray | None = None) -> np.ndarray:
    """The part of an array (outputs, inputs, ...) that belongs to neurons that exist; no copy where all do."""
    if outputs is not None and not outputs.all():
        array = array[outputs]
    return array if inputs is None or inputs.all() else array[:, inputs]


def connections(stage: Stage, weights: Weights) -> np.ndarray:
    """bool (outputs, inputs): where at least one synapse of the kernel exists."""
    present = (weights[stage.name][0] != 0).reshape(stage.outputs, stage.inputs, stage.patch)
    # NumPy is slow at reducing an axis of one.
    return present[:, :, 0] if stage.patch == 1 else present.any(axis=2)


def silence(stages: list[Stage], weights: Weights, exists: list[np.ndarray]) -> None:
    """Sets everything of the neurons that do not exist to zero, in place, shapes unchanged."""
    for k, stage in enumerate(stages):
        kernels = weights[stage.name][0].reshape(stage.outputs, stage.inputs, stage.patch)
        kernels[~exists[k]] = 0
        if k:
            kernels[:, ~exists[k - 1]] = 0
        if stage.has_bias:
            weights[stage.name][1].reshape(-1)[~exists[k]] = 0


def shrunk(stages: list[Stage], weights: Weights, exists: list[np.ndarray]) -> Weights:
    """`weights` of the neurons that exist, in smaller blobs, in the same order."""
    result: Weights = {}
    for k, stage in enumerate(stages):
        blob = weights[stage.name][0]
        kernels = blob.reshape(stage.outputs, stage.inputs, stage.patch)
        kernels = existing(kernels, exists[k], exists[k - 1] if k else None)
        tail = blob.shape[2:] if stage.kind == "Convolution" else ()
        shape = (len(kernels), -1) if not tail else (*kernels.shape[:2], *tail)
        result[stage.name] = [np.ascontiguousarray(kernels.reshape(shape))]
        if stage.has_bias:
            result[stage.name].append(weights[stage.name][1].reshape(-1)[exists[k]])
    return result


def resize(net: Any, outputs: dict[str, int]) -> Any:
    """A copy of `net` whose layers named in `outputs` have that many."""
    smaller = type(net)()
    smaller.CopyFrom(net)
    for layer in smaller.layer:
        if layer.name in outputs:
            parameter = layer.convolution_param if layer.type == "Convolution" else layer.inner_product_param
            parameter.num_output = outputs[layer.name]
    return smaller
