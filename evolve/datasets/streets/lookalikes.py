"""What is like a person by its shape alone, or by its colours alone, and is none: statues, dummies, coats on a rail."""

from dataclasses import replace

import numpy as np
from numpy.random import Generator

from evolve.datasets.streets import figure, gait
from evolve.datasets.streets.looks import garment, look, shaded
from evolve.datasets.streets.patch import Colour, Patch, Point
from evolve.datasets.streets.things import Draw

STONES: tuple[Colour, ...] = ((175, 180, 182), (120, 125, 125), (70, 95, 80), (50, 75, 100), (205, 210, 212))


def statue(rng: Generator, scale: float) -> Patch:
    """A body of one stone, on a pedestal."""
    return _of_one_colour(rng, scale, STONES[rng.integers(len(STONES))], pedestal=float(rng.uniform(0.35, 1.0)))


def cutout(rng: Generator, scale: float) -> Patch:
    """A flat figure of one bright colour on a board, as shops put before their doors."""
    patch = Patch(0.8, 0.8, 2.3, scale)
    patch.box(-0.6, 0.05, 0.6, 2.15, shaded(garment(rng, quiet=0.2), 0.7))
    patch.box(-0.55, 0.1, 0.55, 2.1, garment(rng, quiet=0.1))
    figure_patch = _of_one_colour(rng, scale, garment(rng, quiet=0.2), pedestal=0.15)
    _lay(figure_patch, patch)
    return patch


def dummy(rng: Generator, scale: float) -> Patch:
    """A tailor's dummy: a clothed trunk on a stand, without head, arms or legs."""
    cloth = garment(rng)
    patch = Patch(0.5, 0.5, 1.9, scale)
    patch.box(-0.02, 0, 0.02, 1.0, (60, 60, 60))
    patch.box(-0.22, 0, 0.22, 0.05, (50, 50, 50))
    outline: list[Point] = [(-0.17, 0.85), (-0.11, 1.1), (-0.19, 1.42), (0.19, 1.42), (0.11, 1.1), (0.17, 0.85)]
    if rng.random() < 0.4:
        outline = [(-0.32, 0.55), *outline, (0.32, 0.55)]
    patch.polygon(outline, shaded(cloth, 0.8))
    patch.polygon([(0.75 * x, y) for x, y in outline], cloth)
    patch.limb((0, 1.42), 0.05, (0, 1.5), 0.045, (150, 175, 195))
    return patch


def rail(rng: Generator, scale: float) -> Patch:
    """Coats and shirts that hang from a rail."""
    half, high = float(rng.uniform(0.4, 0.9)), float(rng.uniform(1.4, 1.7))
    patch = Patch(1.1, 1.1, 1.9, scale)
    for x in (-half, half):
        patch.box(x - 0.02, 0, x + 0.02, high, (90, 90, 90))
    patch.box(-half, high - 0.03, half, high, (90, 90, 90))
    for x in np.arange(-half + 0.1, half - 0.05, 0.17):
        long, cloth = float(rng.uniform(0.6, 1.1)), garment(rng, quiet=0.3)
        left, right, top = float(x) - 0.12, float(x) + 0.12, high - 0.08
        patch.polygon(
            [(left, top - 0.06), (float(x), top), (right, top - 0.06), (right, top - long), (left, top - long)], cloth
        )
        patch.polygon(
            [(left, top - 0.06), (float(x), top), (float(x), top - long), (left, top - long)], shaded(cloth, 0.8)
        )
    return patch


def parasol(rng: Generator, scale: float) -> Patch:
    """A closed parasol in a foot: as tall as a man, and wider above than below."""
    cloth, tall = garment(rng, quiet=0.3), float(rng.uniform(1.7, 2.3))
    patch = Patch(0.4, 0.4, tall + 0.2, scale)
    patch.box(-0.25, 0, 0.25, 0.12, (90, 90, 90))
    patch.box(-0.02, 0, 0.02, tall, (70, 90, 110))
    patch.polygon([(-0.2, 0.75), (0.2, 0.75), (0.13, tall - 0.35), (0, tall), (-0.13, tall - 0.35)], shaded(cloth, 0.8))
    patch.polygon([(-0.2, 0.75), (0.05, 0.75), (0.02, tall - 0.35), (0, tall), (-0.13, tall - 0.35)], cloth)
    return patch


def pile(rng: Generator, scale: float) -> Patch:
    """Boxes and balls in the colours of skin, hair and clothes, one on the other."""
    patch = Patch(0.6, 0.6, 2.1, scale)
    top = 0.0
    for _ in range(int(rng.integers(2, 5))):
        half, high = float(rng.uniform(0.15, 0.4)), float(rng.uniform(0.2, 0.5))
        colour = garment(rng) if rng.random() < 0.6 else look(rng).skin
        if rng.random() < 0.35:
            patch.disc((0, top + 0.5 * high), 0.5 * high, 0.5 * high, colour)
        else:
            patch.box(-half, top, half, top + high, shaded(colour, 0.8))
            patch.box(-half, top, 0.4 * half, top + high, colour)
        top += high
    return patch


def _of_one_colour(rng: Generator, scale: float, colour: Colour, pedestal: float) -> Patch:
    body = replace(look(rng), backpack=False, shoulder_bag=False, hand_bag=False, striped=False, open_jacket=False)
    plain = {part: colour for part in ("skin", "hair_colour", "top", "bottom", "shoes", "extra")}
    body = replace(body, **plain)  # type: ignore[arg-type]
    standing = figure.drawn(body, gait.pose(rng, rng.random() < 0.5), float(rng.uniform(-3, 3)), scale, 0.5)
    patch = Patch(0.9, 0.9, body.height + pedestal + 0.3, scale)
    if pedestal > 0.2:
        patch.box(-0.4, 0, 0.4, pedestal, shaded(colour, 0.7))
        patch.box(-0.46, pedestal - 0.08, 0.46, pedestal, shaded(colour, 0.95))
    _lay(standing, patch, up=pedestal)
    return patch


def _lay(over: Patch, under: Patch, up: float = 0.0) -> None:
    """Lays one patch over another, ``up`` metres above its ground."""
    top, left = under.base - over.base - round(up * under.scale), under.middle - over.middle
    high, wide = over.pixels.shape[:2]
    first_row, first_column = max(0, -top), max(0, -left)
    last_row, last_column = min(high, under.pixels.shape[0] - top), min(wide, under.pixels.shape[1] - left)
    piece = over.pixels[first_row:last_row, first_column:last_column].astype(np.uint16)
    place = under.pixels[top + first_row : top + last_row, left + first_column : left + last_column]
    place[:] = np.minimum(255, piece + place * (255 - piece[:, :, 3:]) // 255)


KINDS: tuple[tuple[Draw, float], ...] = (
    (statue, 0.28),
    (cutout, 0.14),
    (dummy, 0.2),
    (rail, 0.14),
    (parasol, 0.12),
    (pile, 0.12),
)
