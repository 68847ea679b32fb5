"""What a network that finds boxes gets wrong is said in one message, with exit status 2, before anything is made."""

import re
from pathlib import Path

import pytest
import small_detectnet

from tests.forks import FORKS, environment

ROOT = Path(__file__).resolve().parents[2]
EVOLUTION, NET, SCRATCH = "evolution.prototxt", "train_val.prototxt", "scratch_train_val.prototxt"
CATS = 'dataset {{ name: "voc" detection {{ folder: "pets" width: 160 height: 96 {classes} }} }}'
DETECTION = "width: 160 height: 96 frames: 40"


def refused(folder: Path, verb: str) -> str:
    """What `cavefish verb NET=small` says in `folder`, where it must leave nothing behind."""
    result = FORKS.command(verb, "NET=small", folder=folder, environment=environment())
    assert result.returncode == 2, result.stderr
    assert not list(folder.glob("runs/*/*/gen*")) and not list(folder.glob("data/**/*.mdb"))
    return result.stderr.strip()


def edit(file: Path, old: str, new: str, after: str = "") -> int:
    """Puts `new` in place of the first `old` behind `after`; returns the line."""
    text = file.read_text()
    start = text.index(old, text.index(after))
    file.write_text(text[:start] + new + text[start + len(old) :])
    return text[:start].count("\n") + 1


