"""What a trained network scores, and whether two networks compute the same. Runs in the worker."""

from collections import defaultdict
from typing import Any

import caffe
import numpy as np


def score(net: str, weights: str, iterations: int, report: Any = None) -> dict[str, Any]:
    """The TEST net's outputs, each averaged over `iterations` batches: accuracy, loss, whatever it has."""
    tested = caffe.Net(net, caffe.TEST, weights=weights)
    sums: dict[str, float] = defaultdict(float)
    for _ in range(iterations):
        for name, value in tested.forward().items():
            sums[name] += float(np.mean(value))
    # Caffe averages a batch in 32 bits; more digits than these are noise.
    return {name: round(value / iterations, 6) for name, value in sums.items()}


def compare(
    net: str, weights: str, blob: str, other_net: str, other_weights: str, report: Any = None
) -> dict[str, Any]:
    """Largest difference of `blob` in two TEST nets on their first batch, relative to the first net's largest."""
    first, second = (_values(*pair, blob) for pair in ((net, weights), (other_net, other_weights)))
    if first.shape != second.shape:
        raise ValueError(f"blob '{blob}': shapes {first.shape} and {second.shape} differ")
    scale = float(np.abs(first).max()) or 1.0
    return {"difference": float(np.abs(first - second).max()) / scale, "images": len(first)}


def upgrade(net: str, weights: str, output: str, report: Any = None) -> dict[str, Any]:
    """Loads any caffemodel that Caffe reads (the V1 form of 2013 too) into `net` and saves it in today's form."""
    caffe.Net(net, caffe.TEST, weights=weights).save(output)
    return {}


def load(net: str, phase: str, report: Any = None) -> dict[str, Any]:
    """Has Caffe set a net up, which checks whatever a prototxt can get wrong; says each blob's shape."""
    loaded = caffe.Net(net, getattr(caffe, phase))
    return {"blobs": {name: list(blob.data.shape) for name, blob in loaded.blobs.items()}}


def _values(net: str, weights: str, blob: str) -> np.ndarray:
    # The net is gone on return: LMDB does not allow one process to open the same data twice.
    run = caffe.Net(net, caffe.TEST, weights=weights)
    run.forward(end=_layer_of(run, blob))
    return np.array(run.blobs[blob].data)


def _layer_of(net: Any, blob: str) -> str:
    writers = [layer for layer, tops in net.top_names.items() if blob in tops]
    return writers[-1]
