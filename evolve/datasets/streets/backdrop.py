"""What lies behind the people: sky, house fronts with windows and shops, road, pavement and kerb."""

import cv2
import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from evolve.datasets.streets.camera import Camera
from evolve.datasets.streets.looks import garment, shaded
from evolve.datasets.streets.patch import Colour

Picture = NDArray[np.uint8]
WALLS: tuple[Colour, ...] = (
    *((170, 190, 205), (140, 165, 190), (120, 135, 175), (190, 195, 200), (95, 120, 165), (150, 175, 170)),
    *((75, 85, 120), (175, 185, 215), (130, 130, 135)),
)
SKIES: tuple[tuple[Colour, Colour], ...] = (
    ((225, 175, 120), (240, 225, 205)),
    ((215, 210, 205), (230, 230, 228)),
    ((160, 150, 145), (200, 195, 190)),
    ((150, 130, 140), (140, 175, 225)),
)
FINE = 18  # pixels a metre of a house front


def sky(camera: Camera, rng: Generator) -> Picture:
    """(H, W, 3): from the zenith's colour down to the horizon's, all the way to the bottom."""
    above, below = (np.asarray(colour) * rng.uniform(0.85, 1.05) for colour in SKIES[rng.integers(len(SKIES))])
    rows = np.clip(np.arange(camera.height) / max(1.0, camera.horizon), 0, 1)[:, None]
    column = np.clip(above * (1 - rows) + below * rows, 0, 255).astype(np.uint8)
    return np.repeat(column[:, None], camera.width, axis=1)


