"""`make adopt` on prototxts as strangers write them: what is written, what is said, and what is refused."""

import errno
import io
import os
import shlex
import shutil
from pathlib import Path
from typing import Any

import lmdb
import numpy as np
import pytest
from PIL import Image

from evolve.adoption import adoption
from evolve.base.caffe_messages import caffe_pb2
from evolve.base.errors import UserError
from evolve.command import command
from evolve.command.arguments import image_shape
from evolve.datasets.own import image_listing
from evolve.lineage import data_wishes, experiment, problems
from evolve.network import deployment, judging, phases, shapes, weights
from evolve.network.foreign import reading
from evolve.settings import changes
from tests.adoption import networks
from tests.adoption.prototxts import convolution, data, judged, layer, of_2013, pooling, solver, units
from tests.datasets import drawn
from tests.network.foreign import digits_detectnet

ROOT = Path(__file__).resolve().parents[2]
MNIST = data("mnist_train", "TRAIN", 32) + data("mnist_test", "TEST", 50)
BODY = convolution("conv", "data", 4, 5) + units("ip", "conv", 10)
DEPLOY = 'input: "data" input_dim: 1 input_dim: 1 input_dim: 28 input_dim: 28\n'


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("CAVEFISH_OFFLINE", "1")
    return tmp_path


def adopt(text: str = "", solver: str = "", changed: str = "", **words: Any) -> adoption.Adopted:
    """Of a prototxt, a solver, or both, into net/."""
    for name, words_of in (("model.prototxt", text), ("solver.prototxt", solver)):
        if words_of:
            Path(name).write_text(words_of)
    return adoption.adopt(
        Path("net"), Path("model.prototxt") if text else None, Path("solver.prototxt") if solver else None,
        changed=changes.single(changed), **words,
    )  # fmt: skip


def problems_of(adopted: adoption.Adopted) -> list[str]:
    """What stands in the way of a run, but for Caffe's own word."""
    return problems.of(experiment.load("net"), adopted.caffemodel)


def net_of(phase: str) -> dict[str, Any]:
    """Layers of a phase of what was written, by name."""
    net = experiment.load("net").net(Path("/data"))
    return {each.name: each for each in phases.for_phase(net, phase).layer}


# The ten networks


@pytest.mark.parametrize("network", networks.every(), ids=lambda network: network.name)
def test_ten_networks_are_sound_once_they_are_adopted(network: networks.Network) -> None:
    for name, text in network.files.items():
        Path(name).write_text(text)
    words = dict(word.split("=", 1) for word in network.words)
    model, by = (Path(words[each]) if each in words else None for each in ("MODEL", "SOLVER"))
    adopted = adoption.adopt(
        Path("net"), model, by, shape=image_shape(words),
        changed=changes.single(f"dataset.name={network.data_set}" if network.data_set else ""),
    )  # fmt: skip
    if network.data_set:
        shutil.copy(ROOT / "tests" / "adoption" / f"{network.data_set}.py", "net")
    assert problems_of(adopted) == []
    assert bool(judging.accuracy_top(adopted.net)) == (network.name != "siamese")
    assert "prob" not in [top for each in net_of("TEST").values() for top in each.top]


# Networks


def test_one_image_at_once() -> None:
    said = adopt(data("mnist_train", "TRAIN", 1) + data("mnist_test", "TEST", 50) + BODY + judged("ip")).notes
    assert "TRAIN: Data layer 'data' is now a Data layer that reads $DATA/train, 1 image at once" in said


def test_what_is_said_of_a_train_val() -> None:
    said = adopt(MNIST + BODY + judged("ip"), solver('net: "elsewhere.prototxt"')).notes
    assert said == [
        "images of 1 x 28 x 28, as its data set has it",
        "TRAIN: Data layer 'data' is now a Data layer that reads $DATA/train, 32 images at once",
        "TEST: Data layer 'data' is now a Data layer that reads $DATA/test, 50 images at once",
        "losses, as they were: SoftmaxWithLoss 'loss'",
        "Accuracy, as it was: 'accuracy'",
        "data set mnist, as 'mnist_train' tells",
        "solver: solver.prototxt, left out what a run sets itself: test_iter, test_interval, max_iter, snapshot, "
        "snapshot_prefix, net",
        "solver: solver_mode CPU, which a run trains on",
    ]
    written = Path("net/evolution.prototxt").read_text()
    assert 'ancestor_training: "30it"' in written and "# CHOOSE" in written


def test_a_deploy_net_gets_data_fillers_loss_and_accuracy() -> None:
    bare = networks.bare(BODY) + layer("Softmax", "prob", "ip")
    adopted = adopt(DEPLOY + bare)
    assert problems_of(adopted) == []
    test = net_of("TEST")
    assert test["accuracy"].bottom == ["ip", "label"] and test["loss"].type == "SoftmaxWithLoss" and "prob" not in test
    assert test["data"].transform_param.scale == 1 / 256
    assert test["conv"].convolution_param.weight_filler.type == "msra"
    assert "weight_filler msra for 2 layers that had none: with Caffe's own, 0, nothing would learn" in adopted.notes
    assert "data set mnist, as images of 1x28x28 in 10 classes" in adopted.notes


@pytest.mark.parametrize(
    ("scored", "kept"),
    [
        (layer("Accuracy", "Accuracy1", "ip label", more="include { phase: TEST }"), "Accuracy1"),
        (layer("Accuracy", "accuracy/top-5", "ip label", "accuracy@5", "accuracy_param { top_k: 5 }")
         + layer("Accuracy", "accuracy/top-1", "ip label", "accuracy@1"), "accuracy/top-1"),
        (layer("Accuracy", "five", "ip label", "accuracy", "accuracy_param { top_k: 5 }")
         + layer("Accuracy", "one", "ip label"), "one"),
        ("", "accuracy"),
    ],
)  # fmt: skip
def test_the_accuracy_that_judges_keeps_its_name(scored: str, kept: str) -> None:
    adopted = adopt(MNIST + BODY + scored + layer("SoftmaxWithLoss", "loss", "ip label"))
    judge = judging.accuracy(adopted.net)
    assert judge is not None and judge.name == kept
    assert (f"Accuracy, as it was: '{kept}'" in adopted.notes) == bool(scored)


@pytest.mark.parametrize("name", ["prob", "softmax", "probability"])
def test_a_softmax_beside_the_loss_is_left_out(name: str) -> None:
    adopted = adopt(MNIST + BODY + layer("Softmax", name, "ip", "prob") + judged("ip"))
    assert name not in net_of("TEST")
    assert f"Softmax '{name}' beside a loss of the same: left out, deployed networks get one" in adopted.notes
    deployed = deployment.deploy(experiment.load("net").net(Path("/data")), (1, 28, 28))
    assert [each.name for each in deployed.layer if each.type == "Softmax"] == ["prob"]


