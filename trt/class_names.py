"""Names of classes go along with a network: its outputs mean nothing without them."""

import shutil
from pathlib import Path

from evolve.runs import paths


def take_along(model: Path, out: Path) -> None:
    """Copies labels.txt from beside `model` into the folder `out`; nothing where there is none. Raises OSError."""
    names = model.with_name(paths.LABELS)
    if names.is_file():
        shutil.copyfile(names, out / paths.LABELS)
