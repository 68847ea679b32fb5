"""`make shrink`: pruned caffemodels of anyone's, smaller, as their users meet it."""

import errno
import os
from pathlib import Path

import numpy as np
import pytest
from google.protobuf import text_format

from evolve.base import prototxt_text
from evolve.base.caffe_messages import caffe_pb2
from evolve.base.errors import UserError
from evolve.network import weights
from tests.forks import FORKS
from trt import folding, shrinking

INPUT = 'layer { name: "data" type: "Input" top: "data" input_param { shape { dim: 1 dim: 3 dim: 8 dim: 8 } } }\n'
DATA = """layer { name: "data" type: "Data" top: "data" top: "label" data_param { source: "$DATA" batch_size: 4 } }
"""
LAYERS = """layer { name: "conv1" type: "Convolution" bottom: "data" top: "conv1"
  convolution_param { num_output: 6 kernel_size: 3 } }
layer { name: "relu1" type: "ReLU" bottom: "conv1" top: "conv1" }
layer { name: "fc" type: "InnerProduct" bottom: "conv1" top: "fc" inner_product_param { num_output: 4 } }
"""
LOSS = 'layer { name: "loss" type: "SoftmaxWithLoss" bottom: "fc" bottom: "label" top: "loss" }\n'


def pruned() -> weights.Weights:
    """As pruning tools leave them: dense blobs with zeros, two filters of six dead, one of them with a bias."""
    random = np.random.default_rng(1)
    blobs = {
        "conv1": [random.normal(size=(6, 3, 3, 3)), random.normal(size=6)],
        "fc": [random.normal(size=(4, 6 * 36)) * (random.random((4, 6 * 36)) < 0.2), random.normal(size=4)],
    }
    blobs["conv1"][0][2] = blobs["conv1"][0][4] = blobs["conv1"][1][4] = 0
    return {name: [blob.astype(np.float32) for blob in arrays] for name, arrays in blobs.items()}


@pytest.fixture
def model(tmp_path: Path) -> Path:
    path = tmp_path / "deploy.prototxt"
    path.write_text('name: "pruned"\n' + INPUT + LAYERS)
    net = prototxt_text.read(path, caffe_pb2.NetParameter())
    weights.write(tmp_path / "w.caffemodel", net, pruned())
    return path


def test_dense_blobs_with_zeros(model: Path, tmp_path: Path) -> None:
    """The zeros inside what is left stay zeros, the dead filters go, one's bias into the next layer's; names stay."""
    (tmp_path / "labels.txt").write_text("cat\ndog\neel\nfox\n")
    table = shrinking.shrink(model, tmp_path / "w.caffemodel", tmp_path / "out").splitlines()
    small = weights.read(tmp_path / "out" / "w.caffemodel")
    before = pruned()
    assert small["conv1"][0].shape == (4, 3, 3, 3) and small["fc"][0].shape == (4, 4 * 36)
    kept = before["fc"][0].reshape(4, 6, 36)[:, [0, 1, 3, 5]]
    assert np.array_equal(small["fc"][0], kept.reshape(4, -1))
    constant = max(float(before["conv1"][1][2]), 0)
    added = before["fc"][0].reshape(4, 6, 36)[:, 2].sum(axis=1) * constant
    assert np.allclose(small["fc"][1], before["fc"][1] + added, atol=1e-6)
    assert [line.split()[0] for line in table] == ["layer", "conv1", "fc", "total", "caffemodel"]
    # 6 x 27 + 6 and 4 x 216 + 4 before, 4 x 27 + 4 and 4 x 144 + 4 now
    assert table[3].split()[1:7] == ["10", "->", "8", "1,036", "->", "692"]
    assert "outputs as before" in table[4]
    made = sorted(path.name for path in (tmp_path / "out").iterdir())
    assert made == ["deploy.prototxt", "labels.txt", "w.caffemodel"]
    net = prototxt_text.read(tmp_path / "out" / "deploy.prototxt", caffe_pb2.NetParameter())
    assert net.layer[1].convolution_param.num_output == 4


