"""Shapes of what a net is trained and judged by: a loss or an accuracy is a scalar, ()."""

from typing import Any

from evolve.base.errors import UserError
from evolve.network.axes import Shape, axis_of, count, written

Shapes = tuple[Shape, ...]


def loss(layer: Any, bottoms: Shapes) -> Shapes:
    """A scalar of predictions and labels for equally many images (LossLayer)."""
    if not bottoms[0] or not bottoms[1] or bottoms[0][0] != bottoms[1][0]:
        raise _unlike(layer, "predictions and labels of one batch size", bottoms)
    return ((),)


def euclidean_loss(layer: Any, bottoms: Shapes) -> Shapes:
    """Predictions and labels with equally many values an image."""
    if count(bottoms[0], 1) != count(bottoms[1], 1):
        raise _unlike(layer, "bottoms with equally many values an image", bottoms)
    return loss(layer, bottoms)


def same_count_loss(layer: Any, bottoms: Shapes) -> Shapes:
    """Predictions and labels with equally many values."""
    if count(bottoms[0]) != count(bottoms[1]):
        raise _unlike(layer, "bottoms with equally many values", bottoms)
    return loss(layer, bottoms)


def one_label_loss(layer: Any, bottoms: Shapes) -> Shapes:
    """One label an image."""
    if len(bottoms[1]) > 4 or count(bottoms[1], 1) != 1:
        raise _unlike(layer, "predictions, and one label an image", bottoms)
    return loss(layer, bottoms)


def contrastive_loss(layer: Any, bottoms: Shapes) -> Shapes:
    """Two vectors an image, and whether they are of one kind."""
    first, second, alike = ((*shape, 1, 1, 1, 1) for shape in bottoms)
    fits = all(len(shape) <= 4 and count(shape, 2) == 1 for shape in bottoms)
    if not fits or first[1] != second[1] or alike[1] != 1:
        raise _unlike(layer, "two bottoms of one vector an image, and one label an image", bottoms)
    return loss(layer, bottoms)


def softmax_loss(layer: Any, bottoms: Shapes) -> Shapes:
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


def accuracy(layer: Any, bottoms: Shapes) -> Shapes:
    """A scalar, and in a second top one value a class."""
    axis = axis_of(layer, layer.accuracy_param.axis, bottoms[0])
    _expect_labels(layer, bottoms, axis)
    classes = bottoms[0][axis]
    if layer.accuracy_param.top_k > classes:
        raise UserError(
            f"layer '{layer.name}': expected a top_k of at most its {classes} classes, got {layer.accuracy_param.top_k}"
        )
    return ((), (classes,))


def _expect_labels(layer: Any, bottoms: Shapes, axis: int) -> None:
    places = count(bottoms[0], 0, axis) * count(bottoms[0], axis + 1)
    if count(bottoms[1]) != places:
        raise _unlike(layer, f"a label for each of {places} places", bottoms)


def _unlike(layer: Any, wanted: str, bottoms: Shapes) -> UserError:
    return UserError(f"layer '{layer.name}': expected {wanted}, got {', '.join(map(written, bottoms))}")
