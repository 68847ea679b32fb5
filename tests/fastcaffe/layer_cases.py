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
    case: Case = {"layer": f'type: "ReLU" {slope}', "bottoms": [shape], "kind": draw(KINDS), "seed": draw(SEEDS)}
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
    case: Case = {"layer": f'type: "Pooling" pooling_param {{ pool: {method} {parameter} }}', "seed": draw(SEEDS)}
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
def pooling_3x3(draw: st.DrawFn) -> Case:
    """Windows of 3 x 3, 2 apart: rows that end in whole windows or not, several planes side by side or one."""
    method, kind = draw(st.sampled_from(["MAX", "AVE"])), draw(KINDS)
    width = draw(st.sampled_from([4, 8, 16, 32]) | st.integers(3, 80))
    height = draw(st.just(width) | st.integers(3, 40))
    pad_h, pad_w = draw(st.sampled_from([(0, 0), (0, 0), (1, 1), (2, 0), (0, 1), (2, 2)]))
    rounding = draw(st.sampled_from(["", "", "round_mode: FLOOR"]))
    parameter = f"pool: {method} kernel_size: 3 stride: 2 pad_h: {pad_h} pad_w: {pad_w} {rounding}"
    images, channels = draw(st.integers(1, 5)), draw(st.integers(1, 7))
    more = draw(st.lists(st.tuples(st.integers(0, 5), st.integers(0, 5)), max_size=2))
    case: Case = {"layer": f'type: "Pooling" pooling_param {{ {parameter} }}', "seed": draw(SEEDS), "kind": kind}
    case |= {"bottoms": [[images, channels, height, width]]}
    case |= {"reshapes": [[[images, channels, height + high, width + wide]] for high, wide in more]}
    mask = method == "MAX" and draw(st.booleans())
    # What has no maximum (NaN alone, or only places beyond the plane: padded by 2, after 2n + 1 rows) has no gradient
    # in this project, and one beside the plane in Caffe.
    if method == "MAX" and (kind == "special" or 2 in (pad_h, pad_w)):
        case["propagate"] = [False]
    return case | {"tops": 2 if mask else 1, "losses": 1, "threads": draw(st.integers(1, 3))}


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
    if draw(st.integers(0, 3)) == 0:  # pointwise
        kernel, stride, pad = (1, 1), (1, 1), (0, 0)
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
    case: Case = {"layer": layer, "bottoms": [shape] * count, "tops": count, "propagate": propagate}
    return case | {
        "reshapes": draw(st.sampled_from([[], [[other] * count, [shape] * count]])),
        "seed": draw(SEEDS),
        "threads": draw(st.integers(1, 3)),
        "linear": True,
    }


@st.composite
def wide_convolution(draw: st.DrawFn) -> Case:
    """A convolution whose rows are whole vectors of 16, before as after: what `rows` is for."""
    kernel, pad_h, width = 2 * draw(st.integers(0, 3)) + 1, draw(st.integers(0, 3)), 16 * draw(st.integers(1, 3))
    kernel_h, dilation_h = draw(st.integers(pad_h + 1, 5)), draw(st.integers(1, 2))
    sizes = f"kernel_h: {kernel_h} kernel_w: {kernel} pad_h: {pad_h} pad_w: {kernel // 2}"
    if dilation_h > 1:
        sizes += f" dilation: {dilation_h} dilation: 1"
    outputs, bias = draw(st.integers(1, 20)), str(draw(st.booleans())).lower()
    height = dilation_h * (kernel_h - 1) + 1 + draw(st.integers(0, 12))
    shape = [draw(st.integers(1, 9)), draw(st.integers(1, 20)), height, width]
    other = [draw(st.integers(1, 9)), shape[1], height + draw(st.integers(0, 4)), width]
    parameter = f"num_output: {outputs} {sizes} bias_term: {bias}"
    case: Case = {"layer": f'type: "Convolution" convolution_param {{ {parameter} }}', "bottoms": [shape]}
    case |= {"propagate": [draw(st.booleans())], "reshapes": draw(st.sampled_from([[], [[other], [shape]]]))}
    return case | {"seed": draw(SEEDS), "threads": draw(st.integers(1, 3)), "linear": True}


