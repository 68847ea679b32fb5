"""A head: hair or hat behind and above, the face to where it looks."""

from evolve.datasets.streets.body import Body
from evolve.datasets.streets.looks import shaded

CHILD = 1.45  # metres; below, a head is larger for its height


def draw(body: Body) -> None:
    """All of it, from the back to the front."""
    size = body.look.height
    larger = 1.22 if size < CHILD else 1.0
    across, up = 0.047 * size * larger, 0.066 * size * larger
    _hair(body, across, up)
    if body.facing > -0.45:
        _face(body, across, up)
    if body.look.hair == "hat":
        x, y = body.at("head")
        x += 0.2 * body.aside * across
        body.patch.box(x - 1.25 * across, y + 0.35 * up, x + 1.25 * across, y + 0.55 * up, body.look.extra)


def _hair(body: Body, across: float, up: float) -> None:
    look, side = body.look, body.aside
    x, y = body.at("head")
    colour = look.extra if look.hair in ("hat", "hood") else look.hair_colour
    if look.hair == "bald":
        body.patch.disc((x, y), across, up, shaded(look.skin, 0.85))
        return
    if look.hair == "long":
        end = x - 0.3 * across * side, y - 1.3 * up
        body.patch.limb((x - 0.2 * across * side, y), 1.12 * across, end, across, colour)
    if look.hair in ("tail", "hood") and abs(side) > 0.3:
        body.patch.disc((x - 1.1 * across * side, y - 0.1 * up), 0.5 * across, 0.7 * up, colour)
    body.patch.disc((x - 0.12 * across * side, y + 0.1 * up), 1.12 * across, 1.05 * up, colour)


def _face(body: Body, across: float, up: float) -> None:
    skin = body.look.skin
    x, y = body.at("head")
    x += (0.34 if body.facing > 0 else 0.5) * across * body.aside
    narrow = 0.88 if body.facing > 0.4 else 0.74
    body.patch.disc((x, y - 0.12 * up), narrow * across, 0.86 * up, shaded(skin, 0.9))
    lit = x + 0.15 * across * body.sun, y - 0.12 * up
    body.patch.disc(lit, 0.7 * narrow * across, 0.75 * up, skin)
    if across * body.patch.scale > 7 and body.facing > 0.1:  # too small for eyes otherwise
        for eye in (-0.38, 0.38):
            body.patch.disc((x + eye * across * body.facing, y), 0.1 * across, 0.08 * up, (40, 35, 35))
