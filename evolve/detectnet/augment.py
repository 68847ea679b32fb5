"""An image and its boxes go through what was drawn for them: NVIDIA Caffe's DetectNetTransformation of one example.

In TRAIN hue, saturation, mean, flip, scale, rotation, crop, in this order; in TEST mean and resize. Pixels stay
0..255 all the way (NVIDIA's are divided by 255 and multiplied again, which changes nothing but the last bits).

What happens to one image in TRAIN is drawn at once, from a seed and the example's number alone.

So an example looks the same whichever process makes it, in whatever order, after a resume or before.
"""

import math
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from evolve.detectnet import coverage
from evolve.detectnet.labels import H, Rows, W, X, Y
from evolve.network.layers.detectnet_parameters import Augmentation, GroundTruth, Parameters

Size = tuple[int, int]  # width, height

_DRAWS = 12  # numbers an example has, of which one augmentation always gets the same ones


@dataclass(frozen=True)
class Drawn:
    """Hue in degrees, saturation as a factor, flip, size after scaling, rotation in degrees, and the crop's corner.

    Applied in this order; `crop` is the place (x, y) in the scaled, rotated image where the output's corner lies.
    """

    scaled: Size
    hue: float = 0.0
    saturation: float = 1.0
    flip: bool = False
    rotation: float = 0.0
    crop: tuple[int, int] = (0, 0)


def resize_only(given: GroundTruth) -> Drawn:
    """What TEST does: the image becomes image_size_x x image_size_y."""
    return Drawn(scaled=(given.image_size_x, given.image_size_y))


def draw(given: Parameters, size: Size, example: int) -> Drawn:
    """What TRAIN does to the example of that number (from 0), whose image is `size` (width, height)."""
    u = np.random.default_rng([given.seed, example]).random(_DRAWS)
    a = given.augmentation
    scale = a.scale_min + (a.scale_max - a.scale_min) * u[6] if u[5] < a.scale_prob else 1.0
    scaled = (nearest(size[0] * scale), nearest(size[1] * scale))
    rotation = (2 * u[8] - 1) * a.max_rotate_degree if u[7] < a.rotation_prob else 0.0
    return Drawn(
        scaled=scaled,
        hue=float(np.clip((2 * u[1] - 1) * a.hue_rotation, -180, 180)) if u[0] < a.hue_rotation_prob else 0.0,
        saturation=1 - u[3] * a.desaturation_max if u[2] < a.desaturation_prob else 1.0,
        flip=bool(u[4] < a.flip_prob),
        rotation=rotation,
        crop=_crop(a, given.ground_truth, rotated(scaled, rotation), u[9:12]),
    )


def _crop(a: Augmentation, given: GroundTruth, size: Size, u: np.ndarray) -> tuple[int, int]:
    spare = size[0] - given.image_size_x, size[1] - given.image_size_y
    if u[0] >= a.crop_prob:
        return nearest(spare[0] / 2), nearest(spare[1] / 2)
    return (
        nearest(u[1] * (spare[0] + a.shift_x) - a.shift_x // 2),
        nearest(u[2] * (spare[1] + a.shift_y) - a.shift_y // 2),
    )


def rotated(size: Size, degrees: float) -> Size:
    """Width and height of the smallest image of whole pixels that holds one of `size`, rotated."""
    if degrees == 0:
        return size
    left, top, right, bottom = bounds(size, degrees)
    return right - left + 1, bottom - top + 1


def bounds(size: Size, degrees: float) -> tuple[int, int, int, int]:
    """x1, y1, x2, y2 of an image rotated around its centre: whole pixels, as OpenCV's RotatedRect bounds it."""
    width, height = size
    c, s = abs(math.cos(math.radians(degrees))), abs(math.sin(math.radians(degrees)))
    across, down = (width * c + height * s) / 2, (width * s + height * c) / 2
    left, right = math.floor(width / 2 - across), math.ceil(width / 2 + across)
    return left, math.floor(height / 2 - down), right, math.ceil(height / 2 + down)


def nearest(value: float) -> int:
    """The nearest whole number, halves away from zero, as C's round."""
    return math.floor(abs(value) + 0.5) * (1 if value >= 0 else -1)


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
    crop(geometric(subtract(color(interleaved(image), drawn), given.mean), drawn), drawn.crop, pixels)
    moved = move(rows, size, drawn)
    clip = given.ground_truth.crop_bboxes if given.ground_truth.crop_bboxes is not None else train
    truth[...] = coverage.generate(moved, given.ground_truth, clip)
    return moved


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
