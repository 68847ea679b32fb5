"""Networks as C files: LeNet, AlexNet, ResNet and DetectNet against real Caffe, on x86-64 and on two Arm processors."""

import subprocess
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from both import Case, caffe, filled, gap, images
from compiled import ARM64, CORTEX_M4, HERE, SANITIZED, Toolchain, run
from google.protobuf import text_format
from test_onnx_networks import NETS, case, famous_nets, shrunk

from evolve.base.caffe_messages import caffe_pb2
from trt.c import convolution, export, storage
from trt.onnx import weighted
from trt.onnx.translation import translate

LARGEST = 1e-5  # relative to a blob's largest value


def thin(net: Any) -> Any:
    """With about a quarter of the neurons, ragged: more weights say nothing more."""
    for layer in net.layer:
        for parameter in (layer.convolution_param, layer.inner_product_param):
            if parameter.num_output:
                parameter.num_output = parameter.num_output // 4 + 1
    return net


SMALL = {
    "lenet": (lambda: thin(NETS["lenet"]()), SANITIZED),
    "alexnet_cifar10": (lambda: thin(thin(NETS["alexnet_cifar10"]())), HERE),
    "resnet56_cifar10": (lambda: thin(NETS["resnet56_cifar10"]()), HERE),
    "detectnet": (lambda: thin(thin(famous_nets.detectnet(32, 48))), SANITIZED),
}


@pytest.mark.parametrize("name", SMALL)
def test_networks(tmp_path: Path, name: str) -> None:
    make, toolchain = SMALL[name]
    shown = case(make())
    (expected,) = caffe(tmp_path, [shown])
    found = run(tmp_path, shown, toolchain=toolchain)
    gaps = {blob: gap(values, found[blob]) for blob, values in expected.items()}
    print(name, gaps)
    assert max(gaps.values()) <= LARGEST and gaps.keys() == found.keys()


def sparse_lenet() -> Case:
    """LeNet as evolution leaves it: neurons gone, and of what is left nine synapses in ten."""
    net, learned = shrunk(thin(NETS["lenet"]()))
    random = np.random.default_rng(5)
    for blobs in learned.values():
        blobs[0][random.random(blobs[0].shape) < 0.9] = 0
    return Case(net, learned, images(net, random))


@pytest.mark.parametrize("bits", [8, 16, 32])
@pytest.mark.parametrize("toolchain", [SANITIZED, ARM64, CORTEX_M4], ids=["x86-64", "arm64", "cortex-m4"])
def test_bits_and_processors(tmp_path: Path, toolchain: Toolchain, bits: int) -> None:
    """What is computed is what Caffe computes with the weights as they are stored, on every processor."""
    assert as_stored(tmp_path, sparse_lenet(), bits, toolchain) == {"prob": True}


def as_stored(folder: Path, shown: Case, bits: int, toolchain: Toolchain) -> dict[str, bool]:
    """Of each output whether it is Caffe's with the weights as `bits` store them."""
    found = run(folder, shown, bits, toolchain.needed())
    kind = export.of_net(shown.net, shown.weights, function="net", bits=bits).kind
    for blobs in shown.weights.values():
        blobs[0] = storage.rounded(blobs[0].reshape(len(blobs[0]), -1), kind).reshape(blobs[0].shape)
    (expected,) = caffe(folder, [shown])
    return {blob: gap(values, found[blob]) <= LARGEST for blob, values in expected.items()}


@pytest.mark.parametrize(("bits", "kind"), [(8, "int8_bfloat16"), (16, "bfloat16")])
def test_weights_that_half_precision_has_no_numbers_for(tmp_path: Path, bits: int, kind: str) -> None:
    """Of a network whose first weights are as small as its images are large."""
    shown = sparse_lenet()
    shown.weights["conv1"][0] *= np.float32(1e-7)
    shown.images["data"] *= np.float32(1e7)
    assert export.of_net(shown.net, shown.weights, function="net", bits=bits).kind == kind
    (exact,) = caffe(tmp_path, [shown])
    assert gap(exact["prob"], run(tmp_path, shown, bits, SANITIZED.needed())["prob"]) < 0.03
    assert as_stored(tmp_path, shown, bits, SANITIZED) == {"prob": True}


# More places than a block has, and fewer; strides, padding, dilation, groups; a last block of neurons that is not full.
DENSE = """
layer { name: "in" type: "Input" top: "data" input_param { shape { dim: 2 dim: 3 dim: 11 dim: 13 } } }
layer { name: "plain" type: "Convolution" bottom: "data" top: "plain"
  convolution_param { num_output: 10 kernel_size: 3 pad: 1 } }
layer { name: "point" type: "Convolution" bottom: "plain" top: "point"
  convolution_param { num_output: 8 kernel_size: 1 } }
layer { name: "apart" type: "Convolution" bottom: "point" top: "apart"
  convolution_param { num_output: 10 group: 2 kernel_h: 3 kernel_w: 2 stride_h: 1 stride_w: 3 pad_h: 2 pad_w: 1 } }
layer { name: "wide" type: "Convolution" bottom: "apart" top: "wide"
  convolution_param { num_output: 5 kernel_size: 3 dilation: 2 pad: 4 stride: 2 } }
layer { name: "last" type: "Convolution" bottom: "wide" top: "last"
  convolution_param { num_output: 6 kernel_h: 9 kernel_w: 5 pad_w: 3 } }
"""


