"""A frame: a street, people and things in it, and the boxes of the people that can be seen."""

from dataclasses import dataclass
from math import exp, log, pi

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from evolve.datasets.streets import figure, gait, lookalikes, things
from evolve.datasets.streets.camera import Camera
from evolve.datasets.streets.light import Light, dress, expose, light, shade
from evolve.datasets.streets.looks import Look, look
from evolve.datasets.streets.patch import Patch, Placed
from evolve.datasets.streets.surroundings import Space, surroundings

LEAST_SEEN = 0.3  # of a person's pixels; who is hidden more is taken out of the scene
HEIGHTS = (0.2, 0.8)  # of a grown person, as parts of the frame's height
CROWD = (0.06, 0.18, 0.24, 0.2, 0.14, 0.09, 0.05, 0.04)  # chances of so many people


@dataclass(frozen=True)
class Person:
    """One who is in the frame: ``box`` (left, top, right, bottom) in pixels holds all of the body that the frame
    does, hidden parts as well; ``seen`` is the part of the body's pixels that is neither hidden nor outside."""

    box: tuple[int, int, int, int]
    seen: float
    heading: float
    walking: bool
    look: Look


@dataclass(frozen=True)
class Standing:
    """A thing in the scene; ``person`` is who it is, if it is one: heading, whether walking, look."""

    placed: Placed
    person: tuple[float, bool, Look] | None = None


def frame(camera: Camera, rng: Generator) -> tuple[NDArray[np.uint8], list[Person]]:
    """A picture (H, W, 3), blue first, and the people in it, the nearest last."""
    weather = light(rng)
    picture, space = surroundings(camera, rng)
    standing = _people(camera, space, weather, rng) + _things(camera, space, rng)
    standing.sort(key=lambda each: -each.placed.depth)
    standing = _without_hidden(standing, camera)
    for each in standing:
        shade(picture, each.placed, camera, weather)
    for each in standing:
        dress(each.placed, weather, rng)
        each.placed.paint(picture)
    return expose(picture, weather, rng), _persons(standing, camera)


def _depths(camera: Camera) -> tuple[float, float]:
    """Nearest and farthest place for a person, in metres."""
    grown = 1.72 * camera.focal / camera.height
    return grown / HEIGHTS[1], grown / HEIGHTS[0]


def _place(patch: Patch, camera: Camera, column: float, depth: float) -> Placed:
    row = camera.foot(depth)
    return Placed(patch, round(column) - patch.middle, round(row) - patch.base, depth)


def _somewhere(camera: Camera, space: Space, rng: Generator, farther: float = 1.0) -> tuple[float, float] | None:
    """Column and depth of a place that is free of houses; None if chance finds none."""
    near, far = _depths(camera)
    for _ in range(20):
        depth = exp(rng.uniform(log(near), log(far * farther)))
        column = float(rng.uniform(-0.03, 1.03)) * camera.width
        if space.holds(*camera.place(column, depth)):
            return column, depth
    return None


def _people(camera: Camera, space: Space, weather: Light, rng: Generator) -> list[Standing]:
    people: list[Standing] = []
    count = int(rng.choice(len(CROWD), p=CROWD))
    while len(people) < count and (place := _somewhere(camera, space, rng)):
        column, depth = place
        heading, walking = _heading(rng), bool(rng.random() < 0.78)
        for _ in range(min(count - len(people), 2 if rng.random() < 0.25 else 1)):
            who, turned = look(rng), heading + float(rng.normal(0, 0.15))
            patch = figure.drawn(who, gait.pose(rng, walking), turned, camera.scale(depth), weather.sun)
            people.append(Standing(_place(patch, camera, column, depth), (turned, walking, who)))
            column += float(rng.uniform(0.5, 0.75)) * camera.scale(depth)  # a companion beside the first
            depth *= float(rng.uniform(0.97, 1.06))
    return people


def _heading(rng: Generator) -> float:
    """Along the street, to the camera or away from it, most of the time."""
    kind = rng.random()
    if kind < 0.45:
        return float(rng.choice([-1, 1]) * pi / 2 + rng.normal(0, 0.35))
    return float(rng.choice([0, pi]) + rng.normal(0, 0.35)) if kind < 0.85 else float(rng.uniform(-pi, pi))


def _things(camera: Camera, space: Space, rng: Generator) -> list[Standing]:
    found = []
    for kinds, most, farther in ((things.KINDS, 6, 2.0), (lookalikes.KINDS, 3, 1.2)):
        chances = np.array([chance for _, chance in kinds])
        for _ in range(int(rng.integers(0, most + 1))):
            draw = kinds[int(rng.choice(len(kinds), p=chances / chances.sum()))][0]
            if place := _somewhere(camera, space, rng, farther):
                column, depth = place[0], max(place[1], 1.4 * _depths(camera)[0])  # nothing fills the frame
                found.append(Standing(_place(draw(rng, camera.scale(depth)), camera, column, depth)))
    return found


def _without_hidden(standing: list[Standing], camera: Camera) -> list[Standing]:
    """The scene without the people of whom less than LEAST_SEEN can be seen: nobody is shown and not labelled."""
    shown = _seen(standing, camera)
    return [each for each, part in zip(standing, shown, strict=True) if each.person is None or part >= LEAST_SEEN]


def _seen(standing: list[Standing], camera: Camera) -> list[float]:
    """Of each thing, the part of its pixels that nothing before it covers and the frame holds."""
    owners = np.full((camera.height, camera.width), -1, np.int16)
    for number, each in enumerate(standing):
        each.placed.own(owners, number)
    visible = np.bincount(owners[owners >= 0], minlength=len(standing))
    whole = [max(1, np.count_nonzero(each.placed.patch.pixels[:, :, 3] > 127)) for each in standing]
    return [float(part / every) for part, every in zip(visible, whole, strict=True)]


def _persons(standing: list[Standing], camera: Camera) -> list[Person]:
    people = []
    for each, part in zip(standing, _seen(standing, camera), strict=True):
        if each.person:
            people.append(Person(each.placed.extent(camera.width, camera.height), part, *each.person))
    return people
