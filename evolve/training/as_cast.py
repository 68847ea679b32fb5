"""Training as cast: passes see the weights as they will be cast, and the update goes to those of 32 bits.

The gradient goes through the cast as if there were none: the straight-through estimator (Bengio, Léonard and Courville,
arXiv 1308.3432). Runs in the worker, in the solver's callbacks: before the passes of an iteration, and between its
gradients and its update.
"""

from pathlib import Path
from typing import Any

import numpy as np

from evolve.base import prototxt_text
from evolve.base.caffe_messages import caffe_pb2
from evolve.network import precision
from evolve.training.snapshots import read_solver


class AsCast:
    """The blobs that `imposed`, a precision, is for of the net in training that the prototxt `solver` names."""

    def __init__(self, net: Any, solver: Path, imposed: str) -> None:
        layers = prototxt_text.read(Path(read_solver(solver).net), caffe_pb2.NetParameter()).layer
        self._precision = imposed
        self._blobs: list[tuple[Any, np.ndarray, int, Any]] = []  # and its 32 bits, its place in its layer, the layer
        described, taken = {layer.name: layer for layer in layers}, set()
        for name, blobs in net.params.items():
            for place, blob in enumerate(blobs):
                # Shared parameters are one memory, to be kept before it is cast, and once.
                if blob.data.ctypes.data not in taken and not precision.has_statistics(described[name]):
                    taken.add(blob.data.ctypes.data)
                    self._blobs.append((blob, np.empty(blob.data.shape, np.float32), place, described[name]))

    def cast(self) -> None:
        """Before the passes."""
        for blob, kept, place, layer in self._blobs:
            kept[...] = blob.data
            blob.data[...] = precision.imposed(kept, place, self._precision, layer)

    def restore(self) -> None:
        """Before the update."""
        for blob, kept, _, _ in self._blobs:
            blob.data[...] = kept
