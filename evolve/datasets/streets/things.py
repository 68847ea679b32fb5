"""Street furniture: poles, trees, bins, cars and benches, which hide people and are none."""

from collections.abc import Callable

from numpy.random import Generator

from evolve.datasets.streets.looks import garment, shaded
from evolve.datasets.streets.patch import Colour, Patch

Draw = Callable[[Generator, float], Patch]  # with the scale in pixels a metre


def _grey(rng: Generator, low: float = 40, high: float = 140) -> Colour:
    level = rng.uniform(low, high)
    return float(level * rng.uniform(0.9, 1.1)), float(level), float(level * rng.uniform(0.9, 1.1))


def lamp(rng: Generator, scale: float) -> Patch:
    """A street lamp or a traffic sign on its pole."""
    tall, thick, colour = float(rng.uniform(2.3, 4.5)), float(rng.uniform(0.035, 0.09)), _grey(rng)
    patch = Patch(0.5, 0.5, tall + 0.4, scale)
    patch.box(-thick, 0, thick, tall, shaded(colour, 0.75))
    patch.box(-thick, 0, 0.2 * thick, tall, colour)
    if rng.random() < 0.5:
        patch.disc((0, tall), 0.33, 0.33, (230, 230, 230))
        patch.disc((0, tall), 0.28, 0.28, (170, 60, 30) if rng.random() < 0.5 else (40, 40, 190))
    else:
        patch.polygon([(-0.2, tall), (0.2, tall), (0.14, tall + 0.35), (-0.14, tall + 0.35)], (200, 225, 235))
    return patch


def tree(rng: Generator, scale: float) -> Patch:
    """A trunk, and a crown of many leaves' colours."""
    tall, wide = float(rng.uniform(3.2, 5.0)), float(rng.uniform(0.9, 1.6))
    bark, green = (45, 60, 80), (float(rng.uniform(30, 60)), float(rng.uniform(80, 140)), float(rng.uniform(50, 130)))
    patch = Patch(2.2, 2.2, tall + 1.3, scale)
    thick = float(rng.uniform(0.09, 0.2))
    patch.polygon([(-thick, 0), (thick, 0), (0.6 * thick, tall), (-0.6 * thick, tall)], bark)
    patch.polygon([(-thick, 0), (0, 0), (0, tall), (-0.6 * thick, tall)], shaded(bark, 1.25))
    for _ in range(26):
        centre = float(rng.normal(0, 0.45 * wide)), tall - 0.2 + float(rng.normal(0, 0.4))
        radius = float(rng.uniform(0.2, 0.55))
        patch.disc(centre, radius, 0.8 * radius, shaded(green, float(rng.uniform(0.6, 1.35))))
    return patch


def bin_(rng: Generator, scale: float) -> Patch:
    """A litter bin, an electricity box, or a post box: as high as a child, in any colour."""
    wide, tall, colour = float(rng.uniform(0.2, 0.42)), float(rng.uniform(0.8, 1.5)), garment(rng)
    patch = Patch(0.5, 0.5, tall + 0.2, scale)
    patch.box(-wide, 0, wide, tall, shaded(colour, 0.75))
    patch.box(-wide, 0.05, 0.5 * wide, tall, colour)
    patch.box(-1.08 * wide, tall - 0.08, 1.08 * wide, tall + 0.05, shaded(colour, 1.25))
    patch.box(-0.6 * wide, tall - 0.3, 0.4 * wide, tall - 0.2, (30, 30, 30))
    return patch


def bollard(rng: Generator, scale: float) -> Patch:
    """A bollard with a round head."""
    tall, colour = float(rng.uniform(0.8, 1.2)), _grey(rng, 30, 200)
    patch = Patch(0.3, 0.3, tall + 0.2, scale)
    patch.limb((0, 0.05), 0.1, (0, tall - 0.2), 0.08, colour)
    patch.disc((0, tall - 0.05), 0.11, 0.12, shaded(colour, 1.2))
    patch.box(-0.085, tall - 0.36, 0.085, tall - 0.27, (60, 60, 200))
    return patch


def pillar(rng: Generator, scale: float) -> Patch:
    """An advertising column, pasted with bills."""
    patch = Patch(0.8, 0.8, 3.4, scale)
    patch.box(-0.6, 0, 0.6, 2.9, _grey(rng, 110, 170))
    for _ in range(7):
        x, y, w, h = rng.uniform(-0.55, 0.1), rng.uniform(0.3, 2.0), rng.uniform(0.3, 0.5), rng.uniform(0.4, 0.8)
        patch.box(float(x), float(y), float(min(0.58, x + w)), float(y + h), garment(rng, quiet=0.1))
    patch.box(-0.7, 2.9, 0.7, 3.1, (60, 70, 60))
    patch.disc((0, 3.1), 0.4, 0.22, (60, 80, 60))
    return patch


