"""A net for training and one for testing become one train_val: what both have is there once, the rest in one phase."""

from difflib import SequenceMatcher

from evolve.base.caffe_messages import caffe_pb2
from evolve.network import phases
from evolve.network.axes import Layer, Net

_Key = tuple[object, ...]


def merged(training: Net, testing: Net) -> Net:
    """One net of both; of a layer that both have, training's words hold: fillers and rates are there alone."""
    first, second = (list(phases.for_phase(*each).layer) for each in ((training, "TRAIN"), (testing, "TEST")))
    result = caffe_pb2.NetParameter(name=training.name or testing.name)
    keys = [_key(layer, 1) for layer in first], [_key(layer, 2) for layer in second]
    for kind, begin, end, other, last in SequenceMatcher(None, *keys, autojunk=False).get_opcodes():
        if kind == "equal":
            result.layer.extend(_in(layer) for layer in first[begin:end])
            continue
        result.layer.extend(_in(layer, "TRAIN") for layer in first[begin:end])
        result.layer.extend(_in(layer, "TEST") for layer in second[other:last])
    return result


def _key(layer: Layer, net: int) -> _Key:
    """What is alike of layers that are one; data is each net's own."""
    return layer.name, layer.type, tuple(layer.bottom), tuple(layer.top), 0 if layer.bottom else net


def _in(layer: Layer, phase: str = "") -> Layer:
    kept = caffe_pb2.LayerParameter()
    kept.CopyFrom(layer)
    kept.ClearField("include")
    kept.ClearField("exclude")
    if phase:
        kept.include.add(phase=getattr(caffe_pb2, phase))
    return kept
