"""An image is found by its name alone: annotations often say another ending, or the name from before it was renamed."""

import os
from collections.abc import Sequence
from pathlib import Path

from evolve.base.counted import counted
from evolve.base.errors import UserError
from evolve.datasets.detection import Photo
from evolve.datasets.file_names import Finder, composed
from evolve.datasets.image_file import SUFFIXES


class Stems:
    """A folder's files of some endings by their names without them, listed once; none where there is no such folder."""

    def __init__(self, folder: Path, *suffixes: str) -> None:
        self.folder = folder
        self._by_stem: dict[str, list[Path]] = {}
        for file in listed(folder, *suffixes):
            self._by_stem.setdefault(composed(file.stem), []).append(file)

    def __len__(self) -> int:
        return len(self._by_stem)

    def stems(self) -> list[str]:
        """Every name without its ending, in alphabetical order."""
        return sorted(self._by_stem)

    def called(self, stem: str) -> list[Path]:
        """The files of that name, however its letters are composed."""
        return self._by_stem.get(composed(stem), [])

    def one(self, stem: str) -> Path | None:
        """The file of that name, None where there is none. UserError where there are several."""
        found = self.called(stem)
        if len(found) > 1:
            names = ", ".join(file.name for file in found)
            raise UserError(f"{self.folder}: expected one file for '{stem}', got {names}; take all but one away")
        return found[0] if found else None


class Images(Stems):
    """The images of a folder."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder, *SUFFIXES)

    def unlabelled(self, photos: Sequence[Photo]) -> str:
        """What is to be said of the images that none of the photographs is of; "" where there are none."""
        taken = {photo.file for photo in photos}
        left = [file.name for files in self._by_stem.values() for file in files if file not in taken]
        if not left:
            return ""
        return f"{self.folder}: {counted(len(left), 'image')} without annotations left out, '{min(left)}' first"

    def of(self, stem: str, where: str, told: str = "") -> Path:
        """The image called ``stem``, else the file that the annotations ``told`` of; both may be missing.

        Where several are called so, the one told of. UserError, beginning with ``where``, where that tells nothing.
        """
        found = self.called(stem)
        named = [file for file in found if composed(file.name) == composed(told)]
        if len(found) > 1 and not named:
            names = ", ".join(file.name for file in found)
            raise UserError(f"{where}: expected one image called '{stem}', got {names}; take all but one away")
        if named or found:
            return (named or found)[0]
        return self._told(told) or self.folder / f"{stem}.jpg"

    def _told(self, told: str) -> Path | None:
        """The file of that name in the folder or below it; an image elsewhere is nobody's."""
        path = Path(told.replace("\\", "/"))
        if not told or path.is_absolute() or ".." in path.parts:
            return None
        found = Finder().find(self.folder, str(path))
        return Path(found) if found else None


def listed(folder: Path, *suffixes: str) -> list[Path]:
    """The files there with one of those endings, in whatever capitals, in the order of their names; hidden ones not."""
    try:
        with os.scandir(folder) as entries:
            names = sorted(entry.name for entry in entries if not entry.name.startswith("."))
    except OSError:
        return []
    return [folder / name for name in names if os.path.splitext(name)[1].lower() in suffixes]
