"""A data set of one's own images, as its file in datasets/ gives it: what lists them, and what tells a change."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from evolve.base.progress import Report
from evolve.datasets.own.pictures import Listing
from evolve.datasets.own.wish import Wish


class List(Protocol):
    """Lists what is there, and reads no more than that needs. Raises UserError."""

    def __call__(self, wish: Wish, report: Report) -> Listing: ...


@dataclass(frozen=True)
class OwnSource:
    """What such a file defines as SOURCE; ``any_size``: images have any, and are stored in one."""

    title: str
    listed: List
    state: Callable[[Wish], str]
    any_size: bool
    channels: int = 0  # as they are
