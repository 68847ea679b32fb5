"""What people carry: on the back, over a shoulder, in a hand."""

from evolve.datasets.streets.body import Body, Part
from evolve.datasets.streets.looks import shaded


def parts(body: Body) -> list[Part]:
    """Each bag, and how near it is."""
    found: list[Part] = []
    if body.look.backpack:
        found.append((body.from_middle(-0.1 * body.look.height, 0.0)[1], lambda: _backpack(body)))
    if body.look.shoulder_bag:
        found.append((body.from_middle(0.0, 0.13 * body.look.height)[1] + 0.05, lambda: _shoulder_bag(body)))
    if body.look.hand_bag:
        found.append((body.near("right hand") + 0.1, lambda: _hand_bag(body)))
    return found


def _backpack(body: Body) -> None:
    x = body.from_middle(-0.1 * body.look.height, 0.0)[0] + 0.6 * body.at("neck")[0]
    half, top, bottom = body.half_width(0.08, 0.05), body.at("neck")[1], body.at("right hip")[1]
    body.slab([(x, top - 0.02, 0.7 * half), (x, top - 0.08, half), (x, bottom + 0.06, half)], body.look.extra)


def _shoulder_bag(body: Body) -> None:
    x, hip = body.from_middle(0.0, 0.13 * body.look.height)[0], body.at("right hip")[1]
    half = body.half_width(0.05, 0.08)
    body.patch.line([body.at("neck", up=-0.03), (x, hip + 0.08)], 0.025, shaded(body.look.extra, 0.7))
    body.slab([(x, hip + 0.1, half), (x, hip - 0.1, half)], body.look.extra)


def _hand_bag(body: Body) -> None:
    x, y = body.at("right hand")
    body.slab([(x, y - 0.04, 0.09), (x, y - 0.34, 0.12)], shaded(body.look.extra, 1.1))
