"""Eight bits in a graph against whole numbers in NumPy: convolution, pooling, Concat, Eltwise and InnerProduct."""

from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
import pytest
from both import Case, caffe, filled, gap, images, runtime
from google.protobuf import text_format
from onnx import TensorProto, numpy_helper

from evolve.base.caffe_messages import caffe_pb2
from evolve.base.errors import UserError
from evolve.network import precision
from trt.onnx import arranged, eight, export, model, target, translation
from trt.onnx.eight import Scale

NET = """
name: "small"
layer { name: "in" type: "Input" top: "data" input_param { shape { dim: 1 dim: 3 dim: 9 dim: 9 } } }
layer { name: "conv1" type: "Convolution" bottom: "data" top: "conv1"
  convolution_param { num_output: 4 kernel_size: 2 } }
layer { name: "pool1" type: "Pooling" bottom: "conv1" top: "pool1" pooling_param { kernel_size: 2 stride: 2 } }
layer { name: "relu1" type: "ReLU" bottom: "pool1" top: "pool1" }
layer { name: "left" type: "Convolution" bottom: "pool1" top: "left"
  convolution_param { num_output: 4 kernel_size: 1 } }
layer { name: "right" type: "Convolution" bottom: "pool1" top: "right"
  convolution_param { num_output: 2 kernel_size: 1 bias_term: false } }
layer { name: "joined" type: "Concat" bottom: "left" bottom: "right" top: "joined" }
layer { name: "again" type: "Convolution" bottom: "joined" top: "again"
  convolution_param { num_output: 4 kernel_size: 1 } }
layer { name: "sum" type: "Eltwise" bottom: "again" bottom: "left" top: "sum" }
layer { name: "ip" type: "InnerProduct" bottom: "sum" top: "ip" inner_product_param { num_output: 3 } }
"""
# The values that are quantised; arranged, ReLU comes before the pooling.
GROUPS = [["data"], ["conv1/relu1", "pool1"], ["left", "right", "joined", "again"], ["sum", "ip/reshape"]]


def net() -> Any:
    return text_format.Parse(NET, caffe_pb2.NetParameter())


def learned(seed: int = 0) -> Any:
    return filled(net(), np.random.default_rng(seed))


def exact(model: Any, image: dict[str, np.ndarray], optimised: bool = False) -> np.ndarray:
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads, options.log_severity_level = 1, 3
    if not optimised:
        options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    session = onnxruntime.InferenceSession(model.SerializeToString(), options, providers=["CPUExecutionProvider"])
    return np.asarray(session.run(["ip"], image)[0])


def floats(weights: Any, image: np.ndarray) -> dict[str, np.ndarray]:
    """Every value in 64 bits, by NumPy alone."""
    conv1 = convolved(image[0], weights["conv1"])
    relu = np.maximum(conv1, 0)
    pool1 = relu.reshape(4, 4, 2, 4, 2).max(axis=(2, 4))
    left, right = convolved(pool1, weights["left"]), convolved(pool1, weights["right"])
    joined = np.concatenate([left, right])
    again = convolved(joined, weights["again"])
    return {"data": image[0], "conv1/relu1": relu, "pool1": pool1, "left": left, "right": right, "joined": joined,
            "again": again, "sum": again + left, "ip/reshape": again + left}  # fmt: skip


def convolved(values: np.ndarray, blobs: list[np.ndarray]) -> np.ndarray:
    kernel = blobs[0].shape[2]
    size = values.shape[1] - kernel + 1
    made = np.zeros((len(blobs[0]), size, size), np.int64 if values.dtype.kind == "i" else np.float64)
    for y in range(size):
        for x in range(size):
            made[:, y, x] = (blobs[0] * values[np.newaxis, :, y : y + kernel, x : x + kernel]).sum(axis=(1, 2, 3))
    return made + (blobs[1].reshape(-1, 1, 1) if len(blobs) > 1 else 0)


def ranges_of(weights: Any, image: np.ndarray) -> dict[str, tuple[float, float]]:
    return {name: (float(each.min()), float(each.max())) for name, each in floats(weights, image).items()}


