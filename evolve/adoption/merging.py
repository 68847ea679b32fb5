"""A net for training and one for testing become one train_val: what both have is there once, the rest in one phase."""

from collections.abc import Iterator
from copy import deepcopy
from difflib import SequenceMatcher
from typing import Any

from evolve.base.caffe_messages import caffe_pb2
from evolve.network import phases
from evolve.network.axes import Layer, Net

_Key = tuple[object, ...]
# Fields of layers that say nothing of what testing computes.
_UNTESTED = {
    "param", "loss_weight", "propagate_down", "phase", "blobs", "dropout_param", "moving_average_fraction", "engine",
}  # fmt: skip


def merged(training: Net, testing: Net) -> tuple[Net, list[str]]:
    """One net of both, and what is to be said of it.

    Of a layer that both have, training's words hold where testing asks for the same: fillers and rates are there alone.
    Where it asks for something else, each phase has its own.
    """
    first, second = (list(phases.for_phase(*each).layer) for each in ((training, "TRAIN"), (testing, "TEST")))
    result, differing = caffe_pb2.NetParameter(name=training.name or testing.name), list[str]()
    keys = [_key(layer, 1) for layer in first], [_key(layer, 2) for layer in second]
    for kind, begin, end, other, last in SequenceMatcher(None, *keys, autojunk=False).get_opcodes():
        if kind == "equal":
            for pair in zip(first[begin:end], second[other:last], strict=True):
                made = list(_of_both(*pair))
                result.layer.extend(made)
                differing += [f"{layer.type} '{layer.name}'" for layer in made[1:]]
            continue
        result.layer.extend(_in(layer, "TRAIN") for layer in first[begin:end])
        result.layer.extend(_in(layer, "TEST") for layer in second[other:last])
    return result, [f"{each}: one for each phase, as the two nets have them otherwise" for each in differing]


def _key(layer: Layer, net: int) -> _Key:
    """What is alike of layers that may be one; data is each net's own."""
    return layer.name, layer.type, tuple(layer.bottom), tuple(layer.top), 0 if layer.bottom else net


def _of_both(training: Layer, testing: Layer) -> Iterator[Layer]:
    """One layer, where it can be what both are, else one for each phase."""
    first, second = _in(training), _in(testing)
    if first.type == "BatchNorm":
        _settle(first, second)
    if _tested(first) == _tested(second):
        yield first
    else:
        yield from (_in(training, "TRAIN"), _in(testing, "TEST"))


def _settle(training: Layer, testing: Layer) -> None:
    """Has both say alike which statistics they use, where one layer can: left out, Caffe takes the stored in TEST."""
    first, second = training.batch_norm_param, testing.batch_norm_param
    trains, tests = first.use_global_stats, not second.HasField("use_global_stats") or second.use_global_stats
    if trains == tests:
        first.use_global_stats = second.use_global_stats = trains
    elif tests:
        first.ClearField("use_global_stats")
        second.ClearField("use_global_stats")


def _tested(layer: Layer) -> bytes:
    """What tells the layers of a type from others where they are tested."""
    kept = _in(layer)
    _leave_out(kept)
    return bytes(kept.SerializeToString(deterministic=True))


def _leave_out(message: Any) -> None:
    """Takes out what testing does not need, and what is Caffe's default."""
    for field, value in message.ListFields():
        kind = field.message_type.name if field.message_type else ""
        if field.name in _UNTESTED or kind == "FillerParameter":
            message.ClearField(field.name)
        elif kind:
            for each in value if field.is_repeated else [value]:
                _leave_out(each)
            if not field.is_repeated and not value.ListFields():
                message.ClearField(field.name)
        elif field.has_default_value and value == field.default_value:
            message.ClearField(field.name)


def _in(layer: Layer, phase: str = "") -> Layer:
    kept = deepcopy(layer)
    kept.ClearField("include")
    kept.ClearField("exclude")
    if phase:
        kept.include.add(phase=getattr(caffe_pb2, phase))
    return kept
