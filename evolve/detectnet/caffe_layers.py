"""The layers that turn a DetectNet's output into boxes, and boxes into NVIDIA's scores; they follow it in TEST.

A layer's blobs, one after the other, and what it expects of them said as a sentence before Caffe would abort.

The layers that make a DetectNet's input: pixels and ground truth, augmented in TRAIN.

The L1 loss, which NVIDIA Caffe has and BVLC Caffe lacks: the sum of absolute differences over the batch size.

Stock Caffe's Eltwise, AbsVal and Reduction compute the same (a test compares them), but need 1/N written into the
prototxt a second time; as a layer it cannot disagree with the batch size.

The L1 loss as a layer.
"""

from typing import Any

import caffe
import cv2
import numpy as np
from numpy.typing import NDArray

from evolve.base.errors import UserError
from evolve.detectnet import augment, batches, clustering, labels, scores
from evolve.detectnet.batches import Batch, Shapes
from evolve.detectnet.prefetch import Prefetch
from evolve.network.layers import detectnet_clustering
from evolve.network.layers import detectnet_parameters as parameters
from evolve.network.layers.detectnet_parameters import LABEL_LENGTH

Blobs = Any  # what Caffe gives a Python layer for its bottoms and tops


def each(blobs: Blobs) -> list[Any]:
    """The blobs as a list: Caffe's own sequence has a length and an index, but no iterator."""
    return [blobs[number] for number in range(len(blobs))]


def expect(holds: bool, message: str) -> None:
    """UserError `message` unless it `holds`."""
    if not holds:
        raise UserError(message)


def by(shape: tuple[int, ...]) -> str:
    """A shape in words: 1 x 3 x 384 x 1248."""
    return " x ".join(map(str, shape)) or "one number"


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
        expect(len(images) == 4 and images[1] == 3, f"images: expected N x 3 x H x W, got {by(images)}")
        expect(
            len(boxes) == 4 and boxes[0] == images[0] and boxes[1] == 1 and boxes[3] == LABEL_LENGTH,
            f"labels: expected {images[0]} x 1 x (max_boxes + 1) x {LABEL_LENGTH}, got {by(boxes)}",
        )
        _reshape(top, Shapes.of(self._given, images[0], boxes[2] - 1))

    def forward(self, bottom: Blobs, top: Blobs) -> None:
        """One example after the other."""
        for place, (image, label) in enumerate(zip(bottom[0].data, bottom[1].data, strict=True)):
            where = f"labels: image {place} of the batch"
            rows = labels.unpack(label, where)
            pixels, truth = top[0].data[place], top[1].data[place]
            moved = augment.transform(
                image, rows, self._given, self.phase == caffe.TRAIN, self._seen + place, pixels, truth
            )
            if len(top) == 3:
                labels.pack(moved, top[2].data[place], where)
        self._seen += len(bottom[0].data)

    def backward(self, top: Blobs, propagate_down: Any, bottom: Blobs) -> None:
        """Data has no gradient."""


