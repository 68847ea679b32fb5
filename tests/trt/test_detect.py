"""Boxes on one's own images are those that a generation is scored by: real Caffe's, on every engine."""

import json
import os
import re
import shlex
import shutil
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest
from both import filled
from PIL import Image

from evolve import datasets
from evolve.base import prototxt_text
from evolve.base.caffe_messages import caffe_pb2
from evolve.base.errors import UserError
from evolve.base.machine import Machine
from evolve.command import command
from evolve.datasets import Detection
from evolve.detectnet import labels
from evolve.detectnet.average_precision import AveragePrecision
from evolve.network import deployment, weights
from evolve.runs import run_folder
from evolve.runs.generation import writing
from evolve.runs.metrics import Data
from evolve.runs.score import ClassScore, Score
from evolve.training.caffe_process import CaffeProcess
from tests.runs import made_up
from trt import eight_bits
from trt.inference import names
from trt.inference.box_answers import Answer, Answers
from trt.inference.detect import detect

WIDTH, HEIGHT, VAL, IOU = 160, 96, 12, 0.1
GEOMETRY = (
    f"detectnet_groundtruth_param {{ stride: 16 image_size_x: {WIDTH} image_size_y: {HEIGHT} "
    "object_class { src: 1 dst: 0 } } transform_param { mean_value: 90 mean_value: 100 mean_value: 110 }"
)
NET = """
name: "cells"
layer {{ name: "data" type: "Python" top: "data" top: "truth" top: "labels" include {{ phase: TEST }}
  python_param {{ module: "evolve.detectnet.layers" layer: "DetectNetData" param_str: '{geometry} data_param {{ '
    'source: "{data}/val/images" label_source: "{data}/val/labels" batch_size: 4 processes: 0 }}' }} }}
layer {{ name: "raw" type: "Convolution" bottom: "data" top: "raw"
  convolution_param {{ num_output: 1 kernel_size: 16 stride: 16 }} }}
layer {{ name: "coverage" type: "Sigmoid" bottom: "raw" top: "coverage" }}
layer {{ name: "bboxes" type: "Convolution" bottom: "data" top: "bboxes"
  convolution_param {{ num_output: 4 kernel_size: 16 stride: 16 }} }}
layer {{ name: "cluster" type: "Python" bottom: "coverage" bottom: "bboxes" top: "boxes" include {{ phase: TEST }}
  python_param {{ module: "evolve.detectnet.layers" layer: "ClusterDetections"
    param_str: "{width}, {height}, 16, 0.5, 1, 0.3, 8" }} }}
"""


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> datasets.Dataset:
    folder = tmp_path_factory.mktemp("streets")
    wanted = Detection(width=WIDTH, height=HEIGHT, frames=6 * VAL, frame_width=2 * WIDTH, frame_height=2 * HEIGHT)
    return datasets.prepare_detection("streets", wanted, data=folder, report=lambda line: None)


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory, data: datasets.Dataset) -> Path:
    """A run of one generation that finds boxes of 32 pixels around half of all cells."""
    place = tmp_path_factory.mktemp("runs") / "cells" / "seed1"
    text = NET.format(geometry=GEOMETRY, data=data.folder, width=WIDTH, height=HEIGHT)
    net = prototxt_text.parse(text, caffe_pb2.NetParameter(), "net")
    deploy = deployment.deploy(net, (3, HEIGHT, WIDTH))
    learned = filled(deploy, np.random.default_rng(3))
    learned["bboxes"][0][:] *= 0.02
    learned["bboxes"][1][:] = -16, -24, 32, 40
    with writing(place / "gen001") as folder:
        prototxt_text.write(net, folder / "train_val.prototxt")
        prototxt_text.write(deploy, folder / "deploy.prototxt", "cells\ninput: pixels 0..255, minus 90, 100, 110")
        weights.write(folder / "weights.caffemodel", deploy, learned)
        score = Score(precision=0.5, recall=0.5, map=0.5, ap=0.5, classes={"person": ClassScore(0.5, 0.5, 0.5)})
        replace(made_up.metrics(), score=score, network="cells", dataset=Data("streets", notice="drawn")).write(folder)
    (place / "prototxt").mkdir()
    (place / "prototxt" / "evolution.prototxt").write_text(
        f'dataset {{ name: "streets" detection {{ width: {WIDTH} height: {HEIGHT} }} }}'
    )
    return place


@pytest.fixture(scope="module")
def images(tmp_path_factory: pytest.TempPathFactory, data: datasets.Dataset) -> Path:
    """The validation split as files."""
    folder = tmp_path_factory.mktemp("images")
    for number, image in enumerate(datasets.images(data, "val", data.counts["val"])):
        Image.fromarray(image[::-1].transpose(1, 2, 0).astype(np.uint8)).save(folder / f"{number:03d}.png")
    return folder


