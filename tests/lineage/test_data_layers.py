"""Data layers that would read something else than the data set, or nothing, are named by line before anything runs."""

from pathlib import Path

import pytest

from evolve.base.caffe_messages import caffe_pb2
from evolve.datasets import Dataset
from evolve.lineage import problems
from evolve.lineage.experiment import load
from evolve.lineage.workspace import Workspace
from evolve.network import phases
from tests.lineage.conftest import TRAIN_VAL
from tests.lineage.networks import edited, line, written

TRAIN = 'data_param { source: "$DATA/train" backend: LMDB batch_size: 32 }'
TEST = 'data_param { source: "$DATA/test" backend: LMDB batch_size: 77 }'
SCALE = "transform_param { scale: 0.00390625 }"


def said(folder: Path, train_val: str) -> list[str]:
    tiny = written(folder, train_val)
    return [each.removeprefix(f"{tiny}/train_val.prototxt:") for each in problems.of(load(str(tiny)))]


def test_another_source_names_the_one_that_is_meant(tmp_path: Path) -> None:
    text = edited(TRAIN_VAL, ("$DATA/train", "examples/mnist/mnist_train_lmdb"), ("$DATA/test", "$DATA/train"))
    where = "where the data set that evolution.prototxt names is put"
    assert said(tmp_path, text) == [
        f"{line(text, 'examples')}: layer 'data': expected source: \"$DATA/train\" in phase TRAIN, {where}, got "
        '"examples/mnist/mnist_train_lmdb"; write "$DATA/train"',
        f"{line(text, '$DATA/train')}: layer 'data': expected source: \"$DATA/test\" in phase TEST, {where}, got "
        '"$DATA/train"; write "$DATA/test"',
    ]


@pytest.mark.parametrize(
    ("change", "words", "message"),
    [
        ((" backend: LMDB", ""), "data_param", "got none, which means LEVELDB to Caffe; write backend: LMDB"),
        (("backend: LMDB", "backend: LEVELDB"), "backend", "got LEVELDB; write backend: LMDB"),
    ],
)
def test_a_backend_that_is_not_lmdb(tmp_path: Path, change: tuple[str, str], words: str, message: str) -> None:
    text = edited(TRAIN_VAL, change)
    assert said(tmp_path, text) == [f"{line(text, words)}: layer 'data': expected backend: LMDB, {message}"]


OTHERS = {
    "ImageData": 'image_data_param { source: "list.txt" batch_size: 32 }',
    "HDF5Data": 'hdf5_data_param { source: "list.txt" batch_size: 32 }',
    "MemoryData": "memory_data_param { batch_size: 32 channels: 1 height: 28 width: 28 }",
    "WindowData": 'window_data_param { source: "list.txt" batch_size: 32 }',
}


@pytest.mark.parametrize("kind", OTHERS)
def test_a_data_layer_of_another_type(tmp_path: Path, kind: str) -> None:
    text = edited(TRAIN_VAL, ('type: "Data"', f'type: "{kind}"'), (f"{SCALE} {TRAIN}", OTHERS[kind]))
    assert said(tmp_path, text) == [
        f"{line(text, kind)}: layer 'data': expected type: \"Data\", which reads the data set, got {kind}; write type: "
        '"Data" and data_param { source: "$DATA/train" backend: LMDB batch_size: … }'
    ]


@pytest.mark.parametrize(
    ("transform", "message"),
    [
        (
            "crop_size: 32",
            "expected a crop_size of at most 28, as images are stored as 28x28, got 32; write a smaller one, or a "
            "larger image_size in evolution.prototxt",
        ),
        (
            "mean_value: 1 mean_value: 2",
            "expected 1 mean_value for images of 1 channel, got 2; write one for each channel",
        ),
        (
            'mean_file: "mean.binaryproto" mean_value: 2',
            "expected mean_file or mean_value, got both; take one of them out",
        ),
        (
            'mean_file: "mean.binaryproto"',
            "expected a mean_file whose path does not depend on where Caffe runs, got mean.binaryproto; write "
            "$NET/mean.binaryproto for one beside train_val.prototxt",
        ),
        (
            'mean_file: "$NET/mean.binaryproto"',
            "{net}/mean.binaryproto: expected a mean_file, got: No such file or directory; correct the path; or write "
            "mean_value in its place",
        ),
    ],
)
def test_a_transform_that_cannot_be(tmp_path: Path, transform: str, message: str) -> None:
    text = edited(TRAIN_VAL, (SCALE, f"transform_param {{ {transform} }}"))
    number = line(text, "transform_param")
    wanted = message.format(net=tmp_path / "tiny")
    assert said(tmp_path, text) == [f"{number}: layer 'data': {wanted}"]


def test_a_mean_of_other_images(tmp_path: Path) -> None:
    text = edited(TRAIN_VAL, (SCALE, 'transform_param { mean_file: "$NET/mean.binaryproto" }'))
    tiny = written(tmp_path, text)
    mean = tiny / "mean.binaryproto"
    mean.write_bytes(caffe_pb2.BlobProto(num=1, channels=3, height=8, width=8, data=[0.0] * 192).SerializeToString())
    assert problems.of(load(str(tiny))) == [
        f"{tiny}/train_val.prototxt:4: layer 'data': {mean}: expected the mean of images of 1x28x28, got one of "
        "3x8x8; compute_image_mean makes it from the database that is trained on; or write mean_value in its place"
    ]
    mean.write_bytes(caffe_pb2.BlobProto(num=1, channels=1, height=28, width=28, data=[0.0] * 784).SerializeToString())
    assert problems.of(load(str(tiny))) == []


def test_a_test_that_mirrors_would_score_anew_each_time(tmp_path: Path) -> None:
    text = edited(TRAIN_VAL, (f"{SCALE} {TEST}", f"{SCALE.replace('}', 'mirror: true }')} {TEST}"))
    wanted = "expected no mirror in phase TEST, where Caffe draws it as in TRAIN and no two scores would be alike"
    assert said(tmp_path, text) == [
        f"{line(text, 'mirror')}: layer 'data': {wanted}, got true; take it out, or write a data layer for each phase"
    ]


@pytest.mark.parametrize("rule", ["include { phase: TEST }", "exclude { phase: TRAIN }"])
@pytest.mark.parametrize(("images", "whole"), [(10_000, 50), (40, 40)])
def test_batches_score_every_test_image_once(tmp_path: Path, rule: str, images: int, whole: int) -> None:
    """However a prototxt says that a layer is of phase TEST alone."""
    text = edited(TRAIN_VAL, ("include { phase: TEST }", rule), ("batch_size: 77", "batch_size: 64"))
    data = Dataset("digits", tmp_path, (1, 28, 28), {"train": 1437, "test": images}, 10, sha256="")
    net = Workspace(load(str(written(tmp_path, text))), data, 1, 1, tmp_path / "gen").template()
    batches = {phase: phases.batch_size(phases.data_layer(net, phase)) for phase in ("TRAIN", "TEST")}
    assert batches == {"TRAIN": 32, "TEST": whole}
