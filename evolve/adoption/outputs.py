"""What a network is trained and judged by: its loss and its accuracy are found, or added to its last output.

Which Accuracy layer of several a generation is judged by says `judging`. A deployed network has its Softmax where the
loss was.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

from evolve.base.caffe_messages import caffe_pb2
from evolve.base.counted import counted
from evolve.base.errors import UserError
from evolve.network import batchnorm, judging, layers, phases
from evolve.network.axes import Layer, Net, Shape, count, written
from evolve.network.foreign import namesakes

ACCURACY, LOSS = "accuracy", "loss"
_OF_SCORES = ("SoftmaxWithLoss", "HingeLoss", "MultinomialLogisticLoss", "InfogainLoss")  # their labels are classes
_FUNCTIONS = ("Softmax", "Sigmoid")
# Where the types that make scores say how many.
_NUMBERS = {
    "Convolution": "convolution_param", "Deconvolution": "convolution_param", "InnerProduct": "inner_product_param",
}  # fmt: skip
AS_CLASSES = (1 << 32) - 1  # a num_output that is to be $CLASSES, for which a message has no room


@dataclass
class Outputs:
    """What was found: the blob that classes are read from, "" where there are none, and how many these are."""

    scores: str = ""
    classes: int = 0
    notes: list[str] = field(default_factory=list)


def complete(net: Net, label: str, shapes: Mapping[str, Shape]) -> Outputs:
    """Finds, or adds, loss and accuracy of `net`, which reads `label`; `shapes` are those of its TEST phase's blobs.

    UserError, naming the layer, for an output that no class can be read from.
    """
    found = Outputs()
    _without_twins(net, found)
    losses = [layer for layer in net.layer if _is_loss(layer)]
    if not losses:
        _add_loss(net, label, shapes, found)
    else:
        of_scores = [layer for layer in losses if layer.type in _OF_SCORES]
        found.scores = of_scores[-1].bottom[0] if of_scores else ""
        kinds = ", ".join(f"{layer.type} '{layer.name}'" for layer in losses)
        found.notes.append(f"losses, as they were: {kinds}")
    if found.scores in shapes and len(shapes[found.scores]) > 1:
        found.classes = shapes[found.scores][1]
    _add_accuracy(net, label, found)
    return found


def follow_classes(net: Net) -> list[str]:
    """Has `net` an output for each class of its data set, however many it was made for; and says so.

    Accuracies of the best few go: of few classes these are all. A layer whose parameters are another's too stays.
    """
    notes = []
    for loss in [layer for layer in net.layer if layer.type == "SoftmaxWithLoss"]:
        maker = _maker(net, loss.bottom[0])
        if maker is None or any(parameter.name for parameter in maker.param):
            continue
        parameter = getattr(maker, _NUMBERS[layers.kind(maker)])
        if parameter.num_output == AS_CLASSES:
            continue
        notes.append(f"layer '{maker.name}': num_output $CLASSES, as many as the images have, instead of "
                     f"{parameter.num_output}")  # fmt: skip
        parameter.num_output = AS_CLASSES
        notes += _of_the_best(net, maker)
    return notes


def numbers_of_classes(net: Net, label: str) -> list[str]:
    """Says of each loss that compares `label` as a number, as a regression's does, which number that is now."""
    from_label, notes = {label}, []
    for layer in net.layer:
        read = [bottom for bottom in layer.bottom if bottom in from_label]
        if not read:
            continue
        if not _is_loss(layer):
            from_label.update(layer.top)
        elif layer.type not in _OF_SCORES:
            notes.append(
                f"{layers.kind(layer)} '{layer.name}': '{read[0]}' is now the number of an image's class, 0, 1, 2 and "
                "so on; whole numbers of your own, from 0, may be labels of a list"
            )
    return notes


def _of_the_best(net: Net, maker: Layer) -> list[str]:
    """Leaves out what judges the scores of `maker` by the best few, unless nothing else judges them; and says so."""
    judges = [each for each in net.layer if each.type == "Accuracy" and _maker(net, each.bottom[0]) == maker]
    others = any(layer.accuracy_param.top_k == 1 for layer in judges)
    notes = []
    for layer in [each for each in judges if each.accuracy_param.top_k > 1]:
        few = f"the best {layer.accuracy_param.top_k} may be all"
        if others:
            net.layer.remove(layer)
            notes.append(f"Accuracy '{layer.name}' left out: {few}")
        else:
            layer.accuracy_param.ClearField("top_k")
            notes.append(f"Accuracy '{layer.name}': of the best, as {few}")
    return notes


