"""The data sets by name: a new one is its own file and one line here."""

import difflib

from datasets import cifar10, digits, mnist, stl10
from datasets.source import Source
from evolve.errors import UserError

SOURCES: dict[str, Source] = {
    "mnist": mnist.SOURCE,
    "digits": digits.SOURCE,
    "stl10": stl10.SOURCE,
    "cifar10": cifar10.SOURCE,
}


def names() -> list[str]:
    """The names that ``prepare`` knows, in alphabetical order."""
    return sorted(SOURCES)


def channels(name: str) -> int:
    """Channels of an image of the data set of that name, known before it is there. UserError as `source`."""
    return source(name).channels


def source(name: str) -> Source:
    """The source of that name; UserError with the nearest known name if there is none."""
    if name in SOURCES:
        return SOURCES[name]
    near = difflib.get_close_matches(name.lower(), names(), n=1, cutoff=0.5)
    advice = f"write '{near[0]}'" if near else "choose one of these"
    raise UserError(f"data set '{name}': expected one of {', '.join(names())}; {advice}")
