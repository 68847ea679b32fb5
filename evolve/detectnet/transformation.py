"""An image and its boxes go through what was drawn for them: NVIDIA Caffe's DetectNetTransformation of one example.

In TRAIN hue, saturation, mean, flip, scale, rotation, crop, in this order; in TEST mean and resize. Pixels stay
0..255 all the way (NVIDIA's are divided by 255 and multiplied again, which changes nothing but the last bits).
"""

import math

import cv2
import numpy as np
from numpy.typing import NDArray

from evolve.detectnet import coverage
from evolve.detectnet.augment import Drawn, Size, bounds, draw, resize_only, rotated
from evolve.detectnet.labels import H, Rows, W, X, Y
from evolve.network.layers.detectnet_parameters import Parameters

Image = NDArray[np.float32]  # (H, W, 3): blue, green, red


def transform(
    image: NDArray[np.uint8] | NDArray[np.float32],
    rows: Rows,
    given: Parameters,
    train: bool,
    example: int,
    pixels: NDArray[np.float32],
    truth: NDArray[np.float32],
) -> Rows:
    """Makes one example: writes `pixels` (3, H, W) and `truth` (8 + classes, H / stride, W / stride).

    `image` is (3, H', W') of 0..255, `rows` its objects (objects, 16); both stay as they are. `example` is the number
    from which TRAIN draws. Returns the rows with their boxes in the output's pixels, not clipped, all classes.
    """
    size = (image.shape[2], image.shape[1])
    drawn = draw(given, size, example) if train else resize_only(given.ground_truth)
    look(image, given, drawn, pixels)
    moved = move(rows, size, drawn)
    clip = given.ground_truth.crop_bboxes if given.ground_truth.crop_bboxes is not None else train
    truth[...] = coverage.generate(moved, given.ground_truth, clip)
    return moved


def look(
    image: NDArray[np.uint8] | NDArray[np.float32], given: Parameters, drawn: Drawn, pixels: NDArray[np.float32]
) -> None:
    """Writes into `pixels` (3, H, W) what the net sees of an `image` (3, H', W') to which happens what was `drawn`."""
    crop(geometric(subtract(color(interleaved(image), drawn), given.mean), drawn), drawn.crop, pixels)


def interleaved(image: NDArray[np.uint8] | NDArray[np.float32]) -> Image:
    """An image (3, H, W) as float32 (H, W, 3)."""
    return cv2.merge([np.ascontiguousarray(channel) for channel in image]).astype(np.float32)


def color(image: Image, drawn: Drawn) -> Image:
    """Hue turned and saturation multiplied, in OpenCV's HSV of floats (hue 0..360)."""
    if drawn.hue == 0 and drawn.saturation == 1:
        return image
    hsv = cv2.cvtColor(image, cv2.COLOR_BGR2HSV)
    hsv[..., 0] += np.float32(drawn.hue)
    hsv[..., 1] *= np.float32(drawn.saturation)
    return cv2.cvtColor(hsv, cv2.COLOR_HSV2BGR)


def subtract(image: Image, mean: tuple[float, ...]) -> Image:
    """Minus the mean of all channels or of each, or of none; in place."""
    if mean:
        image -= np.array(mean, np.float32)
    return image


def geometric(image: Image, drawn: Drawn) -> Image:
    """Flipped, scaled (cubic) and rotated (linear, black around it)."""
    if drawn.flip:
        image = cv2.flip(image, 1)
    if drawn.scaled != (image.shape[1], image.shape[0]):
        image = cv2.resize(image, drawn.scaled, interpolation=cv2.INTER_CUBIC)
    if drawn.rotation:
        size = rotated(drawn.scaled, drawn.rotation)
        black = np.zeros((size[1], size[0], 3), np.float32)
        turn = rotation(drawn.scaled, drawn.rotation)
        image = cv2.warpAffine(image, turn, size, black, cv2.INTER_LINEAR, cv2.BORDER_TRANSPARENT)
    return image


def rotation(size: Size, degrees: float) -> NDArray[np.float64]:
    """The affine matrix (2, 3) that turns an image of `size` around its centre, clockwise, into its bounds."""
    left, top, _, _ = bounds(size, degrees)
    c, s = math.cos(math.radians(degrees)), math.sin(math.radians(degrees))
    x, y = size[0] / 2, size[1] / 2
    return np.array([[c, -s, x - left - c * x + s * y], [s, c, y - top - s * x - c * y]])


def crop(image: Image, corner: tuple[int, int], pixels: NDArray[np.float32]) -> None:
    """Writes into `pixels` (3, H, W) what of `image` lies there from `corner` (x, y) on; zeros beyond its edges."""
    _, height, width = pixels.shape
    (x, y), rows, columns = corner, image.shape[0], image.shape[1]
    left, right = max(0, -x), min(width, columns - x)
    top, bottom = max(0, -y), min(height, rows - y)
    if (left, top, right, bottom) != (0, 0, width, height):
        pixels[...] = 0
    if left < right and top < bottom:
        part = image[y + top : y + bottom, x + left : x + right]
        pixels[:, top:bottom, left:right] = cv2.split(part)


def move(rows: Rows, size: Size, drawn: Drawn) -> Rows:
    """The boxes of `rows` (objects, 16) of an image of `size`, where the image's objects have gone; a copy."""
    moved = rows.copy()
    if drawn.flip:
        moved[:, X] = size[0] - moved[:, X] - moved[:, W] - 1
    across, down = drawn.scaled[0] / size[0], drawn.scaled[1] / size[1]
    moved[:, [X, W]] *= np.float32(across)
    moved[:, [Y, H]] *= np.float32(down)
    if drawn.rotation:
        half = moved[:, [W, H]] / 2
        centres = np.concatenate([moved[:, [X, Y]] + half, np.ones((len(moved), 1), np.float32)], axis=1)
        moved[:, [X, Y]] = centres @ rotation(drawn.scaled, drawn.rotation).T - half
    moved[:, [X, Y]] -= np.array(drawn.crop, np.float32)
    return moved