@pytest.mark.parametrize(
    "words",
    [
        'type: "MemoryData" memory_data_param { batch_size: 8 channels: 1 height: 28 width: 28 }',
        'type: "ImageData" image_data_param { source: "l" batch_size: 8 new_height: 28 new_width: 28 is_color: false }',
        'type: "DummyData" dummy_data_param { shape { dim: 8 dim: 1 dim: 28 dim: 28 } shape { dim: 8 } }',
        'type: "Data" data_param { source: "mnist" batch_size: 8 } transform_param { crop_size: 28 mean_value: 7 }',
        'type: "HDF5Data" hdf5_data_param { source: "mnist.txt" batch_size: 8 }',
        'type: "Python" python_param { module: "roi_data_layer" layer: "Data" }',
    ],
)
def test_data_of_every_type(words: str) -> None:
    source = f'layer {{ name: "in" top: "data" top: "label" {words} }}\n'
    shape = (1, 28, 28) if "Python" in words else None
    adopted = adopt(source + BODY + judged("ip"), shape=shape)
    assert problems_of(adopted) == []
    for phase in ("TRAIN", "TEST"):
        each = phases.data_layer(experiment.load("net").net(Path("/d")), phase)
        assert each.type == "Data" and each.data_param.source == f"/d/{phase.lower()}"
        assert each.data_param.batch_size == (8 if "Python" not in words and "Dummy" not in words else
                                              {"TRAIN": 64, "TEST": 100}[phase])  # fmt: skip


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ('type: "HDF5Data" hdf5_data_param { source: "mnist.txt" batch_size: 8 }', "HDF5Data layer 'in'"),
        ('type: "MemoryData" memory_data_param { batch_size: 8 channels: 1 height: 28 width: 28 }',
         "MemoryData layer 'in'"),
        ('type: "MemoryData" memory_data_param { batch_size: 8 channels: 1 height: 28 width: 28 } '
         "transform_param { scale: 0.5 }", ""),
        ('type: "DummyData" dummy_data_param { shape { dim: 8 dim: 1 dim: 28 dim: 28 } shape { dim: 8 } }',
         "DummyData layer 'in'"),
        ('type: "Python" python_param { module: "roi_data_layer" layer: "Data" }', "Python layer 'in'"),
        ('type: "Data" data_param { source: "mnist" batch_size: 8 }', ""),
    ],
)  # fmt: skip
def test_data_that_says_nothing_of_pixels_is_as_a_deploy_net(words: str, said: str) -> None:
    source = f'layer {{ name: "in" top: "data" top: "label" {words} }}\n'
    adopted = adopt(source + BODY + judged("ip"), shape=(1, 28, 28))
    notes = [note for note in adopted.notes if "nothing of pixels" in note]
    assert notes == [f"{said} says nothing of pixels: 0..255 times 0.00390625; yours to change in train_val.prototxt"
                     for _ in filter(None, [said])]  # fmt: skip
    scale = 1 / 256 if said else 0.5 if "scale" in words else 1
    assert [net_of(phase)["in"].transform_param.scale for phase in ("TRAIN", "TEST")] == [scale, scale]


@pytest.mark.parametrize("between", ["", layer("Power", "half", "label", more="power_param { scale: 0.5 }")])
def test_the_target_of_a_regression_is_said_to_be_the_classs_number(between: str) -> None:
    target = "half" if between else "label"
    adopted = adopt(MNIST + units("one", "data", 1) + between + layer("EuclideanLoss", "loss", f"one {target}"))
    assert (
        f"EuclideanLoss 'loss': '{target}' is now the number of an image's class, 0, 1, 2 and so on; whole numbers of "
        "your own, from 0, may be labels of a list"
    ) in adopted.notes


def test_images_and_labels_apart() -> None:
    apart = data("mnist_images", "TRAIN", 16, tops="data") + data("mnist_labels", "TRAIN", 16, tops="label")
    adopted = adopt(apart.replace("include { phase: TRAIN }", "") + BODY + judged("ip"))
    assert problems_of(adopted) == [] and "label" not in net_of("TRAIN")


def test_a_mean_file_that_is_there_gives_its_channels_means(here: Path) -> None:
    blob = caffe_pb2.BlobProto(num=1, channels=3, height=2, width=2, data=[1, 2, 3, 4] + [10] * 4 + [0, 0, 0, 2])
    (here / "mean.binaryproto").write_bytes(blob.SerializeToString())
    fed = data("x", "TRAIN", 4, 'mean_file: "mean.binaryproto" crop_size: 28') + data("y", "TEST", 4, "crop_size: 28")
    adopted = adopt(fed + BODY + judged("ip"), shape=(3, 28, 28), changed="dataset.name=digits")
    assert list(net_of("TEST")["data"].transform_param.mean_value) == [2.5, 10, 0.5]
    assert "mean_file mean.binaryproto: its mean of each channel instead, mean_value 2.5, 10, 0.5" in adopted.notes


def test_a_mean_file_that_is_none_is_not_said_to_be_missing(here: Path) -> None:
    (here / "mean.binaryproto").write_bytes(b"no mean")
    fed = data("x", "TRAIN", 4, 'mean_file: "mean.binaryproto" crop_size: 28') + data("y", "TEST", 4, "crop_size: 28")
    adopted = adopt(fed + BODY + judged("ip"), shape=(3, 28, 28))
    assert (
        "mean_file mean.binaryproto: expected a BlobProto, got something else; compute_image_mean makes one; "
        "mean_value 128 instead, write your data set's own"
    ) in adopted.notes


def database(folder: Path, count: int, side: int) -> None:
    """As convert_imageset makes one: `count` grey images in ten classes."""
    random = np.random.default_rng(0)
    with lmdb.open(str(folder), map_size=1 << 24) as made, made.begin(write=True) as writing:
        for number in range(count):
            pixels = random.integers(0, 256, side * side, np.uint8).tobytes()
            datum = caffe_pb2.Datum(channels=1, height=side, width=side, label=number % 10, data=pixels)
            writing.put(b"%08d" % number, datum.SerializeToString())


def coloured(folder: Path, count: int, size: tuple[int, int], encoded: bool) -> None:
    """As convert_imageset makes one, with -encoded or without: colours, (height, width), in ten classes."""
    random = np.random.default_rng(0)
    with lmdb.open(str(folder), map_size=1 << 24) as made, made.begin(write=True) as writing:
        for number in range(count):
            pixels = random.integers(0, 256, (*size, 3), np.uint8)
            file = io.BytesIO()
            Image.fromarray(pixels).save(file, "PNG")
            datum = caffe_pb2.Datum(label=number % 10, encoded=True, data=file.getvalue())
            if not encoded:
                datum = caffe_pb2.Datum(
                    channels=3, height=size[0], width=size[1], label=number % 10,
                    data=pixels.transpose(2, 0, 1).tobytes(),
                )  # fmt: skip
            writing.put(b"%08d" % number, datum.SerializeToString())


