"""Pooling with Caffe's exact windows, said without ONNX's ceil_mode, which engines understand differently.

Caffe rounds the number of windows up. The last one then overhangs: past the padding at the bottom and right end, which
its average does not count, while it does count the padding. Padding each end explicitly, by what the last window
reaches, gives Caffe's windows; what is left is the average's divisor.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np

from evolve.base.errors import UserError
from evolve.network.axes import count
from evolve.network.layers import windows
from evolve.network.layers.windows import Sizes, Window
from trt.onnx.convolution import reshaped
from trt.onnx.graph import Graph, Operation


@dataclass(frozen=True)
class Places:
    """A window over maps of `size`, applied at `counts` places."""

    window: Window
    size: Sizes
    counts: Sizes

    @property
    def end(self) -> Sizes:
        """Padding at the far ends, as far as the last window reaches; the near ends have the window's own."""
        return tuple(
            max(0, (places - 1) * stride + kernel - length - pad)
            for length, places, kernel, stride, pad in self._axes()
        )

    @property
    def overhangs(self) -> bool:
        """Whether a last window reaches beyond the padding."""
        return any(end > pad for end, pad in zip(self.end, self.window.pad, strict=True))

    @property
    def empty(self) -> bool:
        """Whether a last window has nothing of the map in it; Caffe drops it only where there is padding."""
        return any((places - 1) * stride >= length + pad for length, places, _, stride, pad in self._axes())

    def divisors(self) -> np.ndarray:
        """What Caffe divides the sum of each window by, float64 of `counts`."""
        lengths = []
        for length, places, kernel, stride, pad in self._axes():
            start = np.arange(places) * stride - pad
            lengths.append(np.minimum(start + kernel, length + pad) - start)
        return np.multiply.outer(*lengths).astype(np.float64)

    def _axes(self) -> list[tuple[int, int, int, int, int]]:
        window = self.window
        return list(zip(self.size, self.counts, window.kernel, window.stride, window.pad, strict=True))


def pooling(graph: Graph, op: Operation, bottoms: list[str]) -> str | list[str]:
    """PoolingLayer; a second top has the places of the maxima in their map."""
    parameter, size = op.layer.pooling_param, op.bottom[2:]
    places = Places(windows.pooling(op.layer, size), size, op.top[2:])
    if parameter.pool == windows.STOCHASTIC:
        raise UserError(f"layer '{op.layer.name}': expected pool MAX or AVE, got STOCHASTIC; train with one of these")
    if places.empty:
        raise UserError(
            f"layer '{op.layer.name}': its last window has nothing of {size[0]} x {size[1]} in it; use a stride below "
            "its kernel"
        )
    if places.window.kernel == size and not any(places.window.pad) and len(op.top_shapes) == 1:
        return str(graph.add("GlobalMaxPool" if parameter.pool == windows.MAX else "GlobalAveragePool", bottoms[0]))
    if len(op.top_shapes) > 1:
        return _with_places(graph, bottoms[0], places)
    return pooled(graph, bottoms[0], places, parameter.pool)


def pyramid(graph: Graph, op: Operation, bottoms: list[str]) -> str:
    """SPPLayer: a pooling for each level, laid out in one row."""
    size = op.bottom[2:]
    levels = [Places(window, size, windows.places(window, size)) for window in windows.pyramid(op.layer, size)]
    tops = [pooled(graph, bottoms[0], places, op.layer.spp_param.pool) for places in levels]
    if len(tops) == 1:
        return tops[0]
    rows = [reshaped(graph, top, (op.bottom[0], count(op.bottom[1:2]) * count(places.counts)))
            for top, places in zip(tops, levels, strict=True)]  # fmt: skip
    return str(graph.add("Concat", *rows, axis=1))


def pooled(graph: Graph, value: str, places: Places, method: int) -> str:
    """The maximum or the average of each window."""
    if method == windows.MAX:
        return str(graph.add("MaxPool", value, **_window(places)))
    # Without padding at the near ends, what lies outside the map is what Caffe does not count either.
    counts_padding = any(places.window.pad) or not places.overhangs
    top = graph.add("AveragePool", value, **_window(places), count_include_pad=int(counts_padding))
    if counts_padding and places.overhangs:
        correction = count(places.window.kernel) / places.divisors()
        top = graph.add("Mul", top, graph.constant("divisors", correction[np.newaxis, np.newaxis]))
    return str(top)


def _with_places(graph: Graph, value: str, places: Places) -> list[str]:
    # ONNX counts places through all maps, Caffe within each.
    top, index = graph.add("MaxPool", value, tops=2, **_window(places))
    within = graph.add("Mod", index, graph.integers("map", [count(places.size)]))
    return [top, graph.add("Cast", within, to="float", wide=True)]


def _window(places: Places) -> dict[str, Any]:
    window = places.window
    return {
        "kernel_shape": list(window.kernel),
        "strides": list(window.stride),
        "pads": [*window.pad, *places.end],
    }
