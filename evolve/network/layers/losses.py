"""What a net is trained and judged by, and what only reads: losses, Accuracy, Softmax, ArgMax, Silence, HDF5Output.

A loss or an accuracy is a scalar, (). Whatever these read is what the network is for.
"""

from collections.abc import Callable

from evolve.base.counted import counted
from evolve.base.errors import UserError
from evolve.network.axes import Layer, Shapes, axis_of, count, written
from evolve.network.channels import none
from evolve.network.layers.layer_type import MANY, LayerType, no_tops


class UnlikeBottoms(UserError):
    """Predictions and labels that do not go together."""


def loss(layer: Layer, bottoms: Shapes) -> Shapes:
    """A scalar of predictions and labels for equally many images (LossLayer)."""
    if not bottoms[0] or not bottoms[1] or bottoms[0][0] != bottoms[1][0]:
        raise _unlike(layer, "predictions and labels of one batch size", bottoms)
    return ((),)


def _euclidean_loss(layer: Layer, bottoms: Shapes) -> Shapes:
    """Predictions and labels with equally many values an image."""
    if count(bottoms[0], 1) != count(bottoms[1], 1):
        raise _unlike(layer, "bottoms with equally many values an image", bottoms)
    return loss(layer, bottoms)


def same_count_loss(layer: Layer, bottoms: Shapes) -> Shapes:
    """Predictions and labels with equally many values."""
    if count(bottoms[0]) != count(bottoms[1]):
        raise _unlike(layer, "bottoms with equally many values", bottoms)
    return loss(layer, bottoms)


def _one_label_loss(layer: Layer, bottoms: Shapes) -> Shapes:
    """One label an image."""
    if len(bottoms[1]) > 4 or count(bottoms[1], 1) != 1:
        raise _unlike(layer, "predictions, and one label an image", bottoms)
    return loss(layer, bottoms)


def _contrastive_loss(layer: Layer, bottoms: Shapes) -> Shapes:
    """Two vectors an image, and whether they are of one kind."""
    first, second, alike = ((*shape, 1, 1, 1, 1) for shape in bottoms)
    fits = all(len(shape) <= 4 and count(shape, 2) == 1 for shape in bottoms)
    if not fits or first[1] != second[1] or alike[1] != 1:
        raise _unlike(layer, "two bottoms of one vector an image, and one label an image", bottoms)
    return loss(layer, bottoms)


def _softmax_loss(layer: Layer, bottoms: Shapes) -> Shapes:
    """A label for each place of the predictions; a second top gives the probabilities, and needs a loss_weight too."""
    parameter = layer.softmax_param if layer.type == "SoftmaxWithLoss" else layer.infogain_loss_param
    axis = axis_of(layer, parameter.axis, bottoms[0])
    _expect_labels(layer, bottoms[:2], axis)
    if len(bottoms) > 2 and count(bottoms[2]) != bottoms[0][axis] ** 2:
        raise _unlike(layer, f"a third bottom of {bottoms[0][axis]} x {bottoms[0][axis]} values", bottoms)
    if len(layer.loss_weight) != len(layer.top) > 1:
        raise UserError(
            f"layer '{layer.name}': expected a loss_weight for each of its {len(layer.top)} tops, got "
            f"{list(layer.loss_weight)}; 1 and 0 make a loss of the first alone"
        )
    return (*loss(layer, bottoms), bottoms[0])


def _accuracy(layer: Layer, bottoms: Shapes) -> Shapes:
    """A scalar, and in a second top one value a class."""
    axis = axis_of(layer, layer.accuracy_param.axis, bottoms[0])
    _expect_labels(layer, bottoms, axis)
    classes = bottoms[0][axis]
    if layer.accuracy_param.top_k > classes:
        raise UserError(
            f"layer '{layer.name}': expected a top_k of at most its {counted(classes, 'class', 'classes')}, got "
            f"{layer.accuracy_param.top_k}"
        )
    return ((), (classes,))


def _expect_labels(layer: Layer, bottoms: Shapes, axis: int) -> None:
    places = count(bottoms[0], 0, axis) * count(bottoms[0], axis + 1)
    if count(bottoms[1]) != places:
        raise _unlike(layer, f"a label for each of {counted(places, 'place')}", bottoms)


def _unlike(layer: Layer, wanted: str, bottoms: Shapes) -> UnlikeBottoms:
    return UnlikeBottoms(f"layer '{layer.name}': expected {wanted}, got {', '.join(map(written, bottoms))}")


def _softmax(layer: Layer, bottoms: Shapes) -> Shapes:
    """As the bottom; the axis has to be one of its own."""
    axis_of(layer, layer.softmax_param.axis, bottoms[0])
    return bottoms


def _largest(layer: Layer, bottoms: Shapes) -> Shapes:
    """The top_k places (or values) along an axis; without an axis, of each image, with values in a second channel."""
    (bottom,), parameter = bottoms, layer.argmax_param
    has_axis = parameter.HasField("axis")
    axis = axis_of(layer, parameter.axis if has_axis else 0, bottom)
    most = bottom[axis] if has_axis else count(bottom, 1)
    if not 1 <= parameter.top_k <= most:
        raise UserError(f"layer '{layer.name}': expected a top_k from 1 to {most}, got {parameter.top_k}")
    if has_axis:
        return ((*bottom[:axis], parameter.top_k, *bottom[axis + 1 :]),)
    return ((bottom[0], 2 if parameter.out_max_val else 1, parameter.top_k, *(1,) * (len(bottom) - 3)),)


def _judge(
    name: str, shapes: Callable[[Layer, Shapes], Shapes], bottoms: tuple[int, int] = (2, 2),
    tops: tuple[int, int] = (0, 1), deployed: str = "",
) -> LayerType:  # fmt: skip
    """A loss or a score: of predictions and labels it says numbers, which lead nowhere."""
    return LayerType(
        name, bottoms=bottoms, tops=tops, shapes=shapes, channels=none, sink=True, judges=True, deployed=deployed
    )


# A loss without a top gets one, which no other layer can read (Net::AppendTop).
TYPES = (
    _judge("SoftmaxWithLoss", _softmax_loss, tops=(0, 2), deployed="Softmax"),
    _judge("InfogainLoss", _softmax_loss, bottoms=(2, 3), tops=(0, 2)),
    _judge("EuclideanLoss", _euclidean_loss),
    _judge("SigmoidCrossEntropyLoss", same_count_loss, deployed="Sigmoid"),
    _judge("HingeLoss", loss),
    _judge("MultinomialLogisticLoss", _one_label_loss),
    _judge("ContrastiveLoss", _contrastive_loss, bottoms=(3, 3)),
    _judge("Accuracy", _accuracy, tops=(1, 2)),
    LayerType("ArgMax", shapes=_largest, channels=none, sink=True),
    LayerType("Softmax", shapes=_softmax, sink=True),
    LayerType("HDF5Output", bottoms=(2, 2), tops=(0, 0), shapes=no_tops, channels=none, sink=True),
    LayerType("Silence", bottoms=(1, MANY), tops=(0, 0), shapes=no_tops, channels=none, free=True),
)  # fmt: skip