@pytest.mark.parametrize("name", ["before", "after"])
def test_files_called_like_those_that_caffe_compares(model: Path, tmp_path: Path, name: str) -> None:
    """Of a caffemodel with 16-bit blobs, NVIDIA's, Caffe is given a copy: plain.caffemodel."""
    own = model.rename(tmp_path / f"{name}.prototxt")
    net, halves = prototxt_text.read(own, caffe_pb2.NetParameter()), pruned()
    halves = {each: [blob.astype(np.float16).astype(np.float32) for blob in blobs] for each, blobs in halves.items()}
    weights.write(tmp_path / "plain.caffemodel", net, halves, half_blobs=True)
    shrinking.shrink(own, tmp_path / "plain.caffemodel", tmp_path / "out")
    small = prototxt_text.read(tmp_path / "out" / own.name, caffe_pb2.NetParameter())
    assert small.layer[1].convolution_param.num_output == 4
    assert weights.read(tmp_path / "out" / "plain.caffemodel")["conv1"][0].shape == (4, 3, 3, 3)


def test_a_train_val_prototxt(model: Path, tmp_path: Path) -> None:
    train_val = tmp_path / "train_val.prototxt"
    train_val.write_text('name: "pruned"\n' + DATA + LAYERS + LOSS)
    with pytest.raises(UserError) as error:
        shrinking.shrink(train_val, tmp_path / "w.caffemodel", tmp_path / "out")
    assert str(error.value) == (
        f"{train_val}:2: layer 'data': does not say the shape of an image; give SHAPE=3x32x32"
    )
    shrinking.shrink(train_val, tmp_path / "w.caffemodel", tmp_path / "out", shape=(3, 8, 8))
    net = text_format.Parse((tmp_path / "out" / "train_val.prototxt").read_text(), caffe_pb2.NetParameter())
    assert [layer.type for layer in net.layer] == ["Data", "Convolution", "ReLU", "InnerProduct", "SoftmaxWithLoss"]
    assert net.layer[0].data_param.source == "$DATA" and net.layer[1].convolution_param.num_output == 4


def test_an_output_without_an_axis_for_its_number(model: Path, tmp_path: Path) -> None:
    """As a regression's head often has it: it stays beside another output, and is compared."""
    model.write_text(
        model.read_text()
        + """layer { name: "age" type: "InnerProduct" bottom: "conv1" top: "age" inner_product_param { num_output: 1 } }
layer { name: "ages" type: "Reshape" bottom: "age" top: "ages" reshape_param { shape { dim: -1 } } }
"""
    )
    random = np.random.default_rng(2)
    before = pruned() | {"age": [random.normal(size=(1, 6 * 36)).astype(np.float32), np.ones(1, np.float32)]}
    weights.write(tmp_path / "w.caffemodel", prototxt_text.read(model, caffe_pb2.NetParameter()), before)
    shrinking.shrink(model, tmp_path / "w.caffemodel", tmp_path / "out")
    small = weights.read(tmp_path / "out" / "w.caffemodel")
    kept = before["age"][0].reshape(6, 36)[[0, 1, 3, 5]]
    assert np.array_equal(small["age"][0], kept.reshape(1, -1))


def test_masks_beside_the_weights_are_refused(model: Path, tmp_path: Path) -> None:
    """As Dynamic Network Surgery saves its layers: weights, biases, and a mask of each."""
    blobs = pruned()
    blobs["conv1"] += [np.ones((6, 3, 3, 3), np.float32), np.ones(6, np.float32)]
    weights.write(tmp_path / "w.caffemodel", prototxt_text.read(model, caffe_pb2.NetParameter()), blobs)
    with pytest.raises(UserError) as error:
        shrinking.shrink(model, tmp_path / "w.caffemodel", tmp_path / "out")
    assert str(error.value) == (
        f"{tmp_path}/w.caffemodel: layer 'conv1': expected 2 blobs, got 4 [(6, 3, 3, 3), (6,), (6, 3, 3, 3), (6,)]; "
        "the further ones may be masks, as pruning forks of Caffe keep them: multiply each mask into its weights, and "
        "save the layer without"
    )
    assert not (tmp_path / "out").exists()


