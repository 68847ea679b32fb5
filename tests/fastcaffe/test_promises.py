"""What Caffe's layers promise beyond their formulas: sharing, freezing, several blobs, whole networks."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from comparison import Compare

Told = Callable[..., Any]
BIAS = 'type: "Bias" bias_param { axis: 0 num_axes: 0 }'
CONVOLUTION = 'type: "Convolution" convolution_param {{ num_output: {outputs} kernel_size: 3 pad: 1 {more} }}'


def test_shared_parameters_collect_gradients_of_all_their_layers(compare: Compare) -> None:
    shared = 'param { name: "w" } param { name: "b" } ' + CONVOLUTION.format(outputs=3, more="")
    net = f"""
        layer {{ name: "one" bottom: "bottom0" top: "middle" {shared} }}
        layer {{ name: "relu" type: "ReLU" bottom: "middle" top: "middle" }}
        layer {{ name: "two" bottom: "middle" top: "top0" loss_weight: 1 {shared} }}"""
    for images in (2, 16):
        result = compare(net=net, bottoms=[[images, 3, 9, 7]], threads=2)
        result.require(outputs=2e-6, bottom_diffs=2e-6, param_diffs=3e-5)
        assert set(result.passes) == {"one", "relu", "two"}
        assert result.differences["round 0: one param 0 diff"] == result.differences["round 0: two param 0 diff"]


@pytest.mark.parametrize("frozen", ["weights", "bias", "both"])
@pytest.mark.parametrize("images", [2, 16])
def test_frozen_parameters_keep_their_gradient(compare: Compare, images: int, frozen: str) -> None:
    multipliers = {"weights": (0, 1), "bias": (1, 0), "both": (0, 0)}[frozen]
    params = " ".join(f"param {{ lr_mult: {multiplier} }}" for multiplier in multipliers)
    layer = f"{params} {CONVOLUTION.format(outputs=5, more='')}"
    result = compare(layer=layer, bottoms=[[images, 3, 8, 8]] * 2, tops=2, propagate=[True, False])
    result.require(outputs=2e-6, bottom_diffs=2e-6, param_diffs=3e-5)
    for i, multiplier in enumerate(multipliers):
        if not multiplier:
            assert result.differences[f"round 0: layer param {i} diff"] == [0, True]


def test_a_convolution_in_place_sees_what_was_there_before(told: Told) -> None:
    lines = """
        text = 'layer { name: "d" type: "Input" top: "x" input_param { shape { dim: 1 dim: 64 dim: 28 dim: 28 } } } '
        text += 'layer { name: "c" type: "Convolution" bottom: "x" top: "x" '
        text += 'convolution_param { num_output: 64 kernel_size: 3 pad: 1 weight_filler { type: "xavier" } } } '
        stock = net(text)
        fastcaffe.enable(threads=2)
        fast = net(text)
        fast.share_with(stock)
        for n in (stock, fast):
            n.blobs["x"].data[...] = np.random.default_rng(1).standard_normal(n.blobs["x"].data.shape)
            n.forward()
        gap = float(np.abs(fast.blobs["x"].data - stock.blobs["x"].data).max())
        tell([gap, fastcaffe.layers()[0].passes["forward"]])
    """
    gap, on = told(lines)
    assert gap < 1e-5 and on == "stock: not two-dimensional, or in place"


def test_a_gradient_that_nobody_wants_is_not_written(compare: Compare) -> None:
    layer = CONVOLUTION.format(outputs=5, more="")
    result = compare(layer=layer, bottoms=[[16, 3, 8, 8]] * 2, tops=2, propagate=[True, False])
    assert result.differences["round 0: bottom1 diff"] == [0, True]


@pytest.mark.parametrize("threads", [1, 2])
@pytest.mark.parametrize(
    "channels, outputs, more, turns",  # of how many images with one thread, and with two
    [
        (16, 16, "dilation: 2", (4, 6)),
        (16, 64, "stride: 2", (4, 6)),
        (16, 16, "dilation: 2 bias_term: false", (4, 6)),
        (32, 32, "group: 2", (2, 4)),
    ],
)
def test_a_large_batch_goes_in_turns(
    compare: Compare, channels: int, outputs: int, more: str, turns: tuple[int, int], threads: int
) -> None:
    layer, shape = CONVOLUTION.format(outputs=outputs, more=more), [12, channels, 32, 31]
    result = compare(layer=layer, bottoms=[shape], reshapes=[[[*shape[:2], 31, 31]]], threads=threads)
    result.require(outputs=2e-6, bottom_diffs=2e-6, param_diffs=3e-5)
    passes = result.passes["layer"]
    assert passes.keys() == {"forward", "backward data", "backward weights"}
    assert all(on.endswith(f", {turns[threads - 1]} images at a time") for on in passes.values()), passes


@pytest.mark.parametrize("readers", [1, 2, 3, 4])
def test_the_gradients_of_all_who_read_a_blob_are_added_as_caffe_adds_them(compare: Compare, readers: int) -> None:
    net = 'layer { name: "split" type: "Split" bottom: "bottom0" ' + "".join(
        f'top: "top{i}" loss_weight: 1 ' for i in range(readers)
    )
    result = compare(net=net + "}", bottoms=[[3, 5, 7, 11]], tops=readers, kind="special", threads=2)
    result.require_same_bits()
    assert "round 0: bottom0 diff" in result.differences
    assert result.passes["split"]["backward"] == ("simd" if readers > 1 else "stock: one top")


@pytest.mark.parametrize("threads", [1, 2])
@pytest.mark.parametrize("in_place", [True, False])
@pytest.mark.parametrize("layer", ["BatchNorm", "Scale"])
def test_large_blobs_are_normalised_and_scaled_alike(
    compare: Compare, layer: str, in_place: bool, threads: int
) -> None:
    parameter = "scale_param { bias_term: true }" if layer == "Scale" else ""
    case = {"layer": f'type: "{layer}" {parameter}', "bottoms": [[9, 3, 141, 150]], "in_place": in_place}
    result = compare(**case, front=BIAS, positive=True, threads=threads)
    result.require(outputs=2e-6, bottom_diffs=2e-6, param_diffs=3e-5)


def test_the_mask_of_max_pooling_is_caffes(compare: Compare) -> None:
    layer = 'type: "Pooling" pooling_param { pool: MAX kernel_size: 3 stride: 2 pad: 1 }'
    result = compare(layer=layer, bottoms=[[2, 3, 20, 37]], tops=2, losses=1, kind="integers")
    result.require_same_bits()
    assert "round 0: top1" in result.differences


@pytest.mark.parametrize("method", ["MAX", "AVE"])
@pytest.mark.parametrize("pad", [0, 1])
def test_large_planes_are_pooled_alike(compare: Compare, method: str, pad: int) -> None:
    layer = f'type: "Pooling" pooling_param {{ pool: {method} kernel_size: 3 stride: 2 pad: {pad} }}'
    result = compare(layer=layer, bottoms=[[2, 3, 97, 131]], reshapes=[[[1, 2, 110, 262]]], kind="integers", threads=2)
    result.require_same_bits()
    assert result.passes["layer"]["forward"] == "simd, 3 x 3 in registers"


LENET = """
    layer { name: "conv1" type: "Convolution" bottom: "bottom0" top: "conv1"
            convolution_param { num_output: 13 kernel_size: 5 pad: 2 } }
    layer { name: "pool1" type: "Pooling" bottom: "conv1" top: "pool1"
            pooling_param { pool: MAX kernel_size: 3 stride: 2 } }
    layer { name: "relu1" type: "ReLU" bottom: "pool1" top: "pool1" }
    layer { name: "norm1" type: "LRN" bottom: "pool1" top: "norm1" lrn_param { local_size: 5 alpha: 0.1 beta: 0.75 } }
    layer { name: "conv2" type: "Convolution" bottom: "norm1" top: "conv2"
            convolution_param { num_output: 16 kernel_size: 3 pad: 1 bias_term: false } }
    layer { name: "bn2" type: "BatchNorm" bottom: "conv2" top: "conv2" }
    layer { name: "scale2" type: "Scale" bottom: "conv2" top: "conv2" scale_param { bias_term: true } }
    layer { name: "conv3" type: "Convolution" bottom: "norm1" top: "conv3"
            convolution_param { num_output: 16 kernel_size: 1 } }
    layer { name: "sum" type: "Eltwise" bottom: "conv2" bottom: "conv3" top: "sum" }
    layer { name: "pool2" type: "Pooling" bottom: "sum" top: "pool2"
            pooling_param { pool: AVE kernel_size: 3 stride: 2 } }
    layer { name: "ip" type: "InnerProduct" bottom: "pool2" top: "top0" loss_weight: 1
            inner_product_param { num_output: 10 } }
