"""The forms of earlier Caffes become today's, as Caffe itself does it when it reads a prototxt (upgrade_proto.cpp)."""

from typing import Any

from evolve.base.caffe_messages import caffe_pb2
from evolve.base.counted import counted
from evolve.base.errors import UserError
from evolve.network.axes import Layer, Net
from evolve.network.layers import sources

_SAME = ("bottom", "top", "name", "include", "exclude", "blobs", "loss_weight")
_TRANSFORMED = ("data_param", "image_data_param", "window_data_param")
_TRANSFORM = ("scale", "mean_file", "crop_size", "mirror")
# Where a type's name is not its enum's in another spelling (UpgradeV1LayerType).
_TYPES = {
    "ABSVAL": "AbsVal", "ARGMAX": "ArgMax", "BNLL": "BNLL", "HDF5_DATA": "HDF5Data", "HDF5_OUTPUT": "HDF5Output",
    "IM2COL": "Im2col", "LRN": "LRN", "MVN": "MVN", "NONE": "", "RELU": "ReLU", "SOFTMAX_LOSS": "SoftmaxWithLoss",
    "TANH": "TanH",
}  # fmt: skip


def upgrade(net: Net) -> list[str]:
    """Brings `net` into today's form; says in words what it was. UserError for layers of the form before V1."""
    notes = []
    if net.layers:
        old = "in the form of 2013 (`layers { }`)"
        notes.append(f"{counted(len(net.layers), f'layer {old} is', f'layers {old} are')} read as today's")
        net.layer.extend(map(_of_2013, net.layers))
        net.ClearField("layers")
    for layer in net.layer:
        _move_transform(layer)
        if layer.type == "BatchNorm" and not any(parameter.name for parameter in layer.param):
            # Its statistics are not learned: Caffe sets their rates to 0 where it is not told of them.
            layer.ClearField("param")
    if net.input:
        inputs = sources.old_inputs(net)
        rest = list(net.layer)
        for field in ("input", "input_shape", "input_dim", "layer"):
            net.ClearField(field)
        net.layer.extend([*inputs, *rest])
        notes.append("inputs in the form of 2014 (`input:`) are read as an Input layer")
    return notes


def type_of(old: str) -> str:
    """The name of a layer's type, of its enum's value in the form of 2013."""
    return _TYPES[old] if old in _TYPES else "".join(word.capitalize() for word in old.split("_"))


def _of_2013(old: Any) -> Layer:
    if old.HasField("layer"):
        raise UserError(
            f"layer '{old.layer.name}': expected layers of 2013 or later, got one of Caffe's first form (V0); write it "
            "as today's"
        )
    layer = caffe_pb2.LayerParameter(type=type_of(caffe_pb2.V1LayerParameter.LayerType.Name(old.type)))
    for field, value in old.ListFields():
        if field.name in _SAME or field.name.endswith("_param"):
            target = getattr(layer, field.name)
            if field.is_repeated:
                target.extend(value)
            elif field.message_type:
                target.CopyFrom(value)
            else:
                setattr(layer, field.name, value)
    for field, into in (("param", "name"), ("blob_share_mode", "share_mode"), ("blobs_lr", "lr_mult"),
                        ("weight_decay", "decay_mult")):  # fmt: skip
        for number, value in enumerate(getattr(old, field)):
            while len(layer.param) <= number:
                layer.param.add()
            setattr(layer.param[number], into, value)
    return layer


def _move_transform(layer: Layer) -> None:
    """What data layers once had of their own is their transform_param's (UpgradeNetDataTransformation)."""
    for name in _TRANSFORMED:
        if layer.HasField(name):
            own = getattr(layer, name)
            for field in _TRANSFORM:
                if own.HasField(field):
                    setattr(layer.transform_param, field, getattr(own, field))
                    own.ClearField(field)
