"""A user's own folder in one of the layouts becomes a data set: found by its name, split where it is not yet."""

import os
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

from evolve.base.errors import UserError
from evolve.base.progress import Report
from evolve.datasets.annotation_files import folder_with, missing, state_of
from evolve.datasets.detection import Detection, DetectionSource, Photo, Photos
from evolve.datasets.layouts import splitting
from evolve.datasets.source import Unavailable

USES = frozenset({"folder", "validation_part", "split_seed"})


@dataclass(frozen=True)
class Layout:
    """``holds`` is what a folder in it has, for a message.

    ``files`` are all that photographs and their boxes come of, [] for a folder in another layout. ``photos`` reads
    them, by split; under "" those that no split is said of. Both raise UserError. ``no_object`` are its own names for
    what is no object.
    """

    title: str
    holds: str
    files: Callable[[Path], Iterable[Path]]
    photos: Callable[[Path, Report], dict[str, list[Photo]]]
    no_object: tuple[str, ...] = ()


def source(name: str, layout: Layout) -> DetectionSource:
    """The SOURCE of the data set called ``name``, for any folder in ``layout``."""

    def find(*, wanted: Detection, seed: int, raw: Path) -> Path | None:
        """The folder named by ``wanted.folder``: a path of its own, or one among the raw data."""
        if not wanted.folder:
            raise UserError(f"data set '{name}': expected a folder, got none; name one that holds {layout.holds}")
        own = Path(os.path.expanduser(wanted.folder))  # where ~ is nobody's home it stays
        if own.is_absolute():
            return own if own.is_dir() else None
        root = folder_with(str(own), name, raw)
        return root / own if root else None

    def state(root: Path) -> str:
        return state_of(root, layout.files(root))

    def load(*, wanted: Detection, seed: int, raw: Path, report: Report) -> Photos:
        root = find(wanted=wanted, seed=seed, raw=raw)
        if root is None:
            raise _missing(wanted.folder, name, raw)
        photos = layout.photos(root, report)
        if not any(photos.values()):
            raise UserError(f"{root}: expected {layout.holds}, got none of it; see the table in datasets/README.md")
        return splitting.complete(root, photos, wanted)

    return DetectionSource(layout.title, (), (), find, state, load, uses=USES, shared=True, no_object=layout.no_object)


def _missing(folder: str, name: str, raw: Path) -> Unavailable | UserError:
    own = Path(os.path.expanduser(folder))
    if own.is_absolute():
        # Only its user has it: nobody can bring it, and nothing stands in for it.
        return UserError(f"data set '{name}': expected {own}, got no such folder; correct the path")
    here = f"give {os.path.abspath(own)}, its whole path, for the one here, or " if own.is_dir() else ""
    return missing(f"'{folder}'", folder, name, raw, f"{here}bring the folder")