class Whole:
    """The network in whole numbers, from its ranges, as docs/eight_bits.md says it."""

    def __init__(self, ranges: dict[str, tuple[float, float]], signed: bool) -> None:
        self.signed, self.steps = signed, dict[str, tuple[float, int]]()
        for group in GROUPS:
            low = min(0.0, *(ranges[name][0] for name in group))
            high = max(0.0, *(ranges[name][1] for name in group))
            scale = np.float32(max(-low, high) / 127 if signed else (high - low) / 255)
            zero = 0 if signed else int(np.clip(np.rint(-low / scale), 0, 255))
            self.steps |= dict.fromkeys(group, (float(scale), zero))

    def quantised(self, name: str, values: np.ndarray) -> np.ndarray:
        scale, zero = self.steps[name]
        least, most = (-128, 127) if self.signed else (0, 255)
        steps = np.rint(values.astype(np.float32) / np.float32(scale)) + zero
        return np.clip(steps, least, most).astype(np.int64) - zero

    def layer(self, name: str, read: str, values: np.ndarray, blobs: list[np.ndarray]) -> np.ndarray:
        """32-bit outputs of a layer with weights from whole numbers."""
        flat = blobs[0].reshape(len(blobs[0]), -1).astype(np.float64)
        of_neuron = (np.abs(flat).max(axis=1) / 127).astype(np.float32).astype(np.float64)
        weights = np.rint(flat / of_neuron[:, np.newaxis]).astype(np.int64).reshape(blobs[0].shape)
        step = of_neuron * self.steps[read][0]
        bias = blobs[1].astype(np.float64) if len(blobs) > 1 else np.zeros(len(flat))
        whole = np.rint(0 * bias if self.signed else bias / step.astype(np.float32)).astype(np.int64)
        if blobs[0].ndim == 2:
            sums = weights @ values + whole
            return sums * step + (bias if self.signed else 0)
        sums = convolved(values, [weights, whole])
        return sums * step.reshape(-1, 1, 1) + (bias.reshape(-1, 1, 1) if self.signed else 0)

    def run(self, weights: Any, image: np.ndarray) -> np.ndarray:
        data = self.quantised("data", image[0])
        relu = self.quantised("conv1/relu1", np.maximum(self.layer("conv1", "data", data, weights["conv1"]), 0))
        pool = relu.reshape(4, 4, 2, 4, 2).max(axis=(2, 4))
        left, right = (
            self.quantised(name, self.layer(name, "pool1", pool, weights[name])) for name in ("left", "right")
        )
        joined = np.concatenate([left, right])
        again = self.quantised("again", self.layer("again", "joined", joined, weights["again"]))
        added = self.quantised("sum", (again + left) * self.steps["left"][0])
        return self.layer("ip", "ip/reshape", added.ravel(), weights["ip"])


@pytest.mark.parametrize("form", [target.OPENVINO, target.TENSORRT], ids=lambda form: form.name)
@pytest.mark.parametrize("seed", range(3))
def test_as_whole_numbers_compute_it(form: target.Target, seed: int) -> None:
    weights, image = learned(seed), images(net(), np.random.default_rng(seed))
    ranges = ranges_of(weights, image["data"])
    model = export.of_net(net(), weights, target=form, ranges=ranges)
    found = exact(model, image)[0]
    expected = Whole(ranges, form.signed).run(weights, image["data"])
    # The reference rounds a value that lies between two steps by 64 bits: a step of the sum at most.
    assert gap(expected, found) < 0.02
    assert np.count_nonzero(np.abs(found - expected) > 1e-4) <= 1
    plain = exact(export.of_net(net(), weights), image)[0]
    assert 1e-4 < gap(plain, found) < 0.1


def test_an_engine_in_whole_numbers_computes_what_the_graph_says() -> None:
    """ONNX Runtime with its QLinear kernels, which nothing of 32 bits is left beside."""
    weights, image = learned(), images(net(), np.random.default_rng(0))
    model = export.of_net(net(), weights, ranges=ranges_of(weights, image["data"]))
    assert gap(exact(model, image), exact(model, image, optimised=True)) < 0.02


def test_scales_by_hand() -> None:
    assert Scale.of(-127, 128, signed=False) == Scale(np.float32(1), np.uint8(127))  # pixels less 127, exactly
    assert Scale.of(0, 255 / 256, signed=False) == Scale(np.float32(1 / 256), np.uint8(0))
    assert Scale.of(0.5, 2.55, signed=False) == Scale(np.float32(0.01), np.uint8(0))  # zero is always in it
    assert Scale.of(-2, -1, signed=False).zero == 255
    assert Scale.of(-1, 12.7, signed=True) == Scale(np.float32(0.1), np.int8(0))
    # Nothing, and what engines take for it.
    with np.errstate(all="raise"):
        for low, high in ((0, 0), (0, 1e-44), (-1e-44, 0), (-1e-37, 1e-36)):
            assert Scale.of(low, high, signed=False) == Scale(np.float32(1), np.uint8(0))
            assert Scale.of(low, high, signed=True) == Scale(np.float32(1), np.int8(0))