def test_databases_that_are_here_are_the_data_set(here: Path) -> None:
    for name, count in (("train_db", 40), ("val_db", 20)):
        database(here / name, count, 28)
    mean = caffe_pb2.BlobProto(num=1, channels=1, height=28, width=28, data=[3.0] * 784)
    (here / "mean.binaryproto").write_bytes(mean.SerializeToString())
    fed = data("train_db", "TRAIN", 4, 'mean_file: "mean.binaryproto"') + data("val_db", "TEST", 5)
    adopted = adopt(fed + BODY + judged("ip"))
    assert problems_of(adopted) == []
    asked = adopted.settings.own.dataset
    assert (asked.name, asked.train, asked.test) == ("lmdb", f"{here}/train_db", f"{here}/val_db")
    assert asked.mean_file == f"{here}/mean.binaryproto"
    assert net_of("TEST")["data"].transform_param.mean_file == "/data/mean.binaryproto"
    assert "data set lmdb, as they are here" in adopted.notes


@pytest.mark.parametrize("crop", ["", "crop_size: 28"])
@pytest.mark.parametrize("size", [(32, 32), (36, 32)])
@pytest.mark.parametrize("encoded", [True, False])
def test_databases_in_colours_are_as_large_as_their_first_image(
    here: Path, crop: str, size: tuple[int, int], encoded: bool
) -> None:
    """Of records that are encoded the file within says it; a size and classes like CIFAR-10's say nothing then."""
    for name, count in (("train_db", 40), ("val_db", 20)):
        coloured(here / name, count, size, encoded)
    net = convolution("conv", "data", 4, 5) + units("ip", "conv", 10) + judged("ip")
    adopted = adopt(data("train_db", "TRAIN", 4, crop) + data("val_db", "TEST", 5, crop) + net)
    seen = "3 x 28 x 28, from crop_size" if crop else f"3 x {size[0]} x {size[1]}, as its data set has it"
    assert f"images of {seen}" in adopted.notes and "data set lmdb, as they are here" in adopted.notes
    assert problems_of(adopted) == []


def test_lists_that_are_here_are_the_data_set(here: Path) -> None:
    for name in ("train.txt", "val.txt"):
        (here / name).write_text("a.png 0")
    words = 'type: "ImageData" image_data_param { source: "%s" batch_size: 8 new_height: 20 new_width: 24 } %s'
    fed = "".join(
        f'layer {{ name: "data" top: "data" top: "label" include {{ phase: {phase} }} {words % (name, "")} }}\n'
        for phase, name in (("TRAIN", "train.txt"), ("TEST", "val.txt"))
    )
    asked = adopt(fed + BODY + judged("ip")).settings.own.dataset
    assert (asked.name, asked.train, asked.test) == ("images", f"{here}/train.txt", f"{here}/val.txt")
    assert (asked.channels, asked.height, asked.width, asked.folder) == (3, 20, 24, "")


def resizing(sizes: dict[str, str]) -> str:
    """Layers of lists, by phase with words on the size of their images, and a network of ten classes."""
    layers = "".join(
        f'layer {{ name: "data" type: "ImageData" top: "data" top: "label" include {{ phase: {phase} }} '
        f'image_data_param {{ batch_size: 3 source: "{phase}.txt" {words}\n'
        for phase, words in sizes.items()
    )
    return layers + convolution("conv", "data", 4, 5) + units("ip", "conv", 10) + judged("ip")


CROPPED = "new_height: 40 new_width: 48 } transform_param { crop_size: 32 } }"


@pytest.mark.parametrize("square", [True, False])
@pytest.mark.parametrize("where", ["named", "lists here", "nowhere"])
def test_images_are_stored_as_large_as_they_were_before_they_are_cropped(here: Path, where: str, square: bool) -> None:
    """Stored as large as the crop, they leave training nothing to draw."""
    drawn.folders(here / "pictures", 2)
    if where == "lists here":
        for phase in ("TRAIN", "TEST"):
            list_of(here / f"{phase}.txt", "pictures/{}/{}.png")
    words = CROPPED.replace("48", "40") if square else CROPPED
    changed = "dataset.folder=pictures" if where == "named" else ""
    adopted = adopt(resizing({"TRAIN": words, "TEST": words}), changed=changed)
    asked = adopted.settings.own.dataset
    assert (asked.name, asked.height, asked.width) == ("images", 40, 40 if square else 48)
    assert "images of 3 x 32 x 32, as layer 'data' says" in adopted.notes
    assert not any("larger" in note for note in adopted.notes)
    if where != "nowhere":
        assert problems_of(adopted) == []
    assert [each.transform_param.crop_size for each in adopted.net.layer if each.type == "Data"] == [32, 32]


def test_images_that_the_network_makes_larger_are_no_others_because_of_their_crop() -> None:
    """CIFAR-10 with a margin of two pixels, by its size and classes."""
    words = CROPPED.replace("40", "36").replace("48", "36")
    adopted = adopt(resizing({"TRAIN": words, "TEST": words}))
    assert (adopted.settings.own.dataset.name, adopted.settings.own.dataset.image_size) == ("cifar10", 36)


def test_tests_that_are_resized_to_the_crop_are_cropped(here: Path) -> None:
    drawn.folders(here / "pictures", 2)
    sizes = {"TRAIN": CROPPED, "TEST": "new_height: 32 new_width: 32 } }"}
    adopted = adopt(resizing(sizes), changed="dataset.folder=pictures")
    assert net_of("TEST")["data"].transform_param.crop_size == 32 and problems_of(adopted) == []
    said = "TEST: crop_size 32 in the place of layer 'data' resizing to that: images are stored in one size"
    assert said in adopted.notes


@pytest.mark.parametrize("changed", ["", "dataset.folder=/my/pictures"])
def test_a_crop_of_images_whose_size_nothing_tells_is_said(changed: str) -> None:
    fed = data("a", "TRAIN", 4, "crop_size: 224") + data("b", "TEST", 2, "crop_size: 224")
    net = convolution("conv", "data", 4, 11, "stride: 4") + units("ip", "conv", 10) + judged("ip")
    said = (
        "crop_size 224: images are stored as large as that, so that training draws no part of them; "
        "SET='dataset.image_size=256' stores them larger"
    )
    adopted = adopt(fed + net, changed=changed)
    assert said in adopted.notes and adopted.settings.own.dataset.height == 224
    shutil.rmtree("net")
    adopted = adopt(fed + net, changed=f"{changed}; dataset.image_size=256")
    assert said not in adopted.notes and adopted.settings.own.dataset.image_size == 256


