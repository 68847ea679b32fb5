"""A layer's weights seen as kernels, one for each output and each input it sees, however Caffe lays them out."""

import numpy as np

from evolve.base.errors import UserError
from evolve.network.axes import Shape, count, written
from evolve.network.geometry import blob_shapes, geometry
from evolve.network.shapes import Step
from evolve.network.weights import Weights


def kernels(step: Step, blob: np.ndarray) -> np.ndarray:
    """The weights of a Convolution, Deconvolution or InnerProduct as (outputs, inputs / group, patch).

    An output of group g sees the inputs from g * inputs / group on. A view where the layout allows one.
    """
    connected = geometry(step)
    assert connected, f"{step.layer.type} connects no channels"
    outputs, inputs, group, patch = connected.outputs, connected.inputs, connected.group, connected.patch
    if step.layer.type == "Deconvolution":
        # Inputs first: (inputs, outputs / group, patch).
        split = blob.reshape(group, inputs // group, outputs // group, patch)
        return split.swapaxes(1, 2).reshape(outputs, inputs // group, patch)
    if step.layer.type == "InnerProduct" and step.layer.inner_product_param.transpose:
        blob = blob.reshape(inputs * patch, outputs).T
    return blob.reshape(outputs, inputs // group, patch)


def blobs_of(step: Step, weights: Weights, source: str) -> list[np.ndarray]:
    """The layer's blobs among `weights` (read from `source`). UserError unless they have the shapes it learns."""
    return checked(step.layer.name, blob_shapes(step), weights, source, bool(geometry(step)))


def checked(name: str, expected: list[Shape], weights: Weights, source: str, synapses: bool) -> list[np.ndarray]:
    """The blobs of layer `name` among `weights`. UserError, naming `source`, unless they have the shapes `expected`.

    `synapses`: whether the layer has any, so that further blobs may be the masks of a pruning tool.
    """
    blobs = weights.get(name, [])
    where = f"{source}: layer '{name}'"
    if expected and not blobs:
        raise UserError(
            f"{where}: expected its weights, got none; layers with weights there: {', '.join(weights)}; name the "
            "layer as the trained one is named"
        )
    shapes, cores = [core(blob.shape) for blob in blobs], [core(shape) for shape in expected]
    if synapses and len(shapes) > len(cores) and shapes[: len(cores)] == cores:
        raise UserError(
            f"{where}: expected {len(expected)} blobs, got {len(blobs)} {[blob.shape for blob in blobs]}; the further "
            "ones may be masks, as pruning forks of Caffe keep them: multiply each mask into its weights, and save the "
            "layer without"
        )
    if shapes != cores:
        raise UserError(
            f"{where}: expected {listed(expected)}, got {listed([blob.shape for blob in blobs])}; the prototxt and "
            "the caffemodel belong to different networks"
        )
    return blobs


def core(shape: Shape) -> Shape:
    """Without axes of one, which change nothing in how values lie: blobs of 2013 have 1 x 1 x 10 x 64 for 10 x 64."""
    return tuple(length for length in shape if length != 1)


def listed(shapes: list[Shape]) -> str:
    """A layer's shapes in words, and how many values each holds."""
    return " and ".join(f"{written(shape)} = {count(shape)}" for shape in shapes) or "no blobs"
