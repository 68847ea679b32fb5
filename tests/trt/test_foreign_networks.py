"""shrink, fold, onnx and count on what strangers bring: 16-bit blobs, NVIDIA's layers, Python, several data layers."""

from pathlib import Path

import numpy as np
import pytest
from both import runtime

from evolve.base.errors import UserError
from evolve.command import command
from evolve.figures import count_table
from evolve.network import phases, shapes, weights
from evolve.network.foreign import reading
from tests.network.foreign import digits_detectnet
from trt import calibration, folding, range_report, shrinking
from trt.c import export as c_export
from trt.inputs import Inputs
from trt.onnx import export

INPUT = 'input: "data" input_dim: 1 input_dim: 3 input_dim: 8 input_dim: 8\n'
BODY = """layer { name: "conv" type: "Convolution" bottom: "data" top: "conv"
  convolution_param { num_output: 6 kernel_size: 3 bias_term: false } }
layer { name: "bn" type: "BatchNorm" bottom: "conv" top: "conv" batch_norm_param { scale_bias: true } }
layer { name: "relu" type: "ReLU" bottom: "conv" top: "conv" }
layer { name: "coverage" type: "Convolution" bottom: "conv" top: "coverage"
  convolution_param { num_output: 1 kernel_size: 1 } }
layer { name: "boxes" type: "Convolution" bottom: "conv" top: "boxes"
  convolution_param { num_output: 4 kernel_size: 1 } }
"""
BOTH = 'layer { name: "all" type: "Concat" bottom: "coverage" bottom: "boxes" top: "all" }\n'
CLUSTER = """layer { name: "cluster" type: "Python" bottom: "coverage" bottom: "boxes" top: "list"
  python_param { module: "caffe.layers.detectnet.clustering" layer: "ClusterDetections" param_str: "8, 8, 1" } }
"""


def rows_of(
    model: Path, caffemodel: Path, shape: tuple[int, int, int] | None = None
) -> dict[str, dict[str, str]]:
    """What `make count` says of each layer, by its name."""
    sheet = count_table.sheet(model, caffemodel, shape)
    return {row[0]: dict(zip(sheet.columns, row, strict=True)) for row in sheet.rows}


def learned() -> weights.Weights:
    """Halves; the third filter is nobody's."""
    random = np.random.default_rng(1)

    def halves(*shape: int) -> np.ndarray:
        return random.normal(size=shape).astype(np.float16).astype(np.float32)

    blobs = {
        "conv": [halves(6, 3, 3, 3)],
        "bn": [halves(6), np.abs(halves(6)) + 0.5, np.zeros(1, np.float32), halves(6), halves(6)],
        "coverage": [halves(1, 6, 1, 1), halves(1)],
        "boxes": [halves(4, 6, 1, 1), halves(4)],
    }
    blobs["coverage"][0][:, 2] = blobs["boxes"][0][:, 2] = 0
    return blobs


@pytest.fixture
def pair(tmp_path: Path) -> tuple[Path, Path]:
    """NVIDIA's own: BatchNorm with scale and bias, 16-bit blobs, a Python layer that is not on this machine."""
    model, caffemodel = tmp_path / "deploy.prototxt", tmp_path / "w.caffemodel"
    model.write_text(INPUT + BODY + BOTH + CLUSTER)
    net = reading.parse(INPUT + BODY.replace("scale_bias: true", ""), model).net
    weights.write(caffemodel, net, learned(), half_blobs=True)
    return model, caffemodel


def test_shrink(pair: tuple[Path, Path], tmp_path: Path) -> None:
    said = shrinking.shrink(*pair, tmp_path / "out")
    assert "layer 'cluster': left out, as no layer reads what Python's " in said
    assert "1 of NVIDIA's BatchNorm layers are read as BatchNorm and Scale" in said and "outputs as before" in said
    small = weights.read(tmp_path / "out" / "w.caffemodel")
    assert [blob.shape for blob in small["conv"]] == [(5, 3, 3, 3)] and len(small["bn"]) == 3
    assert [blob.shape for blob in small["bn/scale"]] == [(5,), (5,)]


def test_fold(pair: tuple[Path, Path], tmp_path: Path) -> None:
    said = folding.fold(*pair, tmp_path / "out")
    assert "folded: 1 BatchNorm, 1 Scale" in said and "outputs as before" in said


@pytest.mark.parametrize("words", [["onnx"], ["c"], ["engine", "TENSORRT=rtx", "INPUTS=none"]], ids=" ".join)
def test_every_verb_says_what_was_made_of_the_files(
    pair: tuple[Path, Path], tmp_path: Path, capsys: pytest.CaptureFixture[str], words: list[str]
) -> None:
    if words[0] == "engine":
        pytest.importorskip("tensorrt_rtx", reason="TensorRT-RTX is not installed: pip install tensorrt-rtx")
    assert command.main([*words, f"MODEL={pair[0]}", f"WEIGHTS={pair[1]}", f"OUT={tmp_path}"]) == 0
    said = capsys.readouterr().out.splitlines()
    assert sum("layer 'cluster': left out, as no layer reads what Python's " in line for line in said) == 1
    assert sum("1 of NVIDIA's BatchNorm layers are read as BatchNorm and Scale" in line for line in said) == 1


