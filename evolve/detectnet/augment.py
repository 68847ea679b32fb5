"""What happens to one image in TRAIN is drawn at once, from a seed and the example's number alone.

So an example looks the same whichever process makes it, in whatever order, after a resume or before.
"""

import math
from dataclasses import dataclass

import numpy as np

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
