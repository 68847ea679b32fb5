"""Random networks of every layer type that evolves, with sparse weights, dead neurons and biases."""

from math import gcd
from typing import Any

import numpy as np
from chains import parsed

from evolve.base.errors import UserError
from evolve.network import shapes
from evolve.network.weights import Weights

Net = Any  # caffe_pb2.NetParameter
Random = np.random.Generator
Shape = tuple[int, ...]


class Builder:
    """A net in the making: its layers, and the blobs that one can read so far."""

    def __init__(self, random: Random) -> None:
        self.random = random
        size = [int(number) for number in random.integers(5, 9, 2)]
        self.shape = (2, int(random.integers(1, 5)), *size)
        self.blobs: dict[str, Shape] = {"data": self.shape}
        self._text = ['name: "random"', self._input("data")]
        self._number = 0
        self.read: set[str] = set()

    def add(self, kind: str, bottoms: list[str], words: str = "", tops: int = 1, in_place: bool = False) -> list[str]:
        """Adds a layer if Caffe would have it, and returns its tops; [] if not."""
        self._number += 1
        name = f"{kind.lower()}{self._number}"
        # Caffe's own rule: only the sole reader of a blob may work in place. And the top of a Flatten or a Reshape is
        # its bottom's memory, so that what works in place there changes the bottom for other layers too.
        in_place = in_place and bottoms[0] not in self.read and not bottoms[0].startswith(("flatten", "reshape"))
        written = bottoms[:1] if in_place else [f"{name}_{number}" if tops > 1 else name for number in range(tops)]
        blobs = " ".join([*(f'bottom: "{each}"' for each in bottoms), *(f'top: "{each}"' for each in written)])
        text = f'layer {{ name: "{name}" type: "{kind}" {blobs} {words} }}'
        try:
            step = shapes.infer(parsed("\n".join([*map(self._input, dict.fromkeys(bottoms)), text])))[-1]
        except UserError:
            return []
        if any(np.prod(shape) > 4000 for shape in step.tops):
            return []
        self._text.append(text)
        self.read |= set(bottoms) - set(written)
        self.blobs |= dict(zip(written, step.tops, strict=True))
        return written

    def _input(self, blob: str) -> str:
        dims = " ".join(f"dim: {dim}" for dim in self.blobs[blob])
        return f'layer {{ name: "{blob}" type: "Input" top: "{blob}" input_param {{ shape {{ {dims} }} }} }}'

    def net(self) -> Net:
        """What was made so far."""
        return parsed("\n".join(self._text))

    def any(self, axes: int = 0) -> str:
        """A blob's name, of so many axes if there is one; later ones more often."""
        names = [name for name, shape in self.blobs.items() if not axes or len(shape) == axes]
        return names[max(self.random.integers(len(names), size=2))] if names else "data"

    def pick(self, *choices: Any) -> Any:
        """One of them."""
        return choices[self.random.integers(len(choices))]


def _window(build: Builder) -> str:
    return f"kernel_size: {build.pick(1, 2, 3)} pad: {build.pick(0, 0, 1)} stride: {build.pick(1, 1, 2)}"


def _convolution(build: Builder) -> list[str]:
    bottom = build.any(axes=4)
    outputs = int(build.random.integers(1, 9))
    group = build.pick(1, 1, 1, gcd(outputs, build.blobs[bottom][1]))
    dilation = build.pick("", "", "dilation: 2")
    return build.add("Convolution", [bottom], f"convolution_param {{ num_output: {outputs} group: {group} {dilation} "
                     f"{_window(build)} bias_term: {build.pick('true', 'true', 'false')} }}")  # fmt: skip


def _depthwise(build: Builder) -> list[str]:
    bottom = build.any(axes=4)
    channels = build.blobs[bottom][1]
    words = f"num_output: {channels * build.pick(1, 1, 2)} group: {channels} {_window(build)}"
    words += f" bias_term: {build.pick('true', 'false')}"
    return build.add("Convolution", [bottom], f"convolution_param {{ {words} }}")


def _deconvolution(build: Builder) -> list[str]:
    bottom = build.any(axes=4)
    outputs = int(build.random.integers(1, 7))
    group = build.pick(1, 1, gcd(outputs, build.blobs[bottom][1]))
    words = f"num_output: {outputs} group: {group} {_window(build)} bias_term: {build.pick('true', 'true', 'false')}"
    return build.add("Deconvolution", [bottom], f"convolution_param {{ {words} }}")


