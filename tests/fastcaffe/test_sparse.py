"""Layers that follow the synapses that exist: when they do, and what they promise all the same."""

from __future__ import annotations

import textwrap
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from comparison import Child, Compare

Told = Callable[..., Any]
CONVOLUTION = 'type: "Convolution" convolution_param {{ num_output: {outputs} kernel_size: 5 pad: 2 {more} }}'
INNER_PRODUCT = 'type: "InnerProduct" inner_product_param { num_output: 12 }'

# `made(layer, shape, density)`: a net of one layer with so many of its weights; `stepped(net)`: all that it writes.
ONE_LAYER = """
def made(layer, shape, density):
    text = 'force_backward: true layer { name: "d" type: "Input" top: "d" input_param { shape { '
    text += " ".join(f"dim: {size}" for size in shape)
    text += ' } } } layer { name: "l" bottom: "d" top: "t" loss_weight: 1 ' + layer + ' }'
    n, random = net(text), np.random.default_rng(0)
    n.params["l"][0].data[...] = random.standard_normal(n.params["l"][0].data.shape)
    n.params["l"][0].data[random.random(n.params["l"][0].data.shape) >= density] = 0
    n.blobs["d"].data[...] = random.standard_normal(n.blobs["d"].data.shape)
    return n

def stepped(n):
    random = np.random.default_rng(1)
    n.clear_param_diffs()
    n.forward()
    n.blobs["t"].diff[...] = random.standard_normal(n.blobs["t"].diff.shape)
    n.backward()
    return [n.blobs["t"].data.copy(), n.blobs["d"].diff.copy(), *(blob.diff.copy() for blob in n.params["l"])]

def close(a, b):
    return all(np.abs(x - y).max() <= 1e-5 * np.abs(y).max() for x, y in zip(a, b))

CONVOLUTION = 'type: "Convolution" convolution_param { num_output: 20 kernel_size: 3 pad: 1 }'
"""


def asked(told: Told, lines: str, **variables: str) -> Any:
    """What these lines tell, which have ONE_LAYER's functions."""
    return told(ONE_LAYER + textwrap.dedent(lines), **variables)


@pytest.mark.parametrize("layer, shape", [("CONVOLUTION", (16, 20, 12, 12)), (repr(INNER_PRODUCT), (32, 40))])
def test_every_gradient_is_there_unless_somebody_promises_that_absent_stays_absent(
    told: Told, layer: str, shape: tuple[int, ...]
) -> None:
    lines = """
        stock = stepped(made(LAYER, SHAPE, 0.1))
        fastcaffe.enable(threads=1)
        n = made(LAYER, SHAPE, 0.1)
        every = stepped(n)
        without = fastcaffe.layers()[-1].passes
        fastcaffe.absent_stays_absent()
        n = made(LAYER, SHAPE, 0.1)
        some = stepped(n)
        passes = fastcaffe.layers()[-1].passes
        exists = n.params["l"][0].data != 0
        fastcaffe.absent_stays_absent(False)
        again = stepped(made(LAYER, SHAPE, 0.1))
        left_out = float(np.abs(some[2][~exists]).max())
        some[2][~exists] = stock[2][~exists]
        smallest = float(np.abs(stock[2][~exists]).min())
        tell([close(every, stock), close(some, stock), close(again, stock), left_out, smallest, without, passes])
    """.replace("LAYER", layer).replace("SHAPE", repr(shape))
    every, some, again, left_out, smallest, without, passes = asked(told, lines)
    assert every and some and again
    assert left_out == 0 < smallest
    assert without["forward"].startswith("sparse") and not without["backward weights"].startswith("sparse")
    assert passes["backward weights"].startswith("sparse")


def test_a_layer_without_a_synapse_may_learn(told: Told) -> None:
    lines = """
        fastcaffe.enable(threads=1)
        fastcaffe.absent_stays_absent()
        n = made(CONVOLUTION, (16, 20, 12, 12), 0)
        gradient = stepped(n)[2]
        tell([int((gradient == 0).sum()), fastcaffe.layers()[-1].passes["forward"]])
    """
    zeros, forward = asked(told, lines)
    assert zeros == 0 and not forward.startswith("sparse")


def test_weights_that_change_between_the_passes_are_followed(told: Told) -> None:
    lines = """
        def changed(n):
            n.forward()
            n.params["l"][0].data[...] = np.roll(n.params["l"][0].data, 7)
            n.blobs["t"].diff[...] = np.random.default_rng(1).standard_normal(n.blobs["t"].diff.shape)
            n.backward()
            return [n.blobs["d"].diff.copy()]

        stock = changed(made(CONVOLUTION, SHAPE, 0.1))
        fastcaffe.enable(threads=1)
        n = made(CONVOLUTION, SHAPE, 0.1)
        tell([close(changed(n), stock), fastcaffe.layers()[-1].passes["backward data"]])
    """
    for shape, code in (((3, 20, 12, 12), "sparse rows"), ((16, 20, 4, 4), "sparse lanes")):
        assert asked(told, lines.replace("SHAPE", repr(shape)), FASTCAFFE_SIMD="v4") == [True, code]


