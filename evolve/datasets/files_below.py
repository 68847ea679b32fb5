"""The files below a folder: those of linked folders too, each folder once, and none of hidden folders."""

import os
from collections.abc import Iterator
from pathlib import Path

_Identity = tuple[int, int]


def walk(folder: Path) -> Iterator[tuple[str, list[str]]]:
    """Every folder from ``folder`` down and the names of its files, in alphabetical order; linked ones come last.

    A link to a folder above leads nowhere.
    """
    seen = {_identity(parent) for parent in folder.resolve().parents}
    links = [str(folder)]
    for link in links:  # and whatever links are found on the way
        for place, below, names in os.walk(link):
            below[:] = sorted(name for name in below if not name.startswith("."))
            if (identity := _identity(place)) in seen:
                below.clear()
                continue
            seen.add(identity)
            links += filter(os.path.islink, (os.path.join(place, name) for name in below))
            yield place, sorted(names)


def _identity(folder: str | Path) -> _Identity:
    stat = os.stat(folder)
    return stat.st_dev, stat.st_ino