def _inner_product(build: Builder) -> list[str]:
    words = f"num_output: {build.random.integers(1, 9)} bias_term: {build.pick('true', 'true', 'false')}"
    return build.add("InnerProduct", [build.any()], f"inner_product_param {{ {words} }}")


def _elementwise(build: Builder) -> list[str]:
    kind, words = build.pick(
        ("ReLU", ""), ("ReLU", "relu_param { negative_slope: 0.1 }"), ("PReLU", ""),
        ("PReLU", "prelu_param { channel_shared: true }"), ("ELU", "elu_param { alpha: 0.5 }"), ("Sigmoid", ""),
        ("TanH", ""), ("AbsVal", ""), ("BNLL", ""), ("Dropout", ""),
        ("Threshold", "threshold_param { threshold: 0.2 }"),
        ("Power", "power_param { power: 2 scale: 0.5 shift: 0.25 }"), ("Power", "power_param { scale: 0 shift: 0.5 }"),
        ("Exp", "exp_param { scale: 0.1 }"), ("Exp", "exp_param { base: 2 scale: 0.1 shift: 0.5 }"),
        ("Log", "log_param { shift: 50 }"), ("MVN", ""),
        ("Swish", "swish_param { beta: 0.5 }"), ("Clip", "clip_param { min: -0.5 max: 0.75 }"),
    )  # fmt: skip
    axes = 4 if kind == "MVN" else 0
    in_place = build.pick(True, False) and kind not in ("AbsVal", "BNLL", "MVN", "Threshold")
    return build.add(kind, [build.any(axes)], words, in_place=in_place)


def _pooling(build: Builder) -> list[str]:
    words = build.pick(
        f"kernel_size: {build.pick(2, 3)} stride: {build.pick(1, 2)} pad: {build.pick(0, 1)}", "global_pooling: true"
    )
    pool, tops = build.pick(("MAX", 1), ("MAX", 2), ("AVE", 1))
    return build.add("Pooling", [build.any(axes=4)], f"pooling_param {{ pool: {pool} {words} }}", tops=tops)


def _normalised(build: Builder) -> list[str]:
    tops = build.add("BatchNorm", [build.any(axes=4)], in_place=build.pick(True, False))
    if tops and build.pick(True, True, False):
        words = f"scale_param {{ bias_term: {build.pick('true', 'true', 'false')} }}"
        return build.add("Scale", tops, words, in_place=True)
    return tops


def _scaled(build: Builder) -> list[str]:
    kind, words = build.pick(
        ("Scale", "scale_param { bias_term: true }"), ("Scale", "scale_param { axis: 1 num_axes: -1 bias_term: true }"),
        ("Scale", "scale_param { num_axes: 0 }"), ("Scale", "scale_param { axis: 2 }"), ("Bias", ""),
        ("Scale", "scale_param { axis: 0 num_axes: 2 bias_term: true }"), ("Bias", "bias_param { num_axes: -1 }"),
    )  # fmt: skip
    return build.add(kind, [build.any()], words)


def _lrn(build: Builder) -> list[str]:
    region = build.pick("ACROSS_CHANNELS", "WITHIN_CHANNEL", "WITHIN_CHANNEL")
    words = f"lrn_param {{ local_size: 3 alpha: 0.5 norm_region: {region} }}"
    return build.add("LRN", [build.any(axes=4)], words)


def _concat(build: Builder) -> list[str]:
    first = build.any()
    around = build.blobs[first][:1] + build.blobs[first][2:]
    fitting = [name for name, other in build.blobs.items() if len(other) > 1 and other[:1] + other[2:] == around]
    others = [str(build.pick(*fitting)) for _ in range(build.pick(1, 1, 2))] if fitting else []
    return build.add("Concat", [first, *others], build.pick("", "concat_param { concat_dim: 1 }"))


def _slice(build: Builder) -> list[str]:
    bottom = build.any()
    channels = build.blobs[bottom][1] if len(build.blobs[bottom]) > 1 else 0
    if channels < 2:
        return []
    if channels % 2 == 0 and build.pick(True, False):
        return build.add("Slice", [bottom], tops=2)
    tops = min(channels, build.pick(2, 3))
    points = sorted(1 + build.random.choice(channels - 1, tops - 1, replace=False))
    words = " ".join(f"slice_point: {point}" for point in points)
    return build.add("Slice", [bottom], f"slice_param {{ axis: 1 {words} }}", tops=tops)


