"""The builder against every form of TensorRT's API, and against TensorRT-RTX itself where that is installed."""

import sys
from pathlib import Path
from typing import Any

import fake_tensorrt
import numpy as np
import onnx
import onnx_cases
import pytest
from both import filled
from google.protobuf import text_format

from evolve.base.caffe_messages import caffe_pb2
from evolve.base.errors import UserError
from evolve.network import reach, resize, topology
from trt.onnx import export, target
from trt.tensorrt import builder, logger, which
from trt.tensorrt.builder import WORKSPACE, Kind, ask
from trt.tensorrt.which import TensorRT

sys.path.append(str(Path(__file__).resolve().parents[1] / "network"))

import famous_nets  # noqa: E402

NET = """
layer { name: "in" type: "Input" top: "data" input_param { shape { dim: 1 dim: 4 dim: 8 dim: 8 } } }
layer { name: "conv" type: "Convolution" bottom: "data" top: "conv" convolution_param { num_output: 4 kernel_size: 3 } }
layer { name: "norm" type: "LRN" bottom: "conv" top: "norm" }
layer { name: "squared" type: "Power" bottom: "norm" top: "squared" power_param { power: 2 scale: 2 } }
layer { name: "relu" type: "ReLU" bottom: "squared" top: "relu" }
"""
FAKES = {
    "8.0": fake_tensorrt.tensorrt_8_0,
    "8.6": fake_tensorrt.tensorrt_8_6,
    "10": fake_tensorrt.tensorrt_10,
    "11": fake_tensorrt.tensorrt_11,
    "no choice": fake_tensorrt.without_any_choice,
}
# Where the maximum was, as a second top.
NOT_IN_TENSORRT = {"Pooling places"}


def model(half: bool) -> Any:
    net = text_format.Parse(NET, caffe_pb2.NetParameter(name="small"))
    return export.of_net(net, filled(net, np.random.default_rng(0)), half=half)


def in_eight_bits(form: target.Target = target.TENSORRT) -> Any:
    net = text_format.Parse(NET, caffe_pb2.NetParameter(name="small"))
    return export.of_net(net, filled(net, np.random.default_rng(0)), target=form, ranges={"data": (-1.0, 2.0)})


def build(module: Any, half: bool) -> builder.Built:
    return builder.build(which.TensorRT("TensorRT", module), model(half), Kind(half))


@pytest.mark.parametrize(
    ("which", "half", "engine"),
    [
        ("8.0", True, "8.0.1.6 1 FP16 STRICT_TYPES"),
        ("8.0", False, "8.0.1.6 1 "),
        ("8.6", True, "8.6.1 1 FP16 OBEY_PRECISION_CONSTRAINTS"),
        ("8.6", False, "8.6.1 1 "),
        ("10", True, "10.9.0.34 3 "),
        ("10", False, "10.9.0.34 3 "),
        ("11", True, "11.0.0 1 "),
        ("11", False, "11.0.0 1 "),
        ("no choice", True, "99.0 0 "),
        ("no choice", False, "99.0 0 "),
    ],
)
def test_one_builder_for_all(which: str, half: bool, engine: str) -> None:
    """The network's creation flags, as bits, and the builder's flags: TF32 is off everywhere."""
    built = build(FAKES[which](), half)
    assert built.data.decode() == engine
    assert built.layers == len(model(half).graph.node) and built.seconds > 0


def test_flags_in_words() -> None:
    words = {name: ask(make()).words(Kind(half=True)) for name, make in FAKES.items()}
    assert words == {
        "8.0": {"network": "EXPLICIT_BATCH", "flags": "FP16 STRICT_TYPES", "cleared": "TF32"},
        "8.6": {"network": "EXPLICIT_BATCH", "flags": "FP16 OBEY_PRECISION_CONSTRAINTS", "cleared": "TF32"},
        "10": {"network": "EXPLICIT_BATCH STRONGLY_TYPED", "flags": "none", "cleared": "TF32"},
        "11": {"network": "STRONGLY_TYPED", "flags": "none", "cleared": "TF32"},
        "no choice": {"network": "as it is made", "flags": "none", "cleared": "none"},
    }
    assert ask(FAKES["8.6"]()).words(Kind())["flags"] == "none"


