"""The shape of every blob of a net, from its prototxt alone: what Caffe's Net::Init would make of it.

Shapes are Caffe's own, batch axis included; a loss is a scalar, ().
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from evolve.base.errors import UserError
from evolve.base.spelling import did_you_mean
from evolve.detectnet import inputs
from evolve.network import shape_rules, shape_sources
from evolve.network.axes import Shape, count, written
from evolve.network.in_place import Readers

_MOST = (1 << 31) - 1  # values of a blob (Blob::Reshape)


@dataclass(frozen=True)
class Step:
    """A layer with the shapes it reads and writes, one each of its bottoms and tops."""

    layer: Any  # caffe_pb2.LayerParameter
    bottoms: tuple[Shape, ...]
    tops: tuple[Shape, ...]


def infer(net: Any, keep_unknown: bool = False, given: Mapping[str, Shape] | None = None) -> list[Step]:
    """The layers of `net` in order, with their shapes. The caller picks a phase (`prototxt.for_phase`) first.

    `given` names the shapes of blobs that no prototxt tells: those of data layers, and of unknown layers. A top of
    an unknown type (Python, for one) has, with `keep_unknown`, the shape of the layer's first bottom. The old way
    to name inputs, outside any layer, becomes an Input layer, as Caffe makes it one.
    UserError naming the layer for whatever does not fit, or a type that is not known here.
    """
    if net.layers:
        raise UserError(
            f"net '{net.name}': expected layer {{ }}, got the old layers {{ }}; Caffe's upgrade_net_proto_text mends it"
        )
    blobs: dict[str, Shape] = {}
    steps, readers = [], Readers()
    for layer in [*shape_sources.old_inputs(net), *net.layer]:
        bottoms = tuple(_read(layer, bottom, blobs) for bottom in layer.bottom)
        readers.check(layer)
        tops = _tops(layer, bottoms, keep_unknown, given or {})
        for top, shape in zip(layer.top, tops, strict=True):
            if top in blobs and top not in layer.bottom:
                raise UserError(f"layer '{layer.name}': expected a top of its own, got '{top}', which another writes")
            if min(shape, default=1) < 1:
                raise _too_small(layer, bottoms, shape)
            if count(shape) > _MOST:
                raise UserError(
                    f"layer '{layer.name}': expected a top of at most {_MOST} values, which is Caffe's limit, got "
                    f"{written(shape)}; make it smaller"
                )
            blobs[top] = shape
        steps.append(Step(layer, bottoms, tops))
    return steps


def _too_small(layer: Any, bottoms: tuple[Shape, ...], top: Shape) -> UserError:
    if not bottoms:
        return UserError(f"layer '{layer.name}': expected a shape of 1 and more along each axis, got {written(top)}")
    before = ", ".join(map(written, bottoms))
    return UserError(f"layer '{layer.name}': bottom {before} is too small for it, its top would be {written(top)}")


def _read(layer: Any, bottom: str, blobs: dict[str, Shape]) -> Shape:
    if bottom in blobs:
        return blobs[bottom]
    hint = did_you_mean(bottom, blobs, f"there are: {', '.join(blobs) or 'none'}", quoted="'{}'")
    raise UserError(f"layer '{layer.name}': expected a bottom that a layer before it writes, got '{bottom}'; {hint}")


def _tops(
    layer: Any, bottoms: tuple[Shape, ...], keep_unknown: bool, given: Mapping[str, Shape]
) -> tuple[Shape, ...]:
    known = inputs.kind(layer) in shape_rules.RULES
    if layer.top and all(top in given for top in layer.top) and not (known and bottoms):
        return tuple(given[top] for top in layer.top)
    if known:
        return shape_rules.tops(layer, bottoms)
    if not bottoms and layer.top:
        return shape_sources.tops(layer)
    if not keep_unknown:
        raise UserError(f"layer '{layer.name}': type {layer.type} is not known here; keep_unknown leaves it whole")
    return tuple(bottoms[0] for _ in layer.top)