def _eltwise(build: Builder) -> list[str]:
    """Joined with a convolution of its own, as in a residual block, or with whatever has its shape."""
    bottom = build.any(axes=4)
    shape = build.blobs[bottom]
    words = f"num_output: {shape[1]} kernel_size: 3 pad: 1 bias_term: {build.pick('true', 'false')}"
    branch = build.add("Convolution", [bottom], f"convolution_param {{ {words} }}")
    if branch and build.pick(True, False):
        branch = build.add("BatchNorm", branch) or branch
    alike = [name for name, other in build.blobs.items() if other == shape]
    joined = [bottom, *branch, *([build.pick(*alike)] if build.pick(True, False, False) else [])]
    operation = build.pick("SUM", "SUM", "SUM", "MAX", "PROD", "SUM " + "coeff: -0.5 " * len(joined))
    return build.add("Eltwise", joined, f"eltwise_param {{ operation: {operation} }}")


def _gate(build: Builder) -> list[str]:
    """Squeeze and excitation: each channel times a number computed from all of them."""
    bottom = build.any(axes=4)
    units = build.add("InnerProduct", [bottom], f"inner_product_param {{ num_output: {build.blobs[bottom][1]} }}")
    gate = build.add("Sigmoid", units, in_place=True) if units else []
    kind = build.pick("Scale", "Scale", "Bias")
    return build.add(kind, [bottom, *gate], f"{kind.lower()}_param {{ axis: 0 }}") if gate else []


def _reshape(build: Builder) -> list[str]:
    bottom = build.any()
    shape = build.blobs[bottom]
    if len(shape) == 1:
        return []
    if len(shape) == 2:
        parts = [n for n in (1, 2, 3, 4) if shape[1] % n == 0]
        part = build.pick(*parts)
        return build.add("Reshape", [bottom], build.pick(
            f"reshape_param {{ shape {{ dim: 0 dim: {shape[1] // part} dim: {part} dim: 1 }} }}",
            f"reshape_param {{ shape {{ dim: 0 dim: -1 dim: {part} dim: 1 }} }}",
            "reshape_param { axis: 2 shape { dim: 1 dim: 1 } }",
        ))  # fmt: skip
    return build.add(*build.pick(
        ("Flatten", [bottom]),
        ("Flatten", [bottom], "flatten_param { axis: 2 }"),
        ("Reshape", [bottom], "reshape_param { shape { dim: 0 dim: -1 } }"),
        ("Reshape", [bottom], f"reshape_param {{ shape {{ dim: 0 dim: {shape[1]} dim: -1 }} }}"),
        ("Reshape", [bottom], f"reshape_param {{ axis: 1 shape {{ dim: {int(np.prod(shape[1:]))} }} }}"),
        ("Reshape", [bottom], f"reshape_param {{ axis: 1 num_axes: 1 shape {{ dim: {shape[1]} }} }}"),
    ))  # fmt: skip


def _squeeze(build: Builder) -> list[str]:
    """One number an image, on no axis of its own: an output, a factor of the image's values, or a channel again."""
    unit = build.add("InnerProduct", [build.any()], "inner_product_param { num_output: 1 }")
    if not unit:
        return []
    words = build.pick(("Reshape", unit, "reshape_param { shape { dim: -1 } }"),
                       ("Flatten", unit, "flatten_param { axis: 0 }"))  # fmt: skip
    number = build.add(*words)
    return build.add(*build.pick(
        ("Sigmoid", number),
        ("Scale", [build.any(axes=4), *number], "scale_param { axis: 0 }"),
        ("Reshape", number, "reshape_param { shape { dim: -1 dim: 1 } }"),
    ))  # fmt: skip


def _spread(build: Builder) -> list[str]:
    """One channel as several: repeated, or with a channel for each level and place of its windows."""
    levels = f"pyramid_height: {build.pick(1, 2)} pool: {build.pick('MAX', 'AVE')}"
    return build.add(*build.pick(
        ("Tile", [build.any()], f"tile_param {{ tiles: {build.pick(1, 2, 3)} }}"),
        ("Tile", [build.any(axes=4)], f"tile_param {{ axis: {build.pick(0, 2)} tiles: 2 }}"),
        ("SPP", [build.any(axes=4)], f"spp_param {{ {levels} }}"),
        ("Im2col", [build.any(axes=4)], f"convolution_param {{ {_window(build)} }}"),
    ))  # fmt: skip


def _reduction(build: Builder) -> list[str]:
    operation, axis, factor = build.pick("SUM", "ASUM", "SUMSQ", "MEAN"), build.pick(2, 3), build.pick(1, -0.5)
    words = f"reduction_param {{ operation: {operation} axis: {axis} coeff: {factor} }}"
    return build.add("Reduction", [build.any(axes=4)], words)


