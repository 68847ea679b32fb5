"""What people wear: skin, hair, clothes, bags, as colours and kinds drawn by chance."""

from dataclasses import dataclass

import numpy as np
from numpy.random import Generator

from evolve.datasets.streets.patch import Colour

SKINS: tuple[Colour, ...] = ((170, 195, 235), (140, 170, 220), (105, 140, 195), (75, 105, 160), (45, 65, 105))
HAIRS: tuple[Colour, ...] = ((25, 25, 30), (30, 45, 70), (50, 85, 130), (95, 155, 200), (160, 165, 170), (40, 60, 120))
# What most people wear, blue, green, red: dark and quiet colours first.
CLOTHES: tuple[Colour, ...] = (
    *((35, 32, 30), (60, 55, 50), (95, 60, 40), (120, 80, 45), (75, 75, 75), (120, 120, 120), (50, 70, 95)),
    *((190, 190, 190), (225, 225, 228), (70, 105, 70), (60, 50, 120), (45, 45, 170), (40, 120, 190), (60, 180, 210)),
    *((150, 110, 70), (190, 150, 90), (120, 60, 110), (150, 120, 200), (80, 130, 60), (100, 140, 170)),
)
QUIET = 8  # of them


@dataclass(frozen=True)
class Look:
    """Kinds: ``legs`` trousers, shorts, skirt or coat; ``hair`` short, long, tail, bald, hat or hood."""

    height: float
    broad: float
    skin: Colour
    hair_colour: Colour
    top: Colour
    bottom: Colour
    shoes: Colour
    extra: Colour
    legs: str
    hair: str
    short_sleeves: bool
    striped: bool
    open_jacket: bool
    baggy: float
    backpack: bool
    shoulder_bag: bool
    hand_bag: bool
    female: bool


def look(rng: Generator) -> Look:
    """A random person; one in eight is a child."""
    female = bool(rng.random() < 0.5)
    child = rng.random() < 0.12
    tall = rng.normal(1.66, 0.07) if female else rng.normal(1.78, 0.07)
    legs = ("trousers", "shorts", "skirt", "coat")
    hair = ("short", "long", "tail", "bald", "hat", "hood")
    return Look(
        height=float(rng.uniform(1.1, 1.4) if child else np.clip(tall, 1.45, 2.0)),
        broad=float(rng.uniform(0.88, 1.0) if female else rng.uniform(0.98, 1.2)),
        skin=_shade(rng, SKINS[rng.integers(len(SKINS))], 10),
        hair_colour=_shade(rng, HAIRS[rng.integers(len(HAIRS))], 10),
        top=garment(rng),
        bottom=garment(rng, quiet=0.75),
        shoes=garment(rng, quiet=0.7),
        extra=garment(rng),
        legs=str(rng.choice(legs, p=(0.56, 0.12, 0.2, 0.12) if female else (0.75, 0.17, 0.0, 0.08))),
        hair=str(rng.choice(hair, p=(0.2, 0.4, 0.2, 0.0, 0.1, 0.1) if female else (0.6, 0.03, 0.02, 0.1, 0.15, 0.1))),
        short_sleeves=bool(rng.random() < 0.35),
        striped=bool(rng.random() < 0.15),
        open_jacket=bool(rng.random() < 0.25),
        baggy=float(rng.uniform(1.0, 1.35)),
        backpack=bool(rng.random() < 0.18),
        shoulder_bag=bool(rng.random() < 0.2),
        hand_bag=bool(rng.random() < 0.15),
        female=female,
    )


def garment(rng: Generator, quiet: float = 0.55) -> Colour:
    """A colour of clothes; with chance ``quiet`` one of the dark and grey ones."""
    chosen = rng.integers(QUIET) if rng.random() < quiet else rng.integers(len(CLOTHES))
    return _shade(rng, CLOTHES[chosen], 18)


def _shade(rng: Generator, colour: Colour, by: float) -> Colour:
    blue, green, red = np.clip(np.asarray(colour) * rng.uniform(0.85, 1.15) + rng.normal(0, by / 3, 3), 5, 250)
    return float(blue), float(green), float(red)


def shaded(colour: Colour, factor: float) -> Colour:
    """The same colour, lighter or darker."""
    blue, green, red = (min(255.0, channel * factor) for channel in colour)
    return blue, green, red