def test_the_originals_are_never_written_over(model: Path, tmp_path: Path) -> None:
    with pytest.raises(UserError, match="expected another folder than that of MODEL and WEIGHTS"):
        shrinking.shrink(model, tmp_path / "w.caffemodel", tmp_path)
    (used := tmp_path / "used").mkdir()
    (used / model.name).write_text("mine")
    with pytest.raises(UserError, match=f"^OUT={used}: expected a folder without {model.name}, or one that "):
        shrinking.shrink(model, tmp_path / "w.caffemodel", used)
    (used / model.name).unlink()
    for _ in range(2):
        shrinking.shrink(model, tmp_path / "w.caffemodel", used)


def test_large_numbers_that_cancel_are_no_fault(model: Path, tmp_path: Path) -> None:
    """A dead neuron's constant, which the next layer's biases take away: its sums round other numbers then."""
    large = pruned()
    large["conv1"][1][2] = 4000
    large["fc"][1] -= 4000 * large["fc"][0].reshape(4, 6, 36)[:, 2].sum(axis=1)
    weights.write(tmp_path / "w.caffemodel", prototxt_text.read(model, caffe_pb2.NetParameter()), large)
    with pytest.raises(UserError, match=f"^{model}: expected a network that computes the same .*, use it as it is$"):
        shrinking.shrink(model, tmp_path / "w.caffemodel", tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_an_unknown_layer(model: Path, tmp_path: Path) -> None:
    model.write_text(model.read_text().replace('type: "ReLU"', 'type: "Rectify"'))
    with pytest.raises(UserError) as error:
        shrinking.shrink(model, tmp_path / "w.caffemodel", tmp_path / "out")
    words = "layer 'relu1': type Rectify is not known here; KEEP_UNKNOWN=1 leaves it whole"
    assert str(error.value) == f"{model}:5: {words}"


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["MODEL={model}", "OUT={out}"], "shrink: expected WEIGHTS=, its caffemodel; see `cavefish --help`"),
        (["MODEL={model}", "WEIGHTS=w", "OUT={out}", "SHAPE=3,8"],
         "SHAPE=3,8: expected channels x height x width; for instance SHAPE=3x32x32"),
        (["MODEL={model}", "WEIGHTS={w}", "OUT={out}"], ""),
    ],
)  # fmt: skip
def test_the_command(model: Path, tmp_path: Path, words: list[str], said: str) -> None:
    places = {"model": model, "w": tmp_path / "w.caffemodel", "out": tmp_path / "out"}
    given = [word.format(**places) for word in words]
    done = FORKS.command("shrink", *given, folder=tmp_path, environment=os.environ)
    if said:
        assert (done.returncode, done.stderr) == (2, f"cavefish: {said}\n")
    else:
        assert done.returncode == 0 and "caffemodel " in done.stdout


def test_what_computes_no_numbers_is_the_caffemodels_fault(model: Path, tmp_path: Path) -> None:
    net, huge = prototxt_text.read(model, caffe_pb2.NetParameter()), pruned()
    for name in huge:
        huge[name][0] *= np.float32(1e30)
    weights.write(tmp_path / "w.caffemodel", net, huge)
    for make in (shrinking.shrink, folding.fold):
        with pytest.raises(UserError) as error:
            make(model, tmp_path / "w.caffemodel", tmp_path / "out")
        assert str(error.value) == (
            f"{tmp_path}/w.caffemodel: expected finite numbers of its outputs on random images, got others in 'fc'; "
            "its training diverged: take an earlier snapshot, or train it anew at a lower base_lr"
        )
        assert not (tmp_path / "out").exists()


def test_a_full_disk_is_told_of_and_leaves_nothing(
    model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*given: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(weights, "write", full)
    with pytest.raises(UserError) as error:
        shrinking.shrink(model, tmp_path / "w.caffemodel", tmp_path / "out")
    said = f"{tmp_path}/out: expected to write there, got No space left on device; name another OUT="
    assert str(error.value) == said
    assert not (tmp_path / "out").exists()


def test_another_file_that_cannot_be_read_is_named_instead_of_out(model: Path, tmp_path: Path) -> None:
    model.with_name("labels.txt").symlink_to("/proc/self/mem")
    with pytest.raises(UserError) as error:
        shrinking.shrink(model, tmp_path / "w.caffemodel", tmp_path / "out")
    labels = model.with_name("labels.txt")
    assert str(error.value) == f"{labels}: expected the names of classes, got Input/output error; make it readable"
    assert not (tmp_path / "out").exists()
