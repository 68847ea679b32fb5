"""What is fuzzed: each parser of foreign files by name, small valid files, and how the product reads one of them."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from tests.fuzz import array_files, box_files, image_sets, networks, own_files, pictures, strangers, tables

Read = Callable[[bytes], object]


@dataclass(frozen=True)
class Format:
    """``good`` are valid files. ``read`` has the product read one: a UserError, or a result, is all that it may do.

    ``seal``, where there is one, makes the file from what is in it (an archive): half of the damage is done inside.
    A message has so many ``lines`` at most: five complaints of the same kind, and how many more.
    """

    good: tuple[bytes, ...]
    read: Read
    seal: Callable[[bytes], bytes] | None = None
    lines: int = 7


_Three = tuple[tuple[bytes, ...], Read, Callable[[bytes], bytes] | None]
Prepared = _Three | tuple[tuple[bytes, ...], Read, None, int]  # the fields of a Format
Prepare = Callable[[Path], Prepared]  # with what it needs on the disk in that folder

PREPARED: dict[str, Prepare] = {
    **networks.FORMATS,
    **image_sets.FORMATS,
    **box_files.FORMATS,
    **array_files.FORMATS,
    **tables.FORMATS,
    **own_files.FORMATS,
    **strangers.FORMATS,
    **pictures.FORMATS,
}
