"""Two layers of one name in one phase: weights are found by the name alone, so that each would have the other's.

And names that nothing in a net has, for what is added to it.
"""

import itertools
from collections.abc import Container
from pathlib import Path

from evolve.base import prototxt_text
from evolve.base.errors import UserError
from evolve.network import layers, phases
from evolve.network.axes import Layer, Net


def refuse(net: Net, path: Path, text: str) -> None:
    """UserError with both lines for two layers of one name in one phase, one of which learns something."""
    for phase in ("TRAIN", "TEST"):
        seen: dict[str, Layer] = {}
        for layer in phases.for_phase(net, phase).layer:
            other = seen.setdefault(layer.name, layer)
            if other is not layer and layer.name and (_learns(layer) or _learns(other)):
                lines = " and ".join(map(str, prototxt_text.lines_of(text, layer.name))) or "?"
                raise UserError(
                    f"{path}:{lines}: layer '{layer.name}': expected every name once in phase {phase}, got it of "
                    f"{layers.kind(other)} and {layers.kind(layer)}; name one of them otherwise, also in the caffemodel"
                )


def taken(net: Net) -> set[str]:
    """The names of all layers and blobs of `net`."""
    return {each for layer in net.layer for each in (layer.name, *layer.bottom, *layer.top)}


def free(name: str, names: Container[str]) -> str:
    """`name`, or with a number behind it, so that it is none of `names`."""
    others = (f"{name}{k}" for k in itertools.count(2))
    return next(each for each in itertools.chain([name], others) if each not in names)


def _learns(layer: Layer) -> bool:
    known = layers.of(layer)
    return known is None or known.connects is not None or known.learned is not layers.nothing