BEFORE_NORM = BODY.replace('bottom: "conv" top: "conv" batch_norm', 'bottom: "conv" top: "bn" batch_norm').replace(
    'type: "ReLU" bottom: "conv" top: "conv"', 'type: "ReLU" bottom: "bn" top: "bn"'
).replace('type: "Convolution" bottom: "conv"', 'type: "Convolution" bottom: "bn"')


@pytest.fixture
def read_before_norm(pair: tuple[Path, Path]) -> tuple[Path, Path]:
    """A Python layer reads what BatchNorm reads, too."""
    pair[0].write_text(INPUT + BEFORE_NORM + BOTH + CLUSTER.replace("coverage", "conv"))
    return pair


def test_onnx_does_not_fold_into_what_a_python_layer_reads(read_before_norm: tuple[Path, Path]) -> None:
    made = export.read(*read_before_norm)
    assert {each.name for each in made.onnx().graph.output} == {"all", "conv", "boxes"}
    image = {"data": np.random.default_rng(2).normal(size=(1, 3, 8, 8)).astype(np.float32)}
    folded, plain = (runtime(made.onnx(fold=fold), image) for fold in (True, False))
    for blob, values in plain.items():
        assert np.allclose(folded[blob], values, atol=1e-4), blob
    program = c_export.written(made, read_before_norm[0].with_name("net.c"))
    assert set(program.graph.outputs) == {"all", "conv", "boxes"}


def test_eight_bits_and_ranges_of_what_a_python_layer_reads(read_before_norm: tuple[Path, Path]) -> None:
    made = export.read(*read_before_norm)
    image = np.random.default_rng(2).normal(size=(1, 3, 8, 8)).astype(np.float32)
    found = calibration.calibrate(made, Inputs("an image", [{"data": image}]), "digest")
    ranges = {value: (low, high) for value, (low, high) in found.ranges.items()}
    assert {each.name for each in made.onnx(ranges=ranges).graph.output} == {"all", "conv", "boxes"}
    assert "conv" in {each.value for each in range_report.report(made, Inputs("an image", [{"data": image}])).ranges}


def test_fold_does_not_fold_into_what_a_python_layer_reads(
    read_before_norm: tuple[Path, Path], tmp_path: Path
) -> None:
    said = folding.fold(*read_before_norm, tmp_path / "out")
    assert "stays: BatchNorm 'bn': what it reads, 'conv', is an output too" in said and "outputs as before" in said


def test_onnx_has_the_bottoms_of_a_python_layer_as_outputs(pair: tuple[Path, Path], tmp_path: Path) -> None:
    said = export.export(*pair, tmp_path / "net.onnx")
    assert said.startswith(f"{pair[0]}: inputs in the form of 2014")
    made = export.read(*pair).onnx()
    assert {each.name for each in made.graph.output} == {"all", "coverage", "boxes"}


def test_count(pair: tuple[Path, Path]) -> None:
    sheet = count_table.sheet(*pair, shape=(3, 10, 12))
    assert sheet.title.startswith("deploy.prototxt on 3 x 10 x 12")
    total = rows_of(*pair, shape=(3, 10, 12))["total"]
    assert total["others"] == "12" and total["weights"] == f"{6 * 27 + 6 + 24:,}"


def test_a_python_layer_that_another_reads_is_named(pair: tuple[Path, Path], tmp_path: Path) -> None:
    model, caffemodel = pair
    model.write_text(model.read_text() + 'layer { name: "r" type: "ReLU" bottom: "list" top: "r" }')
    for tool in (lambda: export.export(model, caffemodel, tmp_path / "n.onnx"),):
        with pytest.raises(UserError) as error:
            tool()
        assert "layer 'cluster': expected a type that ONNX can say, got Python; leave it out" in str(error.value)


def test_shrink_leaves_no_empty_folder(pair: tuple[Path, Path], tmp_path: Path) -> None:
    model, caffemodel = pair
    text = model.read_text().replace("caffe.layers.detectnet.clustering", "not.here")
    model.write_text(text + 'layer { name: "r" type: "ReLU" bottom: "list" top: "r" }')
    with pytest.raises(UserError):
        shrinking.shrink(model, caffemodel, tmp_path / "out", keep_unknown=True)
    assert not (tmp_path / "out").exists()


# Data

