"""Classes of one's own images: a whole run of real Caffe on digits, and what it says of them on every engine."""

import contextlib
import json
import os
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest
from PIL import Image, ImageDraw

from evolve.base.errors import UserError
from evolve.base.machine import Machine
from evolve.command import command
from evolve.datasets import read
from evolve.detectnet import drawing
from evolve.lineage import lineage
from evolve.runs.metrics import Metrics
from tests.lineage.conftest import EVOLUTION, SOLVER, TRAIN_VAL
from trt.inference import classify, contact_sheet, names, pictures, preparation
from trt.inference.class_answers import Answer, Answers

TEST = 360
ROOT = Path(__file__).resolve().parents[2]
# Those of detectors are run by test_detect.py.
SHOWN = re.findall(r"^make ((?:choose|classify|onnx) [^#\n]*)", (ROOT / "docs/use.md").read_text(), re.MULTILINE)
COMMANDS = [shlex.split(line) for line in SHOWN]


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A folder with a run of two generations, and its test images as files of 24x24: margins are the data set's."""
    folder = tmp_path_factory.mktemp("place")
    (folder / "tiny").mkdir()
    for name, text in (("train_val", TRAIN_VAL), ("solver", SOLVER), ("evolution", EVOLUTION)):
        (folder / "tiny" / f"{name}.prototxt").write_text(text)
    with pytest.MonkeyPatch.context() as patch, contextlib.chdir(folder):
        patch.setenv("CAVEFISH_OFFLINE", "1")
        for name in ("CAVEFISH_DATA", "CAVEFISH_RUNS"):
            patch.delenv(name, raising=False)
        lineage.evolve("tiny", 2)
        images, labels = read(next(folder.glob("data/digits-28*")) / "test", TEST)
        for number, (image, label) in enumerate(zip(images, labels, strict=True)):
            path = folder / "digits" / str(label) / f"{number:03d}.png"
            path.parent.mkdir(parents=True, exist_ok=True)
            Image.fromarray(image[0, 2:-2, 2:-2].astype(np.uint8)).save(path)
        yield folder


@pytest.fixture
def run(place: Path) -> Path:
    return place / "runs" / "tiny" / "seed1"


def answers(run: Path, asked: Path, engine: str = "caffe") -> Answers:
    return classify.classify(run, 2, asked, engine, Machine(1))


@pytest.mark.parametrize("engine", ["caffe", "openvino", "onnxruntime"])
def test_the_accuracy_of_the_test_set_is_the_runs_own(place: Path, run: Path, engine: str) -> None:
    told = answers(run, place / "digits", engine)
    assert told.accuracy and told.accuracy[1] == TEST and told.classes == list("0123456789")
    assert told.accuracy[0] / TEST == pytest.approx(Metrics.read(run / "gen002").score.accuracy, abs=1e-6)
    assert f"tiny, seed1, generation 2, {engine}" in told.heading and told.heading.endswith(", f32")
    assert all(sum(share for _, share in each.likely) <= 1 + 1e-5 for each in told.every)


