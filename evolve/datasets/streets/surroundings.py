"""Two kinds of place: houses that close the view, and houses that line a street; and the free ground between them."""

from dataclasses import dataclass

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from evolve.datasets.streets import backdrop
from evolve.datasets.streets.camera import Camera


@dataclass(frozen=True)
class Space:
    """The ground between the houses, in street metres: ``left`` < x < ``right``, z < ``end``."""

    left: float
    right: float
    end: float

    def holds(self, x: float, z: float) -> bool:
        return self.left + 0.4 < x < self.right - 0.4 and z < self.end - 0.4


def surroundings(camera: Camera, rng: Generator) -> tuple[NDArray[np.uint8], Space]:
    """A picture without people and things, and where these can be. Houses close the view, or line the street."""
    picture = backdrop.sky(camera, rng)
    return picture, (_across if rng.random() < 0.45 else _along)(picture, camera, rng)


def _across(picture: NDArray[np.uint8], camera: Camera, rng: Generator) -> Space:
    """Houses across a street, or across a square that a street leads to."""
    if rng.random() < 0.65:
        first = float(rng.uniform(4, 9))
        backdrop.crossing(picture, camera, (first, first + float(rng.uniform(3.5, 6))), rng)
    else:
        backdrop.street(picture, camera, _road(rng), rng)
    far, left = float(rng.uniform(12, 24)), -26.0
    while left < 26:
        wide = float(rng.uniform(7, 14))
        backdrop.stand(picture, camera, _front(wide, rng), (left, far), (left + wide, far))
        left += wide
    return Space(-26, 26, far)


def _along(picture: NDArray[np.uint8], camera: Camera, rng: Generator) -> Space:
    """Houses on both sides of a street."""
    road = _road(rng)
    backdrop.street(picture, camera, road, rng)
    end = float(rng.uniform(45, 80))
    backdrop.stand(picture, camera, _front(40.0, rng), (-20, end), (20, end))
    left, right = road[0] - float(rng.uniform(2, 4)), float(rng.uniform(5.5, 9))
    for across in (left, right):
        lengths = rng.uniform(9, 17, 4)
        starts = 2.5 + np.concatenate([[0], np.cumsum(lengths)])
        for start, length in reversed(list(zip(starts, lengths, strict=False))):
            near, far = (across, float(start)), (across, float(start + length))
            ends = (far, near) if across > 0 else (near, far)
            backdrop.stand(picture, camera, _front(float(length), rng), *ends)
    return Space(left, right, end)


def _road(rng: Generator) -> tuple[float, float]:
    return -float(rng.uniform(4, 7)), -float(rng.uniform(0.3, 2))


def _front(wide: float, rng: Generator) -> NDArray[np.uint8]:
    return backdrop.front(wide, float(rng.uniform(8, 15)), rng)