def listed(train: str, test: str, roots: tuple[str, str] = ("", "")) -> str:
    """A network whose ImageData layers read these lists."""
    words = "batch_size: 3 new_height: 32 new_width: 32"
    fed = "".join(
        f'layer {{ name: "data" type: "ImageData" top: "data" top: "label" include {{ phase: {phase} }} '
        f'image_data_param {{ {words} source: "{source}" root_folder: "{root}" }} }}\n'
        for phase, source, root in (("TRAIN", train, roots[0]), ("TEST", test, roots[1]))
    )
    return fed + convolution("conv", "data", 4, 5) + units("ip", "conv", 3) + judged("ip")


def list_of(file: Path, lines: str) -> None:
    """A list of two pictures of each of the drawn classes; `lines` is how it calls them."""
    each = [(lines.format(name, number), label) for label, name in enumerate(drawn.CLASSES) for number in (0, 1)]
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text("".join(f"{path} {label}\n" for path, label in each))


@pytest.mark.parametrize(
    ("roots", "lines", "folder"),
    [
        (("", ""), "v/pictures/{}/{}.png", "{here}"),
        (("v/pictures/", "v/pictures/"), "{}/{}.png", "{here}/v/pictures"),
        (("{here}/v/pictures/", "{here}/v/pictures/"), "{}/{}.png", "{here}/v/pictures"),
        (("v/train/", "v/val/"), "{}/{}.png", "{here}/v"),
        (("v/train/", "v/val/"), "/{}/{}.png", "{here}/v"),
    ],
)
def test_lists_name_their_images_as_caffe_sees_them(
    here: Path, roots: tuple[str, str], lines: str, folder: str
) -> None:
    """Behind root_folder, and from where it works; not from beside the list."""
    for number, name in enumerate(("pictures", "train", "val")):
        drawn.folders(here / "v" / name, 2, first=10 * number)
    for name in ("train.txt", "val.txt"):
        list_of(here / "v" / "lists" / name, lines)
    first, second = (root.replace("{here}", str(here)) for root in roots)
    adopted = adopt(listed("v/lists/train.txt", "v/lists/val.txt", (first, second)))
    asked = adopted.settings.own.dataset
    assert (asked.name, asked.folder) == ("images", folder.replace("{here}", str(here)))
    assert "data set images, as their lists are here" in adopted.notes and problems_of(adopted) == []
    wish = data_wishes.own(asked, here / "net" / "evolution.prototxt")
    files = {split: pictures.files for split, pictures in image_listing.listed(wish).splits.items()}  # type: ignore[attr-defined]
    for split, root in (("train", first), ("test", second)):
        assert files[split][3] == str((here / root / lines.format("cross", 1).lstrip("/")).resolve())


def test_lists_whose_prototxt_lies_elsewhere(here: Path) -> None:
    """Their paths are seen from there, as the list itself."""
    job = here / "job"
    drawn.folders(job / "pictures", 2)
    for name in ("train.txt", "val.txt"):
        list_of(job / "lists" / name, "pictures/{}/{}.png")
    (job / "net.prototxt").write_text(listed("lists/train.txt", "lists/val.txt"))
    adopted = adoption.adopt(Path("net"), job / "net.prototxt")
    assert adopted.settings.own.dataset.folder == str(job) and problems_of(adopted) == []


def test_lists_whose_images_are_not_here_or_in_two_places_are_left_to_choose(here: Path) -> None:
    for name in ("train.txt", "val.txt"):
        list_of(here / name, "{}/{}.png")
    drawn.folders(here / "a", 2)
    drawn.folders(here / "b", 2)
    for roots in (("elsewhere/", "elsewhere/"), ("a/", "b/")):
        adopted = adopt(listed("train.txt", "val.txt", roots))
        assert (adopted.settings.own.dataset.folder, adopted.settings.own.dataset.train) == ("", "")
        shutil.rmtree("net")


def test_mirroring_is_trainings_alone() -> None:
    fed = "".join(data("mnist", phase, 4, "mirror: true") for phase in ("TRAIN", "TEST"))
    adopted = adopt(fed + BODY + judged("ip"))
    assert net_of("TRAIN")["data"].transform_param.mirror and not net_of("TEST")["data"].transform_param.mirror
    assert "TEST: mirror of layer 'data' left out, which draws in this phase too" in adopted.notes


def test_layers_of_one_name_that_learn_nothing_get_others() -> None:
    body = convolution("conv", "data", 4, 5).replace("relu_conv", "relu") + units("a", "conv", 8)
    adopted = adopt(MNIST + body + layer("ReLU", "relu", "a", "a") + units("ip", "a", 10) + judged("ip"))
    assert "ReLU 'relu', of which there are several: one is called 'relu/2' now" in adopted.notes
    assert problems_of(adopted) == []


def test_a_map_of_scores_is_averaged() -> None:
    adopt(DEPLOY + convolution("a", "data", 4, 5) + convolution("b", "a", 10, 1, relu=False))
    test = net_of("TEST")
    assert test["b/mean"].pooling_param.global_pooling and list(test["loss"].bottom) == ["b/mean", "label"]


def test_a_layer_that_is_not_known_stays_whole() -> None:
    adopted = adopt(MNIST + convolution("conv", "data", 4, 5) + layer("Mine", "mine", "conv") + units("ip", "mine", 10)
                    + judged("ip"))  # fmt: skip
    assert adopted.settings.own.keep_unknown
    assert "# Not known to Cavefish, what touches them stays whole: Mine.\nkeep_unknown: true" in (
        Path("net/evolution.prototxt").read_text()
    )


def test_what_says_what_own_layers_are_comes_along(here: Path) -> None:
    (here / "layer_types.py").write_text("# nothing to say\n")
    adopted = adopt(MNIST + BODY + judged("ip"))
    assert "layer_types.py comes along" in adopted.notes
    assert (here / "net" / "layer_types.py").read_text() == "# nothing to say\n"


def test_modules_of_python_layers_come_along(here: Path) -> None:
    (here / "own.py").write_text("# a layer\n")
    python = layer("Python", "mine", "conv", more='python_param { module: "own" layer: "Mine" }')
    adopted = adopt(MNIST + convolution("conv", "data", 4, 5) + python + units("ip", "mine", 10) + judged("ip"))
    assert "own.py comes along" in adopted.notes and problems_of(adopted) == []
    assert (here / "net" / "own.py").read_text() == "# a layer\n"


def test_layers_of_2013_with_a_solver_that_names_them(here: Path) -> None:
    (here / "deep").mkdir()
    (here / "deep" / "net.prototxt").write_text(of_2013(MNIST + BODY + judged("ip")))
    words = solver('net: "models/elsewhere/net.prototxt"', "solver_type: ADAGRAD")
    (here / "deep" / "solver.prototxt").write_text(words)
    adopted = adoption.adopt(here / "net", solver=here / "deep" / "solver.prototxt")
    assert problems_of(adopted) == []
    said = Path("net/solver.prototxt").read_text()
    assert 'type: "AdaGrad"' in said and "momentum" not in said
    assert "solver: momentum 0.9 left out, AdaGrad knows none" in adopted.notes


