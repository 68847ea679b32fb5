"""Random chains of layers, what Caffe computes with them in plain NumPy, and which of their neurons exist."""

from collections.abc import Iterator
from typing import Any

import numpy as np
from google.protobuf import text_format

from evolve.base.caffe_messages import caffe_pb2
from evolve.base.errors import UserError
from evolve.network import shapes, topology
from evolve.network.graph import Graph
from evolve.network.weighted import WeightedLayer
from evolve.network.weights import Weights

Net = Any  # caffe_pb2.NetParameter
Shape = tuple[int, int, int]


def parsed(text: str) -> Net:
    """A NetParameter from prototxt text."""
    return text_format.Parse(text, caffe_pb2.NetParameter())


def net_of(*layers: str, shape: tuple[int, int, int] = (3, 8, 8)) -> Net:
    """A deploy net of `layers`, each ``type parameters``, one after the other, on top of blob "data"."""
    channels, height, width = shape
    text = [
        f'name: "chain" layer {{ name: "data" type: "Input" top: "data" '
        f"input_param {{ shape {{ dim: 1 dim: {channels} dim: {height} dim: {width} }} }} }}"
    ]
    bottom = "data"
    for number, layer in enumerate(layers, start=1):
        kind, _, parameters = layer.partition(" ")
        top = f"{kind.lower()}{number}"
        text.append(f'layer {{ name: "{top}" type: "{kind}" bottom: "{bottom}" top: "{top}" {parameters} }}')
        bottom = top
    return parsed("\n".join(text))


def walk(net: Net) -> Iterator[tuple[Any, Shape, Shape]]:
    """(layer, bottom, top) down the chain, shapes as (channels, height, width)."""
    for step in shapes.infer(net)[1:]:
        yield step.layer, *((*shape[1:], 1, 1)[:3] for shape in (step.bottoms[0], step.tops[0]))


# Random nets


def random_chain(random: np.random.Generator) -> Net:
    """A small net of convolutions, poolings, what leaves zeros alone, and fully connected layers."""
    while True:
        layers = []
        for _ in range(random.integers(0, 3)):
            layers += [_convolution(random), *_perhaps(random, "ReLU"), *_perhaps(random, _pooling(random))]
        if random.random() < 0.2:
            layers.append("Flatten")
        for _ in range(random.integers(0 if any("Conv" in each for each in layers) else 1, 3)):
            layers += [_inner_product(random), *_perhaps(random, str(random.choice(["ReLU", "TanH", "AbsVal"])))]
        if "Flatten" in layers and "InnerProduct" not in " ".join(layers):
            layers.remove("Flatten")
        size = random.integers(5, 10, 2)
        net = net_of(*layers, shape=(int(random.integers(1, 4)), int(size[0]), int(size[1])))
        try:
            list(walk(net))
            return net
        except UserError:
            continue  # too small for its layers


def _perhaps(random: np.random.Generator, layer: str) -> list[str]:
    return [layer] if random.random() < 0.6 else []


def _flag(value: Any) -> str:
    return "true" if value else "false"


def _convolution(random: np.random.Generator) -> str:
    window = _window(random, pad_below=2)
    dilation = f"dilation: {random.integers(1, 3)}" if random.random() < 0.2 else ""
    bias = _flag(random.random() < 0.7)
    outputs = random.integers(1, 5)
    return f"Convolution convolution_param {{ num_output: {outputs} {window} {dilation} bias_term: {bias} }}"


def _pooling(random: np.random.Generator) -> str:
    if random.random() < 0.1:
        return "Pooling pooling_param { pool: AVE global_pooling: true }"
    mode = f"round_mode: {random.choice(['CEIL', 'FLOOR'])}" if random.random() < 0.4 else ""
    return f"Pooling pooling_param {{ pool: {random.choice(['MAX', 'AVE'])} {_window(random, pad_below=0)} {mode} }}"


