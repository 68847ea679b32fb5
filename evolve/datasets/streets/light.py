"""Sun, clouds and dusk: what the light does to ground, people and sensor."""

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from evolve.datasets.streets.camera import Camera
from evolve.datasets.streets.patch import Colour, Placed

Picture = NDArray[np.uint8]


@dataclass(frozen=True)
class Light:
    """``sun`` -1 from the left to 1 from the right; shadows fall ``shadow`` = (right, ahead) metres for each metre up
    and take away ``dark`` of the light; ``gain`` (3,) is by colour; ``haze`` of all light comes from 50 m away."""

    sun: float
    shadow: tuple[float, float]
    dark: float
    gain: NDArray[np.float64]
    gamma: float
    haze: float
    haze_colour: Colour
    noise: float
    blur: float


def light(rng: Generator) -> Light:
    """A random hour and weather."""
    sunny = rng.random() < 0.5
    dusk = rng.random() < 0.2
    warm = rng.uniform(-0.08, 0.08) + (0.06 if dusk else 0.0)
    brightness = rng.uniform(0.5, 0.75) if dusk else rng.uniform(0.75, 1.12)
    aside = float(rng.uniform(-1, 1))
    return Light(
        sun=aside,
        shadow=(-aside * float(rng.uniform(0.3, 1.6)), float(rng.uniform(-0.5, 0.9))),
        dark=float(rng.uniform(0.3, 0.5) if sunny else 0.0),
        gain=brightness * np.array([1 - warm, 1.0, 1 + warm]),
        gamma=float(rng.uniform(0.85, 1.2)),
        haze=float(rng.uniform(0, 0.35)),
        haze_colour=(225.0, 220.0, 215.0),
        noise=float(rng.uniform(1.5, 7)),
        blur=float(max(0.0, rng.normal(0.2, 0.5))),
    )


def dress(placed: Placed, light: Light, rng: Generator) -> None:
    """Light, grain of cloth and haze on a patch, which is at its final size."""
    pixels = placed.patch.pixels
    high, wide = pixels.shape[:2]
    across = np.linspace(1 - 0.12 * light.sun, 1 + 0.12 * light.sun, wide)
    coarse = rng.normal(1, 0.06, (max(2, high // 9), max(2, wide // 9))).astype(np.float32)
    folds = cv2.resize(coarse, (wide, high), interpolation=cv2.INTER_CUBIC)
    placed.patch.tint((np.asarray(folds, np.float64) * across * rng.uniform(0.85, 1.1))[:, :, None])
    placed.patch.fade(light.haze_colour, min(0.5, light.haze * placed.depth / 50))


def shade(picture: Picture, placed: Placed, camera: Camera, light: Light) -> None:
    """Darkens the ground where the thing's shadow falls, and where it stands."""
    patch = placed.patch
    column, row = placed.left + patch.middle, placed.top + patch.base
    scale = patch.scale
    dark = np.zeros(picture.shape[:2], np.float32)
    if light.dark:
        # The patch's upright and its width, laid on the ground: an affine map from patch to picture.
        head_depth = max(1.5, placed.depth + 2 * light.shadow[1])
        head = camera.foot(head_depth)
        right = (column - camera.width / 2) / scale + 2 * light.shadow[0]
        top = np.array([camera.width / 2 + right * camera.scale(head_depth), head])
        own = np.array(
            [[patch.middle, patch.base], [patch.middle + scale, patch.base], [patch.middle, patch.base - 2 * scale]]
        )
        there = np.array([[column, row], [column + scale, row], top])
        onto = cv2.getAffineTransform(own.astype(np.float32), there.astype(np.float32))
        cover = cv2.warpAffine(patch.pixels[:, :, 3], onto, (camera.width, camera.height), flags=cv2.INTER_LINEAR)
        dark = np.asarray(cover, np.float32) * (light.dark / 255)
    axes = (max(2, round(0.28 * scale)), max(1, round(0.28 * scale * camera.eye / placed.depth)))
    below = np.zeros_like(dark)
    cv2.ellipse(below, (round(column), round(row)), axes, 0, 0, 360, 0.4, -1, cv2.LINE_AA)
    np.maximum(dark, below, out=dark)
    ground = slice(max(0, int(camera.horizon) + 1), None)
    rows = np.flatnonzero(dark[ground].any(axis=1))
    if len(rows):
        ground = slice(ground.start + int(rows[0]), ground.start + int(rows[-1]) + 1)
        picture[ground] = picture[ground] * (1 - dark[ground, :, None])


def expose(picture: Picture, light: Light, rng: Generator) -> Picture:
    """What the sensor makes of the scene: gain by colour, gamma, darker corners, blur and noise."""
    high, wide = picture.shape[:2]
    levels = np.arange(256) / 255
    tables = [np.clip(255 * gain * levels**light.gamma, 0, 255).astype(np.uint8) for gain in light.gain]
    seen = np.asarray(cv2.LUT(picture, np.stack(tables, axis=1)[None]), np.uint8)
    if light.blur > 0.3:
        seen = np.asarray(cv2.GaussianBlur(seen, (0, 0), light.blur * wide / 640), np.uint8)
    # The noise of a quarter of the picture, laid out four times at random: drawing it is the slowest part of all.
    tile = rng.normal(0, light.noise, (high // 2 + 1, wide // 2 + 1, 3)).astype(np.float32)
    noise = np.tile(tile, (2, 2, 1))[:high, :wide]
    return np.clip(seen + noise, 0, 255).astype(np.uint8)