@pytest.mark.parametrize("names", [("net_param",), ("train_net_param", "test_net_param")])
def test_nets_inside_a_solver(names: tuple[str, ...]) -> None:
    inside = "".join(f"{name} {{ {MNIST + BODY + judged('ip')} }}\n" for name in names)
    adopted = adopt(solver=solver(inside))
    assert problems_of(adopted) == []
    assert list(net_of("TRAIN")) == ["data", "conv", "relu_conv", "ip", "loss"]
    assert list(net_of("TEST")) == ["data", "conv", "relu_conv", "ip", "accuracy", "loss"]
    assert "param" not in Path("net/solver.prototxt").read_text().partition("\n")[2]


def two_nets(training: str, testing: str) -> adoption.Adopted:
    """A net for training and one for testing, in which these layers come behind `conv`."""
    nets = {
        name: f"{MNIST}{convolution('conv', 'data', 4, 5)}{words}{units('ip', 'conv', 10)}{judged('ip')}"
        for name, words in (("train_net_param", training), ("test_net_param", testing))
    }
    return adopt(solver=solver("".join(f"{name} {{ {net} }}\n" for name, net in nets.items())))


def norm(words: str) -> str:
    return layer("BatchNorm", "bn", "conv", "conv", f"batch_norm_param {{ {words} }}" if words else "")


@pytest.mark.parametrize(
    ("training", "testing", "trained", "tested"),
    [
        ("use_global_stats: false", "use_global_stats: true", None, None),
        ("use_global_stats: false moving_average_fraction: 0.9", "", None, None),
        ("", "use_global_stats: true", None, None),
        ("use_global_stats: true", "", True, True),
        ("", "use_global_stats: false", False, False),
        ("use_global_stats: true", "use_global_stats: false", True, False),
        ("eps: 1e-3 use_global_stats: false", "use_global_stats: true", False, True),
        ("eps: 1e-5 use_global_stats: false", "use_global_stats: true", None, None),
    ],
)
def test_batch_norm_of_two_nets_tests_as_the_second_says(
    training: str, testing: str, trained: bool | None, tested: bool | None
) -> None:
    adopted = two_nets(norm(training), norm(testing))
    assert problems_of(adopted) == []
    for phase, says in (("TRAIN", trained), ("TEST", tested)):
        parameter = net_of(phase)["bn"].batch_norm_param
        assert says == (parameter.use_global_stats if parameter.HasField("use_global_stats") else None)
    told = "BatchNorm 'bn': one for each phase, as the two nets have them otherwise"
    assert (told in adopted.notes) == (trained != tested)


MAX, AVERAGE = "pool: MAX kernel_size: 2 stride: 2", "pool: AVE kernel_size: 2 stride: 2"


@pytest.mark.parametrize(
    ("training", "testing"),
    [
        (layer("Dropout", "drop", "conv", "conv", "dropout_param { dropout_ratio: 0.3 }"),
         layer("Dropout", "drop", "conv", "conv")),
        (pooling("pool", "conv", MAX), pooling("pool", "conv", "kernel_size: 2 stride: 2 engine: CAFFE")),
        (convolution("more", "conv", 4, 3), networks.bare(convolution("more", "conv", 4, 3))),
        (layer("ReLU", "relu", "conv", "conv"), layer("ReLU", "relu", "conv", "conv", "relu_param {}")),
    ],
)  # fmt: skip
def test_training_alone_says_how_it_trains(training: str, testing: str) -> None:
    adopted = two_nets(training, testing)
    assert problems_of(adopted) == []
    assert not any("one for each phase" in note for note in adopted.notes)
    assert not any(each.include for each in experiment.load("net").net(Path("/data")).layer if each.name in training)


@pytest.mark.parametrize(
    ("training", "testing", "parameter"),
    [
        (pooling("pool", "conv", MAX), pooling("pool", "conv", AVERAGE), "pooling_param"),
        (layer("LRN", "norm", "conv", "conv"), layer("LRN", "norm", "conv", "conv", "lrn_param { alpha: 1e-4 }"),
         "lrn_param"),
        (layer("ReLU", "leaky", "conv", "conv", "relu_param { negative_slope: 0.1 }"),
         layer("ReLU", "leaky", "conv", "conv"), "relu_param"),
    ],
)  # fmt: skip
def test_what_two_nets_have_otherwise_is_there_for_each_phase(training: str, testing: str, parameter: str) -> None:
    adopted = two_nets(training, testing)
    assert problems_of(adopted) == []
    for phase, text in (("TRAIN", training), ("TEST", testing)):
        asked = reading.parse(DEPLOY + text, Path("x")).net.layer[-1]
        assert getattr(net_of(phase)[asked.name], parameter) == getattr(asked, parameter)
    assert f"{asked.type} '{asked.name}': one for each phase, as the two nets have them otherwise" in adopted.notes


def test_stages_that_a_solver_sets() -> None:
    fed = data("mnist", "TRAIN", 4).replace("phase: TRAIN", 'stage: "fit"') + (
        data("mnist", "TEST", 4).replace("phase: TEST", 'stage: "judge"')
    )
    states = 'train_state { stage: "fit" } test_state { stage: "judge" }'
    assert problems_of(adopt(fed + BODY + judged("ip"), solver('net: "x"', states))) == []


# Caffemodels


def trained(text: str, shape: tuple[int, int, int], half: bool = False) -> Path:
    """A caffemodel of a deploy net, of halves."""
    net = deployment.sized(reading.parse(text, Path("x")).net, shape)
    random = np.random.default_rng(1)
    made = {
        step.layer.name: [random.normal(size=each).astype(np.float16).astype(np.float32) for each in step.blob_shapes]
        for step in shapes.infer(net) if step.blob_shapes
    }  # fmt: skip
    weights.write(Path("w.caffemodel"), net, made, half_blobs=half)
    return Path("w.caffemodel")


def test_the_size_that_a_caffemodel_fits() -> None:
    caffemodel = trained(DEPLOY.replace("28", "32") + BODY, (1, 32, 32), half=True)
    adopted = adopt(data("x", "TRAIN", 4) + data("y", "TEST", 4) + BODY + judged("ip"), caffemodel=caffemodel)
    assert adopted.notes[0] == "images of 1 x 32 x 32, the size that the caffemodel fits"
    assert problems_of(adopted) == [] and adopted.caffemodel == caffemodel
    assert "caffemodel: 2 layers of w.caffemodel are the network's" in adopted.notes


