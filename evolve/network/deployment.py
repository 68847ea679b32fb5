"""A network to carry away: an Input for its data, its outputs for its losses, and nothing that training alone needs."""

from collections.abc import Container, Iterable
from contextlib import suppress
from copy import deepcopy
from typing import Any, NamedTuple

from evolve.base.caffe_messages import caffe_pb2
from evolve.base.errors import UserError
from evolve.network import judging, layers, phases, shapes
from evolve.network.axes import ImageShape, Layer, Net
from evolve.network.layers import sources

_FILLERS = ("weight_filler", "bias_filler", "filler")


class _Learned(NamedTuple):
    """A layer that learns, and what it reads."""

    layer: str
    bottom: str


def deploy(net: Net, shape: ImageShape) -> Net:
    """The net to carry away: an Input layer of one image, no data, labels or scores, a loss as its output.

    What is computed from labels goes with them, and what losses alone read of the image as it is. `prob` is of the
    predictions that the accuracy is of. `shape` is (channels, height, width) of one example, as the data layer yields
    it. Constants stay where another layer reads them, and so does what a Python layer makes that is not known. A net
    that counts on its batch, as one does that reads images as times, takes as many images as TEST has at once.
    UserError where predictions are of something beside the image.
    """
    test = phases.for_phase(net, "TEST")
    data, *more = phases.image_layers(net, "TEST")
    others = {layer.name for layer in phases.data_layers(net, "TEST")} | {data.name}
    images = [layer.top[0] for layer in (data, *more)]
    tops = [top for layer in test.layer if layer.name in others for top in layer.top if top not in images]
    beside: dict[str, _Learned | None] = dict.fromkeys(tops)  # labels, and what is computed from them
    judged, compared = _judged_loss(net, test), set[str]()
    result = caffe_pb2.NetParameter(name=net.name)
    source = result.layer.add(name=data.name, type="Input", top=images)
    source.input_param.shape.add()
    for layer in test.layer:
        if layer.name in others or _gives_boxes(layer):
            continue
        if (known := layers.of(layer)) and known.judges or not beside.keys().isdisjoint(layer.bottom):
            if known and known.deployed and (other := beside.get(layer.bottom[0])):
                raise _of_other_inputs(layer, other)
            there = layer.bottom[0] not in beside
            beside |= dict.fromkeys(layer.top, _learned_from(layer, beside))
            compared.update(layer.bottom)
            layer = _output_instead_of_loss(layer, [*test.layer, *result.layer], judged) if there else None
            if layer is None:
                continue
        kept = result.layer.add()
        kept.CopyFrom(layer)
        for training_only in ("include", "exclude", "loss_weight", "propagate_down"):
            kept.ClearField(training_only)
        _keep_only_shared(kept)
        _clear_fillers(kept)
    _leave_out_unread(result, compared)
    _size(result, source.input_param.shape, shape, phases.batch_size(data))
    return result


def with_training_layers(deployed: Net, net: Net, weights: Container[str]) -> Net:
    """`deployed` and after it the layers of `net` that have `weights` (by layer) in training alone.

    What the caffemodel of a generation holds: auxiliary classifiers are its offspring's too.
    """
    result = deepcopy(deployed)
    known = {layer.name for layer in deployed.layer}
    result.layer.extend(layer for layer in net.layer if layer.name in weights and layer.name not in known)
    return result


def sized(net: Net, shape: ImageShape | None) -> Net:
    """The net that runs on images of `shape`: a train_val's deploy form, an Input of another size.

    `shape` is (channels, height, width); None leaves the net's own. UserError where there is nothing to size.
    """
    test = phases.for_phase(net, "TEST")
    fed = phases.feeding(test.layer)
    if not fed and (there := phases.feeding(phases.for_phase(net, "TRAIN").layer)):
        raise UserError(
            f"layer '{there[0].name}': expected an Input or a data layer in phase TEST, got this one in TRAIN alone; "
            "take its include away, or add one that includes TEST"
        )
    if shape is None:
        return test
    if any(map(phases.reads_data, fed)):
        return deploy(net, shape)
    inputs = [layer for layer in fed if layer.type == "Input"]
    if not inputs:
        raise UserError(f"net '{net.name}': expected an Input or a data layer for SHAPE to size, got none")
    if not inputs[0].input_param.shape:
        inputs[0].input_param.shape.add()
    told = [each for layer in inputs for each in layer.input_param.shape]
    image = list(next((each for each in told if len(each.dim) == 4), told[0]).dim)
    # Others are no images: Faster R-CNN's im_info.
    _size(test, [each for each in told if list(each.dim) == image], shape, image[0] if image else 0)
    return test


