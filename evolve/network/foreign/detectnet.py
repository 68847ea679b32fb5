"""DetectNet's training prototxts as NVIDIA and DIGITS have them, read as Cavefish's own.

Two Data layers, one of images and one of labels, and the DetectNetTransformation behind them are one DetectNetData;
L1Loss and the Python layers that cluster and score are those of evolve.detectnet.layers, which take the same words.
"""

from google.protobuf import text_format

from evolve.base import prototxt_text
from evolve.base.caffe_messages import caffe_pb2
from evolve.base.errors import UserError
from evolve.base.prototxt_fields import Field
from evolve.network import phases
from evolve.network.axes import Layer, Net
from evolve.network.foreign import namesakes
from evolve.network.layers.detectnet import MODULE
from evolve.proto import detectnet_pb2

MODULES = {
    "ClusterDetections": "caffe.layers.detectnet.clustering", "ClusterGroundtruth": "caffe.layers.detectnet.clustering",
    "ScoreDetections": "caffe.layers.detectnet.mean_ap", "mAP": "caffe.layers.detectnet.mean_ap",
}  # fmt: skip
_TRANSFORMATION, _LOSS = "DetectNetTransformation", "L1Loss"
_ONE_CLASS = "object_class { src: 1 dst: 0 }"


def translate(net: Net, taken: dict[int, list[Field]], order: list[str]) -> list[str]:
    """Rewrites `net` where it has NVIDIA's layers for DetectNet; says in words what they became.

    `taken` are the fields of those layers that BVLC's messages lack, by the number of the layer; `order` is of these
    numbers the layers' names. UserError, naming the layer, where data and transformation do not fit together.
    """
    if not any(layer.type in (_TRANSFORMATION, _LOSS) for layer in net.layer):
        return []
    notes = []
    words = {order[number]: fields for number, fields in taken.items()}
    # One by one: a layer that was taken out of the net is no part of it any more.
    while transformation := next((layer for layer in net.layer if layer.type == _TRANSFORMATION), None):
        notes.append(_join(net, transformation, words.get(transformation.name, [])))
    losses = [layer for layer in net.layer if layer.type == _LOSS]
    for layer in losses:
        _become(layer, _LOSS)
    for layer in net.layer:
        if layer.type == "Python" and MODULES.get(layer.python_param.layer) == layer.python_param.module:
            layer.python_param.module = MODULE
            notes.append(f"layer '{layer.name}': {layer.python_param.layer} is Cavefish's own, with the same words")
    notes += [f"layer '{layer.name}': NVIDIA's L1Loss is the one of {MODULE}" for layer in losses]
    return notes


def _become(layer: Layer, python: str) -> None:
    layer.type = "Python"
    layer.python_param.module, layer.python_param.layer = MODULE, python


def _join(net: Net, transformation: Layer, words: list[Field]) -> str:
    """Makes a transformation and the two layers that feed it one; says so."""
    name = transformation.name
    phase = next((each for each in ("TRAIN", "TEST") if phases.includes(transformation, each)), "")
    images, labels = (_data(net, transformation, phase, number) for number in (0, 1))
    message = detectnet_pb2.DetectNetParameter()
    for each in words:
        prototxt_text.parse(each.written(), message, f"layer '{name}'")
    if not message.detectnet_groundtruth_param.object_class:
        prototxt_text.parse(_ONE_CLASS, message.detectnet_groundtruth_param, f"layer '{name}'")
    message.transform_param.mean_value.extend(transformation.transform_param.mean_value)
    data = message.data_param
    data.source, data.label_source = images.data_param.source, labels.data_param.source
    data.batch_size = images.data_param.batch_size
    joined = f"'{images.name}', '{labels.name}' and '{name}'"
    transformation.ClearField("bottom")
    transformation.ClearField("transform_param")
    _become(transformation, "DetectNetData")
    transformation.python_param.param_str = text_format.MessageToString(message, as_one_line=True)
    if phase == "TEST":
        transformation.top.append(namesakes.free("labels", namesakes.taken(net)))
    first = caffe_pb2.NetParameter(layer=[transformation])
    for gone in (images, labels, transformation):
        net.layer.remove(gone)
    first.layer.extend(net.layer)
    net.ClearField("layer")
    net.layer.extend(first.layer)
    return f"layers {joined} are one DetectNetData, '{name}'"


def _data(net: Net, transformation: Layer, phase: str, number: int) -> Layer:
    """The Data layer that writes a bottom of `transformation` in its phase."""
    where = f"layer '{transformation.name}'"
    if len(transformation.bottom) != 2 or not phase:
        got = list(transformation.bottom)
        raise UserError(f"{where}: expected images and labels as its bottoms, got {got}; write both, in a phase")
    bottom = transformation.bottom[number]
    for layer in net.layer:
        if layer.type == "Data" and bottom in layer.top and phases.includes(layer, phase):
            return layer
    raise UserError(
        f"{where}: expected its bottom '{bottom}' from a Data layer in phase {phase}, got none; one reads the images, "
        "another the labels"
    )
