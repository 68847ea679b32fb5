"""Where in its data a training is: one that goes on must see what would have come next. Runs in the worker."""

from typing import Any

from evolve.detectnet import inputs
from evolve.network import prototxt


def moved(net: prototxt.Net, batches: int) -> tuple[prototxt.Net, int]:
    """`net` as it goes on after so many batches of TRAIN, and how many it still has to read to be there."""
    started, layer = _training(net)
    if not inputs.feeds(layer):
        return net, batches
    inputs.start_at(layer, batches * inputs.batch_size(layer))
    return started, 0


def skip(net: Any, batches: int) -> None:
    """Has the first layer of a caffe.Net, its data, read so many batches: a Data layer can't be told where to begin."""
    for _ in range(batches):
        net._forward(0, 0)


def nowhere(net: prototxt.Net) -> prototxt.Net:
    """`net` without the names of the folders that it reads from."""
    result, layer = _training(net)
    if inputs.feeds(layer):
        inputs.forget_source(layer)
    for field in ("data_param", "image_data_param", "hdf5_data_param"):
        if layer.HasField(field):
            getattr(layer, field).ClearField("source")
    return result


def _training(net: prototxt.Net) -> tuple[prototxt.Net, prototxt.Layer]:
    """A copy of phase TRAIN, and its data layer."""
    copy = prototxt.for_phase(net, "TRAIN")
    return copy, next(layer for layer in copy.layer if not layer.bottom)
