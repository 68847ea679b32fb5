"""Where in its data a training is: one that goes on must see what would have come next. Runs in the worker."""

from typing import Any

from evolve.detectnet import inputs
from evolve.network import prototxt


def moved(net: prototxt.Net, batches: int) -> tuple[prototxt.Net, int]:
    """`net` as it goes on after so many batches of TRAIN, and how many it still has to read to be there."""
    started = prototxt.for_phase(net, "TRAIN")
    layer = _data(started)[0]
    if not inputs.feeds(layer):
        return net, batches
    inputs.start_at(layer, batches * inputs.batch_size(layer))
    return started, 0


def skip(net: Any, batches: int) -> None:
    """Has the data of a caffe.Net, one layer or two, read so many batches: Data cannot be told where to begin."""
    reading = [number for number in range(len(net.layers)) if not len(net._bottom_ids(number))]
    for _ in range(batches):
        for number in reading:
            net._forward(number, number)


def nowhere(net: prototxt.Net) -> prototxt.Net:
    """`net` in phase TRAIN without the names of the folders that it reads from."""
    result = prototxt.for_phase(net, "TRAIN")
    for layer in _data(result):
        if inputs.feeds(layer):
            inputs.forget_source(layer)
        for field in ("data_param", "image_data_param", "hdf5_data_param"):
            if layer.HasField(field):
                getattr(layer, field).ClearField("source")
    return result


def _data(net: prototxt.Net) -> list[prototxt.Layer]:
    """The layers that feed `net`: one, or images and labels apart from each other."""
    return [layer for layer in net.layer if not layer.bottom]