def _maker(net: Net, blob: str) -> Layer | None:
    """The layer whose num_output says how many scores `blob` has; None where no single one does."""
    for layer in reversed(net.layer):
        if blob in layer.top:
            if layers.kind(layer) in _NUMBERS:
                return layer
            if len(layer.bottom) != 1 or layers.kind(layer) in ("Slice", "Reshape", "Flatten"):
                return None
            blob = layer.bottom[0]
    return None


def _is_loss(layer: Layer) -> bool:
    return layers.kind(layer).endswith("Loss") or any(layer.loss_weight)


def _without_twins(net: Net, found: Outputs) -> None:
    """Leaves out a Softmax that gives what a loss gives: a deployed network has one in the loss's place."""
    losses = {layer.bottom[0] for layer in net.layer if layer.type == "SoftmaxWithLoss" and layer.bottom}
    read = {bottom for layer in net.layer for bottom in layer.bottom}
    for layer in [each for each in net.layer if each.type == "Softmax"]:
        if layer.bottom[0] in losses and not read & set(layer.top):
            net.layer.remove(layer)
            found.notes.append(f"Softmax '{layer.name}' beside a loss of the same: left out, deployed networks get one")


def _add_loss(net: Net, label: str, shapes: Mapping[str, Shape], found: Outputs) -> None:
    outputs = [top for top in batchnorm.unread(phases.for_phase(net, "TEST")) if top in shapes and top != label]
    if not outputs:
        raise UserError("expected an output to put a loss behind, got none; add the loss that it was trained by")
    last = next(layer for layer in reversed(net.layer) if outputs[-1] in layer.top)
    if layers.kind(last) in _FUNCTIONS and last.bottom[0] in shapes:
        net.layer.remove(last)
        found.notes.append(f"{last.type} '{last.name}' goes into the loss; deployed networks have it again")
        found.scores = last.bottom[0]
    else:
        found.scores = outputs[-1]
    shape = shapes[found.scores]
    if len(shape) < 2 or shape[1] < 2:
        raise UserError(
            f"layer '{last.name}': expected an output of two classes and more, got {written(shape[1:])}; add the loss "
            "that it was trained by"
        )
    found.classes = shape[1]
    if count(shape, 2) > 1:
        found.scores = _averaged(net, found, shape)
    name = namesakes.free(LOSS, namesakes.taken(net))
    net.layer.add(name=name, type="SoftmaxWithLoss", bottom=[found.scores, label], top=[name])
    found.notes.append(f"SoftmaxWithLoss '{name}' added to '{found.scores}', {counted(shape[1], 'class', 'classes')}")


def _averaged(net: Net, found: Outputs, shape: Shape) -> str:
    """Behind a map of scores, as fully convolutional networks give one: their mean over all places."""
    if len(shape) != 4:
        raise UserError(
            f"net '{net.name}': expected scores for each image, got '{found.scores}' of {written(shape)}; add the loss "
            "that it was trained by"
        )
    name = namesakes.free(f"{found.scores}/mean", namesakes.taken(net))
    pooling = net.layer.add(name=name, type="Pooling", bottom=[found.scores], top=[name])
    pooling.pooling_param.pool, pooling.pooling_param.global_pooling = pooling.pooling_param.AVE, True
    found.notes.append(f"Pooling '{name}' added: the mean of the scores at {shape[2]} x {shape[3]} places")
    return name


def _add_accuracy(net: Net, label: str, found: Outputs) -> None:
    """Has an accuracy to judge a generation by."""
    judge = judging.accuracy(net)
    if judge is not None:
        found.notes.append(f"Accuracy, as it was: '{judge.name}'")
    elif not found.scores:
        found.notes.append("no accuracy: its losses compare no classes; generations are told by their losses")
    else:
        name = namesakes.free(ACCURACY, namesakes.taken(net))
        layer = net.layer.add(name=name, type="Accuracy", bottom=[found.scores, label], top=[name])
        layer.include.add(phase=caffe_pb2.TEST)
        found.notes.append(f"Accuracy added to '{found.scores}'")
