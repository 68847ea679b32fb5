"""A camera above the street: metres become pixels, and one scale holds for everything at the same distance."""

from dataclasses import dataclass
from math import cos, sin

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class Camera:
    """A level pinhole camera ``eye`` metres above the ground, turned by ``yaw`` (radians) about the vertical.

    ``focal`` and ``horizon`` (its row) are in pixels, the picture is ``width`` x ``height`` of them.
    """

    width: int
    height: int
    focal: float
    horizon: float
    eye: float
    yaw: float = 0.0

    def scale(self, depth: float) -> float:
        """Pixels a metre at so many metres before the camera."""
        return self.focal / depth

    def foot(self, depth: float) -> float:
        """The row where something stands on the ground at that depth."""
        return self.horizon + self.focal * self.eye / depth

    def place(self, column: float, depth: float) -> tuple[float, float]:
        """(x, z) in the street of the ground at that column and depth."""
        aside = (column - self.width / 2) / self.scale(depth)
        return aside * cos(self.yaw) + depth * sin(self.yaw), depth * cos(self.yaw) - aside * sin(self.yaw)

    def street(self) -> NDArray[np.float64]:
        """(3, 4): street coordinates (x right, y up, z ahead, 1) to (u w, v w, w), w the depth before the camera."""
        turn = np.array([[cos(self.yaw), 0, -sin(self.yaw)], [0, 1, 0], [sin(self.yaw), 0, cos(self.yaw)]])
        lens = np.array(
            [[self.focal, 0, self.width / 2], [0, -self.focal, self.horizon], [0, 0, 1.0]],
        )
        moved = np.hstack([turn, np.array([[0], [-self.eye], [0]])])
        return np.asarray(lens @ moved)

    def project(self, points: NDArray[np.float64]) -> NDArray[np.float64]:
        """(N, 3) street coordinates to (N, 2) pixels; what lies behind the camera is pushed to just before it."""
        homogeneous = np.hstack([points, np.ones((len(points), 1))]) @ self.street().T
        return np.asarray(homogeneous[:, :2] / np.maximum(homogeneous[:, 2:], 0.05))

    def ground(self) -> NDArray[np.float64]:
        """(3, 3): ground coordinates (x, z, 1) to the picture, as a homography."""
        return self.street()[:, [0, 2, 3]]