@pytest.fixture
def small(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    small_detectnet.write(tmp_path / "small")
    return tmp_path / "small"


@pytest.mark.parametrize(
    ("new", "message"),
    [
        ("width: 170 height: 96", "expected a width that is a multiple of stride 16, got 170"),
        ("width: 160 height: 0", "expected a height that is a multiple of stride 16, got 0"),
        (
            f'{DETECTION} class_name: "person"',
            "class_name: expected pedestrian, all that parse27k has, got 'person'; write it so, or leave it out",
        ),
        (f"{DETECTION} stride: 0", "stride: expected 1 or more pixels, got 0; DetectNet's is 16"),
        (
            f"{DETECTION} iou: 1.2",
            "iou: expected above 0 and up to 1, got 1.2; 0.7 is usual for cars, 0.5 for others",
        ),
    ],
)
def test_settings_that_no_network_can_have(tmp_path: Path, small: Path, new: str, message: str) -> None:
    edit(small / EVOLUTION, DETECTION, new)
    assert refused(tmp_path, "evolve") == f"cavefish: {small / EVOLUTION}: dataset: detection: {message}"


@pytest.mark.parametrize(
    ("name", "file", "message"),
    [
        (
            "mnist", NET,
            "expected images with boxes for train_val.prototxt, which has a DetectNetData layer, got 'mnist', images "
            "with a class each; choose one of coco, kitti, kitti_text, parse27k, streets, voc, yolo, or another "
            "network",
        ),
        (
            "streets", "",
            "expected images with a class each for train_val.prototxt, which has no DetectNetData layer, got "
            "'streets', images with boxes; choose one of cifar10, digits, images, lmdb, mnist, stl10, or another "
            "network",
        ),
    ],
)  # fmt: skip
def test_a_data_set_of_the_other_kind(tmp_path: Path, small: Path, name: str, file: str, message: str) -> None:
    (small / EVOLUTION).write_text(f'dataset {{ name: "{name}" }}\n')
    if not file:
        (small / NET).write_text((ROOT / "prototxt" / "lenet" / NET).read_text())
    assert refused(tmp_path, "check") == f"cavefish: {small / EVOLUTION}: dataset: {message}"
    stand_in = "digits" if name == "mnist" else "streets"
    first = "streets" if name == "mnist" else "digits"
    (small / EVOLUTION).write_text(f'dataset {{ name: "{first}" or_else {{ name: "{stand_in}" }} }}\n')
    wanted = message.replace(f"got '{name}'", f"got '{stand_in}'")
    assert refused(tmp_path, "check") == f"cavefish: {small / EVOLUTION}: dataset: {wanted}"


def test_a_size_that_contradicts_the_settings(tmp_path: Path, small: Path) -> None:
    """One written twice is compared with the other phase, one written everywhere with the settings."""
    line = edit(small / NET, "image_size_x: $WIDTH", "image_size_x: 320", after="phase: TEST")
    first = (small / NET).read_text().splitlines().index(next(filter(_has_width, _lines(small)))) + 1
    assert refused(tmp_path, "check") == (
        f"cavefish: {small / NET}:{line}: layer 'data': expected width 160 as in layer 'data' (line {first}), got 320; "
        "write the same in both"
    )
    everywhere = (small / NET).read_text().replace("$WIDTH", "320")
    (small / NET).write_text(everywhere)
    name = everywhere[: everywhere.index('name: "data"')].count("\n") + 1
    said = refused(tmp_path, "check")
    assert said == (
        f"cavefish: {small / NET}:{name}: layer 'data': expected width 160, height 96, stride 16, classes 1, as "
        "evolution.prototxt has it, got width 320, height 96, stride 16, classes 1; write $WIDTH, $HEIGHT, $STRIDE and "
        "$OBJECT_CLASSES"
    )


@pytest.mark.parametrize("phase", ["TRAIN", "TEST"])
def test_coverage_of_other_classes_than_the_settings_have(tmp_path: Path, small: Path, phase: str) -> None:
    """DIGITS's own `src: 8`, say: it would learn that there is nothing on any image."""
    line = edit(small / NET, "$OBJECT_CLASSES", "object_class { src: 8 dst: 0 }", after=f"phase: {phase}")
    assert refused(tmp_path, "check") == (
        f"cavefish: {small / NET}:{line}: layer 'data': expected the classes of evolution.prototxt in their order, got "
        "object_class { src: 8 dst: 0 }; write $OBJECT_CLASSES"
    )


def _lines(small: Path) -> list[str]:
    return (small / NET).read_text().splitlines()


def _has_width(line: str) -> bool:
    return "image_size_x: $WIDTH" in line


def test_a_scratch_form_of_another_shape(tmp_path: Path, small: Path) -> None:
    begin = edit(small / SCRATCH, "num_output: 64", "num_output: 72", after='name: "inception_3a/1x1"') - 3
    assert 'name: "inception_3a/1x1"' in (small / SCRATCH).read_text().splitlines()[begin - 1]
    lines = refused(tmp_path, "check").splitlines()
    assert lines[0] == (
        f"cavefish: {small / SCRATCH}:{begin}: layer 'inception_3a/1x1': expected the shape (64, 192, 1, 1) of "
        "train_val.prototxt, got (72, 192, 1, 1); make them alike"
    )
    # What reads it has other inputs too.
    assert all(re.search(r"layer '(cvg/classifier|bboxes)': expected the shape", line) for line in lines[1:])


def test_a_scratch_form_without_a_layer(tmp_path: Path, small: Path) -> None:
    edit(small / SCRATCH, 'name: "inception_3a/5x5"', 'name: "inception_3a/7x7"')
    assert refused(tmp_path, "evolve") == (
        f"cavefish: {small / SCRATCH}: layer 'inception_3a/5x5': expected the shape (32, 16, 5, 5) of "
        "train_val.prototxt, got no such layer; make them alike"
    )


def test_a_folder_that_is_not_there(tmp_path: Path, small: Path) -> None:
    (small / EVOLUTION).write_text(CATS.format(classes='class_name: "cat"'))
    raw = tmp_path / "data" / "raw"
    assert refused(tmp_path, "evolve") == (
        f"cavefish: data set 'voc': expected pets in one of {raw}, {raw / 'voc'}, got none; bring the "
        f"folder, and set CAVEFISH_DATA to the folder that holds it, or put it into {raw / 'voc'}"
    )
    (tmp_path / "pets").mkdir()
    assert f"; give {tmp_path}/pets, its whole path, for the one here, or bring the folder, and" in refused(
        tmp_path, "evolve"
    )
    edit(small / EVOLUTION, 'folder: "pets"', 'folder: "/my/pets"')
    assert refused(tmp_path, "evolve") == (
        "cavefish: data set 'voc': expected /my/pets, got no such folder; correct the path"
    )


def test_a_class_that_the_data_do_not_have(tmp_path: Path, small: Path) -> None:
    (small / EVOLUTION).write_text(CATS.format(classes='class_name: "cta"'))
    root = tmp_path / "data" / "raw" / "pets"
    for name in ("Annotations", "JPEGImages", "ImageSets/Main"):
        (root / name).mkdir(parents=True)
    for split in ("train", "val"):
        (root / "ImageSets" / "Main" / f"{split}.txt").write_text(f"{split}\n")
        (root / "Annotations" / f"{split}.xml").write_text(
            "<annotation><object><name>cat</name><bndbox><xmin>1</xmin><ymin>1</ymin><xmax>60</xmax><ymax>50</ymax>"
            "</bndbox></object></annotation>"
        )
        (root / "JPEGImages" / f"{split}.jpg").write_bytes(b"")
    said = refused(tmp_path, "data")
    assert said == (
        f"cavefish: {root}/Annotations/train.xml: object 1: expected a class of cta, got 'cat' (2 boxes); write "
        "'cat' for 'cta' in the classes or in dontcare; the whole set holds cat (2)"
    )


def test_no_class_at_all(tmp_path: Path, small: Path) -> None:
    (small / EVOLUTION).write_text(CATS.format(classes=""))
    assert refused(tmp_path, "check") == (
        f"cavefish: {small / EVOLUTION}: dataset: detection: expected a class_name for each class that voc is to have, "
        'got none; write detection { class_name: "cat" } or what the files call them'
    )
