"""Layers that follow each other in place, taken together: the same results, and never what only looks like neighbours.

Forward passes have the bits of the same layers one by one, so that ReLU cuts the same numbers off; gradients that go
through BatchNorm are close.
"""

from __future__ import annotations

import textwrap
from collections.abc import Callable
from typing import Any

import layer_cases as cases
import pytest
from comparison import Child, Compare
from hypothesis import given, settings
from test_agreement import EXAMPLES, some

Told = Callable[..., Any]
FRONT = 'type: "Bias" bias_param { axis: 0 num_axes: 0 }'
LED = "with its leader"


def layer(name: str, type_: str, bottoms: str = "x", top: str = "x", more: str = "") -> str:
    """A layer's prototxt; `bottoms` are separated by commas."""
    blobs = " ".join(f'bottom: "{bottom}"' for bottom in bottoms.split(","))
    return f'layer {{ name: "{name}" type: "{type_}" {blobs} top: "{top}" {more} }}\n'


NORM = layer("norm", "BatchNorm", "bottom0")
SCALE = layer("scale", "Scale", more="scale_param { bias_term: true }")
RELU = layer("relu", "ReLU")
END = layer("end", "Power", "x", "top0", "loss_weight: 1")


@settings(some, max_examples=EXAMPLES)
@given(case=cases.neighbours())
def test_taken_together_they_give_what_they_give_alone(compare: Compare, case: cases.Case) -> None:
    result = compare(**case, together=True, against="fast")
    for top in range(case["tops"]):
        result.require_same_bits(f"top{top}")
    result.require(outputs=0, bottom_diffs=2e-6, param_diffs=3e-5)


@pytest.mark.parametrize("simd", ["v2", "v3"])
def test_older_processors_do_so_too(built: Any, simd: str) -> None:
    child = Child(FASTCAFFE_SIMD=simd)
    for shape in ([3, 5, 7, 11], [4, 2, 1, 8], [2, 3, 33, 64]):
        for net in (NORM + SCALE + END, NORM + SCALE + RELU + END):
            result = child.compare(net=net, bottoms=[shape], together=True, against="fast", front=FRONT, positive=True)
            result.require(outputs=0, bottom_diffs=2e-6, param_diffs=3e-5)
            assert result.passes["scale"]["backward"] == LED
    child.end()


@pytest.mark.parametrize("threads", [1, 2])
def test_large_blobs_are_taken_together_alike(compare: Compare, threads: int) -> None:
    net = NORM + SCALE + RELU + END
    result = compare(net=net, bottoms=[[9, 3, 141, 150]], together=True, against="fast", front=FRONT, threads=threads)
    result.require(outputs=0, bottom_diffs=2e-6, param_diffs=3e-5)
    assert result.passes["relu"] == {"forward": LED, "backward": LED}


def test_a_blob_that_bears_a_loss_is_taken_together_too(compare: Compare) -> None:
    net = NORM.replace('top: "x"', 'top: "top0"') + SCALE.replace('"x"', '"top0"')
    net += RELU.replace('"x"  }', '"x" loss_weight: 1 }').replace('"x"', '"top0"')
    result = compare(net=net, bottoms=[[4, 3, 8, 8]], together=True, against="fast", front=FRONT)
    result.require(outputs=0, bottom_diffs=2e-6, param_diffs=3e-5)
    assert result.passes["relu"] == {"forward": LED, "backward": LED}


@pytest.mark.parametrize("images, led", [(1, False), (2, True)])
def test_factors_gradients_of_one_image_are_written_as_caffe_writes_them(
    compare: Compare, images: int, led: bool
) -> None:
    """Of several it adds them to what is there."""
    result = compare(net=NORM + SCALE + END, bottoms=[[images, 3, 8, 8]], together=True, against="stock", front=FRONT)
    result.require(outputs=2e-6, bottom_diffs=2e-5, param_diffs=3e-5)
    assert (result.passes["scale"]["backward"] == LED) == led


def test_who_leads_and_who_follows_is_listed(compare: Compare) -> None:
    block = layer("sum", "Eltwise", "x,bottom1", "s") + layer("sum_relu", "ReLU", "s", "s")
    block += layer("one", "Power", "s", "top0", "loss_weight: 1") + layer("two", "Power", "s", "top1", "loss_weight: 1")
    net = NORM + SCALE + block
    result = compare(net=net, bottoms=[[4, 3, 8, 8]] * 2, tops=2, together=True, against="fast", front=FRONT)
    led, leads = {"forward": LED, "backward": LED}, dict.fromkeys(("forward", "backward"), "simd, with what follows")
    split = result.passes.pop("s_sum_relu_0_split")
    assert split["backward"] == LED
    assert result.passes == {"norm": leads, "scale": led, "sum": leads, "sum_relu": led}


@pytest.mark.parametrize(
    "net",
    [
        NORM + layer("between", "Power") + SCALE + RELU + END,
        NORM + SCALE.replace('top: "x"', 'top: "y"') + RELU.replace('"x"', '"y"') + END.replace('"x"', '"y"'),
        layer("norm", "Power", "bottom0") + SCALE + RELU + END,
        layer("norm", "BatchNorm", "bottom0", "y") + layer("other", "Power", "bottom0") + SCALE + RELU + END,
    ],
    ids=["a layer between", "not in place", "no BatchNorm", "another blob"],
)
def test_what_only_looks_like_neighbours_is_done_one_by_one(compare: Compare, net: str) -> None:
    result = compare(net=net, bottoms=[[4, 3, 8, 8]], together=True, against="fast", front=FRONT, positive=True)
    result.require_same_bits()
    assert LED not in {on for passes in result.passes.values() for on in passes.values()}


