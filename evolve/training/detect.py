"""A trained DetectNet's detections on a split are scored, and drawn for a person to see. Runs in the worker."""

from pathlib import Path
from typing import Any

import caffe

import fastcaffe
from evolve.base import prototxt_text
from evolve.base.caffe_messages import caffe_pb2
from evolve.detectnet import labels
from evolve.detectnet.choice import Choice
from evolve.detectnet.picture import Legend, Seen, write
from evolve.detectnet.scores import Counts
from evolve.detectnet.validation import ClassScores, Validation, mean_average_precision
from evolve.network import phases
from evolve.network.layers import detectnet_clustering, kind
from evolve.network.layers import detectnet_parameters as parameters

_DRAWN = 8  # images


def detect(
    net: str, weights: str, images: int, iou: float, class_names: list[str], file_pixels: float | None = None,
    picture: dict[str, Any] | None = None,
) -> dict[str, Any]:  # fmt: skip
    """Scores of the TEST net on the first `images` examples of its data, in all and for each class.

    precision, recall and ap, average precision, are of the labels at overlap `iou`; map is NVIDIA's precision x recall.
    With `file_pixels` (see Validation) classes have KITTI's difficulties too. `picture` has the path of a PNG to draw,
    and what its legend is to say of network, generation and notice.
    """
    layers = phases.for_phase(prototxt_text.read(Path(net), caffe_pb2.NetParameter()), "TEST").layer
    data = phases.feeding(layers)[0]
    cluster = next(layer for layer in layers if kind(layer) == "ClusterDetections")
    given = parameters.parse(data.python_param.param_str)
    boxes = detectnet_clustering.parse(cluster.python_param.param_str)
    validation = Validation(boxes, given.ground_truth.object_class, iou, file_pixels=file_pixels)
    tested = caffe.Net(net, caffe.TEST, weights=weights)
    fastcaffe.weights_stay(tested)
    choice = Choice(images, _DRAWN, given.ground_truth.object_class, iou)
    done = 0
    while done < images:
        tested.forward()
        # The last batch goes on with the first images again.
        pixels, *blobs = (
            tested.blobs[name].data[: images - done] for name in (data.top[0], *cluster.bottom, *data.top[1:])
        )
        found = validation.add(*blobs)
        done += len(found)
        for place, each in enumerate(found):
            choice.add(pixels[place], labels.unpack(blobs[-1][place], f"labels: image {place} of the batch"), each)
    scores = _scores(validation.scores(), class_names)
    if picture:
        _draw(choice.seen(), given, scores, iou, class_names, **picture)
    return scores


def _draw(
    seen: list[Seen], given: parameters.Parameters, scores: dict[str, Any], iou: float, class_names: list[str],
    path: str, network: str, generation: int, notice: str,
) -> None:  # fmt: skip
    legend = Legend(network, generation, scores["precision"], scores["recall"], class_names, iou, notice)
    write(Path(path), seen, given.ground_truth.object_class, given.mean, legend)


def _scores(found: list[ClassScores], names: list[str]) -> dict[str, Any]:
    counts = sum((each.counts for each in found), Counts())
    simplified = sum((each.simplified for each in found), Counts())
    # What is found of a class without objects is false; a score of its own it has not.
    classes = {name: _class(each) for name, each in zip(names, found, strict=True) if each.counts.objects}
    return {**_numbers(counts, simplified, mean_average_precision(found)), "classes": classes}


def _class(scores: ClassScores) -> dict[str, Any]:
    by_difficulty = {
        name: {"precision": each.counts.precision, "recall": each.counts.recall, "ap": each.average_precision}
        for name, each in scores.difficulties.items()
        if each.counts.objects
    }
    numbers = _numbers(scores.counts, scores.simplified, scores.average_precision)
    return numbers | ({"difficulties": by_difficulty} if by_difficulty else {})


def _numbers(counts: Counts, simplified: Counts, ap: float) -> dict[str, float]:
    numbers = {"precision": counts.precision, "recall": counts.recall, "map": simplified.simplified_map, "ap": ap}
    return {name: round(value, 6) for name, value in numbers.items()}
