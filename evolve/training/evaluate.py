"""A trained network is scored, or compared with another that should compute the same. Runs in the worker."""

import math
from collections import Counter, defaultdict
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import caffe
import numpy as np

import fastcaffe
from evolve.base.errors import UserError
from evolve.training import shown, snapshots

_MOST_CLASSES = 30
_SHOWN = 12  # images that got a wrong answer, and as many that got the right one


def score(
    net: str, weights: str, iterations: int, predictions: str = "", labels: str = "", class_names: Sequence[str] = (),
    images: str = "", output: str = "",
) -> dict[str, Any]:  # fmt: skip
    """The TEST net's ``outputs``, each averaged over `iterations` batches: accuracy, loss, whatever it has.

    ``labels`` are how many there are of each value of the blob `labels`, the most frequent first; no values without.
    With the blob `predictions` ``confusion`` is how many images of each class got which answer, and, where classes have
    names, ``accuracies`` are the parts of each one's images that have its highest score. Some of the blob `images`
    that got a wrong answer and the right one are written to the .npz `output`; ``answers`` say what they got.
    """
    tested = caffe.Net(net, caffe.TEST, weights=weights)
    fastcaffe.weights_stay(tested)
    sums: dict[str, float] = defaultdict(float)
    seen: Counter[float] = Counter()
    compared = [tested.blobs[name] for name in (predictions, labels)] if predictions else []
    classes = _ByClass(compared, class_names, tested.blobs[images] if images else None)
    for _ in range(iterations):
        for name, value in tested.forward().items():
            sums[name] += float(np.mean(value))
        if labels:
            seen.update(tested.blobs[labels].data.ravel().tolist())
        classes.count()
    # Caffe averages a batch in 32 bits; more digits than these are noise.
    outputs = {name: round(value / iterations, 6) for name, value in sums.items()}
    return {
        "outputs": outputs, "labels": sorted(seen.values(), reverse=True),
        "accuracies": classes.accuracies(), "confusion": classes.confusion(), "answers": classes.answers(output),
    }  # fmt: skip


class _ByClass:
    """Counts which answer the images of each class get: the class with the highest score.

    `blobs` are predictions and labels, or none; counted is where each image has one label. Some of the blob `images`
    are kept, to be shown.
    """

    def __init__(self, blobs: Sequence[Any], names: Sequence[str], images: Any = None) -> None:
        self._names, self._blobs, self._images = names, list(blobs), images
        self._counts = np.zeros((0, 0), int)  # classes x answers
        self._shown = shown.Shown(_SHOWN)

    def count(self) -> None:
        """Counts the batch that the net has run."""
        if not self._blobs:
            return
        scores, labels = (np.array(blob.data) for blob in self._blobs)
        labels = labels.ravel().astype(int)
        scores = scores.reshape(len(scores), -1)
        classes = scores.shape[1]
        if len(labels) != len(scores) or classes < len(self._names) or not 0 <= labels.min() <= labels.max() < classes:
            self._blobs = []
            return
        if not len(self._counts):
            self._counts = np.zeros((classes, classes), int)
        np.add.at(self._counts, (labels, scores.argmax(axis=1)), 1)
        if self._images is not None and len(self._images.data) == len(scores):
            self._shown.add(self._images.data, scores, labels)

    def accuracies(self) -> dict[str, float]:
        """By name, of the classes that had images; none where nothing could be counted, or classes have no names."""
        if not self._blobs or self._counts[len(self._names) :].any():
            return {}
        counted = zip(self._names, self._counts.diagonal(), self._counts.sum(axis=1), strict=False)
        return {name: round(float(right / all_), 6) for name, right, all_ in counted if all_}

    def confusion(self) -> dict[str, dict[str, int]]:
        """How many images of each class, by name or number, got which answer; none of very many classes."""
        classes = len(self._counts)
        if not self._blobs or classes > _MOST_CLASSES:
            return {}
        names = self._every_name()
        return {
            name: {names[answer]: int(row[answer]) for answer in np.flatnonzero(row)}
            for name, row in zip(names, self._counts, strict=True) if row.any()
        }  # fmt: skip

    def answers(self, output: str) -> list[dict[str, Any]]:
        """What some images got, which are written to `output`; none where nothing could be counted."""
        return shown.write(output, self._shown.seen(), self._every_name()) if self._blobs else []

    def _every_name(self) -> list[str]:
        """Of each class its name, or its number where it has none."""
        return [*self._names, *map(str, range(len(self._names), len(self._counts)))]


