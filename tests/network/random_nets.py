"""Nets of random layers with random parameters, some of which fit and some of which do not."""

from collections.abc import Callable
from typing import Any

import numpy as np
from chains import parsed

Random = np.random.Generator
Blobs = dict[str, tuple[int, ...]]

_ELEMENTWISE = "AbsVal BNLL Clip Dropout ELU Exp Log Power PReLU ReLU Sigmoid Swish TanH Threshold".split()
_CLIP = "clip_param { min: 0 max: 6 }"


def inputs(random: Random) -> Any:
    """A net of nothing but inputs: images, some of one size, and labels for them."""
    images, channels = int(random.integers(1, 4)), int(random.integers(1, 7))
    size = [int(length) for length in random.integers(1, 12, 2)]
    shapes = [[images, channels, *size], [images, channels, *size], [images, int(random.integers(1, 7)), *size]]
    shapes += [[images], [images, *size], [images, 1, *size], [images, 1, 1, 1], [images, channels], [channels]]
    shapes += [[channels, channels], [images, channels, size[0]], [images, channels, 2, *size]]
    lines = []
    for k, shape in enumerate(shapes):
        dims = " ".join(f"dim: {length}" for length in shape)
        kind, parameter = [("Input", "input_param"), ("DummyData", "dummy_data_param")][k % 2]
        lines.append(f'layer {{ name: "in{k}" type: "{kind}" top: "in{k}" {parameter} {{ shape {{ {dims} }} }} }}')
    return parsed("\n".join(lines))


def layer(random: Random, kind: str, number: int, blobs: Blobs) -> Any:
    """A LayerParameter of type `kind` on random bottoms among `blobs`, as likely as not on ones that fit."""
    bottoms, tops = _bottoms(random, kind, blobs), _tops(random, kind)
    names = [f"l{number}t{k}" for k in range(tops)]
    if kind in _ELEMENTWISE and random.random() < 0.3:
        names[0] = bottoms[0]
    lines = [*(f'bottom: "{name}"' for name in bottoms), *(f'top: "{name}"' for name in names)]
    if len(names) > 1 and random.random() < 0.7 and kind == "InfogainLoss":
        lines.append("loss_weight: 1 loss_weight: 0")
    text = f'layer {{ name: "l{number}" type: "{kind}" {" ".join(lines)} {_parameters(random, kind, len(bottoms))} }}'
    return parsed(text).layer[0]


_TWO = "Accuracy BatchReindex Crop EuclideanLoss HingeLoss MultinomialLogisticLoss SigmoidCrossEntropyLoss".split()


def _bottoms(random: Random, kind: str, blobs: Blobs) -> list[str]:
    names = list(blobs)
    # An axis of four makes most types possible, and the latest layers make the net deep.
    if random.random() < 0.5:
        names = [name for name in names if len(blobs[name]) == 4][-6:]
    first = str(random.choice(names))
    number = 1
    if kind in (*_TWO, "SoftmaxWithLoss") or (kind in ("Scale", "Bias") and random.random() < 0.4):
        number = 2
    elif kind in ("InfogainLoss", "ContrastiveLoss"):
        number = 3
    elif kind in ("Concat", "Eltwise", "Silence") or (kind.endswith("onvolution") and random.random() < 0.1):
        number = int(random.integers(1, 4))
    akin = [name for name in names if blobs[name][:1] == blobs[first][:1]] if random.random() < 0.8 else names
    if kind in ("Concat", "Eltwise", "Convolution", "Deconvolution") and random.random() < 0.7:
        akin = [name for name in names if len(blobs[name]) == len(blobs[first]) and blobs[name][2:] == blobs[first][2:]]
    if kind == "BatchReindex":
        akin = [name for name in blobs if len(blobs[name]) == 1]
    return [first, *map(str, random.choice(akin, number - 1))]


