"""Where in its data a training is: one that goes on must see what would have come next. Runs in the worker."""

from typing import Any

from evolve.detectnet import inputs
from evolve.network import prototxt


def moved(net: prototxt.Net, batches: int) -> tuple[prototxt.Net, int]:
    """`net` as it goes on after so many batches of TRAIN, and how many it still has to read to be there."""
    layer = prototxt.data_layer(net, "TRAIN")
    if not inputs.feeds(layer):
        return net, batches
    started = prototxt.for_phase(net, "TRAIN")
    inputs.start_at(prototxt.data_layer(started, "TRAIN"), batches * inputs.batch_size(layer))
    return started, 0


def skip(net: Any, batches: int) -> None:
    """Has the first layer of a caffe.Net, its data, read so many batches: a Data layer can't be told where to begin."""
    for _ in range(batches):
        net._forward(0, 0)
