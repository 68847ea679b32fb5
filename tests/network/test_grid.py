"""The grid of eight bits against exact fractions, number by number, and what the range report says of it."""

from fractions import Fraction
from typing import Any

import numpy as np
import pytest
from google.protobuf import text_format
from hypothesis import given
from hypothesis import strategies as st

from evolve.base.caffe_messages import caffe_pb2
from evolve.network import batchnorm, grid, precision

FLOATS = st.floats(-(2.0**100), 2.0**100, width=32).filter(lambda value: value == 0 or abs(value) > 2.0**-80)
ROWS = st.integers(1, 4).flatmap(
    lambda width: st.lists(st.lists(FLOATS, min_size=width, max_size=width), min_size=1, max_size=4)
)


def layer(words: str) -> Any:
    return text_format.Parse(f'name: "it" {words}', caffe_pb2.LayerParameter())


def scale_of(synapses: list[float]) -> Fraction:
    """The strongest / 127, rounded up to 11 bits."""
    exact = max(abs(Fraction(each)) for each in synapses) / 127
    if not exact:
        return exact
    place = 0
    while exact * Fraction(2) ** -place >= 2**11:
        place += 1
    while exact * Fraction(2) ** -place < 2**10:
        place -= 1
    whole = -(-exact * Fraction(2) ** -place // 1)
    return whole * Fraction(2) ** place


def on_grid(synapses: list[float]) -> list[float]:
    scale = scale_of(synapses)
    return [float(round(Fraction(each) / scale) * scale) if scale else 0.0 for each in synapses]


@given(rows=ROWS)
def test_every_number_by_fractions(rows: list[list[float]]) -> None:
    made, scales = grid.rounded(np.array(rows, np.float32))
    assert made.dtype == scales.dtype == np.float32
    assert made.tolist() == [on_grid(row) for row in np.array(rows, np.float32).tolist()]
    assert scales.tolist() == [float(scale_of(row)) for row in np.array(rows, np.float32).tolist()]


@given(rows=ROWS)
def test_a_caffemodel_says_its_scales_itself(rows: list[list[float]]) -> None:
    made, scales = grid.rounded(np.array(rows, np.float32))
    again, same = grid.rounded(made)
    assert made.tobytes() == again.tobytes() and scales.tobytes() == same.tobytes()
    strongest = np.abs(made).max(axis=1)
    assert np.array_equal(strongest / np.float32(127), scales)
    steps = made[scales > 0] / scales[scales > 0, None]
    assert np.array_equal(steps, np.rint(steps)) and np.abs(steps).max(initial=0) in (0, 127)


@pytest.mark.parametrize(
    ("words", "shape", "neuron"),
    [
        ('type: "Convolution"', (2, 3, 1, 1), [[0, 1, 2], [3, 4, 5]]),
        ('type: "InnerProduct"', (2, 3), [[0, 1, 2], [3, 4, 5]]),
        ('type: "InnerProduct" inner_product_param { transpose: true }', (3, 2), [[0, 2, 4], [1, 3, 5]]),
        ('type: "Deconvolution"', (2, 3, 1, 1), [[0, 3], [1, 4], [2, 5]]),
        # Two groups of two inputs each, with an output and two: (4, 1) and (4, 2).
        ('type: "Deconvolution" convolution_param { group: 2 }', (4, 1, 1, 1), [[0, 1], [2, 3]]),
        ('type: "Deconvolution" convolution_param { group: 2 }', (4, 2, 1, 1), [[0, 2], [1, 3], [4, 6], [5, 7]]),
    ],
)
def test_where_a_neurons_synapses_lie(words: str, shape: tuple[int, ...], neuron: list[list[int]]) -> None:
    values = (1.1 ** np.arange(np.prod(shape)) * 0.37).astype(np.float32)
    made, scales = grid.rounded(values.reshape(shape), layer(words))
    flat, expected = made.ravel(), np.zeros(values.size)
    for places in neuron:
        expected[places] = on_grid(values[places].tolist())
    assert flat.tolist() == expected.tolist()
    assert sorted(scales.tolist()) == sorted(float(scale_of(values[places].tolist())) for places in neuron)


def test_what_a_layer_reports() -> None:
    """Of 127, .5 and -.4 at scale 1 two become zero (.5 is a tie, to even); biases are 16 bits, and no synapses."""
    blobs = [np.array([[127, 0.5, -0.4, 0], [0, 0, 0, 0]], np.float32), np.array([0.1, 2.0**-30], np.float32)]
    cast, (report,) = precision.cast({"ip": blobs}, "INT8")
    assert cast["ip"][0].tolist() == [[127, 0, 0, 0], [0, 0, 0, 0]]
    assert cast["ip"][1].tolist() == [float(np.float16(0.1)), 0]
    assert (report.flushed, report.overflows, report.subnormals) == (2, 0, 0)
    assert report.error == round((0.41 / (127**2 + 0.41)) ** 0.5, 6)
    assert report.smallest_scale == report.largest_scale == 1


def test_what_is_no_number_is_held() -> None:
    cast, (report,) = precision.cast({"ip": [np.array([[np.inf, 1], [3e38, -np.inf]], np.float32)]}, "INT8")
    assert np.isfinite(cast["ip"][0]).all() and report.overflows == 3 and report.flushed == 1
    assert report.error is not None and np.isfinite(report.error)


def test_what_has_no_synapses_is_cast_to_16_bits() -> None:
    sums = np.array([1e6, 0.1, 1e-9], np.float32)
    layers = [layer(f'type: "{kind}"') for kind in ("BatchNorm", "PReLU")]
    for each, name in zip(layers, ("norm", "slope"), strict=True):
        each.name = name
    cast, ranges = precision.cast({"norm": [sums], "slope": [sums]}, "INT8", layers)
    assert cast["norm"][0].tobytes() == sums.tobytes()
    assert cast["slope"][0].tolist() == [65504.0, float(np.float16(0.1)), 0.0]
    assert [(each.layer, each.flushed, each.error) for each in ranges] == [("slope", 0, None)]


def test_bits() -> None:
    found = {name: precision.bits(name) for name in ("FLOAT", "HALF", "BFLOAT16", "INT8")}
    assert found == {"FLOAT": 32, "HALF": 16, "BFLOAT16": 16, "INT8": 8}


def test_a_grid_stays_one_when_batchnorm_is_folded() -> None:
    """A factor a neuron, negative ones too: whole numbers times another scale, which is the strongest / 127."""
    words = """
    layer { name: "in" type: "Input" top: "data" input_param { shape { dim: 1 dim: 2 dim: 4 dim: 4 } } }
    layer { name: "conv" type: "Convolution" bottom: "data" top: "conv"
      convolution_param { num_output: 3 kernel_size: 3 } }
    layer { name: "norm" type: "BatchNorm" bottom: "conv" top: "conv" }
    layer { name: "scale" type: "Scale" bottom: "conv" top: "conv" scale_param { bias_term: true } }
    """
    net, random = text_format.Parse(words, caffe_pb2.NetParameter()), np.random.default_rng(1)
    learned = {
        "conv": [random.normal(size=(3, 2, 3, 3)).astype(np.float32), np.zeros(3, np.float32)],
        "norm": [np.ones(3, np.float32), np.array([1, 2, 3], np.float32), np.ones(1, np.float32)],
        "scale": [np.array([0.7, -1.3, 2.1], np.float32), np.ones(3, np.float32)],
    }
    cast, _ = precision.cast(learned, "INT8", net.layer)
    before = grid.by_neuron(cast["conv"][0])[0] / grid.rounded(cast["conv"][0])[1][:, None]
    after = grid.by_neuron(batchnorm.fold(net, cast).weights["conv"][0])[0]
    steps = after / (np.abs(after).max(axis=1, keepdims=True) / 127)
    assert np.abs(steps - np.rint(steps)).max() < 1e-4
    assert np.array_equal(np.abs(np.rint(steps)), np.abs(before))