def test_nvidias_batch_norm_gets_a_caffemodel_of_its_own() -> None:
    norm = layer("BatchNorm", "bn", "conv", "conv", "batch_norm_param { scale_bias: true }")
    body = convolution("conv", "data", 4, 5) + norm + units("ip", "conv", 10)
    caffemodel = trained(DEPLOY + body.replace("batch_norm_param { scale_bias: true }", ""), (1, 28, 28))
    learned = weights.read(caffemodel)
    learned["bn"] = [learned["bn"][0], learned["bn"][1] ** 2 + 1, np.ones(1), np.ones(4), np.zeros(4)]
    weights.write(caffemodel, reading.parse(DEPLOY + body, Path("x")).net, learned)
    adopted = adopt(MNIST + body + judged("ip"), caffemodel=caffemodel)
    assert adopted.caffemodel == Path("net/weights.caffemodel") and problems_of(adopted) == []
    assert {"bn", "bn/scale"} < set(weights.read(adopted.caffemodel))


# DetectNet


def test_detectnets_training_prototxt_becomes_ours() -> None:
    adopted = adopt(digits_detectnet.training(width_of_val=128), solver("", 'type: "Adam"'))
    assert problems_of(adopted) == []
    train, test = net_of("TRAIN"), net_of("TEST")
    assert list(train["data"].top) == ["transformed_data", "transformed_label"]
    assert list(test["data"].top) == ["transformed_data", "transformed_label", "labels"]
    assert list(test) == [
        "data", "conv1/7x7_s2", "conv1/relu", "cvg/classifier", "coverage/sig", "bbox/regressor", "cluster"
    ]  # fmt: skip
    assert {"bbox_loss", "coverage_loss", "slice-label"} < set(train) and "cluster" not in train
    text = Path("net/train_val.prototxt").read_text()
    assert 'param_str: "$WIDTH,$HEIGHT,$STRIDE,0.6,3,0.02,22,$CLASSES"' in text and "$DATA/val/labels" in text
    asked = adopted.settings.own.dataset
    assert asked.name == "kitti" and list(asked.detection.class_name) == ["car"]
    assert (asked.detection.width, asked.detection.height, asked.detection.stride) == (64, 48, 16)
    assert "TRAIN: layer 'train_transform' reads $DATA/train, 10 images at once" in adopted.notes
    size = "layer 'val_transform': 128x48 pixels, where TRAIN has 64x48: that is every image's size now"
    assert size in adopted.notes


def test_its_clustering_may_be_excluded_from_training() -> None:
    """Caffe knows either include or exclude of a layer."""
    lines = digits_detectnet.training().replace(' stage: "val"', "").splitlines()
    text = "\n".join(each for each in lines if "not_stage" not in each)
    begin = text.index('name: "cluster"')
    assert "include: { phase: TEST }" in text[begin:]
    adopt(text[:begin] + text[begin:].replace("include: { phase: TEST }", "exclude: { phase: TRAIN }", 1))
    cluster = net_of("TEST")["cluster"]
    assert [rule.phase for rule in cluster.include] == [caffe_pb2.TEST] and not cluster.exclude


def test_its_deploy_form_has_no_losses() -> None:
    text = DEPLOY.replace("dim: 1 input_dim: 28", "dim: 3 input_dim: 28") + networks.bare(BODY) + (
        'layer { name: "cluster" type: "Python" bottom: "ip" top: "l" '
        'python_param { module: "caffe.layers.detectnet.clustering" layer: "ClusterDetections" } }'
    )
    assert refusal(text) == (
        "net '': expected DetectNet's training prototxt, got its deploy form, which has no losses; give the one that "
        "it was trained with"
    )


# Constants beside images


ONES = """layer { name: "cont" type: "DummyData" top: "cont" dummy_data_param { shape { dim: %d dim: %d }
  data_filler { type: "constant" value: 1 } } }
"""
TIMES = (
    units("fc", "data", 6)
    + layer("Reshape", "times", "fc", more="reshape_param { shape { dim: 2 dim: -1 dim: 6 } }")
    + layer("LSTM", "lstm", "times cont", more='recurrent_param { num_output: 5 weight_filler { type: "xavier" } }')
    + layer("Reshape", "each", "lstm", more="reshape_param { shape { dim: -1 dim: 5 } }")
    + units("ip", "each", 10)
)


def test_an_lstms_ones_stay() -> None:
    adopted = adopt(MNIST.replace("32", "50") + ONES % (2, 25) + TIMES + judged("ip"))
    for phase in ("TRAIN", "TEST"):
        assert [name for name, each in net_of(phase).items() if not each.bottom] == ["data", "cont"]
    assert experiment.load("net").settings.keep_unknown and problems_of(adopted) == []
    deployed = deployment.deploy(experiment.load("net").net(Path("/data")), (1, 28, 28))
    assert [list(step.tops[0]) for step in shapes.infer(deployed)][:2] == [[50, 1, 28, 28], [2, 25]]


def test_constants_beside_an_input_tell_the_batch() -> None:
    text = DEPLOY.replace("input_dim: 1", "input_dim: 50", 1) + ONES % (2, 25) + TIMES
    said = adopt(text).notes
    assert [phases.batch_size(net_of(phase)["data"]) for phase in ("TRAIN", "TEST")] == [50, 50]
    assert "TRAIN: Input layer 'input' is now a Data layer that reads $DATA/train, 50 images at once" in said


def test_a_parameter_layer_stays() -> None:
    parameter = 'layer { name: "p" type: "Parameter" top: "p" parameter_param { shape { dim: 4 } } }\n'
    body = convolution("conv", "data", 4, 5) + layer("Bias", "sum", "conv p") + units("ip", "sum", 10)
    adopted = adopt(MNIST + parameter + body + judged("ip"))
    assert "p" in net_of("TRAIN") and "p" in net_of("TEST")
    assert experiment.load("net").settings.keep_unknown and problems_of(adopted) == []


# Refusals


def refusal(text: str = "", solver: str = "", **words: Any) -> str:
    with pytest.raises(UserError) as error:
        adopt(text, solver, **words)
    assert not Path("net").exists()
    return str(error.value)


SIZE = "layer 'data': does not say the shape of an image; give SHAPE=3x32x32"
REFUSED = [
    (data("x", "TRAIN", 4) + data("y", "TEST", 4) + BODY + judged("ip"), f"model.prototxt:1: {SIZE}"),
    (BODY, "expected a data layer or an Input, got none; give the prototxt of a whole network"),
    (
        data("mnist", "TRAIN", 4, tops="data other label") + BODY + units("ip2", "other", 3) + judged("ip"),
        "model.prototxt:1: layer 'data': expected one blob of images, got 'data' and 'other'; a data set has one "
        "image an example: make them channels of one, and take them apart with a Slice layer",
    ),
    (
        MNIST + (ONES % (2, 25)).replace("constant", "gaussian") + TIMES + judged("ip"),
        "model.prototxt:3: layer 'cont': expected a data_filler of type constant beside images, got gaussian, which is "
        "drawn anew each time; fill it with a constant, or leave it out",
    ),
    (
        MNIST.replace('top: "label"', 'top: "label" top: "colour"') + BODY + judged("ip")
        + layer("SoftmaxWithLoss", "second", "ip colour"),
        "model.prototxt:1: layer 'data': expected one blob of labels in both phases, got 'label' and 'colour'; a data "
        "set has one image and one label an example",
    ),
    (
        MNIST + units("targets", "data", 3) + layer("EuclideanLoss", "loss", "targets label"),
        "model.prototxt:4: layer 'loss': expected bottoms with equally many values an image, got 50 x 3, 50; a data "
        "set has one label an image: a network of several, or of one for each place, does not evolve here, but is "
        "counted, shrunk and exported",
    ),
    (
        DEPLOY + units("one", "data", 1) + layer("Sigmoid", "p", "one"),
        "model.prototxt: layer 'p': expected an output of two classes and more, got 1; add the loss that it was "
        "trained by",
    ),
]  # fmt: skip


