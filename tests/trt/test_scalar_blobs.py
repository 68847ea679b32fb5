"""Blobs without axes, one number for all channels: Caffe writes no shape for them, and every reader takes them."""

from pathlib import Path

import numpy as np
import pytest

from evolve.base import prototxt_text
from evolve.base.caffe_messages import caffe_pb2
from evolve.figures import count_table
from evolve.network import weights
from evolve.network.axes import Net
from tests.trt import both
from trt import shrinking
from trt.onnx import export

LAYERS = """
layer { name: "data" type: "Input" top: "data" input_param { shape { dim: 1 dim: 3 dim: 8 dim: 8 } } }
layer { name: "conv" type: "Convolution" bottom: "data" top: "conv" convolution_param { num_output: 6 kernel_size: 3 } }
layer { name: "relu" type: "PReLU" bottom: "conv" top: "conv" prelu_param { channel_shared: true } }
layer { name: "scale" type: "Scale" bottom: "conv" top: "scale" scale_param { axis: 0 num_axes: 0 bias_term: true } }
layer { name: "bias" type: "Bias" bottom: "scale" top: "bias" bias_param { axis: 1 num_axes: 0 } }
layer { name: "fc" type: "InnerProduct" bottom: "bias" top: "fc" inner_product_param { num_output: 4 } }
"""


def as_caffe_writes_it(net: Net, blobs: weights.Weights) -> bytes:
    """Blob::ToProto: a dim for each axis, so none, and no shape, without one."""
    model = caffe_pb2.NetParameter(name=net.name)
    for layer in net.layer:
        added = model.layer.add(name=layer.name, type=layer.type)
        for blob in blobs.get(layer.name, []):
            written = added.blobs.add(data=blob.ravel().tolist())
            if blob.ndim:
                written.shape.dim.extend(blob.shape)
    return bytes(model.SerializeToString())


@pytest.fixture
def pair(tmp_path: Path) -> tuple[Path, Path]:
    random = np.random.default_rng(0)
    model, caffemodel = tmp_path / "deploy.prototxt", tmp_path / "w.caffemodel"
    model.write_text(LAYERS)
    blobs = {
        "conv": [random.normal(size=(6, 3, 3, 3)), random.normal(size=6)],
        "relu": [np.array(0.25)],
        "scale": [np.array(1.5), np.array(-0.5)],
        "bias": [np.array(0.125)],
        "fc": [random.normal(size=(4, 216)), np.zeros(4)],
    }
    # Two dead filters, one of which its bias keeps from silence.
    blobs["conv"][0][[1, 4]] = blobs["conv"][1][1] = 0
    net = prototxt_text.read(model, caffe_pb2.NetParameter())
    stored = {name: [np.asarray(one, np.float32) for one in each] for name, each in blobs.items()}
    caffemodel.write_bytes(as_caffe_writes_it(net, stored))
    return model, caffemodel


def test_they_are_counted(pair: tuple[Path, Path]) -> None:
    rows = {row[0]: row for row in count_table.sheet(*pair).rows}
    others = count_table.sheet(*pair).columns.index("others")
    assert [rows[name][others] for name in ("relu", "scale", "bias")] == ["1", "2", "1"]


def test_a_shrunk_network_has_them_still(pair: tuple[Path, Path], tmp_path: Path) -> None:
    """Caffe compares the outputs before anything is written."""
    said = shrinking.shrink(*pair, tmp_path / "small")
    assert "outputs as before" in said
    left = weights.read(tmp_path / "small" / "w.caffemodel")
    assert left["conv"][0].shape == (4, 3, 3, 3)
    assert [float(left[name][0]) for name in ("relu", "scale", "bias")] == [0.25, 1.5, 0.125]


def test_onnx_computes_what_caffe_does(pair: tuple[Path, Path], tmp_path: Path) -> None:
    read = export.read(*pair)
    images = {"data": np.random.default_rng(1).normal(size=(1, 3, 8, 8)).astype(np.float32)}
    (wanted,) = both.caffe(tmp_path, [both.Case(read.net, read.weights, images)])
    np.testing.assert_allclose(both.runtime(read.onnx(), images)["fc"], wanted["fc"], rtol=1e-4, atol=1e-4)
