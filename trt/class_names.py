"""Names of classes go along with a network: its outputs mean nothing without them."""

from pathlib import Path

from evolve.base.errors import UserError
from evolve.runs import paths


def take_along(model: Path, out: Path) -> None:
    """Copies labels.txt from beside `model` into the folder `out`; nothing where there is none.

    UserError where it cannot be read, OSError where it cannot be written.
    """
    names = model.with_name(paths.LABELS)
    if not names.is_file():
        return
    try:
        content = names.read_bytes()
    except OSError as error:
        raise UserError(f"{names}: expected the names of classes, got {error.strerror}; make it readable") from None
    (out / paths.LABELS).write_bytes(content)
