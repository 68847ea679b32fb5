"""The L1 loss as a layer."""

from typing import Any

import caffe

from evolve.detectnet import l1_loss
from evolve.detectnet.blobs import Blobs, by, expect


class L1Loss(caffe.Layer):
    """Sum |bottom[0] - bottom[1]| / N; use `loss_weight`."""

    def setup(self, bottom: Blobs, top: Blobs) -> None:
        """Two bottoms, one top."""
        expect(len(bottom) == 2 and len(top) == 1, "L1Loss: expected 2 bottoms and 1 top")

    def reshape(self, bottom: Blobs, top: Blobs) -> None:
        """Both bottoms have one shape; the top is one number."""
        one, other = bottom[0].data.shape, bottom[1].data.shape
        expect(one == other, f"L1Loss: expected bottoms of one shape, got {by(one)} and {by(other)}")
        top[0].reshape()

    def forward(self, bottom: Blobs, top: Blobs) -> None:
        """`l1_loss.loss`."""
        top[0].data[...] = l1_loss.loss(bottom[0].data, bottom[1].data)

    def backward(self, top: Blobs, propagate_down: Any, bottom: Blobs) -> None:
        """`l1_loss.gradient` times the loss weight, for whichever bottom wants it."""
        for number, sign in ((0, 1), (1, -1)):
            if propagate_down[number]:
                gradient = l1_loss.gradient(bottom[0].data, bottom[1].data)
                bottom[number].diff[...] = gradient * (sign * top[0].diff)
