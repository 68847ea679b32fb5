"""NVIDIA Caffe's own layers train a DetectNet where the running Caffe has them, instead of the Python ones.

The prototxt stays the same: a DetectNetData of TRAIN becomes two Data layers and a DetectNetTransformation with the
same parameters, and each L1Loss one of that type. TEST, which scores need the labels of, keeps the Python layers.
What a training draws then comes from Caffe's random numbers: `seed` means nothing, and one that goes on from a snapshot
is not the same to the last bit.
"""

from collections.abc import Collection
from copy import deepcopy
from typing import Any

from evolve.base import prototxt_text
from evolve.network import phases
from evolve.network.layers import detectnet_parameters as parameters
from evolve.network.layers import kind

_TYPES = {"DetectNetTransformation", "L1Loss"}
_TRUTH, _AUGMENTATION = "detectnet_groundtruth_param", "detectnet_augmentation_param"
_TOPS = 2  # of NVIDIA's layer; labels moved along with the image are ours alone


def has_layers(types: Collection[str], layer_descriptor: Any) -> bool:
    """Whether a Caffe with these layer `types` and this descriptor of LayerParameter is NVIDIA's, of DIGITS's time."""
    return _TYPES.issubset(types) and {_TRUTH, _AUGMENTATION}.issubset(layer_descriptor.fields_by_name)


def trained_by(net: phases.Net) -> phases.Net:
    """The TRAIN phase of `net` with NVIDIA Caffe's layers; `net` itself if it has none of those that they are for.

    UserError if NVIDIA's messages lack one of the parameters.
    """
    training = phases.for_phase(net, "TRAIN")
    layers = list(training.layer)
    if not any(_replaceable(layer) for layer in layers):
        return net
    result = deepcopy(training)
    del result.layer[:]
    for layer in layers:
        _add(result.layer, layer)
    return result


def _replaceable(layer: Any) -> bool:
    return layer.type == "Python" and kind(layer) == "DetectNetData" and len(layer.top) == _TOPS


def _add(layers: Any, layer: Any) -> None:
    if _replaceable(layer):
        _add_transformation(layers, layer)
        return
    added = layers.add()
    added.CopyFrom(layer)
    if layer.type == "Python" and kind(layer) == "L1Loss":
        added.type = "L1Loss"
        added.ClearField("python_param")


def _add_transformation(layers: Any, layer: Any) -> None:
    given = parameters.parse(layer.python_param.param_str, f"layer '{layer.name}': param_str")
    assert given.data
    stored = {part: f"{layer.name}/{part}" for part in ("images", "labels")}
    for name, source in zip(stored.values(), (given.data.source, given.data.label_source), strict=True):
        data = layers.add(name=name, type="Data", top=[name])
        data.data_param.source, data.data_param.batch_size = source, given.data.batch_size
        data.data_param.backend = data.data_param.LMDB
    added = layers.add(name=layer.name, type="DetectNetTransformation", bottom=stored.values(), top=layer.top)
    added.transform_param.mean_value.extend(given.mean)
    for field, words in ((_TRUTH, _ground_truth(given)), (_AUGMENTATION, _words(vars(given.augmentation)))):
        prototxt_text.parse(words, getattr(added, field), f"layer '{layer.name}': NVIDIA Caffe")


def _ground_truth(given: parameters.Parameters) -> str:
    """Every parameter as it is in force, written or not: NVIDIA's defaults are not the DIGITS example's."""
    values = dict(vars(given.ground_truth))
    classes = values.pop("object_class")
    if values["crop_bboxes"] is None:
        values["crop_bboxes"] = True  # what none written means in TRAIN
    mapped = [f"object_class {{ src: {source} dst: {to} }}" for source, to in classes.items()]
    return " ".join([_words(values), "coverage_type: RECTANGULAR", *mapped])


def _words(values: dict[str, Any]) -> str:
    return " ".join(f"{name}: {_word(value)}" for name, value in values.items() if value is not None)


def _word(value: Any) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    # A whole number is one for fields of either kind.
    return str(int(value) if isinstance(value, float) and value.is_integer() else value)
