"""The L1 loss, which NVIDIA Caffe has and BVLC Caffe lacks: the sum of absolute differences over the batch size.

Stock Caffe's Eltwise, AbsVal and Reduction compute the same (a test compares them), but need 1/N written into the
prototxt a second time; as a layer it cannot disagree with the batch size.
"""

from typing import Any

import caffe
import numpy as np
from numpy.typing import NDArray

from evolve.detectnet.caffe_layers.blobs import Blobs, expect
from evolve.network.axes import written


def l1_loss(predicted: NDArray[np.float32], label: NDArray[np.float32]) -> float:
    """Sum |predicted - label| / N over blobs (N, …)."""
    return float(np.abs(predicted - label).sum(dtype=np.float64) / len(predicted))


def l1_gradient(predicted: NDArray[np.float32], label: NDArray[np.float32]) -> NDArray[np.float32]:
    """The loss's by `predicted`: sign(predicted - label) / N, 0 where they are equal. By `label`, its negative."""
    return np.sign(predicted - label) / np.float32(len(predicted))


class L1Loss(caffe.Layer):
    """Sum |bottom[0] - bottom[1]| / N; use `loss_weight`."""

    def setup(self, bottom: Blobs, top: Blobs) -> None:
        """Two bottoms, one top."""
        expect(len(bottom) == 2 and len(top) == 1, "L1Loss: expected 2 bottoms and 1 top")

    def reshape(self, bottom: Blobs, top: Blobs) -> None:
        """Both bottoms have one shape; the top is one number."""
        one, other = bottom[0].data.shape, bottom[1].data.shape
        expect(one == other, f"L1Loss: expected bottoms of one shape, got {written(one)} and {written(other)}")
        top[0].reshape()

    def forward(self, bottom: Blobs, top: Blobs) -> None:
        """`l1_loss`."""
        top[0].data[...] = l1_loss(bottom[0].data, bottom[1].data)

    def backward(self, top: Blobs, propagate_down: Any, bottom: Blobs) -> None:
        """`l1_gradient` times the loss weight, for whichever bottom wants it."""
        for number, sign in ((0, 1), (1, -1)):
            if propagate_down[number]:
                gradient = l1_gradient(bottom[0].data, bottom[1].data)
                bottom[number].diff[...] = gradient * (sign * top[0].diff)
