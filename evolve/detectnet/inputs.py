"""What a DetectNetData layer feeds a net with, as far as its param_str tells: no data is needed to know it."""

from typing import Any

from google.protobuf import text_format

from evolve.base import prototxt_text
from evolve.detectnet import parameters
from evolve.detectnet.batches import Shapes
from evolve.proto import detectnet_pb2

Layer = Any  # caffe_pb2.LayerParameter

MODULE = "evolve.detectnet.layers"


def kind(layer: Layer) -> str:
    """A layer's type; of a Python layer of ours, its class."""
    ours = layer.type == "Python" and layer.python_param.module == MODULE
    return str(layer.python_param.layer if ours else layer.type)


def feeds(layer: Layer) -> bool:
    """Whether the layer is a DetectNetData."""
    return kind(layer) == "DetectNetData"


def batch_size(layer: Layer) -> int:
    """Images an iteration. UserError if its param_str is malformed."""
    return _parsed(layer)[1].batch_size


def shapes(layer: Layer) -> list[tuple[int, ...]]:
    """One each of its tops: images, ground truth and, if there is a third one, labels with room for a single box."""
    given, data = _parsed(layer)
    made = Shapes.of(given, data.batch_size, max_boxes=1)
    return [made.images, made.truth, made.labels][: len(layer.top)]


def mean(layer: Layer) -> tuple[float, ...]:
    """What is subtracted: a number for all channels, or one each; empty for nothing."""
    return _parsed(layer)[0].mean


def start_at(layer: Layer, examples: int) -> None:
    """Has the layer begin after so many examples, as if these had been seen."""
    message = _message(layer)
    message.data_param.start = examples
    _write(layer, message)


def forget_source(layer: Layer) -> None:
    """Leaves out where the layer reads."""
    message = _message(layer)
    for field in ("source", "label_source"):
        message.data_param.ClearField(field)
    _write(layer, message)


def _message(layer: Layer) -> Any:
    return prototxt_text.parse(
        layer.python_param.param_str, detectnet_pb2.DetectNetParameter(), f"layer '{layer.name}'"
    )


def _write(layer: Layer, message: Any) -> None:
    layer.python_param.param_str = text_format.MessageToString(message, as_one_line=True)


def _parsed(layer: Layer) -> tuple[parameters.Parameters, parameters.Data]:
    where = f"layer '{layer.name}': param_str"
    given = parameters.parse(layer.python_param.param_str, where)
    return given, given.data or parameters.Data("", "", 0)