@pytest.mark.parametrize(
    ("which", "engine"),
    [("8.0", "8.0.1.6 1 INT8 SPARSE_WEIGHTS"), ("8.6", "8.6.1 1 INT8 SPARSE_WEIGHTS"),
     ("10", "10.9.0.34 3 SPARSE_WEIGHTS"), ("11", "11.0.0 1 SPARSE_WEIGHTS"), ("no choice", "99.0 0 ")],
)  # fmt: skip
def test_sparse_weights(which: str, engine: str) -> None:
    fake = TensorRT("TensorRT", FAKES[which]())
    assert builder.build(fake, in_eight_bits(), Kind(eight=True, sparse=True)).data.decode() == engine


def test_an_old_workspace_is_given_room() -> None:
    """Before memory pools the limit is zero, with which convolutions find no algorithm."""
    module = FAKES["8.0"]()
    build(module, True)
    assert module.seen[0][1].max_workspace_size == WORKSPACE


@pytest.mark.parametrize(("which", "kept"), [("8.0", True), ("8.6", True), ("10", False), ("11", False)])
def test_wide_layers_are_held_where_half_precision_is_a_flag(which: str, kept: bool) -> None:
    module = FAKES[which]()
    build(module, True)
    held = {layer.name for layer in module.seen[0][0].layers if layer.precision}
    assert held == ({"norm", "squared", "squared/2"} if kept else set())
    assert all(layer.set_types == {0: "f32"} for layer in module.seen[0][0].layers if layer.precision)


def test_nothing_is_held_in_an_engine_of_32_bits() -> None:
    module = FAKES["8.6"]()
    build(module, False)
    assert not any(layer.precision for layer in module.seen[0][0].layers)


def test_a_layer_that_the_parser_refuses() -> None:
    module = FAKES["10"]()
    module.refuses_lrn = True
    with pytest.raises(UserError) as error:
        build(module, True)
    assert str(error.value) == (
        "layer 'norm': TensorRT 10.9.0.34 does not take it: Assertion failed: LRN of that size"
    )


@pytest.mark.parametrize(
    "said", [fake_tensorrt.STRAY, "CUDA initialization failure with error: 100. Please check your CUDA installation"]
)
def test_no_driver(said: str) -> None:
    module = fake_tensorrt.module("10.9", "EXPLICIT_BATCH STRONGLY_TYPED", "FP16", no_driver=said)
    with pytest.raises(UserError) as error:
        build(module, True)
    assert str(error.value) == (
        "TensorRT 10.9 builds no engine: no driver for a GPU here; TensorRT-RTX builds without one: make engine "
        "TENSORRT=rtx"
    )


def test_a_builder_that_refuses() -> None:
    """In its own words, not in those of the driver that is not there."""
    module = fake_tensorrt.module("8.2", "EXPLICIT_BATCH", "FP16")
    with pytest.raises(UserError) as error:
        builder.build(which.TensorRT("TensorRT", module), model(True), Kind())
    assert str(error.value) == "TensorRT 8.2 builds no engine: 1: half precision is not enabled"


@pytest.mark.parametrize(
    ("said", "words"),
    [
        (["ModelImporter.cpp:140: While parsing node number 0 [Conv -> \"y\"]:", "n.cpp:3: it is too large"],
         "it is too large"),
        ([fake_tensorrt.STRAY, "IBuilder::build: Error Code 4: API Usage Error (no profile)"],
         "API Usage Error (no profile)"),
        (["Invalid Node - conv1\nITensor::getDimensions: Error Code 4: API Usage Error (conv1: types differ)"],
         "API Usage Error (conv1: types differ)"),
        (["Invalid Node - conv1"], "Invalid Node - conv1"),
        ([fake_tensorrt.STRAY], ""),
        ([], ""),
    ],
)  # fmt: skip
def test_its_own_words(said: list[str], words: str) -> None:
    assert logger.in_its_words(said) == words


@pytest.fixture(scope="module")
def rtx() -> which.TensorRT:
    pytest.importorskip("tensorrt_rtx", reason="TensorRT-RTX is not installed: pip install tensorrt-rtx")
    return which.find("rtx")


