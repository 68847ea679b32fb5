"""What is absent stays absent: a mask on the gradients, between the passes and the update. Runs in the worker.

A weight and a gradient that are both zero stay exactly zero under weight decay, momentum and every solver type.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from evolve.network import layers, phases, weights
from evolve.network.axes import Layer, Net
from evolve.network.layers.weighted import parameter_of

# Of these, fast layers leave out the gradients of weights that are zero.
_FOLLOWED = ("Convolution", "InnerProduct")

Silent = Mapping[str, Sequence[Sequence[int]]]  # by layer: places in each of its blobs


class Mask:
    """What exists, for each blob in which something does not: 1 or 0, float32, in the blob's shape.

    A synapse does if it is not zero; a bias if its neuron has a synapse, or it is not zero itself; a factor or shift of
    Scale and Bias unless it is zero and among the `silent`, so that silent channels stay silent: others may begin at
    zero, and learn. Statistics are nobody's synapses.
    """

    def __init__(self, net: Any, genome: weights.Weights, silent: Silent | None = None) -> None:
        silent = silent or {}
        self.blobs: list[tuple[Any, np.ndarray]] = []
        for name, kind in zip(net._layer_names, (layer.type for layer in net.layers), strict=True):
            known = layers.known().get(kind)
            masked = known and (known.connects or name in silent and known.affine and not known.statistics)
            if masked and name in genome:
                existing = _existing(kind, genome[name], silent.get(name, ()))
                for blob, there in zip(net.params[name], existing, strict=True):
                    if not there.all():
                        self.blobs.append((blob, there.astype(np.float32).reshape(blob.data.shape)))

    def on_weights(self) -> None:
        """Absent weights are zero from now on."""
        for blob, exists in self.blobs:
            blob.data[...] *= exists

    def on_gradients(self) -> None:
        """Absent weights are not updated; on a GPU, `mask_on_gpu` does it without copies to the host."""
        for blob, exists in self.blobs:
            np.multiply(blob.diff, exists, out=blob.diff)

    def revived(self) -> int:
        """How many absent weights are not zero."""
        return sum(int(np.count_nonzero(blob.data[exists == 0])) for blob, exists in self.blobs)


def only_absent_are_zero(net: Net, genome: weights.Weights, inherited: bool) -> bool:
    """Whether of the weights that TRAIN begins with none is zero but those that a Mask of `genome` keeps so.

    Where they are not `inherited`, and in layers that the genome has not, a filler may leave zeros, which learn.
    """
    followed = [layer for layer in phases.for_phase(net, "TRAIN").layer if layer.type in _FOLLOWED]
    return all(inherited and layer.name in genome or not _filled_with_zeros(layer) for layer in followed)


def _filled_with_zeros(layer: Layer) -> bool:
    """Whether a layer's weight_filler leaves zeros, otherwise than by a rare chance; so says whatever is not known."""
    filler = parameter_of(layer).weight_filler
    without = {
        "constant": filler.value != 0,
        "gaussian": filler.sparse < 0 < filler.std,
        "uniform": filler.min < filler.max,
        "msra": True,
        "xavier": True,
    }
    return not without.get(filler.type, False)


def _existing(kind: str, blobs: list[np.ndarray], silent: Sequence[Sequence[int]]) -> list[np.ndarray]:
    """bool, for each blob of a layer; `silent` are places in each, of one without synapses."""
    exists = [blob != 0 for blob in blobs]
    if not layers.known()[kind].connects:
        for there, places in zip(exists, silent, strict=True):
            there |= ~np.isin(np.arange(there.size), places).reshape(there.shape)
    elif len(blobs) > 1:
        count = blobs[1].size
        synapses = exists[0].reshape(count, -1)
        if kind == "Deconvolution":  # inputs x outputs of a group
            group = count // blobs[0].shape[1]
            synapses = np.moveaxis(exists[0].reshape(group, -1, count // group, blobs[0][0, 0].size), 1, 2)
        exists[1] |= synapses.reshape(count, -1).any(axis=1).reshape(blobs[1].shape)
    return exists
