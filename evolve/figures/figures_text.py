"""Figures as a person reads them."""

import math

_UNITS = ((1e12, "T"), (1e9, "G"), (1e6, "M"), (1e3, "k"))


def short(value: float) -> str:
    """At most three figures, with a unit: 577k, 2.39G."""
    for size, unit in _UNITS:
        if abs(value) >= 0.9995 * size:
            return f"{_three(value / size)}{unit}"
    return _three(value)


def whole(value: float) -> str:
    """143,978."""
    return f"{value:,.0f}"


def rate(value: float) -> str:
    """Of frames per second and ratios: four figures, and 13,608 rather than a power of ten."""
    return f"{value:,.4g}" if abs(value) < 9999.5 else whole(value)


def score(value: float) -> str:
    """Of accuracies and their like, 0 to 1."""
    return f"{value:.4f}"


def times(ratio: float) -> str:
    """`125×`, `4.2×`: three figures at most."""
    return f"{ratio:,.0f}×" if ratio >= 99.95 else f"{ratio:.1f}×"


def percent(part: float) -> str:
    """Of a part of 1: two figures below ten per cent, and never 100 or 0 for what is not quite."""
    if part <= 0 or part >= 1:
        return f"{100 * part:.0f}"
    if part > 0.099:
        return f"{min(100 * part, 99):.0f}"
    return f"{100 * part:.1f}" if part >= 0.0005 else "<.1"


def duration(seconds: float) -> str:
    """42 s, 13 min, 2 h 5 min."""
    if seconds < 99.5:
        return f"{seconds:.0f} s"
    minutes = round(seconds / 60)
    return f"{minutes} min" if minutes < 100 else f"{minutes // 60} h {minutes % 60} min"


def _three(value: float) -> str:
    if value == 0:
        return "0"
    decimals = max(0, 2 - math.floor(math.log10(abs(value))))
    written = f"{value:,.{decimals}f}"
    return written.rstrip("0").rstrip(".") if "." in written else written