@pytest.mark.parametrize("half", [True, False])
@pytest.mark.parametrize("name", sorted(set(onnx_cases.nets()) - NOT_IN_TENSORRT))
def test_an_engine_of_every_layer_form(rtx: which.TensorRT, name: str, half: bool) -> None:
    net = onnx_cases.nets()[name]
    made = export.of_net(net, filled(net, np.random.default_rng(1)), half=half)
    built = builder.build(rtx, made, Kind(half))
    assert built.layers and len(built.data) > 1000


@pytest.mark.parametrize("name", NOT_IN_TENSORRT)
def test_a_layer_form_that_no_engine_has(rtx: which.TensorRT, name: str) -> None:
    net = onnx_cases.nets()[name]
    with pytest.raises(UserError, match="layer 'l': TensorRT-RTX .* does not take it: .* outputs for MaxPool"):
        builder.build(rtx, export.of_net(net, {}), Kind())


def test_engines_of_detectnets_first_and_last_generation(rtx: which.TensorRT) -> None:
    """Of the last one's bytes most are kernels: each layer brings its own, however few its weights."""
    net = famous_nets.detectnet(96, 160)
    sizes = {}
    for generation, (each, learned) in {1: (net, filled(net, np.random.default_rng(2))), 13: shrunk(net)}.items():
        for half in (True, False):
            made = export.of_net(each, learned, half=half)
            sizes[generation, half] = len(builder.build(rtx, made, Kind(half)).data)
    print("bytes of engines", sizes)
    assert sizes[1, True] < 0.6 * sizes[1, False]
    assert sizes[13, True] < 0.5 * sizes[1, True] and sizes[13, False] < 0.25 * sizes[1, False]


def shrunk(net: Any) -> tuple[Any, Any]:
    """A third of the neurons of each layer that is not an output, of ragged numbers."""
    random = np.random.default_rng(3)
    graph, learned = topology.read([net]), filled(net, random)
    for name, blobs in learned.items():
        if name not in ("cvg/classifier", "bboxes"):
            blobs[0][random.random(len(blobs[0])) < 0.7] = 0
    exists = reach.alive(graph, learned)
    resize.silence(graph, learned, exists)
    return resize.resized(net, graph, exists.kept), resize.shrunk(graph, learned, exists.kept)


def test_what_tensorrt_itself_refuses(rtx: which.TensorRT) -> None:
    """Its words, not those of the driver that is missing here."""
    made = model(False)
    made.graph.node[0].attribute.append(onnx.helper.make_attribute("kernel_shape", [9, 9]))
    weights = next(each for each in made.graph.initializer if each.name == "conv/weights")
    weights.CopyFrom(onnx.numpy_helper.from_array(np.ones((4, 3, 3, 3), np.float32), "conv/weights"))
    with pytest.raises(UserError) as error:
        builder.build(rtx, made, Kind())
    words = str(error.value)
    assert words.startswith(f"layer 'conv': {rtx} does not take it: ") and "cudaError" not in words, words


@pytest.mark.parametrize(
    ("which", "engine"),
    [
        ("8.0", "8.0.1.6 1 INT8"), ("8.6", "8.6.1 1 INT8"), ("10", "10.9.0.34 3 "), ("11", "11.0.0 1 "),
        ("no choice", "99.0 0 "),
    ],
)  # fmt: skip
def test_explicit_quantisation_on_all(which: str, engine: str) -> None:
    """A flag where networks are not strongly typed; else the graph's own types."""
    fake = TensorRT("TensorRT", FAKES[which]())
    assert builder.build(fake, in_eight_bits(), Kind(eight=True)).data.decode() == engine
    flags = ask(FAKES[which]()).words(Kind(eight=True))["flags"]
    assert flags == ("INT8" if "INT8" in engine else "none")


def test_tensorrt_rtx_builds_an_engine_in_eight_bits() -> None:
    """Without a GPU; what is not symmetric it refuses, which is why it has a form of its own."""
    module = pytest.importorskip("tensorrt_rtx", reason="TensorRT-RTX is not installed: pip install tensorrt-rtx")
    rtx = TensorRT("TensorRT-RTX", module)
    assert builder.build(rtx, in_eight_bits(), Kind(eight=True)).layers > len(model(False).graph.node)
    with pytest.raises(UserError, match="[Zz]ero point|must have type"):
        builder.build(rtx, in_eight_bits(target.OPENVINO), Kind(eight=True))