def _window(random: np.random.Generator, pad_below: int) -> str:
    """Square or not; with padding below `pad_below`. 0 stands for a pooling: padding and stride below the kernel."""
    kernel = random.integers(1, 4, 2)
    # A pooling with a stride above its kernel may have windows of nothing, of which Caffe makes -FLT_MAX.
    stride = random.integers(1, 3, 2) if pad_below else np.minimum(kernel.min(), random.integers(1, 3, 2))
    pad = [int(random.integers(0, pad_below or min(2, size))) for size in kernel]
    if random.random() < 0.5:
        return f"kernel_size: {kernel[0]} stride: {stride[0]} pad: {pad[0]}"
    words = [("kernel", kernel), ("stride", stride), ("pad", pad)]
    return " ".join(f"{what}_h: {pair[0]} {what}_w: {pair[1]}" for what, pair in words)


def _inner_product(random: np.random.Generator) -> str:
    bias = _flag(random.random() < 0.7)
    return f"InnerProduct inner_product_param {{ num_output: {random.integers(1, 6)} bias_term: {bias} }}"


def random_weights(net: Net, random: np.random.Generator, density: float) -> Weights:
    """Weights in Caffe's shapes, `density` of them there, and biases."""
    weights: Weights = {}
    for layer, bottom, top in walk(net):
        if layer.type == "Convolution":
            height, width = _both(layer.convolution_param, "kernel", "kernel_size")
            shape: tuple[int, ...] = (top[0], bottom[0], height, width)
            bias = layer.convolution_param.bias_term
        elif layer.type == "InnerProduct":
            shape = (top[0], int(np.prod(bottom)))
            bias = layer.inner_product_param.bias_term
        else:
            continue
        kernels = random.normal(size=shape) * (random.random(shape) < density)
        weights[layer.name] = [kernels.astype(np.float32)]
        if bias:
            weights[layer.name].append(random.normal(size=top[0]).astype(np.float32))
    return weights


# What Caffe computes


def forward(net: Net, weights: Weights, image: np.ndarray) -> np.ndarray:
    """The last blob for one image (channels, height, width), in 64 bits."""
    blob = image.astype(np.float64)
    for layer in net.layer[1:]:
        blobs = [each.astype(np.float64) for each in weights.get(layer.name, [])]
        if layer.type == "Convolution":
            blob = _convolve(blob, blobs, layer.convolution_param)
        elif layer.type == "Pooling":
            blob = _pool(blob, layer.pooling_param)
        elif layer.type == "InnerProduct":
            blob = blobs[0] @ blob.ravel() + (blobs[1] if len(blobs) > 1 else 0)
        else:
            plain: dict[str, Any] = {"ReLU": lambda x: np.maximum(x, 0), "TanH": np.tanh, "AbsVal": np.abs}
            blob = np.ravel(blob) if layer.type == "Flatten" else plain[layer.type](blob)
    return blob


def _both(parameter: Any, what: str, square: str = "") -> tuple[int, int]:
    if parameter.HasField(f"{what}_h"):
        return getattr(parameter, f"{what}_h"), getattr(parameter, f"{what}_w")
    value = getattr(parameter, square or what)
    size = value if isinstance(value, int) else [*value, 0][0]
    return size, size


def _convolve(blob: np.ndarray, blobs: list[np.ndarray], parameter: Any) -> np.ndarray:
    kernels = blobs[0]
    stride, pad = _both(parameter, "stride"), _both(parameter, "pad")
    dilation = [*parameter.dilation, 1][0]
    spread = np.zeros((*kernels.shape[:2], *(dilation * (size - 1) + 1 for size in kernels.shape[2:])))
    spread[:, :, ::dilation, ::dilation] = kernels
    padded = np.pad(blob, ((0, 0), (pad[0], pad[0]), (pad[1], pad[1])))
    height, width = spread.shape[2:]
    rows = [
        [
            np.tensordot(spread, padded[:, y : y + height, x : x + width], axes=3)
            for x in range(0, padded.shape[2] - width + 1, stride[1])
        ]
        for y in range(0, padded.shape[1] - height + 1, stride[0])
    ]
    result: np.ndarray = np.moveaxis(np.array(rows), 2, 0)
    return result + blobs[1][:, None, None] if len(blobs) > 1 else result


