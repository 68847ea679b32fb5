"""Messages of a Caffe that has DetectNet's layers: those of the installed one, with made-up messages beside them.

Field names and kinds are those that prototxts for NVIDIA Caffe write; numbers are nobody's.
"""

from types import SimpleNamespace
from typing import Any

from google.protobuf import descriptor_pb2, descriptor_pool, message_factory

from evolve.base.caffe_messages import caffe_pb2

Field = descriptor_pb2.FieldDescriptorProto
KINDS = {"uint32": Field.TYPE_UINT32, "float": Field.TYPE_FLOAT, "bool": Field.TYPE_BOOL}
GROUND_TRUTH = {
    "stride": "uint32", "scale_cvg": "float", "max_cvg_len": "uint32", "min_cvg_len": "uint32",
    "image_size_x": "uint32", "image_size_y": "uint32", "obj_norm": "bool", "crop_bboxes": "bool",
}  # fmt: skip
AUGMENTATION = {
    "crop_prob": "float", "shift_x": "uint32", "shift_y": "uint32", "scale_prob": "float", "scale_min": "float",
    "scale_max": "float", "flip_prob": "float", "rotation_prob": "float", "max_rotate_degree": "float",
    "hue_rotation_prob": "float", "hue_rotation": "float", "desaturation_prob": "float", "desaturation_max": "float",
}  # fmt: skip
ENUMS = {"gridbox_type": ("GRIDBOX_MAX", "GRIDBOX_MIN"), "coverage_type": ("RECTANGULAR",)}
TYPES = ["Convolution", "Data", "DetectNetTransformation", "L1Loss", "Python"]


def nvidia_pb2(*lacking: str) -> Any:
    """NetParameter, LayerParameter, TRAIN and TEST of such a Caffe, whose messages lack the fields of these names."""
    file = descriptor_pb2.FileDescriptorProto()
    caffe_pb2.DESCRIPTOR.CopyToProto(file)
    _message(file, "DetectNetAugmentationParameter", AUGMENTATION, lacking)
    truth = _message(file, "DetectNetGroundTruthParameter", GROUND_TRUTH, lacking)
    for name, values in ENUMS.items():
        kind = "".join(map(str.capitalize, name.split("_")))
        enum = truth.enum_type.add(name=kind)
        for number, value in enumerate(values):
            enum.value.add(name=value, number=number)
        _field(truth, name, Field.TYPE_ENUM, f".caffe.{truth.name}.{kind}")
    mapping = truth.nested_type.add(name="ClassMapping")
    for name in ("src", "dst"):
        _field(mapping, name, Field.TYPE_UINT32)
    _field(truth, "object_class", Field.TYPE_MESSAGE, f".caffe.{truth.name}.ClassMapping", Field.LABEL_REPEATED)
    layer = next(message for message in file.message_type if message.name == "LayerParameter")
    for part, name in (("GroundTruth", "groundtruth"), ("Augmentation", "augmentation")):
        _field(layer, f"detectnet_{name}_param", Field.TYPE_MESSAGE, f".caffe.DetectNet{part}Parameter", at=10_000)
    pool = descriptor_pool.DescriptorPool()
    pool.Add(file)
    classes = message_factory.GetMessageClassesForFiles([file.name], pool)
    made = {name: classes[f"caffe.{name}"] for name in ("NetParameter", "LayerParameter")}
    return SimpleNamespace(**made, TRAIN=caffe_pb2.TRAIN, TEST=caffe_pb2.TEST)


def _message(file: Any, name: str, fields: dict[str, str], lacking: tuple[str, ...]) -> Any:
    message = file.message_type.add(name=name)
    for each, kind in fields.items():
        if each not in lacking:
            _field(message, each, KINDS[kind])
    return message


def _field(message: Any, name: str, kind: int, of: str = "", label: int = Field.LABEL_OPTIONAL, at: int = 1) -> None:
    message.field.add(name=name, number=at + len(message.field), type=kind, type_name=of or None, label=label)  # type: ignore