def front(wide: float, high: float, rng: Generator) -> Picture:
    """A house front of ``wide`` x ``high`` metres: plaster or brick, storeys of windows, a shop or doors below."""
    wall = np.asarray(WALLS[rng.integers(len(WALLS))]) * rng.uniform(0.75, 1.1)
    size = round(high * FINE), round(wide * FINE)
    coarse = rng.normal(0, 3.5, (size[0] // 8 + 1, size[1] // 8 + 1)).astype(np.float32)
    grain = cv2.resize(coarse, size[::-1], interpolation=cv2.INTER_LINEAR)
    picture = np.clip(wall + np.asarray(grain)[:, :, None], 0, 255).astype(np.uint8)
    if rng.random() < 0.35:  # courses of bricks
        picture[:: max(3, FINE // 6)] = np.asarray(wall * 0.86, np.uint8)
    storey, bay = rng.uniform(2.8, 3.4), rng.uniform(1.6, 3.2)
    window = rng.uniform(0.35, 0.6) * bay, rng.uniform(1.2, 1.9)
    trim = shaded((wall[0], wall[1], wall[2]), float(rng.choice([0.6, 1.3])))
    for bottom in np.arange(storey + 0.9, high - window[1], storey):
        for left in np.arange(0.5 * (bay - window[0]), wide - window[0], bay):
            _window(picture, left, bottom, window, trim, rng)
    shop = rng.random() < 0.6
    for left in np.arange(0.2, wide - 2.0, rng.uniform(2.6, 4.0)):
        if shop and rng.random() < 0.75:
            _shop(picture, left, 2.3, rng)
        elif rng.random() < 0.5:
            _rectangle(picture, left + 0.4, 0, left + 1.5, 2.2, garment(rng, quiet=0.6))
            _rectangle(picture, left + 0.5, 1.4, left + 1.4, 2.0, (90, 85, 80))
        else:
            _window(picture, left, 0.9, window, trim, rng)
    if shop:
        _rectangle(picture, 0, 2.5, wide, 3.0, garment(rng, quiet=0.4))
    return picture


def _rectangle(picture: Picture, left: float, bottom: float, right: float, top: float, colour: Colour) -> None:
    high = picture.shape[0]
    rows = slice(max(0, high - round(top * FINE)), max(0, high - round(bottom * FINE)))
    picture[rows, max(0, round(left * FINE)) : max(0, round(right * FINE))] = [min(255, int(each)) for each in colour]


def _window(
    picture: Picture, left: float, bottom: float, size: tuple[float, float], trim: Colour, rng: Generator
) -> None:
    right, top = left + size[0], bottom + size[1]
    _rectangle(picture, left - 0.1, bottom - 0.12, right + 0.1, top + 0.1, trim)
    glass = shaded((120, 105, 90) if rng.random() < 0.85 else (130, 200, 230), float(rng.uniform(0.4, 1.3)))
    _rectangle(picture, left, bottom, right, top, glass)
    if rng.random() < 0.4:  # a curtain, or what is behind
        _rectangle(picture, left, bottom, left + 0.3 * size[0], top, shaded(glass, 1.5))
    middle = 0.5 * (left + right)
    _rectangle(picture, middle - 0.03, bottom, middle + 0.03, top, trim)


def _shop(picture: Picture, left: float, wide: float, rng: Generator) -> None:
    """A shop window with wares of all colours behind the glass."""
    dark = shaded((70, 65, 60), float(rng.uniform(0.5, 2.0)))
    _rectangle(picture, left, 0.4, left + wide, 2.4, dark)
    for _ in range(int(rng.integers(2, 8))):
        x, high = left + rng.uniform(0.1, wide - 0.5), rng.uniform(0.3, 1.5)
        ware = shaded(garment(rng, quiet=0.2), 0.8)
        _rectangle(picture, x, 0.5, x + rng.uniform(0.15, 0.5), 0.5 + high, ware)
    if rng.random() < 0.4:
        _rectangle(picture, left - 0.1, 2.2, left + wide + 0.1, 2.7, garment(rng, quiet=0.1))


def stand(picture: Picture, camera: Camera, texture: Picture, a: tuple[float, float], b: tuple[float, float]) -> None:
    """Puts a house front on the ground line from ``a`` to ``b``, each (x, z) in the street."""
    high = texture.shape[0] / FINE
    corners = np.array([[a[0], high, a[1]], [b[0], high, b[1]], [b[0], 0, b[1]], [a[0], 0, a[1]]])
    rows, columns = texture.shape[:2]
    own = np.array([[0, 0], [columns, 0], [columns, rows], [0, rows]], np.float32)
    there = camera.project(corners)
    first = np.clip(np.floor(there.min(axis=0)), 0, (camera.width, camera.height)).astype(int)
    last = np.clip(np.ceil(there.max(axis=0)) + 1, 0, (camera.width, camera.height)).astype(int)
    if (last <= first).any():
        return
    onto = cv2.getPerspectiveTransform(own, (there - first).astype(np.float32))
    window = picture[first[1] : last[1], first[0] : last[0]]
    size = window.shape[1], window.shape[0]
    border = cv2.BORDER_TRANSPARENT
    window[:] = cv2.warpPerspective(texture, onto, size, dst=window.copy(), flags=cv2.INTER_LINEAR, borderMode=border)


def crossing(picture: Picture, camera: Camera, road: tuple[float, float], rng: Generator) -> None:
    """Ground to the horizon: pavement, and a road from left to right between ``road``'s two z."""
    pavement = _pavement(picture, camera, rng)
    _strip(picture, camera, -60, 60, shaded(pavement, 1.2), road[0] - 0.15, road[1] + 0.15)
    _strip(picture, camera, -60, 60, shaded((95, 95, 95), float(rng.uniform(0.6, 1.25))), *road)
    middle = 0.5 * (road[0] + road[1])
    for x in np.arange(-30, 30, 4.0):
        _strip(picture, camera, float(x), float(x) + 2, (215, 215, 215), middle - 0.07, middle + 0.07)
    if rng.random() < 0.6:
        joint, slab = shaded(pavement, 0.86), float(rng.uniform(0.6, 1.5))
        for z in np.arange(road[1] + 0.5, road[1] + 9, slab):
            _strip(picture, camera, -40, 40, joint, float(z) - 0.015, float(z) + 0.015)
    _roughen(picture, camera, rng)


def street(picture: Picture, camera: Camera, road: tuple[float, float], rng: Generator) -> None:
    """Ground to the horizon: pavement, and between ``road``'s two x a road with kerbs and markings."""
    pavement = _pavement(picture, camera, rng)
    asphalt = shaded((95, 95, 95), float(rng.uniform(0.6, 1.25)))
    _strip(picture, camera, road[0] - 0.15, road[1] + 0.15, shaded(pavement, 1.2))
    _strip(picture, camera, road[0], road[1], asphalt)
    if rng.random() < 0.6:
        middle = 0.5 * (road[0] + road[1])
        for z in np.arange(1, 60, 4.0):
            _strip(picture, camera, middle - 0.07, middle + 0.07, (215, 215, 215), float(z), float(z) + 2)
    if rng.random() < 0.3:
        z = float(rng.uniform(5, 14))
        for x in np.arange(road[0] + 0.3, road[1] - 0.4, 1.0):
            _strip(picture, camera, float(x), float(x) + 0.5, (215, 215, 215), z, z + 3)
    if rng.random() < 0.7:  # slabs of the pavement
        joint, slab = shaded(pavement, 0.86), float(rng.uniform(0.6, 1.5))
        for x in np.arange(road[1] + slab, road[1] + 9, slab):
            _strip(picture, camera, float(x) - 0.015, float(x) + 0.015, joint, 1, 30)
        for z in np.arange(2, 22, slab):
            _strip(picture, camera, road[1] + 0.2, road[1] + 9, joint, float(z) - 0.015, float(z) + 0.015)
    _roughen(picture, camera, rng)


def _pavement(picture: Picture, camera: Camera, rng: Generator) -> Colour:
    colour = shaded((150, 155, 158), float(rng.uniform(0.7, 1.15)))
    picture[max(0, int(camera.horizon) + 1) :] = np.clip(colour, 0, 255)
    return colour


def _strip(
    picture: Picture, camera: Camera, left: float, right: float, colour: Colour, near: float = 0.5, far: float = 200.0
) -> None:
    corners = np.array([[left, 0, near], [right, 0, near], [right, 0, far], [left, 0, far]])
    pixels = np.clip(camera.project(corners), -20000, 20000)
    cv2.fillConvexPoly(picture, np.rint(pixels * 16).astype(np.int32), np.clip(colour, 0, 255).tolist(), cv2.LINE_AA, 4)


def _roughen(picture: Picture, camera: Camera, rng: Generator) -> None:
    """Stains and grain, lying on the ground."""
    side = 128
    coarse = cv2.resize(rng.normal(0, 7, (16, 16)).astype(np.float32), (side, side), interpolation=cv2.INTER_CUBIC)
    tile = np.asarray(coarse) + rng.normal(0, 5, (side, side)).astype(np.float32)
    onto = camera.ground() @ np.diag([12 / side, 12 / side, 1.0])  # a tile is 12 metres long
    grain = cv2.warpPerspective(
        tile.astype(np.float32), onto, (camera.width, camera.height), flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_WRAP
    )
    first = int(camera.horizon) + 2
    below = picture[first:] + np.asarray(grain)[first:, :, None]
    picture[first:] = np.clip(below, 0, 255)