@pytest.mark.parametrize(
    ("toolchain", "bits"), [(SANITIZED, 8), (ARM64, 16), (CORTEX_M4, 32)], ids=["x86-64", "arm64", "cortex-m4"]
)
def test_dense_convolutions(tmp_path: Path, toolchain: Toolchain, bits: int) -> None:
    """Block by block, what Caffe computes with the weights as they are stored; blocks take the memory that is told."""
    net = text_format.Parse(DENSE, caffe_pb2.NetParameter(name="dense"))
    shown = Case(net, filled(net, np.random.default_rng(1)), images(net, np.random.default_rng(2)))
    program = export.of_net(net, shown.weights, function="net", bits=bits)
    assert [line.partition("(")[0] for line in program.statements if "convolve" in line] == ["convolve_dense"] * 5
    assert program.memory_bytes == 4 * program.memory.size + convolution.BLOCK_BYTES
    assert as_stored(tmp_path, shown, bits, toolchain) == {"last": True}
    size = f"#include <stdint.h>\nchar is_told[sizeof(struct block) == {convolution.BLOCK_BYTES} ? 1 : -1];\n"
    compiler = [toolchain.compiler[0], "-std=c99", "-c", "-x", "c", "-", "-o", "size.o"]
    source = (tmp_path / "net.c").read_text() + size
    subprocess.run(compiler, cwd=tmp_path, input=source, text=True, check=True)


@pytest.mark.parametrize(
    ("toolchain", "bits", "longest"),
    [(SANITIZED, 8, 50), (SANITIZED, 16, 1024), (ARM64, 16, 50), (CORTEX_M4, 32, 50)],
    ids=["x86-64", "whole maps", "arm64", "cortex-m4"],
)
def test_sparse_convolutions(
    tmp_path: Path, toolchain: Toolchain, bits: int, longest: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Tap by tap, at some places of a map after the other, what Caffe computes; the memory for it is told."""
    monkeypatch.setattr(convolution, "_LONGEST", longest)
    net, learned = sparse(0.3, "none")
    shown = Case(net, learned, images(net, np.random.default_rng(2)))
    program = export.of_net(net, shown.weights, function="net", bits=bits)
    assert [line.partition("(")[0] for line in program.statements if "convolve" in line] == ["convolve"] * 5
    assert program.memory_bytes == 4 * program.memory.size + 4 * min(longest, 11 * 13)
    assert as_stored(tmp_path, shown, bits, toolchain) == {"last": True}
    assert f"STRETCH = {min(longest, 11 * 13)} " in (tmp_path / "net.c").read_text()


def sparse(part: float, dense: str) -> tuple[Any, dict[str, list[np.ndarray]]]:
    """The net of dense convolutions with `part` of their weights, but for those of the layer `dense`."""
    net = text_format.Parse(DENSE, caffe_pb2.NetParameter(name="sparse"))
    learned = filled(net, np.random.default_rng(1))
    for name, blobs in learned.items():
        if name != dense:
            blobs[0][np.random.default_rng(2).random(blobs[0].shape) > part] = 0
    return net, learned


@pytest.mark.parametrize(("part", "kernels"), [(0.9, 5), (0.3, 0), (0.05, 1)])
def test_where_little_is_dense_no_kernel_is_for_it(part: float, kernels: int) -> None:
    """Half of the work is what decides: of all but the first layer `part` of the weights are there."""
    net, learned = sparse(part, "point")
    program = export.of_net(net, learned, function="net", bits=16)
    assert sum("convolve_dense" in line for line in program.statements) == kernels
    assert ("dense_convolution" in program.kernels) == (kernels > 0)
    assert ("convolution" in program.kernels) == (kernels < 5)
    memory = kernels > 0, kernels < 5
    assert program.kernel_bytes == np.array(memory) @ np.array([convolution.BLOCK_BYTES, 4 * 11 * 13])


@pytest.mark.parametrize("bits", [8, 16, 32])
def test_sparse_is_smaller(bits: int) -> None:
    """A stored synapse takes its bits, and a byte to say where it is."""
    shown = sparse_lenet()
    program = export.of_net(shown.net, shown.weights, function="net", bits=bits)
    synapses = sum(int(np.count_nonzero(storage.rounded(rows, program.kind))) for rows in rows_of(shown))
    assert program.synapses == synapses > 100
    dense = export.of_net(shown.net, filled(shown.net, np.random.default_rng(0)), function="net", bits=bits)
    assert program.constant_bytes < (bits / 8 + 1) * synapses + 1500 < dense.constant_bytes / 1.5


def rows_of(shown: Case) -> list[np.ndarray]:
    graph = translate(shown.net, shown.weights)
    return [weighted.rows_of(graph, node) for node in graph.nodes if node.operator in weighted.WEIGHTED]
