"""How a C file stores numbers: exactly where it says so, by known steps elsewhere, and in fewer bytes when sparse."""

from pathlib import Path

import ml_dtypes
import numpy as np
import pytest

from evolve.base.caffe_messages import caffe_pb2
from evolve.base.errors import UserError
from evolve.network import grid
from trt.c import storage

KERNELS = Path(storage.__file__).with_name("kernels")


def drawn(rows: int, row: int, part: float = 1.0) -> np.ndarray:
    random = np.random.default_rng(rows + row)
    values = random.normal(size=(rows, row)).astype(np.float32)
    return np.where(random.random(values.shape) < part, values, 0).astype(np.float32)


def unpacked(made: storage.Synapses, kind: str, groups: int = 1) -> np.ndarray:
    """The weights, a row a neuron, by the walk over gaps that kernels/cursor.c makes."""
    return storage.values(in_rows(stored(made), made, groups), kind, made.scales)


def in_rows(weights: np.ndarray, made: storage.Synapses, groups: int) -> np.ndarray:
    """Weights in the order in which they are stored, as rows; kernels/convolution.c reads them so."""
    if not made.by_taps:
        return weights.reshape(made.rows, made.row)
    rows, each, numbers = np.zeros((made.rows, made.row), weights.dtype), made.rows // groups, iter(weights)
    for group in range(groups):
        for tap in range(made.row):
            for neuron in range(each):
                rows[group * each + neuron, tap] = next(numbers)
    return rows


def stored(made: storage.Synapses) -> np.ndarray:
    """All weights in their order, zeros where there are none."""
    if made.gaps is None:
        return made.weights.reshape(-1)
    dense, place = np.zeros(made.rows * made.row, made.weights.dtype), 0
    gaps, weights = iter(made.gaps), iter(made.weights)
    while True:
        gap = int(next(gaps))
        place += gap
        if gap == 255:
            continue
        if place == len(dense):
            assert next(gaps, None) is None and next(weights, None) is None
            return dense
        dense[place] = next(weights)


@pytest.mark.parametrize("kind", ["float", "half", "bfloat16", "int8", "int8_bfloat16"])
@pytest.mark.parametrize("part", [0.0, 0.001, 0.05, 0.5, 1.0])
@pytest.mark.parametrize("rows, row", [(1, 1), (7, 300), (40, 255), (3, 2000)])
def test_what_is_stored_is_what_is_said(kind: str, part: float, rows: int, row: int) -> None:
    weights = drawn(rows, row, part)
    made = storage.synapses(weights, kind)
    assert (unpacked(made, kind) == storage.rounded(weights, kind)).all()
    dense = weights.size * made.weights.itemsize + 2 * rows * kind.startswith("int8")
    assert made.bytes <= dense
    assert (made.gaps is not None) == (made.bytes < dense)


@pytest.mark.parametrize("kind", ["half", "int8"])
@pytest.mark.parametrize("part", [0.02, 1.0])
@pytest.mark.parametrize("rows, row, groups", [(7, 30, 1), (40, 25, 4)])
def test_by_taps_it_is_the_same(kind: str, part: float, rows: int, row: int, groups: int) -> None:
    weights = drawn(rows, row, part)
    made = storage.synapses(weights, kind, groups)
    assert made.by_taps and (unpacked(made, kind, groups) == storage.rounded(weights, kind)).all()


def test_rounding() -> None:
    """Half a step of each format at most; 127 levels of a scale that reaches the largest weight."""
    weights = drawn(9, 50)
    assert (storage.rounded(weights, "float") == weights).all()
    assert (storage.rounded(weights, "half") == weights.astype(np.float16)).all()
    assert (storage.rounded(weights, "bfloat16") == weights.astype(ml_dtypes.bfloat16).astype(np.float32)).all()
    step = np.abs(weights).max(axis=1, keepdims=True) / 127 * (1 + 2**-10)
    rounded = storage.rounded(weights, "int8")
    assert (np.abs(rounded - weights) <= step / 2 * 1.0001).all()
    assert len(np.unique(rounded[0])) > 30
    # Twice changes nothing: a generation that is on the grid stays as it is.
    assert (storage.rounded(rounded, "int8") == rounded).all()


def test_rows_of_one_size_are_exact_in_8_bits() -> None:
    weights = np.array([[0, 1, 0, -1], [0.5, 0, 0, 0], [0, 0, 0, 0]], np.float32)
    assert (storage.rounded(weights, "int8") == weights).all()


@pytest.mark.parametrize("kind", ["int8", "int8_bfloat16"])
@pytest.mark.filterwarnings("error")
def test_the_largest_scale_that_there_is(kind: str) -> None:
    """Silently: there is no number above it to be rounded up to."""
    largest = float(ml_dtypes.finfo(np.float16 if kind == "int8" else ml_dtypes.bfloat16).max)
    weights = np.array([[0, largest, -largest], [0.5, 0.25, 0]], np.float32)
    assert (storage.rounded(weights, kind)[0] == weights[0]).all()


@pytest.mark.parametrize("part", [0.02, 0.1, 1.0])
def test_a_generation_in_int8_is_kept(part: float) -> None:
    """What lies on the grid that `precision: INT8` imposes, rows with a single synapse among them, loses nothing."""
    layer = caffe_pb2.LayerParameter(name="ip", type="InnerProduct")
    on_grid, _ = grid.rounded(drawn(60, 40, part), layer)
    assert (storage.rounded(on_grid, "int8") == on_grid).all()
    assert storage.kind_of([on_grid], 0) == "int8"


def test_16_bits_where_that_loses_nothing() -> None:
    half = drawn(3, 4).astype(np.float16).astype(np.float32)
    brain = drawn(3, 4).astype(ml_dtypes.bfloat16).astype(np.float32) * 2.0**100
    assert storage.kind_of([half, half], 0) == "half"
    assert storage.kind_of([brain.astype(np.float32)], 0) == "bfloat16"
    assert storage.kind_of([half, half + np.float32(1e-4)], 0) == "float"
    assert storage.kind_of([half + np.float32(1e-4)], 16) == "half"
    assert storage.kind_of([np.full((1, 1), 1e6 + 1, np.float32)], 16) == "bfloat16"
    assert storage.kind_of([half], 8) == "int8"


def test_weights_that_half_precision_has_no_numbers_for() -> None:
    """One such neuron is enough: bfloat16 has them in 16 bits, and its scales in 8."""
    weights = drawn(9, 50)
    weights[4] *= 1e-7
    assert (storage.kind_of([weights], 16), storage.kind_of([weights], 8)) == ("bfloat16", "int8_bfloat16")
    for kind, least, most in (("half", 0.1, 1), ("bfloat16", 0, 0.003), ("int8", 0.1, 1), ("int8_bfloat16", 0, 0.01)):
        lost = np.linalg.norm(storage.rounded(weights, kind) - weights, axis=1) / np.linalg.norm(weights, axis=1)
        assert least < lost.max() < most
    for factor in (1e4, 1e-20):  # and none that died in training
        weights[4] *= factor
        assert (storage.kind_of([weights], 16), storage.kind_of([weights], 8)) == ("half", "int8")


@pytest.mark.parametrize(
    "weights, kind, message",
    [
        ([np.nan, 1], "float", "expected finite numbers, got others; train it anew"),
        ([1, 9e6], "int8", "expected weights below 8,000,000 for 8 bits, got larger ones; write it with BITS=32"),
    ],
)
def test_refused(weights: list[float], kind: str, message: str) -> None:
    with pytest.raises(UserError) as error:
        storage.synapses(np.array([weights], np.float32), kind)
    assert str(error.value) == message
