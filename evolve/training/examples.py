"""What a net is really shown: the first examples of its TEST data, as its own layers make them ready. In the worker."""

from typing import Any

import caffe
import numpy as np


def examples(net: str, blobs: list[str], count: int, output: str, report: Any = None) -> dict[str, Any]:
    """Writes the values of `blobs` for the first `count` examples to the .npz `output`; needs no weights.

    The net runs only as far as the layers that first write those blobs.
    """
    tested = caffe.Net(net, caffe.TEST)
    last = max(_writer(tested, blob) for blob in blobs)
    kept: dict[str, list[np.ndarray]] = {blob: [] for blob in blobs}
    while sum(len(part) for part in kept[blobs[0]]) < count:
        tested._forward(0, last)
        for blob in blobs:
            kept[blob].append(np.array(tested.blobs[blob].data))
    np.savez(output, **{blob: np.concatenate(parts)[:count] for blob, parts in kept.items()})  # type: ignore[arg-type]
    return {}


def _writer(net: Any, blob: str) -> int:
    for number, layer in enumerate(net._layer_names):
        if blob in net.top_names[layer]:
            return number
    raise ValueError(f"the TEST net of {len(net._layer_names)} layers has no blob '{blob}'")
