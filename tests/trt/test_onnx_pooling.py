"""Pooling windows of every geometry: padding, overhang, both rounding modes, against real Caffe."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from both import Case, caffe, gap, images, runtime
from google.protobuf import text_format

from evolve.base.caffe_messages import caffe_pb2
from evolve.base.errors import UserError
from evolve.network import shapes
from evolve.network.layers import windows
from trt.onnx import export
from trt.onnx.pooling import Places

POOLINGS = 120
LARGEST = 1e-6


def random_pooling(random: np.random.Generator) -> Any:
    """A net of one pooling, its kernel, stride and pad random on each axis; strides may exceed kernels."""
    height, width = random.integers(2, 14, 2)
    kernel = [int(random.integers(1, 6)) for _ in range(2)]
    stride = [int(random.integers(1, 5)) for _ in range(2)]
    pad = [int(random.integers(0, each)) for each in kernel]
    pairs = {"kernel": kernel, "stride": stride, "pad": pad}
    words = " ".join(f"{what}_h: {pair[0]} {what}_w: {pair[1]}" for what, pair in pairs.items())
    words += f" pool: {random.choice(['MAX', 'AVE'])} {random.choice(['', 'round_mode: FLOOR'])}"
    return net_of(words, height, width)


def net_of(words: str, height: int, width: int) -> Any:
    return text_format.Parse(
        f'layer {{ name: "in" type: "Input" top: "in" input_param {{ shape {{ dim: 2 dim: 2 dim: {height} '
        f'dim: {width} }} }} }} layer {{ name: "pool" type: "Pooling" bottom: "in" top: "pool" '
        f"pooling_param {{ {words} }} }}",
        caffe_pb2.NetParameter(),
    )


def test_random_windows(tmp_path: Path) -> None:
    random = np.random.default_rng(41)
    cases: list[Case] = []
    overhanging, corrected, refused = 0, 0, 0
    while len(cases) < POOLINGS:
        net = random_pooling(random)
        try:
            model = export.of_net(net, {})
        except UserError as error:
            assert "too small" in str(error) or "has nothing of" in str(error)
            refused += 1
            continue
        case = Case(net, {}, images(net, random))
        # All above 0: padding that counted as a maximum, or as part of an average, would show.
        case.images["in"] = np.abs(case.images["in"]) * random.choice([-1, 1]).astype(np.float32)
        cases.append(case)
        pads = [each.ints for node in model.graph.node for each in node.attribute if each.name == "pads"]
        overhanging += any(each[2] > each[0] or each[3] > each[1] for each in pads)
        corrected += any(node.op_type == "Mul" for node in model.graph.node)
    for case, expected in zip(cases, caffe(tmp_path, cases), strict=True):
        found = runtime(export.of_net(case.net, {}), case.images)["pool"]
        assert gap(expected["pool"], found) <= LARGEST, case.net
    assert overhanging > 15 and corrected > 3 and refused > 5, (overhanging, corrected, refused)


def test_divisors_by_plain_loops() -> None:
    """Caffe's: the window's size, cut off where it leaves the padded map at the far end."""
    random = np.random.default_rng(3)
    for _ in range(100):
        net = random_pooling(random)
        net.layer[1].pooling_param.pool = windows.AVE
        try:
            places = places_of(net)
        except UserError:
            continue
        found = places.divisors()
        for y, x in np.ndindex(found.shape):
            sizes = []
            for at, axis in ((y, 0), (x, 1)):
                window = places.window
                pixels = range(at * window.stride[axis], at * window.stride[axis] + window.kernel[axis])
                sizes.append(sum(pixel < places.size[axis] + 2 * window.pad[axis] for pixel in pixels))
            assert found[y, x] == sizes[0] * sizes[1] or places.empty


def places_of(net: Any) -> Places:
    step = shapes.infer(net)[1]
    size = step.bottoms[0][2:]
    return Places(windows.pooling(step.layer, size), size, step.tops[0][2:])


@pytest.mark.parametrize(
    ("words", "size", "message"),
    [
        ("pool: STOCHASTIC kernel_size: 2", 4, "expected pool MAX or AVE, got STOCHASTIC; train with one of these"),
        ("kernel_size: 2 stride: 7", 5, "its last window has nothing of 5 x 5 in it; use a stride below its kernel"),
    ],
)
def test_refused(words: str, size: int, message: str) -> None:
    with pytest.raises(UserError) as error:
        export.of_net(net_of(words, size, size), {})
    assert str(error.value) == f"layer 'pool': {message}"