def test_the_two_forms() -> None:
    """CPUs: weights of eight bits, biases of 32 and whole. TensorRT: what it quantises itself, and float biases."""
    weights, image = learned(), images(net(), np.random.default_rng(0))
    ranges = ranges_of(weights, image["data"])
    kinds = {}
    for form in target.TARGETS.values():
        model = export.of_net(net(), weights, target=form, ranges=ranges)
        stored = {each.name: each.data_type for each in model.graph.initializer}
        kinds[form.name] = {stored[name] for name in stored if name.endswith(("weights/eight", "weights/on_grid"))}
        whole = [name for name, kind in stored.items() if kind == TensorProto.INT32]
        assert len(whole) == (0 if form.signed else 4)
        zeros = {kind for name, kind in stored.items() if name.endswith("zero") and "weights" not in name}
        assert zeros == {TensorProto.INT8 if form.signed else TensorProto.UINT8}
        edges = [*model.graph.input, *model.graph.output]
        assert {each.type.tensor_type.elem_type for each in edges} == {TensorProto.FLOAT}
        said = {each.key: each.value for each in model.metadata_props}
        assert (said["precision"], said["layers_in_32_bits"]) == ("8 bits", "none")
    assert kinds == {
        "openvino": {TensorProto.INT8}, "onnxruntime": {TensorProto.INT8}, "tensorrt": {TensorProto.FLOAT},
    }  # fmt: skip


def test_a_generation_in_int8_keeps_its_very_numbers() -> None:
    """Steps times scale are the caffemodel's weights, to the last bit, in either form."""
    cast, _ = precision.cast(learned(), "INT8", net().layer)
    image = images(net(), np.random.default_rng(0))
    for form in (target.OPENVINO, target.TENSORRT):
        model = export.of_net(net(), cast, target=form, ranges=ranges_of(cast, image["data"]))
        stored = {each.name: numpy_helper.to_array(each) for each in model.graph.initializer}
        for name in ("conv1", "left", "right", "again", "ip"):
            blob, scale = cast[name][0], stored[f"{name}/weights/scale"]
            spread = scale.reshape(-1, *(1,) * (blob.ndim - 1))
            if form.signed:
                assert np.array_equal(stored[f"{name}/weights/on_grid"], blob)
            else:
                assert np.array_equal(stored[f"{name}/weights/eight"] * spread, blob)


def test_a_neuron_without_synapses_keeps_its_bias() -> None:
    weights = learned()
    weights["again"][0][1] = 0
    weights["again"][0][2] = 1e-30
    weights["again"][1][1:3] = [0.7, -0.3]
    image = images(net(), np.random.default_rng(0))
    found = exact(export.of_net(net(), weights, ranges=ranges_of(weights, image["data"])), image)
    assert gap(exact(export.of_net(net(), weights), image), found) < 0.1


@pytest.mark.parametrize("form", [target.OPENVINO, target.TENSORRT], ids=lambda form: form.name)
@pytest.mark.parametrize("size", [1e-30, 3e-36, 3e-41, 1e-44])
def test_neurons_that_died_and_inputs_that_are_next_to_nothing(form: target.Target, size: float) -> None:
    """Without a warning of NumPy's, and without a number that is none: with biases and without."""
    weights, image = learned(), images(net(), np.random.default_rng(0))
    weights["again"][0][1:3] = size
    weights["again"][1][1:3] = [0, 0.7]
    weights["right"][0][1] = size
    ranges = ranges_of(weights, image["data"])
    for seen in (ranges, ranges | {"data": (-size, size)}):
        with np.errstate(all="raise", under="ignore"):
            model = export.of_net(net(), weights, target=form, ranges=seen)
        stored = [numpy_helper.to_array(each) for each in model.graph.initializer]
        assert all(np.isfinite(values).all() for values in stored)
        found = exact(model, image)
        plain = exact(export.of_net(net(), weights), image)
        assert np.isfinite(found).all() and (seen is not ranges or gap(plain, found) < 0.1)


def test_ranges_of_another_net() -> None:
    ranges = {name: (0.0, 1.0) for group in GROUPS for name in group if name != "left"}
    with pytest.raises(UserError, match="calibration: expected a range of 'left', got none: it is another "):
        export.of_net(net(), learned(), ranges=ranges)
    with pytest.raises(UserError, match="FOR=tensort: expected one of openvino, onnxruntime, tensorrt"):
        target.named("tensort")


def test_scales_of_a_group_hold_all_of_it() -> None:
    ranges = {name: (-float(number), float(number)) for number, name in enumerate(sum(GROUPS, []), start=1)}
    from trt.onnx import eight_places

    places = eight_places.find(arranged.arranged(translation.translate(net(), learned())))
    found = eight.scales(places, ranges, signed=True)
    for group in GROUPS:
        assert {found[name].scale for name in group} == {np.float32(max(ranges[name][1] for name in group) / 127)}


