"""A body in a pose as one sees it from a side, and the two things it is made of: tubes and slabs, lit from the sun."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from evolve.datasets.streets.gait import Pose, joints, seen
from evolve.datasets.streets.looks import Look, shaded
from evolve.datasets.streets.patch import Colour, Patch, Point

Part = tuple[float, Callable[[], None]]  # how near, and what draws it


@dataclass
class Body:
    """Someone of that look and pose, who faces the camera at ``heading`` 0 and walks to the right at pi / 2.

    ``sun`` is where the light comes from: -1 left to 1 right.
    """

    look: Look
    pose: Pose
    heading: float
    patch: Patch
    sun: float

    def __post_init__(self) -> None:
        placed = joints(self.pose, self.look.height, self.look.broad)
        self._seen = {name: seen(joint, self.heading) for name, joint in placed.items()}
        self.facing, self.aside = float(np.cos(self.heading)), float(np.sin(self.heading))

    def at(self, name: str, up: float = 0.0) -> Point:
        """Where a joint is in the picture, or so much above it."""
        x, y, _ = self._seen[name]
        return x, y + up

    def near(self, name: str) -> float:
        """How much nearer to the camera than the body's middle a joint is."""
        return self._seen[name][2]

    def from_middle(self, ahead: float, aside: float) -> tuple[float, float]:
        """(to the right, nearer) of what is so many metres before the body and to its left."""
        right, _, near = seen((ahead, aside, 0.0), self.heading)
        return right, near

    def half_width(self, across: float, deep: float) -> float:
        """Half the width in the picture of what is ``across`` wide and ``deep`` thick, as parts of the height."""
        turned = abs(self.facing) * across * self.look.broad + abs(self.aside) * deep
        return turned * self.look.height

    def tube(self, a: str, radius_a: float, b: str, radius_b: float, colour: Colour) -> None:
        """A limb from joint to joint with its shaded side."""
        (ax, ay), (bx, by) = self.at(a), self.at(b)
        self.patch.limb((ax, ay), radius_a, (bx, by), radius_b, shaded(colour, 0.78))
        off = 0.3 * self.sun
        lit_a, lit_b = (ax + off * radius_a, ay), (bx + off * radius_b, by)
        self.patch.limb(lit_a, 0.68 * radius_a, lit_b, 0.68 * radius_b, colour)

    def slab(self, rows: list[tuple[float, float, float]], colour: Colour) -> None:
        """A piece of cloth from (middle, up, half width) to the next, with its shaded side."""
        for factor, narrow, off in ((0.8, 1.0, 0.0), (1.0, 0.72, 0.25 * self.sun)):
            left = [(x + off * half - narrow * half, y) for x, y, half in rows]
            right = [(x + off * half + narrow * half, y) for x, y, half in reversed(rows)]
            self.patch.polygon(left + right, shaded(colour, factor))
