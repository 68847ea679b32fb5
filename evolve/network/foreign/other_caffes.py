"""Fields that another Caffe knows: taken where Cavefish has the like, left out where they change nothing, or named.

NVIDIA's are those of its Caffe 0.15 to 0.17 (caffe.proto there); Intel's has engines of its own.
"""

from dataclasses import dataclass, field
from pathlib import Path

from google.protobuf.descriptor import Descriptor

from evolve.base.caffe_messages import caffe_pb2
from evolve.base.errors import UserError
from evolve.base.prototxt_fields import Field, blanked, read
from evolve.base.spelling import nearest
from evolve.network import layers

GROUND_TRUTH, AUGMENTATION = "detectnet_groundtruth_param", "detectnet_augmentation_param"
SCALE_BIAS, FILLERS = "scale_bias", ("scale_filler", "bias_filler")

_TAKEN = {
    ("layer", GROUND_TRUTH), ("layer", AUGMENTATION), ("batch_norm_param", SCALE_BIAS),
    *(("batch_norm_param", filler) for filler in FILLERS),
}  # fmt: skip
# How fast, how exact in its last bits, or on which device: not what is computed.
_HINTS = {
    "": {
        "default_forward_type", "default_backward_type", "default_forward_math", "default_backward_math", "engine",
        "global_grad_scale", "global_grad_scale_adaptive", "default_cudnn_math_override", "reduce_buckets",
    },
    "layer": {
        "forward_type", "backward_type", "forward_math", "backward_math", "debug", "cudnn_math_override",
        "cuda_nhwc", "engine",
    },
    "data_param": {"threads", "parser_threads", "cache", "shuffle"},
    "image_data_param": {"threads", "parser_threads", "cache", "backend"},
    "transform_param": {"use_gpu_transform", "num_threads", "random_seed", "display"},
    "convolution_param": {"cudnn_convolution_algo_seeker", "conv_algos_override", "fft_inplace"},
    "batch_norm_param": {"engine"},
    "python_param": {"share_in_parallel"},
}  # fmt: skip
_TYPO = 0.75  # of spelling's likeness: below that nobody meant the other word
_LAYER, _OLD_LAYER = "layer", "layers"


@dataclass
class Extra:
    """What a prototxt has beyond BVLC's messages; `taken` has, by the number of a layer, those of its fields."""

    text: str  # the prototxt without them, on the same lines
    taken: dict[int, list[Field]] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)


def take(text: str, path: Path) -> Extra:
    """Takes out of a prototxt what only other Caffes know. UserError naming file, line and layer for what stays."""
    found, gone, hints = Extra(text), list[Field](), list[str]()
    number = 0
    for each in read(text).fields:
        if each.name in (_LAYER, _OLD_LAYER):
            mine, ignored = _of_layer(each, path)
            hints += [hint.name for hint in ignored]
            gone += mine + ignored
            if mine and each.name == _LAYER:
                found.taken[number] = mine
            number += each.name == _LAYER
        elif each.name in _HINTS[""] and each.name not in caffe_pb2.NetParameter.DESCRIPTOR.fields_by_name:
            gone.append(each)
            hints.append(each.name)
    found.text = blanked(text, gone)
    if hints:
        names = ", ".join(dict.fromkeys(hints))
        found.notes.append(f"{path}: left out, as another Caffe's that change nothing that is computed: {names}")
    return found


def _of_layer(layer: Field, path: Path) -> tuple[list[Field], list[Field]]:
    """Fields of one layer that are taken, and those that are left out."""
    descriptor = caffe_pb2.LayerParameter.DESCRIPTOR
    if layer.name == _OLD_LAYER:
        descriptor = caffe_pb2.V1LayerParameter.DESCRIPTOR
    taken, hints = list[Field](), list[Field]()
    _walk(layer, _LAYER, descriptor, layer, path, taken, hints)
    return taken, hints


def _walk(
    message: Field, name: str, descriptor: Descriptor, layer: Field, path: Path, taken: list[Field], hints: list[Field]
) -> None:
    for each in message.fields:
        known = descriptor.fields_by_name.get(each.name)
        if known:
            if known.enum_type and each.name == "engine" and each.value not in known.enum_type.values_by_name:
                hints.append(each)
            if known.message_type and each.is_message:
                _walk(each, each.name, known.message_type, layer, path, taken, hints)
        elif (name, each.name) in _TAKEN:
            taken.append(each)
        elif each.name in _HINTS.get(name, ()):
            hints.append(each)
        elif why := _why_another_caffe(each, name, descriptor, layer):
            raise UserError(f"{path}:{each.line}: layer '{layer.text('name')}': {why}")


def _why_another_caffe(unknown: Field, message: str, descriptor: Descriptor, layer: Field) -> str:
    """What is to be said of a field that is another Caffe's; "" for one that is more likely a slip of the pen."""
    kind = layer.text("type")
    known_type = kind in layers.known() or kind == "Python" or layer.name == _OLD_LAYER
    if not known_type and message == _LAYER and kind:
        return (
            f"expected a layer of BVLC's Caffe, got {unknown.name} of a layer of another Caffe, {kind}; say it in "
            "layers of this one, or leave it out"
        )
    names = list(descriptor.fields_by_name)
    if nearest(unknown.name.removesuffix("_param"), [each.removesuffix("_param") for each in names], _TYPO):
        return ""
    return (
        f"expected fields of BVLC's Caffe, got {unknown.name} in {message}, which is another Caffe's or mistyped; "
        "leave it out, or say it in layers of this one"
    )