SMALL = """
layer { name: "in" type: "Input" top: "data" input_param { shape { dim: 2 dim: 3 dim: 6 dim: 6 } } }
layer { name: "large" type: "Convolution" bottom: "data" top: "large"
  convolution_param { num_output: 4 kernel_size: 3 } }
layer { name: "small" type: "Convolution" bottom: "data" top: "small"
  convolution_param { num_output: 4 kernel_size: 3 } }
"""
AGAIN = (
    'layer {{ name: "again" type: "Convolution" bottom: "{}" top: "again" '
    "convolution_param {{ num_output: 2 kernel_size: 1 }} }}"
)
JOINED = {
    "Concat": 'layer { name: "joined" type: "Concat" bottom: "large" bottom: "small" top: "joined" }',
    "Eltwise": 'layer { name: "joined" type: "Eltwise" bottom: "large" bottom: "small" top: "joined" }',
    "MaxPool": """layer { name: "pool" type: "Pooling" bottom: "small" top: "pool" pooling_param { kernel_size: 1 } }
                  layer { name: "joined" type: "Concat" bottom: "large" bottom: "pool" top: "joined" }""",
    "Slice": """layer { name: "both" type: "Concat" bottom: "large" bottom: "small" top: "both" }
                layer { name: "slice" type: "Slice" bottom: "both" top: "joined" top: "part"
                  slice_param { slice_point: 4 } }""",
}


@pytest.mark.parametrize("form", [target.OPENVINO, target.TENSORRT], ids=lambda form: form.name)
@pytest.mark.parametrize(("kind", "value"), [("Concat", "small"), ("Eltwise", "small"), ("MaxPool", "small"),
                                             ("MaxPool", "pool"), ("Slice", "part")])  # fmt: skip
def test_small_values_with_the_scale_of_large_ones(
    kind: str, value: str, form: target.Target, tmp_path: Path
) -> None:
    """Whoever is not in eight bits, and average pooling, whose error nobody measures, reads them as they were."""
    readers = "".join(
        f'layer {{ name: "{name}" type: "{type_}" bottom: "{value}" top: "{name}" {rest} }}'
        for name, type_, rest in (
            ("softmax", "Softmax", ""), ("sigmoid", "Sigmoid", ""),
            ("mean", "Pooling", "pooling_param { pool: AVE kernel_size: 4 }"),
        )
    )  # fmt: skip
    readers += (
        'layer { name: "units" type: "InnerProduct" bottom: "mean" top: "units" '
        "inner_product_param { num_output: 3 } }"
    )
    made = text_format.Parse(SMALL + JOINED[kind] + AGAIN.format("joined") + readers, caffe_pb2.NetParameter())
    weights, image = filled(made, np.random.default_rng(0)), images(made, np.random.default_rng(1))
    for blob in weights["large"]:
        blob *= 1000
    graph = arranged.arranged(translation.translate(made, weights, outputs=[value]))
    plain = model.model(graph, "net", {})
    for name in {each for node in graph.nodes for each in node.outputs} - set(graph.outputs):
        plain.graph.output.add(name=name)
    seen = runtime(plain, image) | image
    ranges = {name: (float(each.min()), float(each.max())) for name, each in seen.items()}
    eight_bits = runtime(export.of_net(made, weights, target=form, ranges=ranges, outputs=(value,)), image)
    (expected,) = caffe(tmp_path, [Case(made, weights, image)])
    expected[value] = seen[value]
    assert {name: gap(expected[name], found) < 0.03 for name, found in eight_bits.items()} == dict.fromkeys(
        eight_bits, True
    )
    assert {"softmax", "sigmoid", "units", "again", value} == set(eight_bits)


def test_who_shares_a_scale_of_its_own_size_reads_what_was_quantised() -> None:
    """One reader of the 32-bit value would keep the layer before it in 32 bits."""
    softmax = 'layer { name: "s" type: "Softmax" bottom: "small" top: "s" }'
    made = text_format.Parse(SMALL + JOINED["Concat"] + AGAIN.format("joined") + softmax, caffe_pb2.NetParameter())
    weights = filled(made, np.random.default_rng(0))
    read = {}
    for part in (1.0, 0.11, 0.09):
        ranges = {"data": (-1.0, 1.0), "large": (-1.0, 1.0), "joined": (-1.0, 1.0), "small": (-part, part)}
        made_of = export.of_net(made, weights, ranges=ranges)
        read[part] = next(node.input[0] for node in made_of.graph.node if node.op_type == "Softmax")
    assert read == {1.0: "small", 0.11: "small", 0.09: "small/float"}
