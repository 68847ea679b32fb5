"""A person is drawn joint by joint, the far parts first."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from datasets.streets.gait import Pose, joints, seen
from datasets.streets.looks import Look, shaded
from datasets.streets.patch import Colour, Patch, Point

Part = tuple[float, Callable[[], None]]  # how near, and what draws it


@dataclass
class Figure:
    """A body in a pose, seen from one side: ``at`` gives a joint's place in the picture, ``near`` its nearness.

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

    def draw(self) -> None:
        """Draws all of it."""
        parts = [*self._legs(), *self._trunk(), *self._arms(), *self._bags(), (0.02, self._head)]
        for _, part in sorted(parts, key=lambda each: each[0]):
            part()

    def at(self, name: str, right: float = 0.0, up: float = 0.0) -> Point:
        x, y, _ = self._seen[name]
        return x + right, y + up

    def near(self, name: str) -> float:
        return self._seen[name][2]

    def _ahead(self, ahead: float, aside: float, up: float) -> tuple[float, float, float]:
        return seen((ahead, aside, up), self.heading)

    def _limb(self, a: str, radius_a: float, b: str, radius_b: float, colour: Colour) -> None:
        self._tube(self.at(a), radius_a, self.at(b), radius_b, colour)

    def _tube(self, a: Point, radius_a: float, b: Point, radius_b: float, colour: Colour) -> None:
        """A limb with its shaded side."""
        self.patch.limb(a, radius_a, b, radius_b, shaded(colour, 0.78))
        off = 0.3 * self.sun
        lit_a, lit_b = (a[0] + off * radius_a, a[1]), (b[0] + off * radius_b, b[1])
        self.patch.limb(lit_a, 0.68 * radius_a, lit_b, 0.68 * radius_b, colour)

    def _legs(self) -> list[Part]:
        parts: list[Part] = []
        for side in ("right", "left"):
            # The near leg over the far one, and what is worn above them over both.
            near = 0.1 * self.near(f"{side} knee") - 0.5
            parts.append((near, lambda side=side: self._leg(side)))  # type: ignore[misc]
        return parts

    def _leg(self, side: str) -> None:
        look, size = self.look, self.look.height
        bare = look.legs in ("shorts", "skirt")
        wide = 1.0 if bare else look.baggy
        cloth = look.skin if bare else look.bottom
        heel, toe = self.at(f"{side} heel", up=0.012 * size), self.at(f"{side} toe", up=0.012 * size)
        self.patch.limb(heel, 0.024 * size, toe, 0.018 * size, look.shoes)
        self._limb(f"{side} knee", 0.033 * size * wide, f"{side} ankle", 0.022 * size * wide, cloth)
        self._limb(f"{side} hip", 0.053 * size * wide, f"{side} knee", 0.035 * size * wide, cloth)
        if look.legs == "shorts":
            self._limb(f"{side} hip", 0.058 * size, f"{side} knee", 0.05 * size, look.bottom)

    def _trunk(self) -> list[Part]:
        return [(0.0, self._torso)]

    def _width(self, across: float, deep: float) -> float:
        """Half the width in the picture of what is ``across`` wide and ``deep`` thick, as parts of the height."""
        turned = abs(np.cos(self.heading)) * across * self.look.broad + abs(np.sin(self.heading)) * deep
        return float(turned) * self.look.height

    def _torso(self) -> None:
        look, size = self.look, self.look.height
        neck_x, neck_y = self.at("neck")
        hip_x = 0.5 * (self.at("right hip")[0] + self.at("left hip")[0])
        hip_y = self.at("right hip")[1]
        shoulder, waist, hip = self._width(0.1, 0.062), self._width(0.077, 0.058), self._width(0.09, 0.068)
        waist_x, waist_y = 0.4 * neck_x + 0.6 * hip_x, hip_y + 0.09 * size
        hem = {"skirt": -0.24, "coat": -0.2}.get(look.legs, -0.05) * size
        flare = hip * {"skirt": 1.35, "coat": 1.15}.get(look.legs, 1.0)
        if look.legs == "skirt":
            self._slab([(waist_x, waist_y, waist), (hip_x, hip_y, hip), (hip_x, hip_y + hem, flare)], look.bottom)
        if look.legs == "skirt" or look.female:
            bottom = (hip_x, hip_y - 0.01 * size, hip)
        else:
            bottom = (hip_x, hip_y + (hem if look.legs == "coat" else -0.04 * size), max(flare, shoulder * 0.92))
        if look.legs == "coat":
            bottom = (hip_x, hip_y + hem, flare)
        self.patch.limb((neck_x, neck_y), 0.032 * size, self.at("head"), 0.03 * size, shaded(look.skin, 0.8))
        rows = [(neck_x, neck_y, 0.045 * size), (neck_x, neck_y - 0.022 * size, shoulder), (waist_x, waist_y, waist)]
        self._slab([*rows, bottom], look.top)
        self._front(neck_x, neck_y, waist_x, waist_y, shoulder)

    def _slab(self, rows: list[tuple[float, float, float]], colour: Colour) -> None:
        """A piece of cloth from (middle, up, half width) to the next, with its shaded side."""
        for factor, narrow, off in ((0.8, 1.0, 0.0), (1.0, 0.72, 0.25 * self.sun)):
            left = [(x + off * half - narrow * half, y) for x, y, half in rows]
            right = [(x + off * half + narrow * half, y) for x, y, half in reversed(rows)]
            self.patch.polygon(left + right, shaded(colour, factor))

    def _front(self, neck_x: float, neck_y: float, waist_x: float, waist_y: float, shoulder: float) -> None:
        """What is on the chest: stripes, or what an open jacket shows."""
        look, size = self.look, self.look.height
        if look.striped:
            for step in range(3):
                y = neck_y - (0.05 + 0.055 * step) * size
                self.patch.box(neck_x - 0.8 * shoulder, y - 0.022 * size, neck_x + 0.8 * shoulder, y, look.extra)
        facing = float(np.cos(self.heading))
        if look.open_jacket and facing > 0.2:
            middle = neck_x + 0.05 * size * float(np.sin(self.heading))
            half = 0.035 * size * facing
            low = waist_x + (middle - neck_x), waist_y - 0.06 * size
            top = [(middle - half, neck_y - 0.005 * size), (middle + half, neck_y - 0.005 * size)]
            self.patch.polygon([*top, (low[0] + 1.3 * half, low[1]), (low[0] - 1.3 * half, low[1])], look.extra)

    def _arms(self) -> list[Part]:
        parts: list[Part] = []
        for side in ("right", "left"):
            near = 1.6 * self.near(f"{side} shoulder") + 0.3 * self.near(f"{side} hand")
            parts.append((near, lambda side=side: self._arm(side)))  # type: ignore[misc]
        return parts

    def _arm(self, side: str) -> None:
        look, size = self.look, self.look.height
        sleeve = shaded(look.top, 0.92)
        wide = 0.5 + 0.5 * look.baggy
        lower = look.skin if look.short_sleeves and look.legs != "coat" else sleeve
        self.patch.disc(self.at(f"{side} hand"), 0.021 * size, 0.026 * size, look.skin)
        self._limb(f"{side} elbow", 0.025 * size * wide, f"{side} hand", 0.018 * size * wide, lower)
        self._limb(f"{side} shoulder", 0.036 * size * wide, f"{side} elbow", 0.028 * size * wide, sleeve)

    def _head(self) -> None:
        look, size = self.look, self.look.height
        x, y = self.at("head")
        side, facing = float(np.sin(self.heading)), float(np.cos(self.heading))
        across, up = 0.047 * size, 0.066 * size
        if size < 1.45:  # a child's head is larger for its height
            across, up = 1.25 * across, 1.2 * up
        hair = look.extra if look.hair in ("hat", "hood") else look.hair_colour
        if look.hair == "long":
            self.patch.limb(
                (x - 0.2 * across * side, y), 1.12 * across, (x - 0.3 * across * side, y - 1.3 * up), across, hair
            )
        if look.hair in ("tail", "hood") and abs(side) > 0.3:
            self.patch.disc((x - 1.1 * across * side, y - 0.1 * up), 0.5 * across, 0.7 * up, hair)
        if look.hair != "bald":
            self.patch.disc((x - 0.12 * across * side, y + 0.1 * up), 1.12 * across, 1.05 * up, hair)
        else:
            self.patch.disc((x, y), across, up, shaded(look.skin, 0.85))
        if facing > -0.45:
            # The face lies to where the head looks, below the hair.
            face_x = x + (0.34 * across * side if facing > 0 else 0.5 * across * side)
            narrow = 0.88 if facing > 0.4 else 0.74
            self.patch.disc((face_x, y - 0.12 * up), narrow * across, 0.86 * up, shaded(look.skin, 0.9))
            self.patch.disc(
                (face_x + 0.15 * across * self.sun, y - 0.12 * up), 0.7 * narrow * across, 0.75 * up, look.skin
            )
            if across * self.patch.scale > 7 and facing > 0.1:
                for eye in (-0.38, 0.38):
                    self.patch.disc((face_x + eye * across * facing, y), 0.1 * across, 0.08 * up, (40, 35, 35))
        if look.hair == "hat":
            self.patch.box(
                x - 1.25 * across + 0.2 * side * across,
                y + 0.35 * up,
                x + 1.25 * across + 0.2 * side * across,
                y + 0.55 * up,
                hair,
            )

    def _bags(self) -> list[Part]:
        look, size, parts = self.look, self.look.height, []
        neck_up, hip_up = self.at("neck")[1], self.at("right hip")[1]
        if look.backpack:
            x, _, near = self._ahead(-0.10 * size, 0.0, 0.0)
            half = self._width(0.08, 0.05)
            x += 0.6 * self.at("neck")[0]
            parts.append(
                (
                    near,
                    lambda: self._slab(
                        [(x, neck_up - 0.02, 0.7 * half), (x, neck_up - 0.08, half), (x, hip_up + 0.06, half)],
                        look.extra,
                    ),
                )
            )
        if look.shoulder_bag:
            x2, _, near2 = self._ahead(0.0, 0.13 * size, 0.0)
            half2 = self._width(0.05, 0.08)

            def _satchel() -> None:
                self.patch.line([self.at("neck", up=-0.03), (x2, hip_up + 0.08)], 0.025, shaded(look.extra, 0.7))
                self._slab([(x2, hip_up + 0.1, half2), (x2, hip_up - 0.1, half2)], look.extra)

            parts.append((near2 + 0.05, _satchel))
        if look.hand_bag:
            x3, y3 = self.at("right hand")
            colour = shaded(look.extra, 1.1)
            parts.append(
                (
                    self.near("right hand") + 0.1,
                    lambda: self._slab([(x3, y3 - 0.04, 0.09), (x3, y3 - 0.34, 0.12)], colour),
                )
            )
        return parts


def drawn(look: Look, pose: Pose, heading: float, scale: float, sun: float) -> Patch:
    """The person as a patch at ``scale`` pixels a metre."""
    patch = Patch(0.75, 0.75, look.height + 0.2, scale)
    Figure(look, pose, heading, patch, sun).draw()
    return patch
