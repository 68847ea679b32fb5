"""The layers that make a DetectNet's input: pixels and ground truth, augmented in TRAIN."""

from typing import Any

import caffe
import cv2
import numpy as np

from evolve.base.errors import UserError
from evolve.detectnet import batches, labels, transformation
from evolve.detectnet.batches import Batch, Shapes
from evolve.detectnet.caffe_layers.blobs import Blobs, each, expect
from evolve.detectnet.prefetch import Prefetch
from evolve.network.axes import written
from evolve.network.layers import detectnet_parameters as parameters
from evolve.network.layers.detectnet_parameters import LABEL_LENGTH


class DetectNetTransformation(caffe.Layer):
    """Images (N, 3, H, W) and labels (N, 1, max_boxes + 1, 16) become the net's input and ground truth on the grid.

    In TRAIN augmented, from param_str's `seed` and the number of examples seen; in TEST resized. A third top is the
    labels with their boxes where the image's objects are now. `batches.Shapes` has the shapes of the tops.
    """

    def setup(self, bottom: Blobs, top: Blobs) -> None:
        """Reads param_str. UserError if it is malformed."""
        _alone()
        expect(len(bottom) == 2 and len(top) in (2, 3), "DetectNetTransformation: expected 2 bottoms and 2 or 3 tops")
        self._given = parameters.parse(self.param_str)
        self._seen = 0

    def reshape(self, bottom: Blobs, top: Blobs) -> None:
        """Output shapes depend on param_str, the batch and the labels' room alone."""
        images, boxes = bottom[0].data.shape, bottom[1].data.shape
        expect(len(images) == 4 and images[1] == 3, f"images: expected N x 3 x H x W, got {written(images)}")
        expect(
            len(boxes) == 4 and boxes[0] == images[0] and boxes[1] == 1 and boxes[3] == LABEL_LENGTH,
            f"labels: expected {images[0]} x 1 x (max_boxes + 1) x {LABEL_LENGTH}, got {written(boxes)}",
        )
        _reshape(top, Shapes.of(self._given, images[0], boxes[2] - 1))

    def forward(self, bottom: Blobs, top: Blobs) -> None:
        """One example after the other."""
        for place, (image, label) in enumerate(zip(bottom[0].data, bottom[1].data, strict=True)):
            where = f"labels: image {place} of the batch"
            rows = labels.unpack(label, where)
            pixels, truth = top[0].data[place], top[1].data[place]
            moved = transformation.transform(
                image, rows, self._given, self.phase == caffe.TRAIN, self._seen + place, pixels, truth
            )
            if len(top) == 3:
                labels.pack(moved, top[2].data[place], where)
        self._seen += len(bottom[0].data)

    def backward(self, top: Blobs, propagate_down: Any, bottom: Blobs) -> None:
        """Data has no gradient."""


class DetectNetData(caffe.Layer):
    """Two LMDBs of the same keys become the same, made ahead of the solver in data_param's `processes` (0: here).

    It stands for two Data layers and a DetectNetTransformation, and begins with the first forward pass.
    """

    def setup(self, bottom: Blobs, top: Blobs) -> None:
        """Reads param_str and looks into the LMDBs. UserError if either is malformed."""
        _alone()
        expect(not len(bottom) and len(top) in (2, 3), "DetectNetData: expected no bottoms and 2 or 3 tops")
        self._given = parameters.parse(self.param_str)
        data = self._given.data
        if data is None:
            raise UserError("DetectNetData: expected data_param { source … label_source … batch_size … }, got none")
        self._examples = batches.open_examples(data)
        self._shapes = Shapes.of(self._given, data.batch_size, self._examples.max_boxes)
        self._batch = 0
        self._ahead: Prefetch | None = None
        _reshape(top, self._shapes)

    def reshape(self, bottom: Blobs, top: Blobs) -> None:
        """The shapes never change."""

    def forward(self, bottom: Blobs, top: Blobs) -> None:
        """Waits for the next batch if need be. UserError for a malformed example, with its key."""
        blobs = [blob.data for blob in each(top)]
        if len(blobs) == 2:
            blobs.append(np.empty(self._shapes.labels, np.float32))
        into, train = Batch(*blobs), self.phase == caffe.TRAIN
        assert self._given.data
        if not self._given.data.processes:
            batches.make(self._batch, self._examples, self._given, train, into)
        else:
            self._ahead = self._ahead or Prefetch(self.param_str, self._given, self._shapes, train)
            self._ahead.get(into)
        self._batch += 1

    def backward(self, top: Blobs, propagate_down: Any, bottom: Blobs) -> None:
        """Data has no gradient."""


def _reshape(top: Blobs, shapes: Shapes) -> None:
    for blob, shape in zip(each(top), (shapes.images, shapes.truth, shapes.labels), strict=False):
        blob.reshape(*shape)


def _alone() -> None:
    # The cores that a run may use are Caffe's; OpenCV would take them all.
    cv2.setNumThreads(1)
