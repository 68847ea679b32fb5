"""Where a network's data flows between its layers with synapses: what a diagram of it shows, and where.

Whatever has no synapses is left out; where several things meet, in a sum, a concatenation or a further input, they
do so in a join.
"""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass

from evolve.network import layers
from evolve.network.axes import Layer, Net


@dataclass(frozen=True, eq=False)
class Stop:
    """A layer with synapses, an input, or a join, which has no name. Its place is a column, and a row of that."""

    name: str
    sources: tuple["Stop", ...]
    column: int
    row: int


def stops(net: Net) -> list[Stop]:
    """All of a net's, in its order; a join only where something with synapses, or another join, reads it."""
    drawer = _Flow()
    for layer in net.layer:
        drawer.follow(layer)
    read = {source for stop in drawer.found for source in stop.sources}
    return [stop for stop in drawer.found if stop.name or stop in read]


class _Flow:
    def __init__(self) -> None:
        self.found: list[Stop] = []
        self._writers: dict[str, tuple[Stop, ...]] = {}  # by blob, as it was last written
        self._rows: Counter[int] = Counter()

    def follow(self, layer: Layer) -> None:
        """One layer's tops, each with the stops that it comes from."""
        known = layers.of(layer)
        sources = _once(stop for bottom in layer.bottom for stop in self._writers.get(bottom, ()))
        if known and known.connects:
            sources = (self._stop(layer.name, sources),)
        elif not layer.bottom:
            sources = (self._stop(layer.name, ()),)
        elif len(sources) > 1:
            sources = (self._stop("", sources),)
        self._writers.update(dict.fromkeys(layer.top, sources))

    def _stop(self, name: str, sources: tuple[Stop, ...]) -> Stop:
        column = 1 + max((source.column for source in sources), default=-1)
        stop = Stop(name, sources, column, self._rows[column])
        self._rows[column] += 1
        self.found.append(stop)
        return stop


def _once(every: Iterable[Stop]) -> tuple[Stop, ...]:
    return tuple(dict.fromkeys(every))