def _crop(build: Builder) -> list[str]:
    bottom = build.any(axes=4)
    shape = build.blobs[bottom]
    outputs = int(build.random.integers(1, shape[1] + 1))
    words = f"convolution_param {{ num_output: {outputs} kernel_size: {build.pick(2, 3)} }}"
    smaller = build.add("Convolution", [bottom], words)
    if not smaller:
        return []
    if build.pick(True, False):
        offset = build.random.integers(0, shape[1] - outputs + 1)
        words = f"crop_param {{ axis: 1 offset: {offset} offset: 0 offset: 1 }}"
    else:
        words = build.pick("", "crop_param { offset: 1 }", "crop_param { axis: 2 offset: 0 offset: 1 }")
    return build.add("Crop", [bottom, *smaller], words)


def _shared(build: Builder) -> list[str]:
    """Two layers with the same parameters, on one blob or on two; convolutions may differ in all but those."""
    bottom = build.any(axes=4)
    shape = build.blobs[bottom]
    build._number += 1
    names = f'param {{ name: "w{build._number}" }} param {{ name: "b{build._number}" }}'
    outputs = build.random.integers(1, 7)
    kind, words = build.pick(("Convolution", ""), ("InnerProduct", f"inner_product_param {{ num_output: {outputs} }}"),
                             ("Scale", "scale_param { bias_term: true }"))  # fmt: skip
    if words:
        alike = [name for name, other in build.blobs.items() if other == shape]
        return build.add(kind, [bottom], f"{names} {words}") + build.add(kind, [build.pick(*alike)], f"{names} {words}")
    tops = []
    alike = [name for name, other in build.blobs.items() if len(other) == 4 and other[:2] == shape[:2]]
    for each in (bottom, str(build.pick(*alike))):
        window = f"kernel_size: 3 pad: {build.pick(0, 1)} stride: {build.pick(1, 2)}"
        tops += build.add("Convolution", [each], f"{names} convolution_param {{ num_output: {outputs} {window} }}")
    return tops


_LAYERS = [
    (_convolution, 6), (_depthwise, 1), (_deconvolution, 2), (_inner_product, 2), (_elementwise, 5), (_pooling, 2),
    (_normalised, 2), (_scaled, 2), (_lrn, 1), (_concat, 2), (_slice, 1), (_eltwise, 3), (_gate, 1), (_reshape, 2),
    (_crop, 1), (_shared, 2), (_spread, 2), (_squeeze, 1), (_reduction, 1),
]  # fmt: skip


def random_net(random: Random) -> Net:
    """Up to a dozen layers on one image; whatever nothing reads is an output."""
    build = Builder(random)
    rules = [rule for rule, often in _LAYERS for _ in range(often)]
    _convolution(build)
    for _ in range(random.integers(3, 11)):
        build.pick(*rules)(build)
    for blob in [name for name, shape in build.blobs.items() if name not in build.read and len(shape) > 1]:
        if random.random() < 0.8:
            build.add("InnerProduct", [blob], f"inner_product_param {{ num_output: {build.pick(1, 2)} }}")
    if random.random() < 0.3:
        build.add("Softmax", [build.any()])
    return build.net()


def random_weights(net: Net, random: Random, dead: float = 0.3) -> Weights:
    """Sparse, the part `dead` of rows and of columns without synapses; biases, and statistics as BatchNorm has them."""
    density = random.choice([0.1, 0.3, 0.6, 1.0])
    weights: Weights = {}
    shared: dict[str, list[np.ndarray]] = {}
    for step in shapes.infer(net):
        learned = enumerate(step.blob_shapes)
        made = [_blob(step.layer.type, number, shape, random, density, dead) for number, shape in learned]
        if made:
            key = step.layer.param[0].name if step.layer.param else step.layer.name
            weights[step.layer.name] = shared.setdefault(key, made)
    return weights


def _blob(kind: str, number: int, shape: Shape, random: Random, density: float, dead: float) -> np.ndarray:
    if kind == "BatchNorm":
        factor = np.full(shape, random.choice([1.0, 2.5]))
        blob = [random.normal(size=shape), random.random(shape) + 0.5, factor][number]
    elif kind in ("Convolution", "Deconvolution", "InnerProduct") and number == 0:
        blob = random.normal(size=shape) / np.sqrt(np.prod(shape[1:]) * density) * (random.random(shape) < density)
        blob[random.random(shape[0]) < dead] = 0
        blob[:, random.random(shape[1]) < dead] = 0
    else:
        blob = random.normal(size=shape) * (random.random(shape) < 0.8)
    return np.asarray(blob, np.float32)
