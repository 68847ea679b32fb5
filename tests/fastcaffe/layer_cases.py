"""Random layers and shapes, as hypothesis strategies: whatever Caffe accepts, small."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st

Case = dict[str, Any]
SEEDS = st.integers(0, 2**31)
KINDS = st.sampled_from(["normal", "integers", "special"])


def out_of(size: int, kernel: int, stride: int, pad: int, dilation: int = 1) -> int:
    return (size + 2 * pad - (dilation * (kernel - 1) + 1)) // stride + 1


@st.composite
def relu(draw: st.DrawFn) -> Case:
    slope = draw(st.sampled_from(["", "relu_param { negative_slope: 0.1 }", "relu_param { negative_slope: -0.5 }"]))
    shape = draw(st.lists(st.integers(1, 40), min_size=1, max_size=4).filter(lambda s: _count(s) < 50_000))
    case = {"layer": f'type: "ReLU" {slope}', "bottoms": [shape], "kind": draw(KINDS), "seed": draw(SEEDS)}
    return case | {"in_place": draw(st.booleans()), "threads": draw(st.integers(1, 3))}


@st.composite
def pooling(draw: st.DrawFn) -> Case:
    method, whole = draw(st.sampled_from(["MAX", "AVE"])), draw(st.integers(0, 9)) == 0
    height, width = draw(st.integers(1, 40)), draw(st.integers(1, 70))
    kernel_h, kernel_w = draw(st.integers(1, min(height, 7))), draw(st.integers(1, min(width, 7)))
    stride_h, stride_w = draw(st.integers(1, 4)), draw(st.integers(1, 4))
    pad_h, pad_w = draw(st.integers(0, kernel_h - 1)), draw(st.integers(0, kernel_w - 1))
    sizes = f"kernel_h: {kernel_h} kernel_w: {kernel_w} stride_h: {stride_h} stride_w: {stride_w}"
    pads = f"pad_h: {pad_h} pad_w: {pad_w}" if pad_h or pad_w else ""
    rounding = draw(st.sampled_from(["", "round_mode: FLOOR"]))
    parameter = "global_pooling: true" if whole else f"{sizes} {pads} {rounding}"
    images, channels = draw(st.integers(1, 3)), draw(st.integers(1, 5))
    shapes = [[images, channels, height + more, width + more] for more in draw(st.lists(st.integers(0, 5), max_size=2))]
    case = {"layer": f'type: "Pooling" pooling_param {{ pool: {method} {parameter} }}', "seed": draw(SEEDS)}
    case |= {"bottoms": [[images, channels, height, width]], "reshapes": [[shape] for shape in shapes]}
    mask = method == "MAX" and draw(st.booleans())
    kind = draw(KINDS)
    # A window of nothing but NaN, or beyond the plane, has no maximum; Caffe's gradient for it goes out of the plane.
    beyond = not whole and any(
        (-(-(size + 2 * pad - kernel) // stride)) * stride >= size + pad
        for first, kernel, stride, pad in ((height, kernel_h, stride_h, pad_h), (width, kernel_w, stride_w, pad_w))
        for size in range(first, first + 6)
    )
    if method == "MAX" and (kind == "special" or beyond):
        case["propagate"] = [False]
    return case | {"tops": 2 if mask else 1, "losses": 1, "kind": kind, "threads": draw(st.integers(1, 3))}


@st.composite
def convolution(draw: st.DrawFn) -> Case:
    groups = draw(st.sampled_from([1, 1, 1, 2, 3]))
    inputs, outputs = groups * draw(st.integers(1, 20)), groups * draw(st.integers(1, 20))
    if draw(st.integers(0, 7)) == 0:  # depthwise
        groups = inputs
        outputs = inputs * draw(st.integers(1, 2))
    kernel = draw(st.integers(1, 5)), draw(st.integers(1, 5))
    stride = draw(st.integers(1, 3)), draw(st.integers(1, 3))
    pad = draw(st.integers(0, 3)), draw(st.integers(0, 3))
    dilation = draw(st.integers(1, 2)), draw(st.integers(1, 2))
    extent = [d * (k - 1) + 1 for k, d in zip(kernel, dilation, strict=True)]
    height, width = (max(draw(st.integers(1, 20)), e - 2 * p) for e, p in zip(extent, pad, strict=True))
    bias, frozen = draw(st.booleans()), draw(st.sampled_from(["", "", "", "weights", "bias", "both"]))
    multipliers = f"param {{ lr_mult: {int(frozen not in ('weights', 'both'))} }}"
    if bias:
        multipliers += f" param {{ lr_mult: {int(frozen not in ('bias', 'both'))} }}"
    sizes = " ".join(
        f"{name}: {value}"
        for name, pair in (("kernel_size", kernel), ("stride", stride), ("pad", pad), ("dilation", dilation))
        for value in pair
    )
    parameter = f"num_output: {outputs} group: {groups} {sizes} bias_term: {str(bias).lower()}"
    layer = f'type: "Convolution" {multipliers} convolution_param {{ {parameter} }}'
    count = draw(st.sampled_from([1, 1, 2, 3]))
    images = st.one_of(st.integers(1, 5), st.integers(6, 40))
    shape = [draw(images), inputs, height, width]
    other = [draw(images), inputs, height + draw(st.integers(0, 4)), width + draw(st.integers(0, 4))]
    propagate = [draw(st.booleans()) for _ in range(count)]
    case = {"layer": layer, "bottoms": [shape] * count, "tops": count, "propagate": propagate}
    return case | {"reshapes": draw(st.sampled_from([[], [[other] * count, [shape] * count]])), "seed": draw(SEEDS),
                   "threads": draw(st.integers(1, 3))}


def _count(shape: list[int]) -> int:
    product = 1
    for size in shape:
        product *= size
    return product
