"""That engines compute in eight bits what the graph says in them: seen in OpenVINO's and ONNX Runtime's own graphs.

An inception module between two poolings, an LRN before it and an average behind it: what DetectNet is made of.
"""

import sys
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnxruntime
import pytest
from both import filled, images
from google.protobuf import text_format

from evolve.base.caffe_messages import caffe_pb2
from trt.onnx import arranged, eight_places, export, model, target, translation
from trt.onnx.target import Target

WIDTHS = {"even": (16, 8), "ragged": (13, 27)}


def net(width: int, other: int) -> Any:
    def conv(name: str, bottom: str, outputs: int, kernel: int = 1) -> str:
        return f"""
        layer {{ name: "{name}" type: "Convolution" bottom: "{bottom}" top: "{name}"
          convolution_param {{ num_output: {outputs} kernel_size: {kernel} pad: {kernel // 2} }} }}
        layer {{ name: "{name}/relu" type: "ReLU" bottom: "{name}" top: "{name}" }}"""

    return text_format.Parse(
        'layer { name: "in" type: "Input" top: "data" input_param { shape { dim: 1 dim: 3 dim: 32 dim: 32 } } }'
        + conv("conv1", "data", width, 3)
        + """
        layer { name: "norm1" type: "LRN" bottom: "conv1" top: "norm1" lrn_param { local_size: 5 alpha: 1e-4 } }"""
        + conv("reduce", "norm1", width)
        + """
        layer { name: "pool1" type: "Pooling" bottom: "reduce" top: "pool1"
          pooling_param { kernel_size: 3 stride: 2 } }"""
        + conv("1x1", "pool1", width)
        + conv("3x3", "pool1", other, 3)
        + """
        layer { name: "pool" type: "Pooling" bottom: "pool1" top: "pool"
          pooling_param { kernel_size: 3 stride: 1 pad: 1 } }"""
        + conv("proj", "pool", other)
        + """
        layer { name: "output" type: "Concat" bottom: "1x1" bottom: "3x3" bottom: "proj" top: "output" }"""
        + conv("after", "output", width)
        + conv("beside", "output", width)
        + """
        layer { name: "sum" type: "Eltwise" bottom: "after" bottom: "beside" top: "sum" }
        layer { name: "average" type: "Pooling" bottom: "sum" top: "average"
          pooling_param { pool: AVE kernel_size: 2 stride: 2 } }
        layer { name: "bboxes" type: "Convolution" bottom: "average" top: "bboxes"
          convolution_param { num_output: 4 kernel_size: 1 } }
        layer { name: "ip" type: "InnerProduct" bottom: "average" top: "ip" inner_product_param { num_output: 5 } }""",
        caffe_pb2.NetParameter(),
    )


def written(folder: Path, widths: str, form: Target) -> Path:
    made, random = net(*WIDTHS[widths]), np.random.default_rng(0)
    weights = filled(made, random)
    graph = arranged.arranged(translation.translate(made, weights))
    wanted = list(eight_places.find(graph).groups)
    plain, image = model.model(graph, "net", {}), images(made, random)
    inner = [name for name in wanted if name not in graph.inputs]
    del plain.graph.output[:]
    for name in inner:
        plain.graph.output.add(name=name)
    session = onnxruntime.InferenceSession(plain.SerializeToString(), providers=["CPUExecutionProvider"])
    seen = dict(zip(inner, session.run(inner, image), strict=True)) | image
    ranges = {name: (float(values.min()), float(values.max())) for name, values in seen.items()}
    model.write(export.of_net(made, weights, target=form, ranges=ranges), folder / "net.onnx")
    return folder / "net.onnx"


@pytest.mark.parametrize("widths", WIDTHS)
def test_openvino(widths: str, tmp_path: Path) -> None:
    sys.modules["openvino_telemetry"] = None  # type: ignore[assignment]
    import openvino

    core = openvino.Core()
    if not any("AVX512" in each or "INT8" in each for each in core.get_property("CPU", "OPTIMIZATION_CAPABILITIES")):
        pytest.skip("OpenVINO computes in eight bits on no such processor")
    compiled = core.compile_model(
        written(tmp_path, widths, target.OPENVINO), "CPU", {"INFERENCE_PRECISION_HINT": "f32"}
    )
    kinds: dict[str, list[str]] = {}
    for operation in compiled.get_runtime_model().get_ordered_ops():
        about = {key: str(each.value) for key, each in operation.get_rt_info().items()}
        kinds.setdefault(about["layerType"].lower(), []).append(about["runtimePrecision"])
    # Eight convolutions, Eltwise in one of them, all three poolings; LRN alone is in 32 bits.
    assert kinds["convolution"] == ["u8"] * 8 and kinds["concatenation"] == ["u8"]
    assert kinds["pooling"] == ["u8"] * 3 and kinds["fullyconnected"] == ["u8"]
    assert kinds["lrn"] == ["f32"] and "eltwise" not in kinds and "relu" not in kinds


@pytest.mark.parametrize("widths", WIDTHS)
def test_onnx_runtime(widths: str, tmp_path: Path) -> None:
    options = onnxruntime.SessionOptions()
    options.optimized_model_filepath, options.log_severity_level = str(tmp_path / "fused.onnx"), 3
    onnxruntime.InferenceSession(
        written(tmp_path, widths, target.ONNX_RUNTIME), options, providers=["CPUExecutionProvider"]
    )
    found = Counter(node.op_type for node in onnx.load(tmp_path / "fused.onnx").graph.node)
    assert found["QLinearConv"] == 7 and found["QLinearAdd"] == 1 and found["QLinearAveragePool"] == 1
    assert found["QGemm"] == 1 and found["NhwcMaxPool"] + found["MaxPool"] == 2
    # In 32 bits are LRN's own band and the output, and what of ReLU is not fused: nothing.
    assert found["Conv"] + found["FusedConv"] + found["NhwcFusedConv"] <= 2
    assert not found["LRN"] and not found["Relu"]
