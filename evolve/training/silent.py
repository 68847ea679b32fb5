"""Which neurons answer none of the training images: a ReLU that nothing makes positive learns nothing any more."""

import caffe
import numpy as np


def silent(net: str, weights: str, layers: list[str], images: int) -> dict[str, list[int]]:
    """By layer of `layers`, whose tops a ReLU reads, the neurons that are at most 0 for all of so many `images`.

    The images are what TRAIN makes of them, augmented; neurons are counted from 0. Layers without any are left out.
    """
    running = caffe.Net(net, caffe.TRAIN, weights=weights)
    every = list(running._layer_names)
    tops = {name: running.blobs[running.top_names[name][0]] for name in sorted(layers, key=every.index)}
    most = {name: np.full(top.data.shape[1], -np.inf) for name, top in tops.items()}
    done = 0
    while done < images:
        begin = 0
        for name, top in tops.items():
            # Read before the next layer runs: what works in place, not ReLU alone, writes its own answer there.
            end = every.index(name)
            running._forward(begin, end)
            each = top.data.reshape(*top.data.shape[:2], -1).max(axis=(0, 2))
            most[name] = np.maximum(most[name], each)
            begin = end + 1
        running._forward(begin, len(every) - 1)
        done += len(next(iter(running.blobs.values())).data)
    return {name: np.flatnonzero(highest <= 0).tolist() for name, highest in most.items() if (highest <= 0).any()}
