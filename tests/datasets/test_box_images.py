"""Images as they are beside their boxes: which way up, how deep, how often."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from layouts import CAT, WANTED, image, prepared, write, xml
from PIL import Image

from evolve.base.errors import UserError
from evolve.datasets import Dataset, Detection, census, images, labels

LEAVE, TURN = replace(WANTED, orientation="leave"), replace(WANTED, orientation="turn")


def photograph(file: Path, orientation: int, side: tuple[int, int] = (96, 64)) -> None:
    """One pixel is red, the rest black: second from the left in the top row as it is stored."""
    pixels = np.zeros((side[1], side[0], 3), np.uint8)
    pixels[0, 1] = 255, 0, 0
    exif = Image.Exif()
    exif[0x0112] = orientation
    file.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(pixels).save(file, exif=exif)


def made(data: Path, orientation: int, annotations: str, wanted: Detection = WANTED, suffix: str = "png") -> Dataset:
    """A data set of two images, of which b, upright, is val."""
    root = data / "raw" / "mine"
    photograph(root / f"JPEGImages/a.{suffix}", orientation)
    image(root, "JPEGImages/b.png")
    lists = {f"ImageSets/Main/{split}.txt": name for split, name in (("train", "a"), ("val", "b"))}
    write(root, {"Annotations/a.xml": annotations, "Annotations/b.xml": xml(), **lists})
    return prepared("voc", data, wanted)


def red(dataset: Dataset) -> tuple[int, int]:
    """Row and column of the red pixel in what is stored of a; blue is first."""
    ((row, column),) = np.argwhere(images(dataset, "train", 1)[0, 2] == 255)
    return int(row), int(column)


def box(dataset: Dataset) -> list[float]:
    """x, y, w, h and class of the box in a."""
    return [float(each) for each in labels(dataset, "train", 1)[0, 1, [0, 1, 2, 3, 5]]]


UPRIGHT = Detection(64, 96, classes=("cat",), folder="mine")


@pytest.mark.parametrize("suffix", ["png", "tif"])
def test_boxes_on_the_turned_image(tmp_path: Path, suffix: str) -> None:
    """Orientation 6: the stored top row is the right side as it is shown."""
    dataset = made(tmp_path, 6, xml(size=(64, 96)), UPRIGHT, suffix)
    assert red(dataset) == (1, 63) and box(dataset) == [10, 20, 30, 30, 1]
    assert "warning: train: 1 image was turned as its EXIF says" in census.warnings(census.read(dataset))


@pytest.mark.parametrize("suffix", ["png", "tif"])
def test_boxes_on_the_image_as_it_is_stored(tmp_path: Path, suffix: str) -> None:
    dataset = made(tmp_path, 6, xml(size=(96, 64)), suffix=suffix)
    assert red(dataset) == (0, 1) and box(dataset) == [10, 20, 30, 30, 1]
    assert census.read(dataset)["train"].turned == 0


def test_annotations_of_another_image(tmp_path: Path) -> None:
    with pytest.raises(UserError) as error:
        made(tmp_path, 6, xml(size=(60, 90)))
    root = tmp_path / "raw" / "mine"
    assert str(error.value) == (
        f"{root}/Annotations/a.xml: expected an image of 60x90, got 64x96 in {root}/JPEGImages/a.png; the boxes were "
        "drawn on another image"
    )


@pytest.mark.parametrize(
    ("orientation", "size", "tells"),
    [(3, (96, 64), "annotations say 96x64 either way"), (6, None, "annotations say no size")],
)
def test_nobody_guesses(tmp_path: Path, orientation: int, size: tuple[int, int] | None, tells: str) -> None:
    with pytest.raises(UserError) as error:
        made(tmp_path, orientation, xml(size=size))
    root = tmp_path / "raw" / "mine"
    assert str(error.value) == (
        f"{root}/Annotations/a.xml: expected to know which way up {root}/JPEGImages/a.png was when its boxes were "
        f"drawn, got EXIF orientation {orientation}, and {tells}; set orientation: TURN for as it is shown, LEAVE for "
        "as it is stored"
    )


@pytest.mark.parametrize(("wanted", "place"), [(TURN, (63, 94)), (LEAVE, (0, 1))])
def test_unless_the_user_knows(tmp_path: Path, wanted: Detection, place: tuple[int, int]) -> None:
    assert red(made(tmp_path, 3, xml(), wanted)) == place


def test_an_image_without_boxes_is_turned(tmp_path: Path) -> None:
    root = tmp_path / "raw" / "mine"
    photograph(root / "train/images/a.png", 3)
    image(root, "train/images/b.png", "val/images/c.png")
    write(root, {"train/labels/a.txt": "", "train/labels/b.txt": CAT, "val/labels/c.txt": CAT})
    assert census.read(prepared("kitti_text", tmp_path))["train"].turned == 1


def thermal(data: Path, wanted: Detection) -> np.ndarray:
    """Rows of 24000, 25000 and 26000 in 16 bits, as they are stored; (3, H, W)."""
    root = data / "raw" / "mine"
    (root / "images").mkdir(parents=True)
    warm = np.repeat(np.array([24000, 25000, 26000], np.uint16), 96 * 16).reshape(48, 96)
    for name in "ab":
        Image.fromarray(warm).save(root / f"images/{name}.png")
    write(root, {"labels/a.txt": CAT, "labels/b.txt": CAT})
    return images(prepared("kitti_text", data, wanted), "train", 1)[0]


def test_16_bits_from_the_darkest_to_the_brightest(tmp_path: Path) -> None:
    stored = thermal(tmp_path, replace(WANTED, height=48))
    assert (stored[:, ::16, 0] == [0, 128, 255]).all()


def test_16_bits_between_levels(tmp_path: Path) -> None:
    stored = thermal(tmp_path, replace(WANTED, height=48, levels=(25000.0, 27000.0)))
    assert (stored[:, ::16, 0] == [0, 0, 128]).all()


@pytest.mark.parametrize("levels", [(1.0,), (2.0, 2.0), (1.0, 2.0, 3.0)])
def test_levels_that_are_none(tmp_path: Path, levels: tuple[float, ...]) -> None:
    with pytest.raises(UserError) as error:
        prepared("kitti_text", tmp_path, replace(WANTED, levels=levels))
    got = ", ".join(f"{each:g}" for each in levels)
    assert str(error.value) == (
        f"data set 'kitti_text': expected two levels, the darker one first, got {got}; correct them"
    )


def test_forms_of_8_bits(tmp_path: Path) -> None:
    """CMYK and a palette as Pillow has them, white behind what is transparent."""
    root = tmp_path / "raw" / "mine"
    (root / "images").mkdir(parents=True)
    Image.new("CMYK", (96, 64), (0, 255, 255, 0)).save(root / "images/a.tif")
    Image.new("RGBA", (96, 64), (9, 9, 9, 0)).save(root / "images/b.webp", lossless=True)
    palette = Image.new("P", (96, 64), 1)
    palette.putpalette([0, 0, 0, 10, 20, 30])
    palette.save(root / "images/c.png")
    write(root, {f"labels/{name}.txt": CAT for name in "abc"})
    dataset = prepared("kitti_text", tmp_path)
    stored = {tuple(int(each) for each in one[:, 0, 0])
              for split in ("train", "val") for one in images(dataset, split, dataset.counts[split])}  # fmt: skip
    assert stored == {(0, 0, 255), (255, 255, 255), (30, 20, 10)}


def test_what_is_difficult_counts_neither_way(tmp_path: Path) -> None:
    objects = "<object><name>cat</name><difficult>1</difficult><bndbox><xmin>1</xmin><ymin>1</ymin><xmax>60</xmax>"
    objects += "<ymax>50</ymax></bndbox></object>"
    root = tmp_path / "raw" / "mine"
    image(root, "JPEGImages/a.png", "JPEGImages/b.png")
    write(root, {"Annotations/a.xml": xml(objects) + "\n", "Annotations/b.xml": xml()})
    with pytest.raises(UserError) as error:
        prepared("voc", tmp_path)
    assert str(error.value) == (
        "data set 'voc': expected boxes of cat in its train split, got none; the whole set holds cat (2)"
    )
    write(root, {"Annotations/a.xml": xml(objects + objects.replace(">1</difficult", ">0</difficult"))})
    dataset = prepared("voc", tmp_path)
    assert sorted(labels(dataset, "train", 1)[0, 1:3, 5].tolist()) == [0, 1]
    counted = census.read(dataset)
    assert (counted["train"].boxes, counted["train"].dontcare) == ({"cat": 1}, {"cat": 1})
    assert census.warnings(counted) == ["warning: train: 1 box is difficult: dontcare, as in Pascal VOC"]


def test_an_image_is_in_a_set_once(tmp_path: Path) -> None:
    root = tmp_path / "raw" / "mine"
    image(root, "images/a.png", "images/b.png")
    write(root, {f"annotations/{name}.xml": xml(name="a.png") for name in ("1", "2")} | {"annotations/b.xml": xml()})
    with pytest.raises(UserError) as error:
        prepared("voc", tmp_path)
    assert str(error.value) == (
        f"{root}/annotations/2.xml: expected an image of its own, got {root}/images/a.png, which "
        f"{root}/annotations/1.xml has too; take one out"
    )


def test_fractions_become_pixels(tmp_path: Path) -> None:
    """0.333333 and the like round: a box that stands out by less than that has not been cut."""
    root = tmp_path / "raw" / "mine"
    image(root, "images/a.png", "images/b.png")
    line = "0 0.166667 0.5 0.333334 1.0"
    write(root, {"labels/a.txt": line, "labels/b.txt": line, "classes.txt": "cat"})
    dataset = prepared("yolo", tmp_path)
    assert np.allclose(labels(dataset, "train", 1)[0, 1, :4], [0, 0, 32, 64], atol=1e-3)
    assert all(each.clipped.boxes == 0 for each in census.read(dataset).values())


def test_another_image_makes_the_set_anew(tmp_path: Path) -> None:
    """Of YOLO's, where an image is in the set without a label."""
    root = tmp_path / "raw" / "mine"
    image(root, "images/a.png", "images/b.png")
    write(root, {"labels/a.txt": "0 0.5 0.5 0.5 0.5", "labels/b.txt": "0 0.5 0.5 0.5 0.5", "classes.txt": "cat"})
    assert prepared("yolo", tmp_path).counts == {"train": 1, "val": 1}
    image(root, "images/c.png")
    assert prepared("yolo", tmp_path).counts == {"train": 2, "val": 1}