def _size(net: Net, inputs: Iterable[Any], shape: ImageShape, batch: int) -> None:
    """Has the `inputs` of `net`, caffe_pb2.BlobShape, be one image; `batch` where it is whole with that alone."""
    for images in (1, batch or 1, 1):  # one where neither is whole, as what is wrong is then said of one
        for each in inputs:
            each.dim[:] = [images, *shape]
        with suppress(UserError):
            shapes.infer(net, keep_unknown=True)
            return


def _judged_loss(net: Net, test: Net) -> str:
    """The blob that a loss has of the predictions that the accuracy is of; "" where no loss has them."""
    judged = judging.compared(net)[0]
    softmaxes = [layer for layer in test.layer if layer.type == "Softmax" and judged in layer.top and layer.bottom]
    judged = softmaxes[0].bottom[0] if softmaxes else judged
    losses = [layer for layer in test.layer if (known := layers.of(layer)) and known.deployed]
    return judged if any(judged in layer.bottom[:1] for layer in losses) else ""


def _output_instead_of_loss(layer: Layer, others: list[Layer], judged: str) -> Layer | None:
    """What stands for a loss where there are no labels; None where nothing does, or the net has it already.

    It is called prob where the loss is of the blob `judged`; of any, the first one's is, where that is "".
    """
    known = layers.of(layer)
    if not known or not known.deployed or any(_gives_the_same(other, layer, known.deployed) for other in others):
        return None
    # Every other loss of a net gives an output of its own.
    taken = {name for other in others if other.name != layer.name for name in (other.name, *other.top)}
    first = "prob" not in taken and judged in ("", layer.bottom[0])
    name = "prob" if first else f"{layer.name}/prob"
    output = caffe_pb2.LayerParameter(name=name, type=known.deployed)
    output.bottom.append(layer.bottom[0])
    output.top.append(name)
    if layer.softmax_param.HasField("axis"):
        output.softmax_param.axis = layer.softmax_param.axis
    return output


def _gives_the_same(other: Layer, loss: Layer, kind: str) -> bool:
    same = other.type == kind and list(other.bottom) == [loss.bottom[0]]
    return same and other.softmax_param.axis == loss.softmax_param.axis


def _gives_boxes(layer: Layer) -> bool:
    """Whether Python computes something from the net's outputs, boxes for one: no part of what a device runs."""
    known = layers.of(layer)
    return layer.type == "Python" and known is not None and known.jumps


def _leave_out_unread(net: Net, compared: set[str]) -> None:
    """Takes out what no layer that stays reads: constants, Python layers that are not known, and targets of losses.

    A target is what a loss `compared` with another, computed from the image by no layer that learns: an image made
    flat, of an autoencoder.
    """
    learned, read = _learned(net), set[str]()
    for layer in reversed(list(net.layer)):
        is_target = compared.issuperset(layer.top) and learned.isdisjoint(layer.top)
        is_beside = layer.type == "Python" and layers.of(layer) is None
        goes = (is_target or is_beside) if layer.bottom else sources.gives_constants(layer)
        if goes and read.isdisjoint(layer.top):
            net.layer.remove(layer)
            compared = compared.union(layer.bottom)
        else:
            read.update(layer.bottom)


def _learned(net: Net) -> set[str]:
    """The blobs that something learned is in, as far as is known."""
    found: set[str] = set()
    for layer in net.layer:
        if _learns(layer) and layer.bottom or not found.isdisjoint(layer.bottom):
            found.update(layer.top)
    return found


def _learns(layer: Layer) -> bool:
    known = layers.of(layer)
    return known is None or known.connects is not None or known.learned is not layers.nothing


def _learned_from(layer: Layer, beside: dict[str, _Learned | None]) -> _Learned | None:
    """The layer that first learned something of what is `beside` the image, as far as `layer` reads that."""
    read = [name for name in layer.bottom if name in beside]
    before = next(filter(None, (beside[name] for name in read)), None)
    return before or (_Learned(layer.name, read[0]) if read and _learns(layer) else None)


def _of_other_inputs(loss: Layer, other: _Learned) -> UserError:
    return UserError(
        f"layer '{other.layer}': expected a bottom that is computed from the image, got '{other.bottom}', which its "
        f"data layer gives beside that, and '{loss.name}' is of what comes of it; give a prototxt with an Input for "
        "each of them"
    )


def _keep_only_shared(layer: Layer) -> None:
    """Of what training knows of a layer's parameters, only whether two layers have the same."""
    names = [parameter.name for parameter in layer.param]
    layer.ClearField("param")
    if any(names):
        for name in names:
            layer.param.add(**({"name": name} if name else {}))


def _clear_fillers(layer: Layer) -> None:
    for field, parameter in layer.ListFields():
        if field.name.endswith("_param") and field.name != "param":
            for name in _FILLERS:
                if name in parameter.DESCRIPTOR.fields_by_name:
                    parameter.ClearField(name)