def _tops(random: Random, kind: str) -> int:
    if kind == "Silence":
        return 0
    if kind in ("Slice", "Split"):
        return int(random.integers(1, 4))
    if kind in ("Pooling", "SoftmaxWithLoss", "InfogainLoss", "Accuracy", "Convolution") and random.random() < 0.2:
        return 2
    return 0 if kind.endswith("Loss") and random.random() < 0.2 else 1


def _parameters(random: Random, kind: str, bottoms: int) -> str:
    return _PARAMETERS[kind](random, bottoms) if kind in _PARAMETERS else ""


def _axis(random: Random, least: int = -5, most: int = 4) -> str:
    return f"axis: {random.integers(least, most + 1)}" if random.random() < 0.5 else ""


def _some(random: Random, text: str, chance: float = 0.5) -> str:
    return text if random.random() < chance else ""


def _numbers(random: Random, name: str, least: int, most: int) -> str:
    """Once, twice, or not at all; Caffe takes a list an axis."""
    times = int(random.choice([0, 1, 1, 1, 2, 3], p=[0.2, 0.2, 0.2, 0.2, 0.15, 0.05]))
    return " ".join(f"{name}: {value}" for value in random.integers(least, most + 1, times))


def _convolution(random: Random, bottoms: int) -> str:
    kernel = f"kernel_size: {random.integers(1, 4)}"
    if random.random() < 0.3:
        kernel = f"kernel_h: {random.integers(0 if random.random() < 0.1 else 1, 5)} kernel_w: {random.integers(1, 4)}"
    elif random.random() < 0.2:
        kernel = _numbers(random, "kernel_size", 1, 3)
    stride = _numbers(random, "stride", 1, 3)
    if random.random() < 0.2:
        stride = f"stride_h: {random.integers(1, 3)} stride_w: {random.integers(1, 3)}"
    pad = _numbers(random, "pad", 0, 2)
    dilation = _some(random, _numbers(random, "dilation", 1, 2), 0.3)
    group = _some(random, f"group: {random.integers(1, 5)}", 0.4)
    outputs, bias = random.integers(1, 7), _some(random, "bias_term: false")
    axis = _some(random, _axis(random), 0.2)
    return f"convolution_param {{ num_output: {outputs} {kernel} {stride} {pad} {dilation} {group} {bias} {axis} }}"


def _pooling(random: Random, bottoms: int) -> str:
    pool = f"pool: {random.choice(['MAX', 'AVE'])}"
    if random.random() < 0.2:
        return f"pooling_param {{ {pool} global_pooling: true {_some(random, 'stride: 2', 0.2)} }}"
    kernel = f"kernel_size: {random.integers(1, 5)}"
    if random.random() < 0.4:
        kernel = f"kernel_h: {random.integers(1, 5)} kernel_w: {random.integers(1, 5)}"
    stride = _some(random, f"stride: {random.integers(1, 6)}", 0.7)
    if not stride and random.random() < 0.5:
        stride = f"stride_h: {random.integers(1, 6)} stride_w: {random.integers(1, 6)}"
    pad = _some(random, f"pad: {random.integers(0, 3)}")
    if not pad and random.random() < 0.5:
        pad = f"pad_h: {random.integers(0, 3)} pad_w: {random.integers(0, 3)}"
    mode = _some(random, f"round_mode: {random.choice(['CEIL', 'FLOOR'])}", 0.4)
    return f"pooling_param {{ {pool} {kernel} {stride} {pad} {mode} }}"


def _reshape(random: Random, bottoms: int) -> str:
    dims = " ".join(f"dim: {value}" for value in random.choice([0, 0, -1, 1, 2, 3], random.integers(0, 5)))
    if random.random() < 0.4:
        dims = " ".join(["dim: 0"] * int(random.integers(0, 3)) + ["dim: -1"] + ["dim: 1"] * int(random.integers(0, 2)))
    count = _some(random, f"num_axes: {random.integers(-1, 4)}", 0.4)
    return f"reshape_param {{ shape {{ {dims} }} {_axis(random)} {count} }}"