@st.composite
def winograd_convolution(draw: st.DrawFn) -> Case:
    """A convolution with kernels of 3 x 3 that step over no pixel: what `winograd` is for. Maps of whole tiles or not,
    of whole segments of them or not, so many of a few images or of many that parts of a batch are full or not."""
    pad_h, pad_w = draw(st.sampled_from([(1, 1), (1, 1), (0, 0), (2, 2), (0, 1), (2, 0)]))
    height, width = (max(3 - 2 * pad, draw(st.sampled_from([4, 8, 16]) | st.integers(1, 20))) for pad in (pad_h, pad_w))
    shape = [draw(st.integers(1, 5) | st.integers(6, 40)), draw(st.integers(1, 20)), height, width]
    other = [draw(st.integers(1, 40)), shape[1], height + draw(st.integers(0, 4)), width + draw(st.integers(0, 4))]
    outputs, bias, count = draw(st.integers(1, 20)), str(draw(st.booleans())).lower(), draw(st.sampled_from([1, 1, 2]))
    parameter = f"num_output: {outputs} kernel_size: 3 pad_h: {pad_h} pad_w: {pad_w} bias_term: {bias}"
    case: Case = {"layer": f'type: "Convolution" convolution_param {{ {parameter} }}', "bottoms": [shape] * count}
    case |= {"tops": count, "propagate": [draw(st.booleans()) for _ in range(count)], "linear": True}
    case |= {"reshapes": draw(st.sampled_from([[], [[other] * count, [shape] * count]]))}
    return case | {"seed": draw(SEEDS), "threads": draw(st.integers(1, 3))}


@st.composite
def inner_product(draw: st.DrawFn) -> Case:
    shape = [draw(st.integers(1, 40)), *draw(st.lists(st.integers(1, 9), min_size=1, max_size=3))]
    transposed = draw(st.integers(0, 5)) == 0
    parameter = f"num_output: {draw(st.integers(1, 40))} bias_term: {str(draw(st.booleans())).lower()}"
    if transposed:
        parameter += " transpose: true"
    case: Case = {"layer": f'type: "InnerProduct" inner_product_param {{ {parameter} }}', "bottoms": [shape]}
    case |= {"propagate": [draw(st.booleans())], "seed": draw(SEEDS), "threads": draw(st.integers(1, 3))}
    other = [draw(st.integers(1, 40)), *shape[1:]]
    return case | {"reshapes": draw(st.sampled_from([[], [[other], [shape]]])), "linear": True}


@st.composite
def sparse(draw: st.DrawFn, dense: st.SearchStrategy[Case]) -> Case:
    """A layer with weights of which few exist, others in each round."""
    case = draw(dense)
    densities = st.sampled_from([0.0, 0.02, 0.1, 0.3, 0.45, 0.6, 0.8, 1.0])
    rounds = 1 + len(case["reshapes"])
    more = [case["bottoms"]] * draw(st.integers(0, 2))  # the same shapes again, with other weights
    case["reshapes"] = [*case["reshapes"], *more]
    return case | {"densities": [draw(densities) for _ in range(rounds + len(more))], "absent": draw(st.booleans())}


@st.composite
def lrn(draw: st.DrawFn) -> Case:
    shape = [draw(st.integers(1, 3)), draw(st.integers(1, 20)), draw(st.integers(1, 12)), draw(st.integers(1, 20))]
    size, beta = draw(st.sampled_from([1, 3, 5, 7])), draw(st.sampled_from([0.75, 0.75, 0.5, 1.0, 0.6]))
    k, alpha = draw(st.sampled_from([1.0, 2.0])), draw(st.sampled_from([1e-4, 0.1, 1.0]))
    region = draw(st.sampled_from(["", "", "", "norm_region: WITHIN_CHANNEL"]))
    parameter = f"local_size: {size} alpha: {alpha} beta: {beta} k: {k} {region}"
    case: Case = {"layer": f'type: "LRN" lrn_param {{ {parameter} }}', "bottoms": [shape], "seed": draw(SEEDS)}
    return case | {"reshapes": _grown(draw, shape), "threads": draw(st.integers(1, 3))}


@st.composite
def batch_norm(draw: st.DrawFn) -> Case:
    shape = [draw(st.integers(2, 12)), draw(st.integers(1, 20)), draw(st.integers(1, 12)), draw(st.integers(1, 12))]
    phase, in_place = draw(st.sampled_from(["TRAIN", "TEST"])), draw(st.booleans())
    parameter = draw(st.sampled_from(["", "moving_average_fraction: 0.9", "eps: 0.001", "use_global_stats: true"]))
    case: Case = {"layer": f'type: "BatchNorm" batch_norm_param {{ {parameter} }}', "bottoms": [shape], "phase": phase}
    case |= {"in_place": in_place, "positive": True, "seed": draw(SEEDS), "threads": draw(st.integers(1, 3))}
    return case | {"reshapes": _grown(draw, shape)}