HEAD = """layer { name: "conv" type: "Convolution" bottom: "data" top: "conv"
  convolution_param { num_output: 4 kernel_size: 3 } }
layer { name: "fc" type: "InnerProduct" bottom: "conv" top: "fc" inner_product_param { num_output: 3 } }
layer { name: "loss" type: "SoftmaxWithLoss" bottom: "fc" bottom: "label" top: "loss" }
"""
DATA = {
    "MemoryData": 'top: "label" memory_data_param { batch_size: 2 channels: 3 height: 8 width: 8 }',
    "ImageData": 'top: "label" image_data_param { source: "list.txt" batch_size: 2 new_height: 8 new_width: 8 }',
    "DummyData": 'top: "label" dummy_data_param { shape { dim: 2 dim: 3 dim: 8 dim: 8 } shape { dim: 2 } }',
    "Data": 'top: "label" data_param { source: "x" batch_size: 2 } '
    "transform_param { crop_size: 8 mean_value: 1 mean_value: 2 mean_value: 3 }",
    "WindowData": 'top: "label" window_data_param { source: "x" batch_size: 2 } transform_param { crop_size: 8 }',
    "HDF5Data": 'top: "label" hdf5_data_param { source: "x" batch_size: 2 }',
}  # fmt: skip
APART = """layer { name: "data" type: "Data" top: "data" data_param { source: "images" batch_size: 2 }
  transform_param { crop_size: 8 mean_value: 1 mean_value: 2 mean_value: 3 } }
layer { name: "labels" type: "Data" top: "label" data_param { source: "labels" batch_size: 2 } }
"""


@pytest.mark.parametrize("kind", [*DATA, "apart"])
def test_data_layers_of_every_type(tmp_path: Path, kind: str) -> None:
    model, caffemodel = tmp_path / "train_val.prototxt", tmp_path / "w.caffemodel"
    layer = APART if kind == "apart" else f'layer {{ name: "data" type: "{kind}" top: "data" {DATA[kind]} }}\n'
    model.write_text(layer + HEAD)
    shape = (3, 8, 8) if kind == "HDF5Data" else None
    random = np.random.default_rng(1)
    net = phases.fed_by_inputs(reading.read(model).net, "TEST", (3, 8, 8))
    made = {
        step.layer.name: [random.normal(size=each).astype(np.float32) for each in step.blob_shapes]
        for step in shapes.infer(net) if step.blob_shapes
    }  # fmt: skip
    made["fc"][0].reshape(3, 4, 36)[:, 1] = 0
    weights.write(caffemodel, net, made)
    assert rows_of(model, caffemodel, shape or (3, 8, 8))["conv"]["output"] == "4 x 6 x 6"
    assert "outputs as before" in shrinking.shrink(model, caffemodel, tmp_path / "out", shape)
    assert weights.read(tmp_path / "out" / "w.caffemodel")["conv"][0].shape == (3, 3, 3, 3)
    # One image goes in, and the loss is a Softmax there.
    assert "data 1x3x8x8, prob 1x3; " in export.export(model, caffemodel, tmp_path / "n.onnx", shape=shape)


def test_where_nothing_tells_the_shape(tmp_path: Path) -> None:
    model = tmp_path / "train_val.prototxt"
    model.write_text(f'layer {{ name: "data" type: "HDF5Data" top: "data" {DATA["HDF5Data"]} }}\n' + HEAD)
    with pytest.raises(UserError) as error:
        count_table.sheet(model)
    assert str(error.value) == (
        f"{model}:1: layer 'data': expected a type whose prototxt tells the shape of its tops, got HDF5Data; put an "
        "Input layer in its place, or give an image's shape (SHAPE=3x32x32)"
    )


# DetectNet's training prototxt


def test_detectnets_training_prototxt(tmp_path: Path) -> None:
    model, caffemodel = tmp_path / "detectnet_network.prototxt", tmp_path / "w.caffemodel"
    model.write_text(digits_detectnet.training())
    net = reading.read(model).net
    random = np.random.default_rng(1)
    trained = {
        step.layer.name: [random.normal(size=each).astype(np.float32) for each in step.blob_shapes]
        for step in shapes.infer(phases.for_phase(net, "TEST")) if step.blob_shapes
    }  # fmt: skip
    for name in ("cvg/classifier", "bbox/regressor"):
        trained[name][0][:, 5] = 0
    weights.write(caffemodel, net, trained)
    rows = rows_of(model, caffemodel)
    assert rows["conv1/7x7_s2"]["MACs"] == f"{8 * 3 * 256 * 12:,}" and rows["bbox_loss"]["type"] == "L1Loss"
    assert "outputs as before" in shrinking.shrink(model, caffemodel, tmp_path / "out")
    assert weights.read(tmp_path / "out" / "w.caffemodel")["conv1/7x7_s2"][0].shape == (7, 3, 16, 16)
    assert "coverage 1x1x3x4, bboxes 1x4x3x4" in export.export(model, caffemodel, tmp_path / "n.onnx")