@pytest.mark.parametrize(
    "layer, shape, density, code",
    [
        ("CONVOLUTION", (1, 20, 16, 16), 0.4, "sparse rows"),
        ("CONVOLUTION", (64, 20, 16, 16), 0.4, "sparse lanes"),
        ("CONVOLUTION", (64, 20, 16, 16), 0.6, ""),
        ("CONVOLUTION", (64, 3, 16, 16), 0.6, "sparse lanes"),
        ("CONVOLUTION", (16, 64, 52, 52), 0.1, "sparse rows"),  # one image, laid out, is large
        ("CONVOLUTION", (64, 20, 3, 3), 0.3, "sparse lanes"),
        ("CONVOLUTION", (64, 20, 3, 3), 0.45, ""),
        ("CONVOLUTION.replace('pad: 1', 'stride: 2')", (64, 20, 17, 17), 0.3, "sparse lanes"),
        ("CONVOLUTION.replace('pad: 1', 'stride: 2')", (3, 20, 17, 17), 0.3, "sparse rows"),
        (repr(INNER_PRODUCT), (16, 40), 0.2, "sparse lanes"),
        (repr(INNER_PRODUCT), (16, 40), 0.4, "stock: many synapses, or few images"),
        (repr(INNER_PRODUCT), (15, 40), 0.2, "stock: many synapses, or few images"),
    ],
)
def test_few_synapses_are_followed_and_the_listing_says_it(
    told: Told, layer: str, shape: tuple[int, ...], density: float, code: str
) -> None:
    lines = f"""
        fastcaffe.enable(threads=1)
        n = made({layer}, {shape}, {density})
        n.forward()
        tell(fastcaffe.layers()[-1].passes["forward"])
    """
    forward = asked(told, lines)
    assert forward == code if code else not forward.startswith(("sparse", "stock"))


def test_sparse_code_can_be_switched_off(told: Told) -> None:
    lines = """
        fastcaffe.enable(threads=1)
        n = made(CONVOLUTION, (16, 20, 12, 12), 0.1)
        stepped(n)
        tell([fastcaffe.layers()[-1].passes, list(fastcaffe.machine())])
    """
    passes, machine = asked(told, lines, FASTCAFFE_SPARSE="0")
    assert not any(on.startswith("sparse") for on in passes.values())
    # Bits do not depend on what is not used.
    assert not any(name.startswith("sparse") for name in machine) and "simd" in machine


@pytest.mark.parametrize(
    "code, outputs, shape",
    [
        ("sparse-rows", 20, (21, 7, 13, 11)),
        ("sparse-lanes", 20, (21, 7, 13, 11)),
        ("sparse-lanes", 60, (21, 40, 6, 6)),  # more sums than stay near
        ("sparse-lanes", 20, (21, 7, 4, 4)),
    ],
)
def test_sparse_sums_do_not_depend_on_the_threads(told: Told, code: str, outputs: int, shape: tuple[int, ...]) -> None:
    lines = """
        fastcaffe.absent_stays_absent()
        found = []
        for threads in (1, 2, 3, 5):
            fastcaffe.enable(threads=threads)
            fastcaffe.absent_stays_absent()
            n = made(CONVOLUTION.replace("20", "OUTPUTS"), SHAPE, 0.3)
            found.append([array.tobytes().hex() for array in stepped(n)])
        tell([found[0] == other for other in found] + [fastcaffe.layers()[-1].passes])
    """
    lines = lines.replace("OUTPUTS", str(outputs)).replace("SHAPE", repr(shape))
    *same, passes = asked(told, lines, FASTCAFFE_CONVOLUTION=code, FASTCAFFE_GRAIN="1")
    assert set(passes.values()) == {code.replace("-", " ")}
    assert all(same)


def test_what_a_user_writes_between_layers_and_passes_is_what_sparse_layers_read(told: Told) -> None:
    lines = """
        TEXT = '''force_backward: true
            layer { name: "d" type: "Input" top: "d" input_param { shape { dim: 16 dim: 3 dim: 12 dim: 12 } } }
            layer { name: "a" bottom: "d" top: "a" CONVOLUTION }
            layer { name: "r" type: "ReLU" bottom: "a" top: "a" }
            layer { name: "p" type: "Pooling" bottom: "a" top: "p" pooling_param { kernel_size: 3 stride: 2 } }
            layer { name: "b" bottom: "p" top: "b" loss_weight: 1 CONVOLUTION }'''

        def fill(blob, random, density=1):
            blob[...] = random.standard_normal(blob.shape) * (random.random(blob.shape) < density)

        def used(n):
            random, seen = np.random.default_rng(1), []
            for shape in ((16, 3, 12, 12), (31, 3, 9, 14)):
                n.blobs["d"].reshape(*shape)
                n.reshape()
                n.clear_param_diffs()
                for name in "ab":
                    fill(n.params[name][0].data, random, 0.2)
                fill(n.blobs["d"].data, random)
                n.forward(end="a")
                seen.append(n.blobs["a"].data.copy())
                fill(n.blobs["a"].data, random)
                n.forward(start="r")
                seen += [n.blobs[name].data.copy() for name in "apb"]
                for blob in (n.blobs["d"].data, n.blobs["p"].data, n.blobs["b"].diff):
                    fill(blob, random)
                fill(n.params["b"][0].data, random, 0.2)
                n.backward()
                exists = {name: n.params[name][0].data != 0 for name in "ab"}
                seen += [n.params[name][0].diff * exists[name] for name in "ab"]
                seen += [n.params[name][1].diff.copy() for name in "ab"] + [n.blobs[name].diff.copy() for name in "dap"]
            return seen

        TEXT = TEXT.replace("CONVOLUTION", CONVOLUTION)
        stock = used(net(TEXT))
        fastcaffe.enable(threads=1)
        fastcaffe.absent_stays_absent()
        n = net(TEXT)
        tell([close(used(n), stock), [line.passes for line in fastcaffe.layers() if line.type == "Convolution"]])
    """
    same, passes = asked(told, lines)
    assert same
    assert {on for layer in passes for on in layer.values()} == {"sparse lanes"}