def compare(
    net: str, weights: str, blobs: list[str], other_net: str, other_weights: str
) -> dict[str, Any]:
    """Largest difference of any of `blobs` in two TEST nets on their first batch, relative to the first's largest.

    Infinite where one of either is no number.
    """
    both = [_values(*pair, blobs) for pair in ((net, weights), (other_net, other_weights))]
    worst = max(_difference(blob, *(values[blob] for values in both)) for blob in blobs)
    return {"difference": worst, "images": len(both[0][blobs[0]])}


def agree(
    net: str, weights: str, blobs: list[str], other_net: str, other_weights: str, seed: int
) -> dict[str, Any]:
    """As compare, of two nets that begin with Input layers, on the same random numbers: normal, or whole below 2.

    UserError where the first one's are no finite numbers, which nothing can be compared with.
    """
    both = [_values(*pair, blobs, seed) for pair in ((net, weights), (other_net, other_weights))]
    for blob, values in both[0].items():
        if not np.isfinite(values).all():
            raise UserError(
                f"{weights}: expected finite numbers of its outputs on random images, got others in '{blob}'; its "
                "training diverged: take an earlier snapshot, or train it anew at a lower base_lr"
            )
    return {"differences": {blob: _difference(blob, *(values[blob] for values in both)) for blob in blobs}}


def _difference(blob: str, first: np.ndarray, second: np.ndarray) -> float:
    if first.shape != second.shape:
        raise ValueError(f"blob '{blob}': shapes {first.shape} and {second.shape} differ")
    scale = float(np.abs(first).max()) or 1.0
    worst = float(np.abs(first - second).max()) / scale
    # Not a number is infinitely different: Python's max would pass it over.
    return math.inf if math.isnan(worst) else worst


def upgrade(net: str, weights: str, output: str, phase: str = "TEST") -> dict[str, Any]:
    """Loads any caffemodel that Caffe reads (the V1 form of 2013 too) into `net` and saves it in today's form."""
    snapshots.save_net(caffe.Net(net, getattr(caffe, phase), weights=weights), Path(output))
    return {}


def load(net: str, phase: str) -> dict[str, Any]:
    """Has Caffe set a net up, which checks whatever a prototxt can get wrong; says the shapes of all blobs."""
    loaded = caffe.Net(net, getattr(caffe, phase))
    return {
        "blobs": {name: list(blob.data.shape) for name, blob in loaded.blobs.items()},
        "learned": {name: [list(blob.data.shape) for blob in blobs] for name, blobs in loaded.params.items()},
    }


def _values(net: str, weights: str, blobs: list[str], seed: int | None = None) -> dict[str, np.ndarray]:
    # The net is gone on return: LMDB does not allow one process to open the same data twice.
    run = caffe.Net(net, caffe.TEST, weights=weights)
    if seed is not None:
        random = np.random.default_rng(seed)
        for name in run.inputs:
            data = run.blobs[name].data
            # Labels have no second axis.
            data[...] = random.standard_normal(data.shape) if data.ndim > 1 else random.integers(0, 2, data.shape)
    run.forward()
    return {blob: np.array(run.blobs[blob].data) for blob in blobs}


def examples(net: str, blobs: list[str], count: int, output: str, places: list[int] | None = None) -> dict[str, Any]:
    """Writes the values of `blobs` for `count` examples to the .npz `output`; needs no weights.

    They are the first ones, or those at `places`, as many numbers that rise. The net runs only as far as the layers
    that first write those blobs.
    """
    tested = caffe.Net(net, caffe.TEST)
    last = max(_writer(tested, blob) for blob in blobs)
    kept: dict[str, np.ndarray] = {}
    wanted, seen, held = set(range(count) if places is None else places), 0, 0
    while held < count:
        tested._forward(0, last)
        batch = len(tested.blobs[blobs[0]].data)
        here = [place for place in range(batch) if seen + place in wanted]
        for blob in blobs:
            data = tested.blobs[blob].data
            if blob not in kept:
                # All of them may be gigabytes, which parts that are joined at the end would take twice.
                kept[blob] = np.empty((count, *data.shape[1:]), data.dtype)
            kept[blob][held : held + len(here)] = data[here]
        seen, held = seen + batch, held + len(here)
    np.savez(output, **kept)  # type: ignore[arg-type]
    return {}


def _writer(net: Any, blob: str) -> int:
    for number, layer in enumerate(net._layer_names):
        if blob in net.top_names[layer]:
            return number
    raise ValueError(f"the TEST net of {len(net._layer_names)} layers has no blob '{blob}'")
