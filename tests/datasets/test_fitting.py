"""Images and boxes are resized together: against loops over pixels, and a drawn rectangle that must stay in its box.

A margin of zeros is the same on all four sides, or refused.
"""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from evolve.base.errors import UserError
from evolve.datasets import Detection, Photo
from evolve.datasets.fitting import fitting, margin

PHOTO = Photo(Path("a.png"), (), "list:1")


def _block_means(pixels: np.ndarray, factor: int) -> np.ndarray:
    """Each ``factor`` x ``factor`` block's mean, in plain loops."""
    height, width, _ = pixels.shape
    means = np.zeros((height // factor, width // factor, 3))
    for row in range(height // factor):
        for column in range(width // factor):
            for channel in range(3):
                total = 0
                for y in range(factor):
                    for x in range(factor):
                        total += int(pixels[row * factor + y, column * factor + x, channel])
                means[row, column, channel] = total / factor**2
    return means


def test_halved_pixels_are_the_means_of_their_blocks() -> None:
    pixels = np.random.default_rng(0).integers(0, 256, (64, 96, 3), dtype=np.uint8)
    fit = fitting(Detection(48, 32), (96, 64), PHOTO)
    assert np.abs(fit.image(pixels) - _block_means(pixels, 2)).max() <= 0.5 + 1e-9
    assert fit.box(10, 8, 20, 48) == (5, 4, 10, 24)


@pytest.mark.parametrize(
    ("fit", "box"),
    [
        ("resize", (5 * 320 / 50, 10 * 160 / 40, 20 * 320 / 50, 12 * 160 / 40)),  # 6.4 across, 4 down
        ("letterbox", (20, 40, 80, 48)),  # 4 both ways: 200x160, and 120 zeros at the right
        ("pad", (5, 10, 20, 12)),
    ],
)
def test_boxes_go_with_their_image(fit: str, box: tuple[float, ...]) -> None:
    found = fitting(Detection(320, 160, fit=fit), (50, 40), PHOTO)
    assert found.box(5, 10, 20, 12) == pytest.approx(box)


@pytest.mark.parametrize("fit", ["resize", "letterbox", "pad"])
def test_what_fills_its_box_fills_it_afterwards(fit: str) -> None:
    rng = np.random.default_rng(3)
    for _ in range(60):
        width, height = (int(side) for side in rng.integers(30, 200, 2))
        smallest = 208 if fit == "pad" else 16
        across, down = (int(side) * 16 + smallest for side in rng.integers(0, 10, 2))
        wanted = Detection(across, down, fit=fit)
        x1, x2 = sorted(int(x) for x in rng.choice(width + 1, 2, replace=False))
        y1, y2 = sorted(int(y) for y in rng.choice(height + 1, 2, replace=False))
        pixels = np.full((height, width, 3), 10, np.uint8)
        pixels[y1:y2, x1:x2] = 250
        found = fitting(wanted, (width, height), PHOTO)
        image = found.image(pixels)
        assert image.shape == (wanted.height, wanted.width, 3) and image.dtype == np.uint8
        x, y, w, h = found.box(x1, y1, x2 - x1, y2 - y1)
        # The box's area is the brightness that was spread over it, whatever the scale.
        content = image[: found.scaled[1], : found.scaled[0], 0].astype(float)
        assert abs((content - 10).sum() / 240 - w * h) <= 0.02 * w * h + 0.75 * (w + h) + 2
        inside = image[int(np.ceil(y + 1)) : int(y + h - 1), int(np.ceil(x + 1)) : int(x + w - 1)]
        assert (inside > 200).all()
        assert not image[found.scaled[1] :].any() and not image[:, found.scaled[0] :].any()


def test_letterbox_keeps_boxes_exactly_on_their_pixels() -> None:
    fit = fitting(Detection(64, 64, fit="letterbox"), (97, 31), PHOTO)
    assert fit.scaled == (64, 20)  # 31 * 64 / 97 is 20.45
    assert fit.box(0, 0, 97, 31) == pytest.approx((0, 0, 64, 20))


@pytest.mark.parametrize("size", [(97, 64), (96, 65)])
def test_an_image_too_large_to_pad(size: tuple[int, int]) -> None:
    with pytest.raises(UserError) as error:
        fitting(Detection(96, 64, fit="pad"), size, PHOTO)
    assert str(error.value) == (
        f"a.png: expected an image of at most 96x64 to pad, got {size[0]}x{size[1]}; choose a larger size, or fit "
        "resize or letterbox"
    )


@given(own=st.integers(1, 64), zeros=st.integers(0, 100))
def test_margins_make_up_the_difference(own: int, zeros: int) -> None:
    assert margin("x", own, own + 2 * zeros, least=own) == zeros


@pytest.mark.parametrize("image_size", [27, 26, 0, -4, 29, 33])
def test_a_small_or_lopsided_size_is_refused(image_size: int) -> None:
    with pytest.raises(UserError) as error:
        margin("mnist", 28, image_size, least=28)
    assert str(error.value) == (
        f"data set 'mnist': expected an even image_size of at least 28, got {image_size}; "
        "28 and 32 are the usual ones"
    )