@pytest.mark.parametrize("simd", ["v2", "v3", "v4"])
def test_planes_are_laid_out_in_many_ways(built: Path, simd: str) -> None:
    layers = {
        "tiles": ("num_output: 9 kernel_size: 5 pad: 2", [2, 3, 32, 32]),
        "padded": ("num_output: 5 kernel_size: 5 pad: 2", [1, 13, 16, 16]),
        "shifted": ("num_output: 6 kernel_size: 3 pad: 2 dilation: 2", [1, 4, 7, 12]),
        "taps": ("num_output: 24 kernel_size: 3 pad: 1", [3, 20, 4, 4]),
        "dilated taps": ("num_output: 4 kernel_h: 2 kernel_w: 5 pad_h: 1 pad_w: 4 dilation: 2", [2, 3, 2, 8]),
        "more rows before than after": ("num_output: 4 kernel_h: 4 kernel_w: 3 pad_h: 0 pad_w: 1", [2, 3, 13, 17]),
        "taps of more rows": ("num_output: 4 kernel_h: 1 kernel_w: 3 pad_h: 1 pad_w: 1", [2, 3, 2, 4]),
        "rows": ("num_output: 5 kernel_size: 3", [2, 3, 9, 19]),
        "second rows": ("num_output: 5 kernel_size: 3 pad: 1 stride: 2", [2, 3, 19, 17]),
        "second columns": ("num_output: 5 kernel_size: 3 pad: 1 stride_h: 1 stride_w: 2", [2, 3, 9, 40]),
        "third rows": ("num_output: 5 kernel_size: 4 pad: 3 stride: 3", [2, 3, 20, 17]),
    }
    child = Child(FASTCAFFE_CONVOLUTION="sparse-rows", FASTCAFFE_SIMD=simd)
    try:
        for name, (parameter, shape) in layers.items():
            layer = f'type: "Convolution" convolution_param {{ {parameter} }}'
            result = child.compare(layer=layer, bottoms=[shape], densities=[0.3], linear=True, absent=True)
            result.require_rounding_only()
            assert result.passes["layer"]["forward"] == "sparse rows", name
    finally:
        child.end()


def test_shared_sparse_weights_collect_gradients_of_all_their_layers(compare: Compare) -> None:
    shared = 'param { name: "w" } param { name: "b" } ' + CONVOLUTION.format(outputs=3, more="")
    net = f"""
        layer {{ name: "one" bottom: "bottom0" top: "middle" {shared} }}
        layer {{ name: "two" bottom: "middle" top: "top0" loss_weight: 1 {shared} }}"""
    for images in (2, 16):
        result = compare(net=net, bottoms=[[images, 3, 9, 8]], reshapes=[[[images, 3, 9, 8]]], densities=[0.2, 0.3])
        result.require(outputs=2e-6, bottom_diffs=2e-6, param_diffs=3e-5)
        code = "sparse lanes" if images == 16 else "sparse rows"
        assert {passes["forward"] for passes in result.passes.values()} == {code}
        assert result.differences["round 1: one param 0 diff"] == result.differences["round 1: two param 0 diff"]


@pytest.mark.parametrize("frozen", ["weights", "bias", "both"])
@pytest.mark.parametrize("absent", [False, True])
def test_frozen_parameters_of_sparse_layers_keep_their_gradient(compare: Compare, frozen: str, absent: bool) -> None:
    multipliers = {"weights": (0, 1), "bias": (1, 0), "both": (0, 0)}[frozen]
    params = " ".join(f"param {{ lr_mult: {multiplier} }}" for multiplier in multipliers)
    for layer, shape in ((CONVOLUTION.format(outputs=5, more=""), [16, 3, 8, 8]), (INNER_PRODUCT, [16, 30])):
        case = {"layer": f"{params} {layer}", "bottoms": [shape], "densities": [0.2], "absent": absent, "linear": True}
        result = compare(**case)
        result.require_rounding_only()
        for i, multiplier in enumerate(multipliers):
            if not multiplier:
                assert result.differences[f"round 0: layer param {i} diff"] == [0, True]
