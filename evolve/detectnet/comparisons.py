"""What a DetectNet predicts meets its ground truth in layers that compare them: which do, and the shapes they get."""

from collections.abc import Iterator
from dataclasses import dataclass

from evolve.base.caffe_messages import caffe_pb2
from evolve.detectnet.batches import Shapes
from evolve.network import shapes
from evolve.network.axes import Shape
from evolve.network.layers.detectnet_parameters import Parameters
from evolve.network.phases import Layer, Net

_PIXELS, _LABELS = "pixels", "labels"


@dataclass(frozen=True)
class Comparison:
    """A layer that compares or multiplies both, or groups what is predicted, and the shapes of its bottoms by name."""

    layer: Layer
    bottoms: dict[str, Shape]
    compares: bool  # its bottoms come from both


def comparisons(net: Net, data: Layer, given: Parameters) -> Iterator[Comparison]:
    """Every layer of `net` (of one phase) whose bottoms' shapes are known, where `data` makes pixels and ground truth.

    Ground truth is known from param_str, what is predicted from the net's own layers. UserError, naming the layer, for
    what does not fit in either of them.
    """
    sides = _sides(net, data)
    known = _shapes(net, data, given, sides)
    for layer in net.layer:
        bottoms = {name: known[name] for name in layer.bottom if name in known}
        if bottoms and len(bottoms) == len(set(layer.bottom)):
            yield Comparison(layer, bottoms, _joint(layer, sides))


def _sides(net: Net, data: Layer) -> dict[str, set[str]]:
    """For each blob that comes from `data`, whether from its pixels, its ground truth or both."""
    sides = {top: {_LABELS} for top in data.top} | {data.top[0]: {_PIXELS}}
    for layer in net.layer:
        of = set().union(*(sides.get(name, set()) for name in layer.bottom))
        if of and layer != data:
            sides |= {top: of | (sides.get(top, set()) if top in layer.bottom else set()) for top in layer.top}
    return sides


def _joint(layer: Layer, sides: dict[str, set[str]]) -> bool:
    return {_PIXELS, _LABELS} <= set().union(*(sides.get(name, set()) for name in layer.bottom))


def _shapes(net: Net, data: Layer, given: Parameters, sides: dict[str, set[str]]) -> dict[str, Shape]:
    apart = caffe_pb2.NetParameter(name=net.name)
    source = apart.layer.add()
    source.CopyFrom(data)
    del source.bottom[:]
    apart.layer.extend(
        layer for layer in net.layer if any(name in sides for name in layer.bottom) and not _joint(layer, sides)
    )
    # Room for the boxes of a label plays no part in the net.
    made = Shapes.of(given, given.data.batch_size if given.data else 1, max_boxes=1)
    tops = dict(zip(data.top, (made.images, made.truth, made.labels), strict=False))
    steps = shapes.infer(apart, keep_unknown=True, given=tops)
    return {top: shape for step in steps for top, shape in zip(step.layer.top, step.tops, strict=True)}
