"""Whatever form an image has, it becomes an upright one of 8 bits by the rules that image_form states."""

from pathlib import Path

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from evolve.datasets import image_form
from evolve.datasets.image_file import decoded, read
from evolve.datasets.image_form import Form

CORNER = np.array([[9, 80, 160], [30, 60, 90]], np.uint8)  # (2, 3): no turn of it is another one


def turned_by_hand(orientation: int) -> NDArray[np.uint8]:
    """CORNER as it is to be seen: EXIF's table says where the stored row 0 and column 0 are."""
    rows, columns = {
        1: ("top", "left"), 2: ("top", "right"), 3: ("bottom", "right"), 4: ("bottom", "left"),
        5: ("left", "top"), 6: ("right", "top"), 7: ("right", "bottom"), 8: ("left", "bottom"),
    }[orientation]  # fmt: skip
    seen = np.zeros((2, 3) if rows in ("top", "bottom") else (3, 2), np.uint8)
    for row in range(2):
        for column in range(3):
            place = {rows: row, columns: column}
            down = place["top"] if "top" in place else seen.shape[0] - 1 - place["bottom"]
            across = place["left"] if "left" in place else seen.shape[1] - 1 - place["right"]
            seen[down, across] = CORNER[row, column]
    return seen


@pytest.mark.parametrize("suffix", ["png", "webp", "tif"])
@pytest.mark.parametrize("orientation", range(1, 9))
def test_exif_orientation(tmp_path: Path, orientation: int, suffix: str) -> None:
    exif = Image.Exif()
    exif[0x0112] = orientation
    Image.fromarray(CORNER).save(tmp_path / f"a.{suffix}", exif=exif, lossless=True)
    assert np.array_equal(read(tmp_path / f"a.{suffix}", "here", Form(grey=True)), turned_by_hand(orientation))
    with Image.open(tmp_path / f"a.{suffix}") as image:
        facts = image_form.facts(image)
    assert (facts.height, facts.width) == turned_by_hand(orientation).shape
    assert facts.grey == (suffix != "webp") and not facts.deep  # WebP has no grey


def test_a_jpeg_on_its_side_is_turned_unless_that_is_not_wanted(tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    Image.new("RGB", (40, 24), "red").save(tmp_path / "a.jpg", exif=exif)
    assert read(tmp_path / "a.jpg", "here").shape == (40, 24, 3)
    assert read(tmp_path / "a.jpg", "here", Form(turned=False)).shape == (24, 40, 3)


def test_exif_that_is_broken_turns_nothing(tmp_path: Path) -> None:
    Image.new("RGB", (40, 24), "red").save(tmp_path / "a.jpg", exif=b"Exif\0\0II*\0\xff\xff\xff\xff")
    assert read(tmp_path / "a.jpg", "here").shape == (24, 40, 3)


def test_16_bits_are_stretched_from_the_darkest_to_the_brightest(tmp_path: Path) -> None:
    thermal = np.array([[29000, 29100], [29255, 29510]], np.uint16)
    cv2.imwrite(str(tmp_path / "a.png"), thermal)
    cv2.imwrite(str(tmp_path / "a.tif"), thermal)
    by_hand = np.rint((thermal - 29000.0) / 510 * 255)
    for name in ("a.png", "a.tif"):
        assert np.array_equal(read(tmp_path / name, "here", Form(grey=True)), by_hand)
    assert np.array_equal(read(tmp_path / "a.png", "here"), np.repeat(by_hand[:, :, None], 3, axis=2))
    given = read(tmp_path / "a.png", "here", Form(grey=True, levels=(29100, 29355)))
    assert np.array_equal(given, [[0, 0], [155, 255]])


def test_floats_are_stretched_and_what_is_no_number_is_dark(tmp_path: Path) -> None:
    values = np.array([[-1.5, np.nan, np.inf], [0.0, 1.0, 3.5]], np.float32)
    Image.fromarray(values).save(tmp_path / "a.tif")
    assert np.array_equal(read(tmp_path / "a.tif", "here", Form(grey=True)), [[0, 0, 255], [76, 128, 255]])


@pytest.mark.parametrize(
    "values", [np.full((2, 2), 700, np.uint16), np.full((2, 2), np.nan), np.array([[-3e38, 3e38]], np.float32)]
)
def test_what_cannot_be_stretched_is_no_fault(values: NDArray[np.generic]) -> None:
    grey = image_form.stretched(values)
    assert grey.min() == 0 and grey.max() == (255 if values[0, 0] < 0 else 0)


def test_stretching_goes_piece_by_piece(monkeypatch: pytest.MonkeyPatch) -> None:
    values = np.random.default_rng(1).integers(0, 60000, (50, 40)).astype(np.uint16)
    whole = image_form.stretched(values)
    monkeypatch.setattr(image_form, "_PIECE", 100)
    assert np.array_equal(image_form.stretched(values), whole)


def test_behind_what_is_transparent_is_white(tmp_path: Path) -> None:
    Image.new("RGBA", (2, 1), (200, 0, 0, 0)).save(tmp_path / "clear.png")
    half = Image.new("LA", (2, 1), (0, 255))
    half.putpixel((1, 0), (0, 127))
    half.save(tmp_path / "half.png")
    palette = Image.new("P", (2, 1), 0)
    palette.putpalette([10, 20, 30, 40, 50, 60])
    palette.putpixel((1, 0), 1)
    palette.save(tmp_path / "palette.png", transparency=0)
    assert (read(tmp_path / "clear.png", "here") == 255).all()
    assert np.array_equal(read(tmp_path / "half.png", "here", Form(grey=True)), [[0, 128]])
    assert np.array_equal(read(tmp_path / "palette.png", "here"), [[[255, 255, 255], [60, 50, 40]]])


@pytest.mark.parametrize(
    ("mode", "suffix", "colour", "blue_first"),
    [
        ("1", "png", 1, (255, 255, 255)), ("L", "bmp", 77, (77, 77, 77)), ("RGB", "bmp", (1, 2, 3), (3, 2, 1)),
        ("RGB", "webp", (1, 2, 3), (3, 2, 1)), ("RGB", "ppm", (1, 2, 3), (3, 2, 1)),
        ("CMYK", "tif", (0, 255, 255, 0), (0, 0, 255)),
    ],
)  # fmt: skip
def test_forms_of_8_bits(tmp_path: Path, mode: str, suffix: str, colour: object, blue_first: object) -> None:
    Image.new(mode, (3, 2), colour).save(tmp_path / f"a.{suffix}", lossless=True)  # type: ignore[arg-type]
    assert (read(tmp_path / f"a.{suffix}", "here") == blue_first).all()


def test_a_far_larger_jpeg_may_be_decoded_smaller(tmp_path: Path) -> None:
    Image.new("RGB", (640, 400), "blue").save(tmp_path / "a.jpg")
    content = (tmp_path / "a.jpg").read_bytes()
    assert decoded(content, "here", Form(least=(90, 40))).shape == (100, 160, 3)
    assert decoded(content, "here", Form(least=(40, 300))).shape == (400, 640, 3)
    assert (decoded(content, "here", Form(least=(90, 40))) == (254, 0, 0)).all()
