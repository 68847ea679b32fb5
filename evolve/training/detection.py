"""What a trained DetectNet finds on a split, scored. Runs in the worker."""

from pathlib import Path
from typing import Any

import caffe
import numpy as np

from evolve.detectnet import clustering, parameters
from evolve.detectnet.inputs import kind
from evolve.detectnet.scores import Counts
from evolve.detectnet.validation import ClassScores, Validation
from evolve.network import prototxt, text
from evolve.network.caffe_proto import caffe_pb2


def detect(
    net: str, weights: str, images: int, iou: float, class_names: list[str], report: Any = None
) -> dict[str, Any]:
    """Scores of the TEST net on the first `images` examples of its data, in all and for each class.

    precision, recall and ap, average precision, are of the labels at overlap `iou`; map is NVIDIA's precision x recall.
    """
    layers = prototxt.for_phase(text.read(Path(net), caffe_pb2.NetParameter()), "TEST").layer
    data = next(layer for layer in layers if not layer.bottom)
    cluster = next(layer for layer in layers if kind(layer) == "ClusterDetections")
    given = parameters.parse(data.python_param.param_str)
    validation = Validation(clustering.parse(cluster.python_param.param_str), given.ground_truth.object_class, iou)
    tested = caffe.Net(net, caffe.TEST, weights=weights)
    done = 0
    while done < images:
        tested.forward()
        # The last batch goes on with the first images again.
        blobs = [tested.blobs[name].data[: images - done] for name in (*cluster.bottom, *data.top[1:])]
        validation.add(*blobs)
        done += len(blobs[0])
    return _scores(validation.scores(), class_names)


def _scores(found: list[ClassScores], names: list[str]) -> dict[str, Any]:
    counts = sum((each.counts for each in found), Counts())
    simplified = sum((each.simplified for each in found), Counts())
    ap = float(np.mean([each.average_precision for each in found]))
    classes = {name: _numbers(each.counts, each.simplified, each.average_precision) for name, each in
               zip(names, found, strict=True)}  # fmt: skip
    return {**_numbers(counts, simplified, ap), "classes": classes}


def _numbers(counts: Counts, simplified: Counts, ap: float) -> dict[str, float]:
    numbers = {"precision": counts.precision, "recall": counts.recall, "map": simplified.simplified_map, "ap": ap}
    return {name: round(value, 6) for name, value in numbers.items()}