def found(run: Path, images: Path, engine: str = "caffe") -> Answers:
    return detect(run, 1, images, engine, Machine(1))


def scores(every: Sequence[Answer], data: datasets.Dataset) -> list[float]:
    """precision, recall and average precision of the boxes, by the labels."""
    curves = AveragePrecision(IOU)
    for answer, label in zip(every, datasets.labels(data, "val", len(every)), strict=True):
        rows = labels.unpack(label, "label")
        corners = [[one.x, one.y, one.x + one.w, one.y + one.h, one.confidence] for one in answer.found]
        kinds = rows[:, labels.CLASS]
        boxes = np.array(corners).reshape(-1, 5)
        curves.add(labels.corners(rows[kinds == 1]), boxes, labels.corners(rows[kinds == 0]))
    curve = curves.curve()
    return [curve.counts.precision, curve.counts.recall, curve.average_precision(0)]


@pytest.mark.parametrize("engine", ["caffe", "openvino"])
def test_scores_of_the_validation_split_are_the_generations_own(
    run: Path, images: Path, data: datasets.Dataset, tmp_path: Path, engine: str
) -> None:
    count = data.counts["val"]
    with CaffeProcess(run / "gen001", tmp_path / "log", run / "gen001" / "train_val.prototxt") as caffe:
        said = caffe.call(
            "detect", net="train_val.prototxt", weights="weights.caffemodel", images=count, iou=IOU,
            class_names=["person"],
        )  # fmt: skip
    told = found(run, images, engine)
    own = [said[name] for name in ("precision", "recall", "ap")]
    assert scores(told.every, data) == pytest.approx(own, abs=1e-6 if engine == "caffe" else 0.02)
    assert 0 < own[0] < 1 and 0.1 < own[1] and told.classes == ["person"]
    assert len([one for each in told.every for one in each.found]) > count


def test_a_class_without_an_object_in_val_keeps_its_name(run: Path, images: Path, tmp_path: Path) -> None:
    """Such a class has no score, and the one after it is not called by its name."""
    made = shutil.copytree(run, tmp_path / "run")
    record = json.loads((made / "gen001" / "metrics.json").read_text())
    record["dataset"]["class_names"] = ["car"]
    assert list(record["score"]["classes"]) == ["person"]
    (made / "gen001" / "metrics.json").write_text(json.dumps(record))
    (made / "gen001" / "DONE.json").unlink()
    assert names.of(made / "gen001", 2) == ["car", "1"]


@pytest.mark.parametrize(("setting", "size"), [("", (HEIGHT, WIDTH)), ("orientation: LEAVE ", (WIDTH, HEIGHT))])
def test_an_image_is_turned_where_training_turned_its_own(
    run: Path, images: Path, tmp_path: Path, setting: str, size: tuple[int, int]
) -> None:
    made = shutil.copytree(run, tmp_path / "run")
    settings = made / "prototxt" / "evolution.prototxt"
    settings.write_text(settings.read_text().replace("width:", f"{setting}width:"))
    exif = Image.Exif()
    exif[0x0112] = 6
    Image.open(images / "003.png").save(tmp_path / "turned.png", exif=exif)
    assert [each.size for each in found(made, tmp_path / "turned.png").every] == [size]


def test_a_larger_image_has_its_boxes_where_its_objects_are(run: Path, images: Path, tmp_path: Path) -> None:
    pixels = np.asarray(Image.open(images / "003.png"))
    Image.fromarray(pixels.repeat(2, axis=0).repeat(3, axis=1)).save(tmp_path / "large.png")
    (once,) = found(run, images / "003.png").every
    (twice,) = found(run, tmp_path / "large.png").every
    assert once.found and twice.size == (3 * WIDTH, 2 * HEIGHT)
    stretched = [(3 * one.x, 2 * one.y, 3 * one.w, 2 * one.h) for one in once.found]
    assert [one.box for one in twice.found] == [pytest.approx(box) for box in stretched]


def test_grey_and_small_images_and_other_shapes(run: Path, images: Path, tmp_path: Path) -> None:
    grey = Image.open(images / "003.png").convert("L")
    for name, image in (("grey", grey), ("small", grey.resize((20, 31))), ("dot", grey.resize((1, 1)))):
        image.save(tmp_path / f"{name}.png")
    sizes = {each.name: each.size for each in found(run, tmp_path).every}
    assert sizes == {"grey.png": (WIDTH, HEIGHT), "small.png": (20, 31), "dot.png": (1, 1)}