@pytest.mark.parametrize(("text", "message"), REFUSED)
def test_what_nothing_can_be_made_of(text: str, message: str) -> None:
    assert refusal(text).replace("model.prototxt:3: layer 'p'", "model.prototxt: layer 'p'") == message


def test_a_solver_whose_net_is_not_there() -> None:
    assert refusal(solver='net: "a/b.prototxt" base_lr: 0.1') == (
        "solver.prototxt: expected the net that it trains, 'a/b.prototxt', here or beside it, got no such file; give "
        "it as MODEL="
    )
    assert refusal(solver="base_lr: 0.1") == (
        "solver.prototxt: expected a solver that names its net, got none; give it as MODEL="
    )


def test_a_caffemodel_of_another_network() -> None:
    other = trained(DEPLOY + units("other", "data", 3), (1, 28, 28))
    assert refusal(MNIST + BODY + judged("ip"), caffemodel=other) == (
        "w.caffemodel: expected weights of layers of model.prototxt, got none of them but other; give another "
        "caffemodel"
    )


def test_nothing_is_overwritten(here: Path) -> None:
    (here / "net").mkdir()
    adopt(MNIST + BODY + judged("ip"))
    before = {path: path.read_bytes() for path in (here / "net").iterdir()}
    with pytest.raises(UserError) as error:
        adopt(MNIST + BODY + judged("ip"))
    assert str(error.value) == (
        "OUT=net: expected a folder that is not there yet, got one with something in it; name another"
    )
    assert before == {path: path.read_bytes() for path in (here / "net").iterdir()}


def test_what_the_disk_refuses_leaves_nothing(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    text = MNIST + BODY + judged("ip")
    (here / "model.prototxt").write_text(text)
    written = Path.write_text

    def write(path: Path, words: str, **named: Any) -> int:
        if path.name == "evolution.prototxt":
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(path))
        return written(path, words, **named)

    monkeypatch.setattr(Path, "write_text", write)
    with pytest.raises(UserError) as error:
        adoption.adopt(Path("net"), Path("model.prototxt"))
    assert str(error.value) == "net: expected to write there, got No space left on device; name another OUT="
    assert [path.name for path in here.iterdir()] == ["model.prototxt"]