class DetectNetData(caffe.Layer):
    """The same from two LMDBs with the same keys, made ahead of the solver in data_param's `processes` (0: here).

    Instead of two Data layers and a DetectNetTransformation. Begins with the first forward pass.
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


_COORDINATES = 5  # of a listed box: x1, y1, x2, y2, confidence


class _Lists(caffe.Layer):
    """Boxes (N, boxes, 5) of each class, the rest 0; from a coverage and a boxes blob, one top a class."""

    def setup(self, bottom: Blobs, top: Blobs) -> None:
        """Reads param_str. UserError if it is malformed."""
        self._given = self._parse(self.param_str)
        expect(
            len(top) == self._given.classes,
            f"expected one top for each of {self._given.classes} classes, got {len(top)}",
        )

    def reshape(self, bottom: Blobs, top: Blobs) -> None:
        """One top a class."""
        _reshape_lists(self._given, bottom, top)

    def forward(self, bottom: Blobs, top: Blobs) -> None:
        """Image by image, class by class."""
        for place, (coverage, boxes) in enumerate(zip(bottom[0].data, bottom[1].data, strict=True)):
            for number, blob in enumerate(each(top)):
                _list(self._found(coverage[number], boxes), blob.data[place])

    def backward(self, top: Blobs, propagate_down: Any, bottom: Blobs) -> None:
        """A list has no gradient."""

    def _parse(self, param_str: str) -> detectnet_clustering.Clustering:
        raise NotImplementedError

    def _found(self, coverage: NDArray[np.float32], boxes: NDArray[np.float32]) -> NDArray[np.float64]:
        raise NotImplementedError


class ClusterGroundtruth(_Lists):
    """Objects of each class from ground truth on the grid: `clustering.ground_truth`."""

    def _parse(self, param_str: str) -> detectnet_clustering.Clustering:
        return detectnet_clustering.parse_ground_truth(param_str)

    def _found(self, coverage: NDArray[np.float32], boxes: NDArray[np.float32]) -> NDArray[np.float64]:
        return clustering.ground_truth(coverage, boxes, self._given.stride)


class ClusterDetections(_Lists):
    """Detections of each class from what the net predicts: `clustering.cluster`."""

    def _parse(self, param_str: str) -> detectnet_clustering.Clustering:
        return detectnet_clustering.parse(param_str)

    def _found(self, coverage: NDArray[np.float32], boxes: NDArray[np.float32]) -> NDArray[np.float64]:
        return clustering.cluster(coverage, boxes, self._given)


class ScoreDetections(caffe.Layer):
    """Counts (N, 3) of each image: true positives, false positives, false negatives, by `scores.simplified`."""

    def setup(self, bottom: Blobs, top: Blobs) -> None:
        """Reads the IoU from which a detection counts."""
        expect(len(bottom) == 2 and len(top) == 1, "ScoreDetections: expected 2 bottoms and 1 top")
        try:
            self._iou = float(self.param_str or scores.IOU)
        except ValueError:
            raise UserError(f"param_str: expected an IoU such as 0.7, got '{self.param_str}'") from None

    def reshape(self, bottom: Blobs, top: Blobs) -> None:
        """Three numbers an image."""
        top[0].reshape(bottom[0].data.shape[0], 3)

    def forward(self, bottom: Blobs, top: Blobs) -> None:
        """Image by image."""
        for place, (objects, detections) in enumerate(zip(bottom[0].data, bottom[1].data, strict=True)):
            counts = scores.simplified_scores(listed(objects), listed(detections), self._iou)
            top[0].data[place] = counts.true_positives, counts.false_positives, counts.false_negatives

    def backward(self, top: Blobs, propagate_down: Any, bottom: Blobs) -> None:
        """A count has no gradient."""


class mAP(caffe.Layer):
    """Precision times recall, precision and recall of a batch in %, as NVIDIA's layer of this name.

    A solver averages them over test batches, so the batch size moves them; `scores.Counts` add up without that.
    """

    def setup(self, bottom: Blobs, top: Blobs) -> None:
        """One bottom, three tops."""
        expect(len(bottom) == 1 and len(top) == 3, "mAP: expected 1 bottom and 3 tops")

    def reshape(self, bottom: Blobs, top: Blobs) -> None:
        """One number a top."""
        for blob in each(top):
            blob.reshape(1)

    def forward(self, bottom: Blobs, top: Blobs) -> None:
        """Of all images of the batch together."""
        counts = scores.Counts(*bottom[0].data.sum(axis=0).astype(int).tolist())
        for blob, score in zip(each(top), (counts.simplified_map, counts.precision, counts.recall), strict=True):
            blob.data[...] = 100 * score

    def backward(self, top: Blobs, propagate_down: Any, bottom: Blobs) -> None:
        """A score has no gradient."""


def listed(boxes: NDArray[np.float32]) -> NDArray[np.float32]:
    """The rows of a list (boxes, 5) that are boxes: the rest is zeros."""
    return boxes[boxes[:, :4].any(axis=1)]


def _list(found: NDArray[np.float64], blob: NDArray[np.float32]) -> None:
    blob[...] = 0
    count = min(len(found), len(blob))
    blob[:count, : found.shape[1]] = found[:count]


def _reshape_lists(given: detectnet_clustering.Clustering, bottom: Blobs, top: Blobs) -> None:
    coverage, boxes = bottom[0].data.shape, bottom[1].data.shape
    wanted = (coverage[0], given.classes, *given.grid)
    expect(coverage == wanted, f"coverage: expected {by(wanted)} by param_str, got {by(coverage)}")
    wanted = (coverage[0], 4, *given.grid)
    expect(boxes == wanted, f"boxes: expected {by(wanted)} by param_str, got {by(boxes)}")
    for blob in each(top):
        blob.reshape(coverage[0], given.max_boxes, _COORDINATES)


def l1_loss(predicted: NDArray[np.float32], label: NDArray[np.float32]) -> float:
    """Sum |predicted - label| / N over blobs (N, …)."""
    return float(np.abs(predicted - label).sum(dtype=np.float64) / len(predicted))


def l1_gradient(predicted: NDArray[np.float32], label: NDArray[np.float32]) -> NDArray[np.float32]:
    """Of the loss by `predicted`: sign(predicted - label) / N, 0 where they are equal. By `label`, its negative."""
    return np.sign(predicted - label) / np.float32(len(predicted))


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
        top[0].data[...] = l1_loss(bottom[0].data, bottom[1].data)

    def backward(self, top: Blobs, propagate_down: Any, bottom: Blobs) -> None:
        """`l1_loss.gradient` times the loss weight, for whichever bottom wants it."""
        for number, sign in ((0, 1), (1, -1)):
            if propagate_down[number]:
                gradient = l1_gradient(bottom[0].data, bottom[1].data)
                bottom[number].diff[...] = gradient * (sign * top[0].diff)
