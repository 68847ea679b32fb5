"""Numbers of a C file are stored in 8, 16 or 32 bits: weights as they were asked for, all others without loss."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import ml_dtypes
import numpy as np

from evolve.base.errors import UserError
from evolve.network.grid import LEVELS
from trt.onnx import half

_HALF, _BFLOAT16 = np.dtype(np.float16), np.dtype(ml_dtypes.bfloat16)
_SCALES = {"int8": _HALF, "int8_bfloat16": _BFLOAT16}  # of a kind of 8 bits, its scales' numbers
_COARSE = 2.0**-20  # of a scale: half precision's next one below is a sixteenth away
_ESCAPE = 255  # a gap that goes on


@dataclass(frozen=True)
class Synapses:
    """Weights as a C file has them: a row a neuron, or, if `by_taps`, for each place of a row those of all neurons."""

    rows: int
    row: int  # places of one
    weights: np.ndarray  # of kind's bits; without the absent ones where there are gaps
    gaps: np.ndarray | None  # uint8, from each synapse to the next, the last to the end; None: none is left out
    scales: np.ndarray | None  # bits of half precision or bfloat16, one a neuron; None but in 8 bits
    by_taps: bool

    @property
    def bytes(self) -> int:
        """What it takes of a program's constants."""
        return sum(each.nbytes for each in (self.weights, self.gaps, self.scales) if each is not None)


def is_half(values: np.ndarray) -> bool:
    """Whether half precision holds every one of them, and all are finite."""
    return bool(np.isfinite(values).all()) and _holds(_HALF, values)


def kind_of(weights: Sequence[np.ndarray], bits: int) -> str:
    """How the weights of a net, a row a neuron, are stored, all alike; `bits` 0: in the fewest that lose nothing.

    UserError for another number of bits than 8, 16 and 32.
    """
    if bits not in (0, 8, 16, 32):
        raise UserError(f"BITS={bits}: expected 8, 16 or 32; without it, the fewest that lose nothing")
    if bits == 32:
        return "float"
    if bits == 8:
        return "int8_bfloat16" if any(map(_are_weak, weights)) else "int8"
    if not bits and all(_on_grid(each) for each in weights):
        return "int8"
    exact = next((kind for kind, number in (("half", _HALF), ("bfloat16", _BFLOAT16))
                  if all(_holds(number, each) for each in weights)), None)  # fmt: skip
    if exact or not bits:
        return exact or "float"
    return "half" if all(half.rounded_off(each) <= half.TOLERATED for each in weights) else "bfloat16"


def synapses(weights: np.ndarray, kind: str, groups: int = 0) -> Synapses:
    """`weights`, a row a neuron, in the form that takes fewer bytes, dense or with gaps. UserError if not finite.

    With `groups` of neurons they are stored by taps, in each group all neurons' weights for a place of the row in turn.
    """
    if not np.isfinite(weights).all():
        raise UserError("expected finite numbers, got others; train it anew")
    scales = _scales(weights, _SCALES[kind]) if kind in _SCALES else None
    stored = _stored(weights, kind, scales)
    bits = None if scales is None else scales.view(np.uint16)
    rows, row = weights.shape
    if groups:
        stored = np.ascontiguousarray(stored.reshape(groups, rows // groups, row).swapaxes(1, 2))
    places = np.flatnonzero(stored)
    dense = Synapses(rows, row, stored, None, bits, groups > 0)
    sparse = replace(dense, weights=stored.reshape(-1)[places], gaps=_gaps(places, stored.size))
    return min(dense, sparse, key=lambda each: each.bytes)


def values(stored: np.ndarray, kind: str, scales: np.ndarray | None = None) -> np.ndarray:
    """float32 of what the C file computes with; `scales` one a row."""
    if kind == "float":
        return stored.astype(np.float32)
    if kind in _SCALES:
        assert scales is not None
        return stored.astype(np.float32) * scales.view(_SCALES[kind]).astype(np.float32).reshape(-1, 1)
    return stored.view(_HALF if kind == "half" else _BFLOAT16).astype(np.float32)


def rounded(weights: np.ndarray, kind: str) -> np.ndarray:
    """What becomes of `weights`, a row a neuron, once they are stored; float32."""
    scales = _scales(weights, _SCALES[kind]) if kind in _SCALES else None
    return values(_stored(weights, kind, scales), kind, scales)


def _stored(weights: np.ndarray, kind: str, scales: np.ndarray | None) -> np.ndarray:
    plain = weights.astype(np.float32) + np.float32(0)  # no zero below zero
    if kind == "float":
        return plain
    if kind in _SCALES:
        assert scales is not None
        return np.rint(plain / scales.astype(np.float32).reshape(-1, 1)).astype(np.int8)
    number = _HALF if kind == "half" else _BFLOAT16
    return (plain.astype(number) + number.type(0)).view(np.uint16)


def _scales(weights: np.ndarray, number: np.dtype) -> np.ndarray:
    """A `number` for each row, the least with which 127 levels reach its largest weight.

    They are those of evolve/network/grid.py where half precision's range has them: what is on that grid is exact. Where
    all weights of a row are of one size that half precision holds, as Im2col's ones are, one level is that size.
    """
    wanted = _wanted(weights, number)
    if (wanted > float(ml_dtypes.finfo(number).max)).any():
        raise UserError("expected weights below 8,000,000 for 8 bits, got larger ones; write it with BITS=32")
    scales = wanted.astype(number)
    short = scales < wanted
    scales[short] = np.nextafter(scales[short], number.type(np.inf))  # of the largest there is no next
    return np.where(wanted == 0, number.type(1), scales).astype(number)


def _wanted(weights: np.ndarray, number: np.dtype) -> np.ndarray:
    """float64: each row's scale before it is rounded; 0 of a row without synapses."""
    largest = np.abs(weights).max(axis=1, initial=0).astype(np.float64)
    least = np.where(weights != 0, np.abs(weights), np.inf).min(axis=1, initial=np.inf)
    with np.errstate(over="ignore"):
        single = (least == largest) & (largest.astype(number) == largest)
    return np.where(single, largest, largest / LEVELS)


def _are_weak(weights: np.ndarray) -> bool:
    """Whether half precision has no scale near enough for one of the rows."""
    wanted = _wanted(weights, _HALF)
    weak = wanted[half.that_matter(weights) & (wanted < _COARSE)]
    return bool((weak.astype(np.float16) != weak).any())


def _gaps(places: np.ndarray, total: int) -> np.ndarray:
    steps = np.diff(places, prepend=0, append=total)
    tokens: list[int] = []
    for step in steps:
        tokens += [_ESCAPE] * (int(step) // _ESCAPE) + [int(step) % _ESCAPE]
    return np.array(tokens, np.uint8)


def _on_grid(weights: np.ndarray) -> bool:
    """Whether 8 bits hold every one of them."""
    within = np.isfinite(weights).all() and np.abs(weights).max(initial=0) <= float(np.finfo(np.float16).max)
    return bool(within and (rounded(weights, "int8") == weights).all())


def _holds(number: np.dtype, numbers: np.ndarray) -> bool:
    with np.errstate(over="ignore"):
        return bool((numbers.astype(number).astype(np.float64) == numbers).all())