"""


@pytest.mark.parametrize("phase", ["TRAIN", "TEST"])
def test_outputs_of_a_whole_network(compare: Compare, phase: str) -> None:
    result = compare(net=LENET, bottoms=[[20, 3, 28, 28]], phase=phase, positive=True, front=BIAS)
    assert result.worst("top0") <= 1e-5
    assert result.reproducible
    assert len(result.passes) == 12  # with the Split behind norm1, and InnerProduct, which stays stock here


@pytest.mark.parametrize("code, columns", [("lanes", 11), ("rows", 16), ("winograd", 11), ("winograd", 16)])
def test_sums_over_lanes_do_not_depend_on_the_threads(told: Told, code: str, columns: int) -> None:
    lines = """
        text = 'force_backward: true layer { name: "d" type: "Input" top: "d" '
        text += 'input_param { shape { dim: 50 dim: 7 dim: 13 dim: COLUMNS } } } '
        text += 'layer { name: "c" type: "Convolution" bottom: "d" top: "c" loss_weight: 1 '
        text += 'convolution_param { num_output: 9 kernel_size: 3 pad: 1 weight_filler { type: "xavier" } } }'
        found = []
        for threads in (1, 2, 3, 5):
            fastcaffe.enable(threads=threads)
            caffe.set_random_seed(1)
            n, random = net(text), np.random.default_rng(0)
            n.blobs["d"].data[...] = random.standard_normal(n.blobs["d"].data.shape)
            n.forward()
            n.blobs["c"].diff[...] = random.standard_normal(n.blobs["c"].diff.shape)
            n.backward()
            blobs = [n.blobs["c"].data, n.blobs["d"].diff, *(blob.diff for blob in n.params["c"])]
            found.append([blob.tobytes().hex() for blob in blobs])
        tell([found[0] == other for other in found] + [fastcaffe.layers()[-1].passes])
    """
    *same, passes = told(lines.replace("COLUMNS", str(columns)), FASTCAFFE_CONVOLUTION=code, FASTCAFFE_GRAIN="1")
    assert set(passes.values()) == {code}
    assert all(same)


def test_by_winograd_an_infinity_reaches_the_same_numbers(told: Told) -> None:
    lines = """
        text = 'force_backward: true layer { name: "d" type: "Input" top: "d" '
        text += 'input_param { shape { dim: 2 dim: 3 dim: 11 dim: 13 } } } '
        text += 'layer { name: "c" type: "Convolution" bottom: "d" top: "c" loss_weight: 1 '
        text += 'convolution_param { num_output: 5 kernel_size: 3 pad: 1 weight_filler { type: "xavier" } } }'

        def finite(value, image, channel, row, column):
            caffe.set_random_seed(1)
            n, random = net(text), np.random.default_rng(0)
            n.blobs["d"].data[...] = random.standard_normal(n.blobs["d"].data.shape)
            n.blobs["d"].data[image, channel, row, column] = value
            n.forward()
            n.blobs["c"].diff[...] = random.standard_normal(n.blobs["c"].diff.shape)
            n.blobs["c"].diff[image, channel, row, column] = value
            n.backward()
            ran.update(on for line in fastcaffe.layers() for on in line.passes.values())
            return [np.isfinite(blob).tolist() for blob in (n.blobs["c"].data, n.blobs["d"].diff)]

        found, ran = [], set()
        for place in ((0, 0, 0, 0), (0, 1, 5, 6), (1, 2, 10, 12), (1, 0, 4, 7)):
            for value in (np.inf, np.nan):
                fastcaffe.disable()
                stock = finite(value, *place)
                fastcaffe.enable(threads=1)
                found.append(stock == finite(value, *place) and not np.all(stock[0]))
        tell([found, sorted(ran)])
    """
    assert told(lines, FASTCAFFE_CONVOLUTION="winograd") == [[True] * 8, ["winograd"]]


def test_only_layers_that_are_made_while_enabled_are_fast(told: Told) -> None:
    lines = """
        text = 'layer { name: "d" type: "Input" top: "d" input_param { shape { dim: 1 dim: 2 dim: 9 dim: 9 } } } '
        text += 'layer { name: "NAME" type: "ReLU" bottom: "d" top: "r" }'
        before = net(text.replace("NAME", "before"))
        fastcaffe.enable()
        fast = net(text.replace("NAME", "fast"))
        fastcaffe.enable(["Pooling"])
        other = net(text.replace("NAME", "other"))
        fastcaffe.disable()
        after = net(text.replace("NAME", "after"))
        alive = [line.name for line in fastcaffe.layers()]
        for n in (before, fast, other, after):
            n.forward()
        run = [line.passes for line in fastcaffe.layers()]
        del fast
        tell([alive, run, [line.name for line in fastcaffe.layers()]])
    """
    assert told(lines) == [["fast"], [{"forward": "simd"}], []]


def test_the_listing_says_what_fell_back_and_why(told: Told) -> None:
    lines = """
        text = 'layer { name: "d" type: "Input" top: "d" '
        text += 'input_param { shape { dim: 2 dim: 4 dim: 9 dim: 9 dim: 9 } } } '
        text += 'layer { name: "c" type: "Convolution" bottom: "d" top: "c" '
        text += 'convolution_param { num_output: 2 kernel_size: 3 } }'
        fastcaffe.enable()
        n = net(text)
        n.forward()
        line, = fastcaffe.layers()
        tell([line.type, line.name, line.stock, line.passes["forward"]])
    """
    assert told(lines) == ["Convolution", "c", True, "stock: not two-dimensional, or in place"]
