"""The layers that turn a DetectNet's output into boxes, and boxes into NVIDIA's scores; they follow it in TEST."""

from collections.abc import Callable
from typing import Any

import caffe
import numpy as np
from numpy.typing import NDArray

from evolve.base.counted import counted
from evolve.base.errors import UserError
from evolve.detectnet import clustering, scores
from evolve.detectnet.caffe_layers.blobs import Blobs, each, expect
from evolve.network.axes import written
from evolve.network.layers.detectnet_clustering import Clustering, parse, parse_ground_truth

Floats = NDArray[np.float32]
Boxes = NDArray[np.float64]

_COORDINATES = 5  # of a listed box: x1, y1, x2, y2, confidence


class _Lists(caffe.Layer):
    """Boxes (N, boxes, 5) of each class, the rest 0; from a coverage and a boxes blob, one top a class.

    `parse` reads param_str, `find` boxes in an image's coverage of a class and its boxes.
    """

    parse: Callable[[str], Clustering]
    find: Callable[[Floats, Floats, Clustering], Boxes]

    def setup(self, bottom: Blobs, top: Blobs) -> None:
        """Reads param_str. UserError if it is malformed."""
        self._given = self.parse(self.param_str)
        expect(
            len(top) == self._given.classes,
            f"expected one top for each of {counted(self._given.classes, 'class', 'classes')}, got {len(top)}",
        )

    def reshape(self, bottom: Blobs, top: Blobs) -> None:
        """One top a class."""
        _reshape_lists(self._given, bottom, top)

    def forward(self, bottom: Blobs, top: Blobs) -> None:
        """Image by image, class by class."""
        for place, (coverage, boxes) in enumerate(zip(bottom[0].data, bottom[1].data, strict=True)):
            for number, blob in enumerate(each(top)):
                _list(self.find(coverage[number], boxes, self._given), blob.data[place])

    def backward(self, top: Blobs, propagate_down: Any, bottom: Blobs) -> None:
        """A list has no gradient."""


class ClusterGroundtruth(_Lists):
    """Objects of each class from ground truth on the grid: `clustering.ground_truth`."""

    parse = staticmethod(parse_ground_truth)
    find = staticmethod(lambda coverage, boxes, given: clustering.ground_truth(coverage, boxes, given.stride))


class ClusterDetections(_Lists):
    """Detections of each class from what the net predicts: `clustering.cluster`."""

    parse = staticmethod(parse)
    find = staticmethod(clustering.cluster)


class ScoreDetections(caffe.Layer):
    """Counts (N, 3) of each image: true positives, false positives, false negatives, by `scores.simplified_scores`."""

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


def listed(boxes: Floats) -> Floats:
    """The rows of a list (boxes, 5) that are boxes: the rest is zeros."""
    return boxes[boxes[:, :4].any(axis=1)]


def _list(found: Boxes, blob: Floats) -> None:
    blob[...] = 0
    count = min(len(found), len(blob))
    blob[:count, : found.shape[1]] = found[:count]


def _reshape_lists(given: Clustering, bottom: Blobs, top: Blobs) -> None:
    coverage, boxes = bottom[0].data.shape, bottom[1].data.shape
    wanted = (coverage[0], given.classes, *given.grid)
    expect(coverage == wanted, f"coverage: expected {written(wanted)} by param_str, got {written(coverage)}")
    wanted = (coverage[0], 4, *given.grid)
    expect(boxes == wanted, f"boxes: expected {written(wanted)} by param_str, got {written(boxes)}")
    for blob in each(top):
        blob.reshape(coverage[0], given.max_boxes, _COORDINATES)