def test_what_looks_at_no_pictures_is_told_once(run: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of two channels, as both halves of a pair are: not a line an image."""
    made = preparation.of_generation(run / "gen002")
    two = replace(made, stored=replace(made.stored, shape=(2, 28, 28)))
    monkeypatch.setattr(preparation, "of_generation", lambda folder: two)
    with pytest.raises(UserError) as error:
        answers(run, run.parents[2] / "digits")
    assert str(error.value) == (
        "expected a net that looks at images of 1 or 3 channels, got one of 2; give what it looks at to an engine "
        "(make onnx)"
    )


def test_table_json_and_picture(place: Path, run: Path, capsys: pytest.CaptureFixture[str]) -> None:
    words = ["classify", f"IMAGE={place}/digits", f"RUN={run}", "GEN=2", f"OUT={place}/out"]
    assert command.main(words) == 0
    printed = capsys.readouterr().out
    assert "320 more; OUT= has all." in printed and "are what their folders are called." in printed
    said = json.loads((place / "out" / "classes.json").read_text())
    assert len(said["images"]) == TEST and round(said["accuracy"], 6) == Metrics.read(run / "gen002").score.accuracy
    first = said["images"][0]
    assert first["class"] == first["likely"][0]["class"] and first["folder"] == "0" and len(first["likely"]) == 5
    sheet = Image.open(place / "out" / "classes.png")
    assert sheet.size[0] == 2 * 14 + 10 * (classify.SIDE + 10) - 10
    (place / "out" / "classes.png").unlink()
    assert command.main([*words[:-1], f"OUT={place}/only.json"]) == 0
    assert json.loads((place / "only.json").read_text())["images"] == said["images"]


def test_one_image_of_any_kind(place: Path, run: Path) -> None:
    digit = np.asarray(Image.open(next((place / "digits" / "7").iterdir())))
    best = answers(run, next((place / "digits" / "7").iterdir())).every[0].likely[0]
    for name, pixels in (
        ("colour.bmp", np.stack([digit] * 3, axis=2)),
        ("large.png", digit.repeat(5, axis=0).repeat(5, axis=1)),
        ("wide.tiff", np.pad(digit, ((0, 0), (30, 30)))),
    ):
        Image.fromarray(pixels).save(place / name)
        (answer,) = answers(run, place / name).every
        assert answer.likely[0][0] == best[0] and answer.likely[0][1] == pytest.approx(best[1], abs=1e-5)
        assert not answer.truth


def test_frames_of_a_video(place: Path, run: Path) -> None:
    # Uncompressed, so that what is read is what was written.
    video = cv2.VideoWriter(str(place / "digits.avi"), 0, 10, (24, 24))
    files = [next((place / "digits" / name).iterdir()) for name in "314"]
    for file in files:
        video.write(cv2.imread(str(file)))
    video.release()
    told = answers(run, place / "digits.avi")
    assert [each.name for each in told.every] == [f"digits-{number:06d}.avi" for number in (1, 2, 3)]
    for each, file in zip(told.every, files, strict=True):
        assert each.likely[0][0] == answers(run, file).every[0].likely[0][0]


def test_hidden_pictures_are_nobodys_and_linked_folders_are_followed(tmp_path: Path) -> None:
    """As macOS leaves them in its zips, and as data sets are put together."""
    for name in ("here/1.png", "here/._1.png", "here/.thumbnails/1.png", ".elsewhere/2.png"):
        (tmp_path / name).parent.mkdir(exist_ok=True, parents=True)
        Image.new("L", (2, 2)).save(tmp_path / name)
    (tmp_path / "here" / "linked").symlink_to(tmp_path / ".elsewhere")
    assert [each.name for each in pictures.read(tmp_path / "here")] == ["1.png", "linked/2.png"]


def test_a_broken_image_is_named_and_the_others_are_told(
    place: Path, run: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    good = next((place / "digits" / "3").iterdir()).read_bytes()
    (tmp_path / "a.png").write_bytes(good)
    (tmp_path / "b.png").write_bytes(good[:-30])
    assert command.main(["classify", f"IMAGE={tmp_path}", f"RUN={run}", f"OUT={tmp_path}/out.json"]) == 2
    printed = capsys.readouterr()
    assert "a.png" in printed.out and printed.err.startswith(f"cavefish: {tmp_path}/b.png: expected a whole image, got")
    images = json.loads((tmp_path / "out.json").read_text())["images"]
    assert [sorted(each) for each in images] == [["class", "image", "likely", "probability"], ["error", "image"]]


def test_a_name_that_is_no_utf_8(place: Path, run: Path, tmp_path: Path) -> None:
    """It is told in a table, in JSON, and under its image."""
    shutil.copy(next((place / "digits" / "3").iterdir()), tmp_path / os.fsdecode(b"b\xe4r.png"))
    script = (
        "import sys\nfrom evolve.command import command\n"
        f"sys.exit(command.main(['classify', 'IMAGE={tmp_path}', 'RUN={run}', 'OUT={tmp_path}-out']))"
    )
    strict = os.environ | {"PYTHONIOENCODING": "utf-8"}
    done = subprocess.run([sys.executable, "-c", script], env=strict, capture_output=True, check=False)
    assert (done.returncode, done.stderr) == (0, b"")
    assert json.loads((tmp_path.with_name(f"{tmp_path.name}-out") / "classes.json").read_text())["images"][0]["image"]


def test_large_pictures_are_looked_at_a_few_at_a_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pictures, "_BYTES", 250)
    every = [pictures.Picture(str(number), np.zeros((size, 10, 1), np.uint8))
             for number, size in enumerate([10, 10, 10, 30, 1, 1])]  # fmt: skip
    every.insert(4, pictures.Picture("none", why="it is none"))
    assert [[each.name for each in part] for part in pictures.parts(every)] == [
        ["0", "1", "2"], ["3"], ["none", "4", "5"],
    ]  # fmt: skip
    many = [pictures.Picture(str(number), why="it is none") for number in range(65)]
    assert [len(part) for part in pictures.parts(many)] == [64, 1]


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["IMAGE=none.png"], "IMAGE=none.png: expected an image, a folder of them or a video, got no such file"),
        (["IMAGE=tiny"], "IMAGE=tiny: expected images (.jpg .jpeg .jpe .jfif .png .bmp .dib .webp .tif .tiff .ppm "
         ".pgm .pbm .pnm) in that folder, found none"),
        (["IMAGE=digits", "ENGINE=cafe"], "ENGINE=cafe: expected one of tensorrt, tensorrt-float, "
         "tensorrt-int8, openvino, openvino-bfloat16, openvino-int8, onnxruntime, onnxruntime-int8, c, caffe; did you "
         "mean caffe?"),
        (["IMAGE=digits", "FIT=42"], "FIT=42: expected one of crop, resize, letterbox, pad; choose one of them"),
        (["IMAGE=digits", "GEN=9"], "GEN=9: expected a generation of {run}, from 1 to 2; without GEN= the last is "
         "taken"),
        (["IMAGE=digits", "OUT={run}/gen001"], "{run}/gen001: expected a place outside a committed generation; name "
         "another OUT="),
        ([], "classify: expected IMAGE=, an image, a folder of them or a video; for instance IMAGE=photos"),
    ],
)  # fmt: skip
def test_what_is_not_there_is_said(
    place: Path, run: Path, words: list[str], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with contextlib.chdir(place):
        assert command.main(["classify", *(word.replace("{run}", str(run)) for word in words), f"RUN={run}"]) == 2
    assert capsys.readouterr().err.strip() == f"cavefish: {message.replace('{run}', str(run))}"


def test_a_video_that_is_none_and_opencv_that_is_missing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "a.mp4").write_bytes(b"no video")
    with pytest.raises(UserError, match="a.mp4: expected a video that OpenCV reads, got one without a frame"):
        list(pictures.read(tmp_path / "a.mp4"))
    monkeypatch.setitem(sys.modules, "cv2", None)
    with pytest.raises(UserError, match="a video's frames are read by OpenCV, which is not installed"):
        list(pictures.read(tmp_path / "a.mp4"))


def test_an_engine_that_is_missing_is_named(place: Path, run: Path) -> None:
    script = (
        "import sys\nfrom evolve.command import command\n"
        f"sys.exit(command.main(['classify', 'IMAGE={place}/digits/3', 'RUN={run}', 'ENGINE=tensorrt']))"
    )
    said = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False)
    assert said.returncode == 2 and said.stderr.startswith("cavefish: tensorrt: ")


def test_names_are_those_of_the_run_or_beside_it(run: Path) -> None:
    folder = run / "gen002"
    assert names.of(folder, 10) == list("0123456789")
    written = "zero one two three four five six seven eight nine".split()
    (run / "labels.txt").write_text("\n".join(written) + "\n")
    try:
        assert names.of(folder, 10) == written and names.of(folder, 3) == ["0", "1", "2"]
        assert names.of(folder, 12) == [*written, "10", "11"]
        (run / "labels.txt").write_text("zero\n\ntwo\n\n", encoding="utf-8-sig")
        assert names.of(folder, 4) == ["zero", "1", "two", "3"]  # one that has no name keeps its place
    finally:
        (run / "labels.txt").unlink()


def test_shares_stay_and_other_numbers_become_shares() -> None:
    shares = np.array([[0.25, 0.75]], np.float32)
    assert np.allclose(classify.probabilities({"any": shares.reshape(1, 2, 1, 1)}), shares)
    assert np.allclose(classify.probabilities({"ip2": np.log(shares) + 5}), shares)
    assert np.allclose(classify.probabilities({"prob": shares, "other": shares[:, ::-1]}), shares)
    # What the accuracy is of comes first: `prob` was an auxiliary classifier's in generations of earlier releases.
    both = {"prob": shares[:, ::-1], "loss3/prob": shares}
    assert np.allclose(classify.probabilities(both, "loss3/prob"), shares)
    assert np.allclose(classify.probabilities(both, "elsewhere"), shares[:, ::-1])
    with pytest.raises(UserError, match="expected one output with a number for each class, or one named 'prob', got "):
        classify.probabilities({"a": shares, "b": shares})
    with pytest.raises(UserError, match="got map 3x2x2"):
        classify.probabilities({"map": np.zeros((1, 3, 2, 2), np.float32)})


def test_the_sheet_shows_what_is_wrong_first_and_the_rest_evenly() -> None:
    small = np.zeros((4, 4, 3), np.uint8)
    kept = [Answer(str(k), [("cat", 0.9)], truth="dog" if k % 300 == 7 else "cat", small=small) for k in range(900)]
    chosen = contact_sheet._chosen(kept)
    assert len(chosen) == contact_sheet.MOST and [each.name for each in chosen[:3]] == ["7", "307", "607"]
    steps = np.diff([int(each.name) for each in chosen[3:]])
    assert 14 <= steps.min() and steps.max() <= 18
    assert contact_sheet._chosen(kept[8:10]) == kept[8:10] and contact_sheet._chosen([]) == []


def test_what_stands_above_the_images_is_no_wider_than_they_are() -> None:
    many = " ".join(["a-run-of-many-settings"] * 9)
    head = contact_sheet._head(Answers(many, many, [], []), 400)
    assert " ".join(words for words, *_ in head) == f"{many} NOTE: {many}" and len(head) < 18
    draw = ImageDraw.Draw(Image.new("RGB", (1, 1)))
    assert all(drawing.length(draw, words, size) <= 400 for words, size, _ in head)


@pytest.mark.parametrize("words", COMMANDS, ids=" ".join)
def test_commands_of_the_page(place: Path, words: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    shutil.copytree(place / "digits" / "3", place / "photos", dirs_exist_ok=True)
    if not (place / "photo.png").exists():
        shutil.copy(next((place / "photos").iterdir()), place / "photo.png")
    with contextlib.chdir(place):
        assert command.main(words) == 0
    assert not capsys.readouterr().err