@st.composite
def scale(draw: st.DrawFn) -> Case:
    shape = [draw(st.integers(1, 12)), draw(st.integers(1, 20)), draw(st.integers(1, 12)), draw(st.integers(1, 12))]
    bias, axes = draw(st.booleans()), draw(st.sampled_from(["", "", "", "axis: 1 num_axes: 2", "axis: 0 num_axes: 1"]))
    frozen = " ".join(f"param {{ lr_mult: {int(draw(st.booleans()))} }}" for _ in range(1 + bias))
    parameter = f"{axes} bias_term: {str(bias).lower()}"
    case: Case = {
        "layer": f'type: "Scale" {frozen} scale_param {{ {parameter} }}',
        "bottoms": [shape],
        "seed": draw(SEEDS),
    }
    case |= {"front": 'type: "Bias" bias_param { axis: 0 num_axes: 0 }', "seed": draw(SEEDS)}
    case |= {"in_place": draw(st.booleans())}
    return case | {"threads": draw(st.integers(1, 3))}


@st.composite
def eltwise(draw: st.DrawFn) -> Case:
    count, operation = draw(st.integers(2, 4)), draw(st.sampled_from(["SUM", "SUM", "SUM", "PROD", "MAX"]))
    shape = draw(st.lists(st.integers(1, 30), min_size=1, max_size=4).filter(lambda s: _count(s) < 50_000))
    weights = [draw(st.sampled_from([1, 1, -1, 0.5, 0.3])) for _ in range(count)]
    plain = operation != "SUM" or draw(st.booleans())
    coefficients = "" if plain else " ".join(f"coeff: {weight}" for weight in weights)
    layer = f'type: "Eltwise" eltwise_param {{ operation: {operation} {coefficients} }}'
    propagate = [draw(st.booleans()) for _ in range(count)]
    case: Case = {"layer": layer, "bottoms": [shape] * count, "propagate": propagate, "seed": draw(SEEDS)}
    return case | {"threads": draw(st.integers(1, 3)), "plain": plain}


@st.composite
def neighbours(draw: st.DrawFn) -> Case:
    """BatchNorm, Scale, perhaps ReLU, then perhaps Eltwise, ReLU and two readers: what may be taken together."""
    shape = [draw(st.integers(1, 12)), draw(st.integers(1, 20)), draw(st.integers(2, 12)), draw(st.integers(4, 12))]
    blob, bias = draw(st.sampled_from(["bottom0", "x"])), draw(st.booleans())
    frozen = " ".join(f"param {{ lr_mult: {int(draw(st.booleans()))} }}" for _ in range(1 + bias))
    average = draw(st.sampled_from(["", "moving_average_fraction: 0.9", "use_global_stats: true"]))
    slope = draw(st.sampled_from(["", "", "", "relu_param { negative_slope: 0.1 }"]))
    relu, adds, readers = draw(st.booleans()), draw(st.booleans()), draw(st.integers(1, 3))
    net = f"""
        layer {{ name: "norm" type: "BatchNorm" bottom: "bottom0" top: "{blob}" batch_norm_param {{ {average} }} }}
        layer {{ name: "scale" type: "Scale" bottom: "{blob}" top: "{blob}" {frozen}
                 scale_param {{ bias_term: {str(bias).lower()} }} }}"""
    if relu:
        net += f'layer {{ name: "relu" type: "ReLU" bottom: "{blob}" top: "{blob}" {slope} }}'
    if adds:
        flags = [draw(st.booleans()) for _ in range(2)]
        both = " ".join(f"propagate_down: {str(flag).lower()}" for flag in (flags if any(flags) else [True, True]))
        coefficients = draw(st.sampled_from(["", "", "eltwise_param { coeff: 1 coeff: -1 }"]))
        order = draw(st.permutations([blob, "bottom1"]))
        bottoms = " ".join(f'bottom: "{name}"' for name in order)
        net += f"""layer {{ name: "sum" type: "Eltwise" {bottoms} top: "s" {both} {coefficients} }}
                   layer {{ name: "sum_relu" type: "ReLU" bottom: "s" top: "s" }}"""
    for i in range(readers):
        net += f"""layer {{ name: "read{i}" type: "Power" bottom: "{"s" if adds else blob}" top: "top{i}" loss_weight: 1
                            power_param {{ scale: {i + 1} }} }}"""
    case: Case = {"net": net, "bottoms": [shape] * (1 + adds), "tops": readers, "positive": True, "seed": draw(SEEDS)}
    case |= {"phase": draw(st.sampled_from(["TRAIN", "TEST"])), "threads": draw(st.integers(1, 3))}
    grown = [rounds * (1 + adds) for rounds in _grown(draw, shape)]
    return case | {"reshapes": grown, "front": 'type: "Bias" bias_param { axis: 0 num_axes: 0 }'}


