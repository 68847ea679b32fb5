"""A file is found by its name however its letters are composed: macOS, and zips from there, store é as two signs."""

import os
import unicodedata
from pathlib import Path


def composed(name: str) -> str:
    """``name`` with its letters composed."""
    return unicodedata.normalize("NFC", name)


class Finder:
    """Finds files by the paths that somebody wrote; a folder that has to be looked through is listed once."""

    def __init__(self) -> None:
        self._names: dict[str, dict[str, str]] = {}

    def find(self, folder: str | Path, path: str) -> str | None:
        """The file at ``path`` from ``folder``; None where there is none."""
        file = os.path.join(folder, path)
        if os.path.isfile(file):
            return file
        return None if path.isascii() else self._composed(str(folder), path)

    def _composed(self, folder: str, path: str) -> str | None:
        here = folder
        for part in Path(path).parts:
            if os.path.lexists(os.path.join(here, part)):
                here = os.path.join(here, part)
            elif name := self._listed(here).get(composed(part)):
                here = os.path.join(here, name)
            else:
                return None
        return here if os.path.isfile(here) else None

    def _listed(self, folder: str) -> dict[str, str]:
        """The names of what is in a folder, by their composed forms."""
        if folder not in self._names:
            try:
                self._names[folder] = {composed(name): name for name in os.listdir(folder)}
            except OSError:
                self._names[folder] = {}
        return self._names[folder]
