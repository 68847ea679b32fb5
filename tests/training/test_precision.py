"""The cast to 16 bits against rounding with whole numbers, bit by bit, and the report of what it cost."""

import math
import struct
from dataclasses import dataclass

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from evolve.base.caffe_messages import caffe_pb2
from evolve.network.precision import Range, cast, once


@dataclass(frozen=True)
class Format:
    """A 16-bit format: bits of a significand, exponents of the smallest step and of the smallest normal number."""

    bits: int
    step: int
    normal: int
    largest: int


FORMATS = {
    "HALF": Format(bits=11, step=-24, normal=-14, largest=65504),
    "BFLOAT16": Format(bits=8, step=-133, normal=-126, largest=(2**8 - 1) * 2**120),
}
BOTH = pytest.mark.parametrize("precision", list(FORMATS))


def rounded(value: float, to: Format) -> float:
    """`value`, a 32-bit float, to nearest, ties to even; beyond the largest number the largest."""
    (pattern,) = struct.unpack("<I", struct.pack("<f", value))
    sign = -1.0 if pattern >> 31 else 1.0
    exponent, fraction = pattern >> 23 & 0xFF, pattern & 0x7FFFFF
    if exponent == 0xFF:
        return sign * to.largest
    # value = whole * 2 ** place
    whole, place = (fraction | 0x800000, exponent - 150) if exponent else (fraction, -149)
    step = max(whole.bit_length() + place - to.bits, to.step)
    if step > place:
        below, rest = divmod(whole, 1 << step - place)
        half = 1 << step - place - 1
        whole, place = below + (rest > half or rest == half and below % 2 == 1), step
    return sign * min(math.ldexp(whole, place), float(to.largest))


PATTERNS = st.integers(0, 2**32 - 1).map(lambda bits: struct.unpack("<f", struct.pack("<I", bits))[0])
# Numbers that lie exactly between two neighbours, in the middle of the range and at its ends.
TIES = st.builds(
    lambda whole, power: math.ldexp(2 * whole + 1, power),
    st.integers(-(2**11), 2**11),
    st.one_of(st.integers(-30, 5), st.integers(-140, 100)),
).filter(lambda value: abs(value) < 3e38)
FLOATS = st.one_of(
    st.floats(width=32, allow_nan=False),
    st.floats(-4, 4, width=32),
    PATTERNS.filter(lambda value: value == value),
    TIES,
)


@BOTH
@given(values=st.lists(FLOATS, min_size=1, max_size=30))
def test_nearest_even_and_what_it_cost(precision: str, values: list[float]) -> None:
    to = FORMATS[precision]
    before = np.array(values, np.float32)
    made, (report,) = cast({"ip": [before]}, precision)
    (after,) = made["ip"]
    expected = [rounded(value, to) for value in before.tolist()]
    assert after.dtype == np.float32
    assert after.tobytes() == np.array(expected, np.float32).tobytes()
    assert report == Range(
        "ip",
        overflows=sum(abs(value) > to.largest for value in before.tolist()),
        subnormals=sum(0 < abs(value) < 2.0**to.normal for value in expected),
        flushed=sum(new == 0 and old != 0 for old, new in zip(before.tolist(), expected, strict=True)),
    )


@pytest.mark.parametrize(
    ("precision", "value", "becomes"),
    [
        ("HALF", 1 + 2**-11, 1.0),  # ties go to the even neighbour, below
        ("HALF", 1 + 3 * 2**-11, 1 + 2**-9),  # and above
        ("HALF", 1 + 2**-11 + 2**-20, 1 + 2**-10),
        ("HALF", 2**-25, 0.0),
        ("HALF", 2**-25 + 2**-40, 2**-24),
        ("HALF", 65519.0, 65504.0),
        ("HALF", -1e30, -65504.0),
        ("HALF", float("inf"), 65504.0),
        ("BFLOAT16", 1 + 2**-8, 1.0),
        ("BFLOAT16", 1 + 3 * 2**-8, 1 + 2**-6),
        ("BFLOAT16", 2**-134, 0.0),
        ("BFLOAT16", 3.4e38, 3.3895313892515355e38),
    ],
)
def test_by_hand(precision: str, value: float, becomes: float) -> None:
    made, _ = cast({"ip": [np.array([value], np.float32)]}, precision)
    assert made["ip"][0].tolist() == [becomes] == [rounded(value, FORMATS[precision])]


