"""A Caffe layer as it is to be said in ONNX: with its weights, and free of Caffe's order of blobs."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from evolve.network.axes import Shape


@dataclass
class Operation:
    """A layer, or several that were folded into one, between the values it reads and writes."""

    layer: Any  # caffe_pb2.LayerParameter
    bottoms: list[str]  # names of blobs
    tops: list[str]
    bottom_shapes: tuple[Shape, ...]
    top_shapes: tuple[Shape, ...]
    blobs: list[np.ndarray]  # in the shapes of geometry.blob_shapes

    @property
    def type(self) -> str:
        """Caffe's name for what it does."""
        return str(self.layer.type)

    @property
    def bottom(self) -> Shape:
        """The shape of its first bottom."""
        return self.bottom_shapes[0]

    @property
    def top(self) -> Shape:
        """The shape of its first top."""
        return self.top_shapes[0]