def _scale(random: Random, bottoms: int) -> str:
    return f"{_axis(random, -4, 3)} {_some(random, f'num_axes: {random.integers(-1, 4)}')}"


def _joined(random: Random, old: str) -> str:
    return _axis(random) if random.random() < 0.8 else f"{old}: {random.integers(0, 4)}"


def _slice(random: Random, bottoms: int) -> str:
    points = " ".join(f"slice_point: {point}" for point in sorted(random.integers(1, 7, random.integers(1, 3))))
    return f"slice_param {{ {_joined(random, 'slice_dim')} {_some(random, points)} }}"


def _eltwise(random: Random, bottoms: int) -> str:
    coefficients = "coeff: 0.5 " * int(random.choice([bottoms, 2], p=[0.8, 0.2]))
    return f"eltwise_param {{ operation: {random.choice(['SUM', 'PROD', 'MAX'])} {_some(random, coefficients, 0.3)} }}"


_PARAMETERS: dict[str, Callable[[Random, int], str]] = {
    "Convolution": _convolution,
    "Deconvolution": _convolution,
    "Im2col": _convolution,
    "Pooling": _pooling,
    "Clip": lambda random, bottoms: _CLIP,
    "PReLU": lambda random, bottoms: _some(random, "prelu_param { channel_shared: true }"),
    "InnerProduct": lambda random, bottoms: (
        f"inner_product_param {{ num_output: {random.integers(1, 6)} {_axis(random)} "
        f"{_some(random, 'transpose: true')} {_some(random, 'bias_term: false')} }}"
    ),
    "Embed": lambda random, bottoms: (
        f"embed_param {{ num_output: {random.integers(0, 4)} input_dim: {random.integers(0, 4)} "
        f"{_some(random, 'bias_term: false')} }}"
    ),
    "SPP": lambda random, bottoms: f"spp_param {{ pyramid_height: {random.integers(1, 4)} }}",
    "LRN": lambda random, bottoms: (
        f"lrn_param {{ local_size: {random.integers(1, 6)} {_some(random, 'norm_region: WITHIN_CHANNEL')} }}"
    ),
    "MVN": lambda random, bottoms: _some(random, "mvn_param { across_channels: true }"),
    "Scale": lambda random, bottoms: (
        f"scale_param {{ {_scale(random, bottoms)} {_some(random, 'bias_term: true')} }}"
    ),
    "Bias": lambda random, bottoms: f"bias_param {{ {_scale(random, bottoms)} }}",
    "Concat": lambda random, bottoms: f"concat_param {{ {_joined(random, 'concat_dim')} }}",
    "Slice": _slice,
    "Eltwise": _eltwise,
    "Crop": lambda random, bottoms: f"crop_param {{ {_axis(random)} {_numbers(random, 'offset', 0, 1)} }}",
    "Reshape": _reshape,
    "Flatten": lambda random, bottoms: (
        f"flatten_param {{ {_axis(random)} {_some(random, f'end_axis: {random.integers(-5, 4)}')} }}"
    ),
    "Tile": lambda random, bottoms: f"tile_param {{ {_axis(random)} tiles: {random.integers(0, 4)} }}",
    "Reduction": lambda random, bottoms: f"reduction_param {{ {_axis(random)} }}",
    "ArgMax": lambda random, bottoms: (
        f"argmax_param {{ {_axis(random)} top_k: {random.integers(0, 4)} {_some(random, 'out_max_val: true')} }}"
    ),
    "Softmax": lambda random, bottoms: f"softmax_param {{ {_axis(random)} }}",
    "SoftmaxWithLoss": lambda random, bottoms: f"softmax_param {{ {_axis(random)} }}",
    "InfogainLoss": lambda random, bottoms: f"infogain_loss_param {{ {_axis(random)} }}",
    "Accuracy": lambda random, bottoms: f"accuracy_param {{ {_axis(random)} top_k: {random.integers(1, 4)} }}",
}