def test_of_two_that_are_adopted_into_one_folder_at_once_the_first_is_kept(
    here: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, second = here / "first.prototxt", here / "second.prototxt"
    for file in (first, second):
        file.write_text(MNIST + BODY + judged("ip"))
    written = Path.write_text

    def write(path: Path, words: str, **named: Any) -> int:
        if path.name == "evolution.prototxt" and "second" in words:
            adoption.adopt(Path("net"), first)  # by another process, while this one writes
        return written(path, words, **named)

    monkeypatch.setattr(Path, "write_text", write)
    with pytest.raises(UserError) as error:
        adoption.adopt(Path("net"), second)
    assert str(error.value) == (
        "OUT=net: expected a folder that is not there yet, got one with something in it; name another"
    )
    assert "first.prototxt" in (here / "net" / "train_val.prototxt").read_text()
    assert sorted(path.name for path in here.iterdir()) == ["first.prototxt", "net", "second.prototxt"]
    (here / "plain").mkdir()
    assert (here / "net").stat().st_mode == (here / "plain").stat().st_mode


# What SET= says already


def test_a_data_set_that_set_names_is_said_and_left_to_nobody_to_choose() -> None:
    Path("pictures").mkdir()
    words = "dataset.folder=pictures; dataset.name=images; dataset.image_size=40; ancestor_training=9it"
    adopted = adopt(MNIST + BODY + judged("ip"), changed=words)
    assert adopted.notes[0] == "images of 1 x 40 x 40, as its data set has it"
    assert "data set images, as SET= has it" in adopted.notes
    written = Path("net/evolution.prototxt").read_text()
    assert "# images, as SET= has it.\ndataset {" in written and "CHOOSE the images" not in written
    assert "width" not in written and "how long it takes" not in written


def test_a_folder_alone_is_of_images() -> None:
    adopted = adopt(MNIST + BODY + judged("ip"), changed="dataset.folder=/my/pictures")
    assert (adopted.settings.own.dataset.name, adopted.settings.own.dataset.height) == ("images", 28)


def test_a_detector_of_a_data_set_with_classes_of_its_own() -> None:
    adopted = adopt(digits_detectnet.training(), changed="dataset.name=streets")
    assert list(adopted.settings.own.dataset.detection.class_name) == [] and problems_of(adopted) == []
    assert "data set streets, for boxes: as SET= has it" in adopted.notes
    comments = adopted.settings.comments["dataset"]
    assert [comment[:25] for comment in comments] == ["CHOOSE the classes' names:"[:25]]


def test_crop_size_alone_is_of_images_in_colours() -> None:
    """CaffeNet's own train_val: a crop_size, and a mean_file that is nowhere."""
    transform = 'crop_size: 227 mean_file: "data/ilsvrc12/imagenet_mean.binaryproto"'
    fed = data("ilsvrc12_train_lmdb", "TRAIN", 4, transform) + data("ilsvrc12_val_lmdb", "TEST", 2, transform)
    net = convolution("conv", "data", 4, 11, "stride: 4") + units("ip", "conv", 1000) + judged("ip")
    adopted = adopt(fed + net)
    size = "images of 3 x 227 x 227, from crop_size, in colours as nothing tells otherwise (SHAPE=1x227x227)"
    assert adopted.notes[0] == size
    assert (adopted.settings.own.dataset.width, adopted.settings.own.dataset.channels) == (227, 3)


def test_channels_that_are_asked_for_alone_are_the_networks() -> None:
    fed = data("a", "TRAIN", 4, "crop_size: 32") + data("b", "TEST", 2, "crop_size: 32")
    adopted = adopt(fed + BODY + judged("ip"), changed="dataset.channels=1")
    assert adopted.notes[0] == "images of 1 x 32 x 32, from crop_size"
    assert "data set images, as SET= has it" in adopted.notes  # MNIST's, else, of ten classes
    assert "CHOOSE the images" in adopted.settings.comments["dataset"][0]


def test_one_mean_is_every_channels() -> None:
    """Caffe takes one mean_value for all channels: it does not say that there is one."""
    fed = data("a", "TRAIN", 4, "crop_size: 32 mean_value: 127") + data("b", "TEST", 2, "crop_size: 32 mean_value: 127")
    assert adopt(fed + BODY + judged("ip")).notes[0].startswith("images of 3 x 32 x 32, from crop_size, in colours")


def test_a_network_for_a_solver_and_a_folder_for_a_file(here: Path) -> None:
    assert refusal(solver=MNIST + BODY + judged("ip")) == (
        "solver.prototxt: expected a solver, got a network; give it as MODEL="
    )
    (here / "theirs").mkdir()
    for name in ("b.prototxt", "a.prototxt"):
        (here / "theirs" / name).touch()
    with pytest.raises(UserError) as error:
        adoption.adopt(Path("net"), Path("theirs"))
    assert str(error.value) == "theirs: expected a prototxt, got a folder; name one in it: a.prototxt, b.prototxt"


def test_a_size_that_was_guessed_is_said_where_it_does_not_fit() -> None:
    """BVLC's siamese network reads two digits as two channels, under a name that tells of MNIST."""
    sliced = layer("Slice", "pair", "data", "left right", "slice_param { axis: 1 slice_point: 1 }")
    net = sliced + convolution("conv", "left", 4, 5) + units("ip", "conv", 10) + judged("ip")
    assert refusal(MNIST + net) == (
        "model.prototxt:3: layer 'pair': expected 1 rising slice_points between 0 and 1 for 2 tops, got [1]; images of "
        "1 x 28 x 28, as its data set has it: if that is wrong, give SHAPE="
    )
    assert "if that is wrong" not in refusal(MNIST + net, shape=(1, 28, 28))


def test_a_network_for_other_classes_gets_as_many_outputs_as_the_images_have(here: Path) -> None:
    """A thousand outputs for three classes would be counted in every figure, and names would belong to nobody."""
    best = layer("Accuracy", "best5", "ip label", more="accuracy_param { top_k: 5 } include { phase: TEST }")
    net = convolution("conv", "data", 4, 5, "stride: 4") + units("ip", "conv", 1000) + judged("ip") + best
    transform = 'crop_size: 32 mean_file: "data/imagenet_mean.binaryproto"'
    fed = data("ilsvrc12_train_lmdb", "TRAIN", 4, transform) + data("val", "TEST", 2, transform)
    drawn.folders(here / "pictures", 4)
    adopted = adopt(fed + net, changed="dataset.folder=pictures")
    said = "layer 'ip': num_output $CLASSES, as many as the images have, instead of 1000"
    at = adopted.notes.index(said)
    assert adopted.notes[at + 1] == "Accuracy 'best5' left out: the best 5 may be all"
    assert "mean_file data/imagenet_mean.binaryproto is the data set's, $DATA/mean.binaryproto" in adopted.notes
    assert problems_of(adopted) == []
    test = net_of("TEST")
    assert test["ip"].inner_product_param.num_output == len(drawn.CLASSES) and "best5" not in test


def test_outputs_that_are_trained_stay_and_those_of_shared_parameters() -> None:
    shared = units("ip", "conv", 10).replace("layer {", 'layer { param { name: "w" }', 1)
    body = convolution("conv", "data", 4, 5)
    adopted = adopt(DEPLOY + body + shared, changed="dataset.folder=/my/pictures")
    assert not any("$CLASSES" in note for note in adopted.notes)
    shutil.rmtree("net")
    learned = trained(DEPLOY + networks.bare(BODY), (1, 28, 28))
    adopted = adopt(DEPLOY + BODY, changed="dataset.folder=/my/pictures", caffemodel=learned)
    assert not any("$CLASSES" in note for note in adopted.notes)


def test_an_accuracy_of_the_best_five_judges_of_the_best_where_no_other_does() -> None:
    """What another type's parameter says beside a layer's own is nobody's: Caffe reads over it."""
    stray = units("ip", "conv", 7).replace("inner_product_param", "convolution_param { num_output: 9 kernel_size: 3 } "
                                           "inner_product_param", 1)  # fmt: skip
    best = layer("Accuracy", "best5", "ip label", more="accuracy_param { top_k: 5 } include { phase: TEST }")
    loss = layer("SoftmaxWithLoss", "loss", "ip label")
    adopted = adopt(data("a", "TRAIN", 4, "crop_size: 32") + data("b", "TEST", 2, "crop_size: 32")
                    + convolution("conv", "data", 4, 5) + stray + loss + best)  # fmt: skip
    at = adopted.notes.index("layer 'ip': num_output $CLASSES, as many as the images have, instead of 7")
    assert adopted.notes[at + 1] == "Accuracy 'best5': of the best, as the best 5 may be all"
    found = {each.name: each for each in adopted.net.layer}
    assert found["best5"].accuracy_param.top_k == 1 and found["ip"].convolution_param.num_output == 9


# The command


def test_the_command_adopts_and_checks(capsys: pytest.CaptureFixture[str]) -> None:
    Path("model.prototxt").write_text(MNIST + BODY + judged("ip"))
    assert command.main(["adopt", "MODEL=model.prototxt", "OUT=net", "SET=dataset.name=digits"]) == 0
    said = capsys.readouterr().out.splitlines()
    assert said[-2].endswith(" (1,437 train + 360 test, 10 classes) at 28 pixels, 13 generations: sound")
    assert said[-1] == "make evolve NET=net"


def test_the_command_says_what_is_left_to_choose(capsys: pytest.CaptureFixture[str]) -> None:
    Path("model.prototxt").write_text(DEPLOY.replace("28", "20") + BODY)
    assert command.main(["adopt", "MODEL=model.prototxt", "OUT=net"]) == 2
    said = capsys.readouterr().out.splitlines()
    assert said[-1] == "mend that in net, then: make evolve NET=net"


def test_the_command_says_what_can_be_copied(capsys: pytest.CaptureFixture[str]) -> None:
    """Also of paths with blanks, which a shell takes apart."""
    net = networks.bare(BODY) + layer("Softmax", "prob", "ip")
    Path("model.prototxt").write_text(DEPLOY + net)
    trained(DEPLOY + net, (1, 28, 28)).rename("the weights.caffemodel")
    words = ["MODEL=model.prototxt", "WEIGHTS=the weights.caffemodel", "OUT=my net", "SET=dataset.name=digits"]
    assert command.main(["adopt", *words]) == 0
    said = capsys.readouterr().out.splitlines()
    assert said[-1] == "make evolve NET='my net' WEIGHTS='the weights.caffemodel'"
    assert any("make check NET='my net' WEIGHTS='the weights.caffemodel' says:" in line for line in said)
    assert command.main(["check", *shlex.split(said[-1])[2:]]) == 0