def pooled_length(length: int, kernel: int, stride: int, pad: int, any_pad: bool, whole_only: bool = False) -> int:
    """How many windows: until the padded length is covered, or while they are whole; none that begins beyond it."""
    count = 1
    if whole_only:
        while count * stride + kernel <= length + 2 * pad:
            count += 1
    else:
        while (count - 1) * stride + kernel < length + 2 * pad:
            count += 1
    return count - 1 if any_pad and (count - 1) * stride - pad >= length else count


def _pool(blob: np.ndarray, parameter: Any) -> np.ndarray:
    channels, height, width = blob.shape
    if parameter.global_pooling:
        return (blob.mean(axis=(1, 2)) if parameter.pool else blob.max(axis=(1, 2))).reshape(channels, 1, 1)
    kernel, stride, pad = (
        _both(parameter, what, "kernel_size" if what == "kernel" else "") for what in ("kernel", "stride", "pad")
    )
    floor = parameter.round_mode == 1
    counts = [
        pooled_length((height, width)[i], kernel[i], stride[i], pad[i], any(pad), whole_only=floor) for i in (0, 1)
    ]
    result = np.zeros((channels, *counts))
    for y in range(counts[0]):
        for x in range(counts[1]):
            top, left = y * stride[0] - pad[0], x * stride[1] - pad[1]
            window = blob[:, max(0, top) : top + kernel[0], max(0, left) : left + kernel[1]]
            if parameter.pool:  # AVE divides by the part of the window that lies in the padded image
                area = (min(top + kernel[0], height + pad[0]) - top) * (min(left + kernel[1], width + pad[1]) - left)
                result[:, y, x] = window.sum(axis=(1, 2)) / area
            else:
                result[:, y, x] = window.max(axis=(1, 2))
    return result


# Which neurons exist


def on_a_way(stages: list[WeightedLayer], weights: Weights) -> list[list[bool]]:
    """Which neurons lie on a way of synapses from an image channel to an output; every output is said to."""
    links = []
    for stage in stages:
        flat = weights[stage.name][0].ravel().tolist()
        per_output = stage.inputs * stage.patch
        links.append(
            [
                [
                    any(flat[o * per_output + i * stage.patch + p] != 0 for p in range(stage.patch))
                    for i in range(stage.inputs)
                ]
                for o in range(stage.outputs)
            ]
        )
    reached: list[list[bool]] = []
    for k, stage in enumerate(stages):
        before = reached[-1] if k else [True] * stage.inputs
        reached.append([any(links[k][o][i] and before[i] for i in range(stage.inputs)) for o in range(stage.outputs)])
    useful = [[True] * stages[-1].outputs]
    for k in range(len(stages) - 1, 0, -1):
        useful.insert(
            0, [any(links[k][o][i] and useful[0][o] for o in range(stages[k].outputs)) for i in range(stages[k].inputs)]
        )
    ways = [[r and u for r, u in zip(*both, strict=True)] for both in zip(reached, useful, strict=True)]
    return [*ways[:-1], [True] * stages[-1].outputs] if any(ways[-1]) else [[False] * s.outputs for s in stages]


def dense(*widths: int, patch: int = 1, bias: str = "true") -> Graph:
    """Layers ip1, ip2 ... of so many neurons, with kernels of `patch`; `widths` begins with the image's channels."""
    length = len(widths) * (patch - 1) + 1
    shape = f"dim: 1 dim: {widths[0]} dim: 1 dim: {length}"
    text = [f'layer {{ name: "data" type: "Input" top: "ip0" input_param {{ shape {{ {shape} }} }} }}']
    for k, outputs in enumerate(widths[1:], start=1):
        words = f"num_output: {outputs} kernel_h: 1 kernel_w: {patch} bias_term: {bias}"
        text.append(f'layer {{ name: "ip{k}" type: "Convolution" bottom: "ip{k - 1}" top: "ip{k}" '
                    f"convolution_param {{ {words} }} }}")  # fmt: skip
    return topology.read([parsed("\n".join(text))])


def masked(graph: Graph, random: np.random.Generator, density: float) -> Weights:
    weights: Weights = {}
    for stage in graph.weighted:
        shape = (stage.outputs, stage.inputs * stage.patch)
        kernels = random.normal(size=shape) * (random.random(shape) < density)
        weights[stage.name] = [kernels.astype(np.float32), np.ones(stage.outputs, np.float32)]
    return weights
