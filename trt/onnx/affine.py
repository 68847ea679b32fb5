"""BatchNorm, Scale and Bias are x * factor + term; behind weights they are folded into these, where that is exact."""

from collections.abc import Collection
from dataclasses import replace

import numpy as np

from evolve.network.axes import Shape, axis_of
from trt.onnx.graph import Operation

_TYPES = ("BatchNorm", "Scale", "Bias")
_WEIGHTED = ("Convolution", "Deconvolution", "InnerProduct")

Affine = tuple[np.ndarray | None, np.ndarray | None]


def affine(op: Operation) -> Affine:
    """(factors, terms) of a layer, float64, in the shape of the axes that they lie along; None stands for 1 or 0.

    (None, None) if it is none, or if its factors are known only when the net runs.
    """
    if op.type not in _TYPES or len(op.bottoms) > 1:
        return None, None
    blobs = [blob.astype(np.float64) for blob in op.blobs]
    if op.type == "Bias":
        return None, blobs[0]
    if op.type == "Scale":
        return blobs[0], blobs[1] if len(blobs) > 1 else None
    parameter = op.layer.batch_norm_param
    if parameter.HasField("use_global_stats") and not parameter.use_global_stats:
        return None, None
    # BatchNormLayer keeps sums: its third blob is what they are to be divided by, 0 while there are none.
    count = float(blobs[2].reshape(-1)[0])
    mean, variance = (blob / count if count else np.zeros_like(blob) for blob in blobs[:2])
    factors = 1 / np.sqrt(variance + parameter.eps)
    return factors, -mean * factors


def folded(operations: list[Operation], outputs: Collection[str] = ()) -> list[Operation]:
    """The same function with fewer layers: each affine one whose only source is a weighted layer is part of it.

    Exact if nothing else reads what the weighted layer writes, no more than one of ``outputs`` is, and if there is one
    factor and term a neuron.
    """
    result: list[Operation] = []
    for op in operations:
        before = _writer(result, op.bottoms[0]) if op.bottoms else None
        kept = set(op.bottoms) & set(outputs) - set(op.tops)
        if before is not None and not kept and _fits(result[before], op) and _readers(operations, op) == 1:
            result[before] = _merged(result[before], op)
        else:
            result.append(op)
    return result


def _writer(operations: list[Operation], blob: str) -> int | None:
    """The number of the last operation that writes `blob`."""
    return max((number for number, op in enumerate(operations) if blob in op.tops), default=None)


def _readers(operations: list[Operation], reader: Operation) -> int:
    """How many layers read the blob that `reader` reads, from when it was written to when it is written again."""
    blob, position = reader.bottoms[0], next(k for k, op in enumerate(operations) if op is reader)
    first = max(k for k, op in enumerate(operations[:position]) if blob in op.tops)
    count = 0
    for op in operations[first + 1 :]:
        count += op.bottoms.count(blob)
        if blob in op.tops:
            break
    return count


def _fits(weighted: Operation, op: Operation) -> bool:
    factors, terms = affine(op)
    if weighted.type not in _WEIGHTED or len(weighted.tops) > 1 or (factors is None and terms is None):
        return False
    values = factors if factors is not None else terms
    assert values is not None
    along: Shape = ()
    if values.shape:
        first = _first_axis(op)
        along = tuple(range(first, first + values.ndim))
    return along in ((), (_neurons_axis(weighted),))


def _neurons_axis(weighted: Operation) -> int:
    if weighted.type == "InnerProduct":
        return len(weighted.top) - 1
    return axis_of(weighted.layer, weighted.layer.convolution_param.axis, weighted.bottom)


def _first_axis(op: Operation) -> int:
    if op.type == "BatchNorm":
        return 1
    return axis_of(op.layer, (op.layer.scale_param if op.type == "Scale" else op.layer.bias_param).axis, op.bottom)


def _merged(weighted: Operation, op: Operation) -> Operation:
    """The weighted layer with the affine one's factors in its weights, and its terms in the biases."""
    factors, terms = affine(op)
    neurons = weighted.top[_neurons_axis(weighted)]
    factor = np.broadcast_to(1.0 if factors is None else factors, (neurons,))
    term = np.broadcast_to(0.0 if terms is None else terms, (neurons,))
    bias = weighted.blobs[1].astype(np.float64) if len(weighted.blobs) > 1 else np.zeros(neurons)
    weights = _times(weighted, weighted.blobs[0].astype(np.float64), factor)
    folded = (*weighted.folded, op.layer.name)
    return replace(weighted, tops=op.tops, blobs=[weights, bias * factor + term], folded=folded)


def _times(weighted: Operation, weights: np.ndarray, factor: np.ndarray) -> np.ndarray:
    """Each neuron's weights times its factor, in Caffe's layout of the type."""
    if weighted.type == "Deconvolution":
        # Inputs first; a group's inputs see that group's outputs.
        group = weighted.layer.convolution_param.group
        inputs, outputs = weights.shape[:2]
        split = weights.reshape(group, inputs // group, outputs, -1) * factor.reshape(group, 1, outputs, 1)
        return split.reshape(weights.shape)
    if weighted.type == "InnerProduct" and weighted.layer.inner_product_param.transpose:
        return weights * factor
    return weights * factor.reshape(-1, *(1,) * (weights.ndim - 1))
