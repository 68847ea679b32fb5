"""The scores of a generation as an engine computes it: every test image of the run's data set goes through the engine.

What Caffe's TEST net does behind the net's outputs is done here: an Accuracy counts, boxes are clustered and compared.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from evolve.base import prototxt_text
from evolve.base.caffe_messages import caffe_pb2
from evolve.base.errors import UserError
from evolve.datasets import lmdb_read
from evolve.detectnet.scores import Counts
from evolve.detectnet.validation import Validation, mean_average_precision
from evolve.network import judging, phases
from evolve.network.layers import detectnet_clustering, kind
from evolve.network.layers import detectnet_parameters as parameters
from evolve.runs import made_from, paths, state
from evolve.training.caffe_process import CaffeProcess
from trt.speed.process import EngineProcess

_BYTES = 1 << 28  # of images in a part, that no process holds more; the disk holds all parts


class Accuracy:
    """Caffe's AccuracyLayer: the share of examples whose class is among the `top_k` likeliest, ties not counted."""

    def __init__(self, layer: Any) -> None:
        self._parameter = layer.accuracy_param
        self._right = self._all = 0

    def add(self, scores: np.ndarray, labels: np.ndarray) -> None:
        """Counts examples in: scores of classes along the layer's axis, and labels, whatever their axes."""
        scores = np.moveaxis(scores, self._parameter.axis, -1)
        labels = labels.reshape(scores.shape[:-1]).astype(int)
        counted = np.ones(labels.shape, bool)
        if self._parameter.HasField("ignore_label"):
            counted = labels != self._parameter.ignore_label
        own = np.take_along_axis(scores, np.where(counted, labels, 0)[..., np.newaxis], axis=-1)
        better = (scores >= own).sum(axis=-1) - 1
        self._right += int(np.count_nonzero((better < self._parameter.top_k) & counted))
        self._all += int(np.count_nonzero(counted))

    def scores(self) -> dict[str, float]:
        """By name."""
        return {"accuracy": round(self._right / max(1, self._all), 6)}


class Boxes:
    """DetectNet's: what is found in coverage and boxes against the labels."""

    def __init__(self, cluster: Any, data: Any, iou: float) -> None:
        given = parameters.parse(data.python_param.param_str)
        clustering = detectnet_clustering.parse(cluster.python_param.param_str)
        self._validation = Validation(clustering, given.ground_truth.object_class, iou)

    def add(self, covered: np.ndarray, boxes: np.ndarray, truth: np.ndarray, moved: np.ndarray) -> None:
        """Counts images in."""
        self._validation.add(covered, boxes, truth, moved)

    def scores(self) -> dict[str, float]:
        """By name, in all classes."""
        found = self._validation.scores()
        counts = sum((each.counts for each in found), Counts())
        simplified = sum((each.simplified for each in found), Counts()).simplified_map
        named = {"precision": counts.precision, "recall": counts.recall, "map": simplified}
        named["ap"] = mean_average_precision(found)
        return {name: round(value, 6) for name, value in named.items()}


@dataclass(frozen=True)
class Judge:
    """What judges a generation: blobs of the net's that it reads, and tops of the data layer beside them."""

    tally: Accuracy | Boxes
    outputs: list[str]
    labels: list[str]


def judge(net: Any, iou: float) -> Judge:
    """Of a train_val net. UserError where its TEST phase has nothing that judges."""
    layers, data = phases.for_phase(net, "TEST").layer, phases.data_layer(net, "TEST")
    for layer in layers:
        if kind(layer) == "ClusterDetections":
            return Judge(Boxes(layer, data, iou), list(layer.bottom), list(data.top[1:]))
    layer = judging.accuracy(net)
    if layer is not None and layer.type == "Accuracy":
        return Judge(Accuracy(layer), [layer.bottom[0]], [layer.bottom[1]])
    raise UserError(f"net '{net.name}': SCORES=1 expected an Accuracy or ClusterDetections layer, got none")


@dataclass(frozen=True)
class TestImages:
    """All of a run's test images in parts on disk, each an .npz of the net's inputs and of what judges them."""

    parts: list[Path]

    def scores(self, run: Path, number: int, process: EngineProcess, scratch: Path) -> dict[str, float]:
        """Those of the generation that `process` has loaded under its number."""
        folder = paths.generation(run, number)
        net = prototxt_text.read(folder / paths.TRAIN_VAL, caffe_pb2.NetParameter())
        deploy = prototxt_text.read(folder / paths.DEPLOY, caffe_pb2.NetParameter())
        judged = judge(net, _iou(run))
        outputs, images = scratch / "scored.npz", scratch / "shown.npz"
        for part in self.parts:
            with np.load(part) as file:
                shown = {layer.top[0]: file[layer.top[0]] for layer in deploy.layer if layer.type == "Input"}
                np.savez(images, **shown)
                process.call("answer", number=number, inputs=str(images), outputs=str(outputs))
                with np.load(outputs) as made:
                    blobs = [made[_output(deploy, blob, set(made))] for blob in judged.outputs]
                judged.tally.add(*blobs, *(file[top] for top in judged.labels))
        return judged.tally.scores()


@contextmanager
def test_images(run: Path, number: int, scratch: Path) -> Iterator[TestImages]:
    """Of the data that generation `number` was scored on. UserError where it is not there, or other data is."""
    folder = paths.generation(run, number)
    made_from.check_generation(folder)
    net = prototxt_text.read(folder / paths.TRAIN_VAL, caffe_pb2.NetParameter())
    data = phases.data_layer(net, "TEST")
    with lmdb_read.opened(Path(phases.source(data))) as environment:
        count = int(environment.stat()["entries"])
    blobs = [data.top[0], *judge(net, _iou(run)).labels]
    deploy = prototxt_text.read(folder / paths.DEPLOY, caffe_pb2.NetParameter())
    size = 4 * int(np.prod(next(layer for layer in deploy.layer if layer.type == "Input").input_param.shape[0].dim))
    step, parts = max(1, _BYTES // size), []
    for begin in range(0, count, step):
        places = list(range(begin, min(begin + step, count)))
        parts.append(scratch / f"test-{begin}.npz")
        with CaffeProcess(folder, scratch / "test.log", folder / paths.TRAIN_VAL) as caffe:
            caffe.call(
                "examples", net=paths.TRAIN_VAL, blobs=blobs, count=len(places), output=str(parts[-1]), places=places
            )
    yield TestImages(parts)
    for part in parts:
        part.unlink()


def _output(deploy: Any, blob: str, made: set[str]) -> str:
    """The output that a blob is, or that a Softmax makes of it, which keeps the classes' order."""
    if blob in made:
        return blob
    for layer in deploy.layer:
        if layer.type == "Softmax" and layer.bottom[0] == blob and layer.top[0] in made:
            return str(layer.top[0])
    raise UserError(f"SCORES=1: expected an output '{blob}' of the deploy net, got {', '.join(sorted(made))}")


def _iou(run: Path) -> float:
    kept = state.wanted_settings(run)
    if kept is None:
        place = run / paths.PROTOTXTS
        raise UserError(f"{place}: SCORES=1 expected the run's evolution.prototxt there, got none that reads")
    return float(kept.dataset.detection.iou)