def test_what_a_layer_reports() -> None:
    smallest = 2.0**-24
    layer = [
        np.array([[0, 1, 65504, 65505, -np.inf], [smallest, smallest / 2, -1e-30, 2**-14, -(2**-15)]], np.float32),
        np.array([1e9, 2**-20, 1e-30, 0], np.float32),
    ]
    _, ranges = cast({"a": layer, "b": [np.ones(3, np.float32)]}, "HALF")
    # Of the biases, one is too large, one subnormal; one became zero, but a bias is no synapse of its own to lose.
    assert ranges == [Range("a", overflows=3, subnormals=3, flushed=2), Range("b", 0, 0, 0)]


@BOTH
@given(values=st.lists(FLOATS, min_size=1, max_size=30))
def test_a_second_cast_changes_nothing(precision: str, values: list[float]) -> None:
    once, _ = cast({"ip": [np.array(values, np.float32)]}, precision)
    twice, ranges = cast(once, precision)
    assert once["ip"][0].tobytes() == twice["ip"][0].tobytes()
    assert ranges[0].overflows == ranges[0].flushed == 0


@BOTH
def test_what_was_given_stays_and_shapes_too(precision: str) -> None:
    weights = {"conv": [np.full((2, 1, 3, 3), 0.1, np.float32), np.full(2, 0.1, np.float32)]}
    made, _ = cast(weights, precision)
    assert [blob.shape for blob in made["conv"]] == [(2, 1, 3, 3), (2,)]
    assert (weights["conv"][0] == np.float32(0.1)).all() and (made["conv"][0] != np.float32(0.1)).all()


def test_float_is_left_alone() -> None:
    weights = {"ip": [np.array([1e-40, 0.1, 1e38, np.inf], np.float32)]}
    before = weights["ip"][0].tobytes()
    made, ranges = cast(weights, "FLOAT")
    assert made["ip"][0].tobytes() == before
    assert ranges == [Range("ip", 0, 0, 0)]


def test_statistics_stay_as_they_are_and_factors_are_no_synapses() -> None:
    """BatchNorm's sums would not fit into 16 bits; a slope that becomes zero is no synapse lost."""
    sums = np.array([1e6, 0.1, 1e-9], np.float32)
    weights = {"norm": [sums, sums, sums[:1]], "slope": [sums], "fc": [sums]}
    types = {"norm": "BatchNorm", "slope": "PReLU", "fc": "InnerProduct"}
    layers = [caffe_pb2.LayerParameter(name=name, type=kind) for name, kind in types.items()]
    rounded, ranges = cast(weights, "HALF", layers)
    assert all(np.array_equal(blob, before) for blob, before in zip(rounded["norm"], weights["norm"], strict=True))
    assert rounded["slope"][0].tolist() == rounded["fc"][0].tolist() == [65504.0, float(np.float16(0.1)), 0.0]
    assert {each.layer: each.flushed for each in ranges} == {"slope": 0, "fc": 1}


def test_of_layers_that_share_their_parameters_the_first_counts() -> None:
    layers = [
        caffe_pb2.LayerParameter(name=name, param=[{"name": shared}] if shared else [])
        for name, shared in (("a", "w"), ("b", ""), ("c", "w"), ("a", "w"), ("d", "v"))  # a in both phases
    ]
    ranges = [Range(name, 0, 0, 1) for name in "abcde"]
    assert [each.layer for each in once(ranges, layers)] == ["a", "b", "d", "e"]