def _grown(draw: st.DrawFn, shape: list[int]) -> list[list[list[int]]]:
    """Perhaps a second shape: more images, rows and columns."""
    more = [draw(st.integers(0, 4)) for _ in range(3)]
    return draw(st.sampled_from([[], [[[shape[0] + more[0], shape[1], shape[2] + more[1], shape[3] + more[2]]]]]))


def _count(shape: list[int]) -> int:
    product = 1
    for size in shape:
        product *= size
    return product


@st.composite
def kept_nets(draw: st.DrawFn) -> Case:
    """Layers with few and with many weights in a row, what works on each channel in between, and at the end a loss.

    Numbers are whole and stay small, so that every order of a sum gives the same, and the same maximum.
    """
    size, channels = draw(st.integers(5, 18) | st.integers(20, 24)), draw(st.integers(1, 3))
    case: Case = {"bottoms": [[draw(st.sampled_from([14, 16, 32, 47])), channels, size, size]], "densities": [[], []]}
    net, top = "", "bottom0"
    for number in range(draw(st.integers(1, 3))):
        if draw(st.integers(0, 3)) == 0 or size < 3:
            more, size = _kept_layer("InnerProduct", number, top, "inner_product_param { num_output: 5 }"), 1
        else:
            stride, pad = draw(st.integers(1, 3)), draw(st.integers(0, 2))
            parameter = f"num_output: {2 * draw(st.integers(1, 3))} kernel_size: 3 stride: {stride} pad: {pad}"
            parameter += f" bias_term: {str(draw(st.booleans())).lower()}"
            more = _kept_layer("Convolution", number, top, f"convolution_param {{ {parameter} }}")
            size = out_of(size, 3, stride, pad)
        net, top = net + more, f"x{number}"
        for densities in case["densities"]:
            densities.append(draw(st.sampled_from([0.1, 0.2, 0.3, 0.9])))
        for after in draw(st.lists(st.sampled_from(["ReLU", "MAX 3", "MAX 2", "AVE 2", "slope"]), max_size=3)):
            size, more, top = _kept_step(after, size, top, f"{number}{len(net)}")
            net += more
    net += f'layer {{ name: "end" type: "Power" bottom: "{top}" top: "top0" loss_weight: 1 }}'
    again = [[draw(st.sampled_from([16, 33])), *case["bottoms"][0][1:]]]
    case |= {"net": net, "reshapes": [again], "seed": draw(SEEDS), "threads": draw(st.integers(1, 3))}
    return case | {"unread": True, "absent": True, "whole": True}


def _kept_layer(type_: str, number: int, bottom: str, parameter: str) -> str:
    return f'layer {{ name: "layer{number}" type: "{type_}" bottom: "{bottom}" top: "x{number}" {parameter} }}\n'


def _kept_step(what: str, size: int, bottom: str, number: str) -> tuple[int, str, str]:
    """The size afterwards, the layer, and the blob that it writes."""
    if what in ("ReLU", "slope"):
        slope = "relu_param { negative_slope: 2 }" if what == "slope" else ""
        ends = f'bottom: "{bottom}" top: "{bottom}"'
        return size, f'layer {{ name: "relu{number}" type: "ReLU" {ends} {slope} }}\n', bottom
    method, kernel = what.split()
    if size < int(kernel):
        return size, "", bottom
    top = f"pool{number}"
    parameter = f"pooling_param {{ pool: {method} kernel_size: {kernel} stride: 2 }}"
    ends = f'bottom: "{bottom}" top: "{top}"'
    return -(-(size - int(kernel)) // 2) + 1, f'layer {{ name: "{top}" type: "Pooling" {ends} {parameter} }}\n', top
