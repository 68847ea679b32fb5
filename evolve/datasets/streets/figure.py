"""A person is drawn part by part, the far ones first."""

from functools import partial

from evolve.datasets.streets import bags, head, trunk
from evolve.datasets.streets.body import Body, Part
from evolve.datasets.streets.gait import Pose
from evolve.datasets.streets.looks import Look, shaded
from evolve.datasets.streets.patch import Patch

SIDES = ("right", "left")


def drawn(look: Look, pose: Pose, heading: float, scale: float, sun: float) -> Patch:
    """Someone as a patch at ``scale`` pixels a metre; ``heading`` and ``sun`` as in Body."""
    patch = Patch(0.75, 0.75, look.height + 0.2, scale)
    body = Body(look, pose, heading, patch, sun)
    parts: list[Part] = [(0.0, partial(trunk.draw, body)), (0.02, partial(head.draw, body)), *bags.parts(body)]
    for side in SIDES:
        # The near leg over the far one, and what is worn above them over both.
        parts.append((0.1 * body.near(f"{side} knee") - 0.5, partial(_leg, body, side)))
        near = 1.6 * body.near(f"{side} shoulder") + 0.3 * body.near(f"{side} hand")
        parts.append((near, partial(_arm, body, side)))
    for _, draw in sorted(parts, key=lambda part: part[0]):
        draw()
    return patch


def _leg(body: Body, side: str) -> None:
    look, size = body.look, body.look.height
    bare = look.legs in ("shorts", "skirt")
    wide, cloth = (1.0, look.skin) if bare else (look.baggy, look.bottom)
    heel, toe = body.at(f"{side} heel", up=0.012 * size), body.at(f"{side} toe", up=0.012 * size)
    body.patch.limb(heel, 0.024 * size, toe, 0.018 * size, look.shoes)
    body.tube(f"{side} knee", 0.033 * size * wide, f"{side} ankle", 0.022 * size * wide, cloth)
    body.tube(f"{side} hip", 0.053 * size * wide, f"{side} knee", 0.035 * size * wide, cloth)
    if look.legs == "shorts":
        body.tube(f"{side} hip", 0.058 * size, f"{side} knee", 0.05 * size, look.bottom)


def _arm(body: Body, side: str) -> None:
    look, size = body.look, body.look.height
    sleeve = shaded(look.top, 0.92)
    wide = 0.5 + 0.5 * look.baggy
    lower = look.skin if look.short_sleeves and look.legs != "coat" else sleeve
    body.patch.disc(body.at(f"{side} hand"), 0.021 * size, 0.026 * size, look.skin)
    body.tube(f"{side} elbow", 0.025 * size * wide, f"{side} hand", 0.018 * size * wide, lower)
    body.tube(f"{side} shoulder", 0.036 * size * wide, f"{side} elbow", 0.028 * size * wide, sleeve)