def test_table_json_and_pictures(run: Path, images: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "out"
    assert command.main(["detect", f"IMAGE={images}", f"RUN={run}", f"OUT={out}"]) == 0
    printed = capsys.readouterr().out
    assert "cells, seed1, generation 1, caffe" in printed and "NOTE: drawn" in printed and "person" in printed
    said = json.loads((out / "boxes.json").read_text())["images"]
    assert [each["image"] for each in said] == sorted(path.name for path in images.iterdir())
    box = next(box for each in said for box in each["boxes"])
    assert set(box) == {"class", "confidence", "x", "y", "w", "h"} and box["class"] == "person"
    drawn = [Image.open(out / each["image"]).size for each in said]
    assert set(drawn) == {(640, 384)}
    assert command.main(["detect", f"IMAGE={out}", f"RUN={run}", f"OUT={out}"]) == 2
    assert "expected another folder than IMAGE=" in capsys.readouterr().err
    before = {path: path.read_bytes() for path in out.iterdir()}
    assert command.main(["detect", f"IMAGE={images}/000.png", f"RUN={run}", f"OUT={out}"]) == 2
    assert "expected a folder without boxes.json, or one that the same command filled" in capsys.readouterr().err
    assert command.main(["detect", f"IMAGE={images}", f"RUN={run}", f"OUT={out}"]) == 0
    assert {path: path.read_bytes() for path in out.iterdir()} == before
    capsys.readouterr()
    assert command.main(["detect", f"IMAGE={images}/000.png", f"RUN={run}", f"OUT={tmp_path}/one"]) == 0
    assert capsys.readouterr().out.endswith(f"{tmp_path}/one: 1 picture\n")
    assert Image.open(tmp_path / "one" / "000.png").tobytes() == Image.open(out / "000.png").tobytes()


def test_an_engine_in_eight_bits_is_calibrated_on_as_many_images_as_is_said(
    run: Path, images: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = []

    def calibrated(*words: object, **others: object) -> None:
        asked.append(words[3])
        raise UserError("enough")

    monkeypatch.setattr(eight_bits, "calibrated", calibrated)
    words = ["detect", f"IMAGE={images}", f"RUN={run}", "ENGINE=openvino-int8"]
    assert [command.main(words), command.main([*words, "IMAGES=7"])] == [2, 2] and asked == [0, 7]


def test_an_image_that_cannot_be_padded_is_named_and_the_others_are_told(
    run: Path, images: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """One of a name that is no UTF-8, as JSON is, is one of the others."""
    padded = shutil.copytree(run, tmp_path / "padded")
    settings = padded / "prototxt" / "evolution.prototxt"
    settings.write_text(settings.read_text().replace("width:", "fit: PAD width:"))
    (tmp_path / "photos").mkdir()
    shutil.copy(images / "003.png", tmp_path / "photos" / os.fsdecode(b"b\xe4r.png"))
    Image.open(images / "003.png").resize((WIDTH + 1, HEIGHT)).save(tmp_path / "photos" / "large.png")
    words = ["detect", f"IMAGE={tmp_path}/photos", f"RUN={padded}", f"OUT={tmp_path}/out"]
    assert command.main(words) == 2
    why = f"large.png: expected an image of at most {WIDTH}x{HEIGHT} to pad, got {WIDTH + 1}x{HEIGHT}; make it smaller"
    assert capsys.readouterr().err == f"cavefish: {why}\n"
    first, last = json.loads((tmp_path / "out" / "boxes.json").read_text())["images"]
    assert first["image"] == "b?r.png" and first["boxes"] == json.loads(json.dumps(first["boxes"])) != []
    assert last == {"image": "large.png", "error": why}


def test_a_classifier_is_not_asked_for_boxes_nor_a_detector_for_classes(
    run: Path, images: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert command.main(["classify", f"IMAGE={images}", f"RUN={run}"]) == 2
    assert "expected a network that tells classes; `make detect` is for one that finds boxes" in capsys.readouterr().err


def test_commands_of_the_page(run: Path, images: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    page = (Path(__file__).resolve().parents[2] / "docs/use.md").read_text()
    commands = [shlex.split(line) for line in re.findall(r"^make (detect [^#\n]*)", page, re.MULTILINE)]
    shutil.copytree(run, tmp_path / "runs" / "cells" / "seed1")
    run_folder.write_lineage(tmp_path / "runs" / "cells" / "seed1")
    (tmp_path / "streets").mkdir()
    for number in ("003.png", "004.png"):
        shutil.copy(images / number, tmp_path / "streets")
    shutil.copy(images / "003.png", tmp_path / "street.png")
    video = cv2.VideoWriter(str(tmp_path / "drive.mp4"), cv2.VideoWriter.fourcc(*"mp4v"), 10, (WIDTH, HEIGHT))
    for _ in range(3):
        video.write(cv2.imread(str(images / "003.png")))
    video.release()
    monkeypatch.chdir(tmp_path)
    assert [command.main(words) for words in commands] == [0, 0, 0]
    assert sorted(path.name for path in Path("frames").iterdir()) == [
        "boxes.json", *(f"drive-{number:06d}.mp4.png" for number in (1, 2, 3))
    ]  # fmt: skip
