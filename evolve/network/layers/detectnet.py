"""DetectNet's Python layers, as a net's prototxt tells of them: no data is needed to know their shapes."""

from collections.abc import Callable

from google.protobuf import text_format

from evolve.base import prototxt_text
from evolve.network.axes import Layer, Shapes, expect_axes
from evolve.network.channels import none
from evolve.network.layers import detectnet_clustering as clustering
from evolve.network.layers import detectnet_parameters as parameters
from evolve.network.layers.detectnet_clustering import Clustering
from evolve.network.layers.layer_type import MANY, LayerType
from evolve.network.layers.losses import same_count_loss
from evolve.proto import detectnet_pb2

MODULE = "evolve.detectnet.layers"

_COORDINATES = 5  # x1, y1, x2, y2, confidence


def feeds(layer: Layer) -> bool:
    """Whether the layer is a DetectNetData."""
    python = layer.python_param
    return layer.type == "Python" and python.module == MODULE and python.layer == "DetectNetData"


def batch_size(layer: Layer) -> int:
    """Images an iteration. UserError if its param_str is malformed."""
    given = _parsed(layer)
    return given.data.batch_size if given.data else 0


def mean(layer: Layer) -> tuple[float, ...]:
    """What is subtracted: a number for all channels, or one each; empty for nothing."""
    return _parsed(layer).mean


def start_at(layer: Layer, examples: int) -> None:
    """Has the layer begin after so many examples, as if these had been seen."""
    message = _message(layer)
    message.data_param.start = examples
    _write(layer, message)


def seeded(layer: Layer, seed: int) -> None:
    """Has the layer draw what TRAIN does to an image from that seed."""
    message = _message(layer)
    message.seed = seed
    _write(layer, message)


def limit_batch(layer: Layer, most: int) -> None:
    """Has the layer read at most so many images an iteration, and make them where it is."""
    message = _message(layer)
    message.data_param.batch_size = min(message.data_param.batch_size, most)
    message.data_param.processes = 0
    _write(layer, message)


def source(layer: Layer) -> str:
    """The LMDB of images that the layer reads."""
    return str(_message(layer).data_param.source)


def read_from(layer: Layer, other: Layer) -> None:
    """Has the layer read what `other` reads."""
    message, read = _message(layer), _message(other).data_param
    message.data_param.source, message.data_param.label_source = read.source, read.label_source
    _write(layer, message)


def forget_source(layer: Layer) -> None:
    """Leaves out where the layer reads."""
    message = _message(layer)
    for field in ("source", "label_source"):
        message.data_param.ClearField(field)
    _write(layer, message)


def shapes(layer: Layer, bottoms: Shapes = ()) -> Shapes:
    """One each of a DetectNetData's tops: images, ground truth and, if there is a third, labels for a single box."""
    return _parsed(layer).shapes(batch_size(layer), max_boxes=1)[: len(layer.top)]


def _transformed(layer: Layer, bottoms: Shapes) -> Shapes:
    """The same of bottoms that are images and labels, 1 x (boxes + 1) x numbers each."""
    for bottom in bottoms:
        expect_axes(layer, bottom, 4, 4)
    return _parsed(layer).shapes(bottoms[0][0], max_boxes=bottoms[1][2] - 1)


def _detections(layer: Layer, bottoms: Shapes) -> Shapes:
    """A list of boxes an image, one top a class, from a coverage and a boxes blob."""
    return _lists(layer, bottoms, clustering.parse)


def _objects(layer: Layer, bottoms: Shapes) -> Shapes:
    """The same from ground truth on the grid."""
    return _lists(layer, bottoms, clustering.parse_ground_truth)


def _lists(layer: Layer, bottoms: Shapes, parse: Callable[[str, str], Clustering]) -> Shapes:
    given = parse(layer.python_param.param_str, f"layer '{layer.name}': param_str")
    return ((bottoms[0][0], given.max_boxes, _COORDINATES),) * given.classes


def _message(layer: Layer) -> detectnet_pb2.DetectNetParameter:
    return prototxt_text.parse(
        layer.python_param.param_str, detectnet_pb2.DetectNetParameter(), f"layer '{layer.name}'"
    )


def _write(layer: Layer, message: detectnet_pb2.DetectNetParameter) -> None:
    layer.python_param.param_str = text_format.MessageToString(message, as_one_line=True)


def _parsed(layer: Layer) -> parameters.Parameters:
    return parameters.parse(layer.python_param.param_str, f"layer '{layer.name}': param_str")


TYPES = (
    LayerType(
        "DetectNetData", module=MODULE, bottoms=(0, 0), tops=(1, 3), shapes=shapes, channels=none, source=True,
        data=True, batch_size=batch_size,
    ),
    LayerType(
        "DetectNetTransformation", module=MODULE, bottoms=(2, 2), tops=(2, 3), shapes=_transformed, channels=none,
        not_evolving="as it is part of the data",
    ),
    LayerType(
        "L1Loss", module=MODULE, bottoms=(2, 2), shapes=same_count_loss, channels=none, sink=True, jumps=True
    ),
    LayerType(
        "ClusterDetections", module=MODULE, bottoms=(2, 2), tops=(1, MANY), shapes=_detections, channels=none,
        sink=True, jumps=True,
    ),
    LayerType(
        "ClusterGroundtruth", module=MODULE, bottoms=(2, 2), tops=(1, MANY), shapes=_objects, channels=none,
        sink=True, jumps=True,
    ),
    LayerType(
        "ScoreDetections", module=MODULE, bottoms=(2, 2), shapes=lambda layer, bottoms: ((bottoms[0][0], 3),),
        channels=none, sink=True, jumps=True,
    ),
    LayerType(
        "mAP", module=MODULE, tops=(3, 3), shapes=lambda layer, bottoms: ((1,),) * 3, channels=none, sink=True,
        jumps=True,
    ),
)  # fmt: skip
