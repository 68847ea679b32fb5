"""A loss that has fewer outputs than there are classes writes past its memory in Caffe, or trains to nonsense."""

from collections.abc import Iterator

from evolve.base.errors import UserError
from evolve.detectnet.lines import Lines
from evolve.lineage.experiment import Experiment
from evolve.network import phases, shapes
from evolve.network.axes import ImageShape, Layer, Net
from evolve.network.shapes import Step

# Where each type that takes classes for labels has the axis of its predictions along which they lie.
_AXES = {
    "SoftmaxWithLoss": lambda layer: layer.softmax_param.axis,
    "InfogainLoss": lambda layer: layer.infogain_loss_param.axis,
    "Accuracy": lambda layer: layer.accuracy_param.axis,
    "MultinomialLogisticLoss": lambda layer: 1,
    "HingeLoss": lambda layer: 1,
}
_NUMBERS = ("convolution_param", "inner_product_param")
_HAND_ON = ("Concat", "Flatten", "Reshape", "Slice", "Split", "Tile")  # what they are given, number for number


def check(experiment: Experiment, net: Net, classes: int, dataset: str, stored: ImageShape) -> None:
    """UserError, with the line of the layer to mend, where `net` has a loss too narrow for labels below `classes`.

    `dataset` is what the data set that they are of is called, `stored` (channels, height, width) of its images.
    """
    found: list[str] = []
    for phase in ("TRAIN", "TEST"):
        found += _problems(experiment, net, phase, classes, dataset, stored)
    if found:
        raise UserError("\n".join(dict.fromkeys(found)))


def _problems(
    experiment: Experiment, net: Net, phase: str, classes: int, dataset: str, stored: ImageShape
) -> Iterator[str]:
    data = phases.data_layer(net, phase)
    fed = phases.fed_as_stored(net, phase, stored)
    try:
        steps = shapes.infer(fed, keep_unknown=experiment.settings.keep_unknown)
    except UserError as error:
        # With as many images as a batch will have: TEST reads a divisor of those that there are.
        raise experiment.located(error) from None
    lines, labels = Lines(net, experiment.template, experiment.train_val), set(data.top[1:])
    for number, step in enumerate(steps):
        layer = step.layer
        if number and layer.type in _HAND_ON and labels.issuperset(layer.bottom):
            labels.update(layer.top)
        if layer.type not in _AXES or layer.bottom[1] not in labels:
            continue
        width, largest = step.bottoms[0][_AXES[layer.type](layer)], classes - 1
        largest -= layer.loss_param.HasField("ignore_label") and layer.loss_param.ignore_label == largest
        if width > largest:
            continue
        maker = _maker(steps[:number], layer.bottom[0], width)
        what = "num_output" if maker is not None else "a bottom"
        remedy = f"write num_output: {largest + 1}" if maker is not None else "give it as many outputs as classes"
        yield (
            f"{lines.place(layer if maker is None else maker, 'num_output')}: expected {what} of {largest + 1} or more "
            f"for '{layer.name}', as labels of {dataset} go from 0 to {largest}, got {width}; {remedy}"
        )


def _maker(before: list[Step], blob: str, width: int) -> Layer | None:
    """The layer whose num_output `blob` has as its `width`; None where no single one decides on that."""
    for step in reversed(before):
        if blob in step.layer.top:
            if made := [getattr(step.layer, name).num_output for name in _NUMBERS if step.layer.HasField(name)]:
                return step.layer if made == [width] else None
            if len(step.layer.bottom) != 1:
                return None
            blob = step.layer.bottom[0]
    return None
