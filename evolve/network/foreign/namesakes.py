"""Two layers of one name in one phase: weights are found by the name alone, so that each would have the other's."""

import re
from pathlib import Path

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
                lines = " and ".join(str(line) for line in _lines(text, layer.name)) or "?"
                raise UserError(
                    f"{path}:{lines}: layer '{layer.name}': expected every name once in phase {phase}, got it of "
                    f"{layers.kind(other)} and {layers.kind(layer)}; name one of them otherwise, also in the caffemodel"
                )


def _learns(layer: Layer) -> bool:
    known = layers.of(layer)
    return known is None or known.connects is not None or known.learned is not layers.nothing


def _lines(text: str, name: str) -> list[int]:
    pattern = re.compile(rf"""\bname\s*:\s*["']{re.escape(name)}["']""")
    code = (re.sub(r"#.*", "", line) for line in text.splitlines())
    return [number for number, line in enumerate(code, start=1) if pattern.search(line)]