def car(rng: Generator, scale: float) -> Patch:
    """A parked car from the side."""
    colour, glass = garment(rng, quiet=0.5), (110.0, 95.0, 80.0)
    way = 1 if rng.random() < 0.5 else -1
    tall = float(rng.uniform(1.4, 1.75))
    patch = Patch(2.3, 2.3, tall + 0.1, scale)

    def _polygon(points: list[tuple[float, float]], paint: Colour) -> None:
        patch.polygon([(way * x, y) for x, y in points], paint)

    _polygon([(-2.1, 0.3), (2.1, 0.3), (2.15, 0.75), (1.3, 0.95), (-2.1, 1.0)], shaded(colour, 0.85))
    _polygon([(-2.0, 0.6), (2.1, 0.6), (2.1, 0.75), (1.3, 0.95), (-2.05, 0.98)], colour)
    _polygon([(-1.7, 0.95), (1.15, 0.95), (0.5, tall), (-1.3, tall)], colour)
    _polygon([(-1.5, 0.98), (-0.35, 0.98), (-0.35, tall - 0.1), (-1.2, tall - 0.1)], glass)
    _polygon([(-0.25, 0.98), (0.95, 0.98), (0.42, tall - 0.1), (-0.25, tall - 0.1)], shaded(glass, 1.2))
    for wheel in (-1.3, 1.35):
        patch.disc((way * wheel, 0.32), 0.33, 0.33, (30, 30, 30))
        patch.disc((way * wheel, 0.32), 0.17, 0.17, (150, 150, 150))
    return patch


def bench(rng: Generator, scale: float) -> Patch:
    """A bench."""
    wood = (50.0, 85.0, 120.0)
    patch = Patch(1.0, 1.0, 1.1, scale)
    for leg in (-0.7, 0.7):
        patch.box(leg - 0.04, 0, leg + 0.04, 0.85, (60, 60, 60))
    for row in (0.4, 0.48, 0.65, 0.8):
        patch.box(-0.85, row - 0.03, 0.85, row + 0.03, shaded(wood, float(rng.uniform(0.8, 1.2))))
    return patch


def planter(rng: Generator, scale: float) -> Patch:
    """A tub with a shrub."""
    patch = Patch(0.9, 0.9, 1.9, scale)
    high = float(rng.uniform(0.3, 0.7))
    for _ in range(16):
        centre = float(rng.normal(0, 0.22)), 0.6 + high * float(rng.uniform(0, 1.2))
        patch.disc(centre, 0.2, 0.17, shaded((45, 105, 75), float(rng.uniform(0.6, 1.4))))
    patch.polygon([(-0.35, 0), (0.35, 0), (0.45, 0.55), (-0.45, 0.55)], _grey(rng, 70, 170))
    return patch


def bicycle(rng: Generator, scale: float) -> Patch:
    """A bicycle that leans on its stand."""
    patch = Patch(1.1, 1.1, 1.3, scale)
    frame = garment(rng, quiet=0.3)
    for wheel in (-0.55, 0.55):
        ring = [(wheel + 0.33 * c, 0.34 + 0.33 * s) for c, s in _CIRCLE]
        patch.line(ring, 0.04, (35, 35, 35))
    patch.line([(-0.55, 0.34), (-0.15, 0.8), (0.4, 0.8), (0.0, 0.32), (-0.55, 0.34)], 0.04, frame)
    patch.line([(-0.2, 0.92), (0.0, 0.32)], 0.04, frame)
    patch.line([(0.55, 0.34), (0.38, 1.0), (0.5, 1.05)], 0.04, frame)
    patch.box(-0.32, 0.9, -0.08, 0.96, (30, 30, 30))
    return patch


_CIRCLE = [(1.0, 0.0), (0.81, 0.59), (0.31, 0.95), (-0.31, 0.95), (-0.81, 0.59), (-1.0, 0.0)]
_CIRCLE += [(-c, -s) for c, s in _CIRCLE[1:]]

KINDS: tuple[tuple[Draw, float], ...] = (
    (lamp, 0.2),
    (tree, 0.13),
    (bin_, 0.15),
    (bollard, 0.12),
    (pillar, 0.05),
    (car, 0.13),
    (bench, 0.07),
    (planter, 0.08),
    (bicycle, 0.07),
)
