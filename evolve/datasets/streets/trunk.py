"""A trunk in its clothes: shirt or coat, skirt, stripes, and what an open jacket shows."""

from evolve.datasets.streets.body import Body
from evolve.datasets.streets.looks import shaded

HEMS = {"skirt": -0.24, "coat": -0.2}  # parts of the height, below the hip
FLARES = {"skirt": 1.35, "coat": 1.15}  # times the hip's width


def draw(body: Body) -> None:
    """Neck, trunk and what covers it."""
    look, size = body.look, body.look.height
    neck_x, neck_y = body.at("neck")
    hip_x = 0.5 * (body.at("right hip")[0] + body.at("left hip")[0])
    hip_y = body.at("right hip")[1]
    shoulder, waist, hip = body.half_width(0.1, 0.062), body.half_width(0.077, 0.058), body.half_width(0.09, 0.068)
    waist_x, waist_y = 0.4 * neck_x + 0.6 * hip_x, hip_y + 0.09 * size
    hem, flare = hip_y + HEMS.get(look.legs, -0.04) * size, hip * FLARES.get(look.legs, 1.0)
    if look.legs == "skirt":
        body.slab([(waist_x, waist_y, waist), (hip_x, hip_y, hip), (hip_x, hem, flare)], look.bottom)
    body.patch.limb((neck_x, neck_y), 0.032 * size, body.at("head"), 0.03 * size, shaded(look.skin, 0.8))
    rows = [(neck_x, neck_y, 0.045 * size), (neck_x, neck_y - 0.022 * size, shoulder), (waist_x, waist_y, waist)]
    if look.legs == "coat":
        rows.append((hip_x, hem, flare))
    elif look.female:
        rows.append((hip_x, hip_y - 0.01 * size, hip))
    else:
        rows.append((hip_x, hem, max(flare, 0.92 * shoulder)))
    body.slab(rows, look.top)
    if look.striped:
        _stripes(body, shoulder)
    if look.open_jacket and body.facing > 0.2:
        _opening(body, waist_x, waist_y)


def _stripes(body: Body, shoulder: float) -> None:
    size = body.look.height
    x, y = body.at("neck")
    for step in range(3):
        top = y - (0.05 + 0.055 * step) * size
        body.patch.box(x - 0.8 * shoulder, top - 0.022 * size, x + 0.8 * shoulder, top, body.look.extra)


def _opening(body: Body, waist_x: float, waist_y: float) -> None:
    size = body.look.height
    x, y = body.at("neck")
    off, half = 0.05 * size * body.aside, 0.035 * size * body.facing
    high, low = y - 0.005 * size, waist_y - 0.06 * size
    above = [(x + off - half, high), (x + off + half, high)]
    below = [(waist_x + off + 1.3 * half, low), (waist_x + off - 1.3 * half, low)]
    body.patch.polygon(above + below, body.look.extra)