def test_nobody_is_taken_together_unless_asked(compare: Compare) -> None:
    result = compare(net=NORM + SCALE + RELU + END, bottoms=[[4, 3, 8, 8]], against="fast", front=FRONT)
    result.require_same_bits()
    assert LED not in {on for passes in result.passes.values() for on in passes.values()}


def test_a_promise_takes_training_nets_together_and_no_others(told: Told) -> None:
    lines = """
        text = 'layer { name: "d" type: "Input" top: "x" input_param { shape { dim: 2 dim: 2 dim: 9 dim: 9 } } } '
        text += 'layer { name: "n" type: "BatchNorm" bottom: "x" top: "x" } '
        text += 'layer { name: "s" type: "Scale" bottom: "x" top: "x" } '
        fastcaffe.enable(together=False)
        fastcaffe.blobs_between_unread()
        trained, tested = net(text, caffe.TRAIN), net(text, caffe.TEST)
        fastcaffe.blobs_between_unread(False)
        after = net(text, caffe.TRAIN)
        for n in (trained, tested, after):
            n.forward()
        tell([line.passes["forward"] for line in fastcaffe.layers()])
    """
    assert told(lines) == ["simd, with what follows", LED, "simd", "simd", "simd", "simd"]


def test_frozen_layers_below_leave_the_gradients_to_scale(compare: Compare) -> None:
    frozen = layer("norm", "BatchNorm", "in0", more="param { lr_mult: 0 } " * 3)
    net = frozen + SCALE + RELU + END
    net += layer("other", "Power", "bottom0", "top1", "loss_weight: 1")
    result = compare(net=net, bottoms=[[4, 3, 8, 8]], tops=2, together=True, against="fast", front=FRONT)
    result.require_same_bits()
    assert result.passes["scale"]["backward"] == LED and "backward" not in result.passes["norm"]


# A ReLU in place whose numbers BatchNorm changes in place: of its blob no signs are left on the way back.
BEHIND_RELU = """
    def worst(together):
        fastcaffe.enable(threads=1, together=together)
        n, random = net(text), np.random.default_rng(0)
        n.blobs["d"].data[...] = random.standard_normal(n.blobs["d"].data.shape)
        n.params["scale"][1].data[...] = (-0.3, 0.1, 0.4)
        weights = random.standard_normal(n.blobs["x"].data.shape)

        def loss():
            n.forward()
            return float((n.blobs["x"].data.astype(np.float64) * weights).sum())

        loss()
        n.blobs["x"].diff[...] = weights
        n.backward()
        shifts, gradient = n.params["scale"][1].data, n.params["scale"][1].diff.copy()
        found = []
        for channel in range(3):
            kept, sides = shifts[channel], []
            for side in (0.001, -0.001):
                shifts[channel] = kept + side
                sides.append(loss())
            shifts[channel] = kept
            found.append(abs((sides[0] - sides[1]) / 0.002 - gradient[channel]) / np.abs(gradient).max())
        return [float(max(found)), [line.passes["backward"] for line in fastcaffe.layers()]]

    tell([worst(True), worst(False)])
"""


def test_a_relu_taken_together_goes_by_its_own_signs(told: Told) -> None:
    """As a finite difference does, and Caffe's own in such a place does not."""
    shape = " ".join(f"dim: {size}" for size in (8, 3, 6, 6))
    net = f'layer {{ name: "d" type: "Input" top: "d" input_param {{ shape {{ {shape} }} }} }}\n'
    net += NORM.replace("bottom0", "d") + SCALE + RELU + layer("behind", "BatchNorm", more="loss_weight: 1")
    (own, passes), (caffes, _) = told(f"text = {net!r}\n" + textwrap.dedent(BEHIND_RELU))
    assert passes[2] == LED
    assert own < 0.01 and caffes > 0.1


@pytest.mark.parametrize("number, name", [(1, "n"), (2, "s")])
def test_a_layer_may_outlive_its_net_and_its_neighbours(told: Told, number: int, name: str) -> None:
    lines = """
        text = 'layer { name: "d" type: "Input" top: "x" input_param { shape { dim: 2 dim: 2 dim: 9 dim: 9 } } } '
        text += 'layer { name: "n" type: "BatchNorm" bottom: "x" top: "x" } '
        text += 'layer { name: "s" type: "Scale" bottom: "x" top: "x" } '
        fastcaffe.enable(together=True)
        for _ in range(3):
            n = net(text)
            n.forward()
            kept = n.layers[NUMBER]
            del n
        tell([line.name for line in fastcaffe.layers()])
    """
    assert told(lines.replace("NUMBER", str(number))) == [name]


def test_the_variable_does_it_for_who_cannot_call(told: Told) -> None:
    lines = """
        text = 'layer { name: "d" type: "Input" top: "x" input_param { shape { dim: 2 dim: 2 dim: 9 dim: 9 } } } '
        text += 'layer { name: "n" type: "BatchNorm" bottom: "x" top: "x" } '
        text += 'layer { name: "s" type: "Scale" bottom: "x" top: "x" } '
        fastcaffe.enable()
        n = net(text)
        n.forward()
        fastcaffe.enable(together=False)
        other = net(text)
        other.forward()
        tell([line.passes["forward"] for line in fastcaffe.layers()])
    """
    assert told(lines, FASTCAFFE_TOGETHER="1") == ["simd, with what follows", LED, "simd", "simd"]
