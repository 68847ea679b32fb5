"""An LMDB is opened to be read only if its file is whole: a page that is missing ends the process, no error is."""

from pathlib import Path
from typing import Any

import lmdb

from datasets import lmdb_pages
from evolve.errors import UserError

FILE = "data.mdb"


def opened(folder: Path) -> Any:
    """The environment in ``folder``, for reading; UserError if it is none, empty, cut off or damaged."""
    file = folder / FILE
    if broken := lmdb_pages.damage(file):
        raise UserError(f"{file}: {broken}; make the data again")
    try:
        # No lock file: the folder may be read-only, and nobody writes to a finished data set.
        environment = lmdb.open(str(folder), readonly=True, lock=False, create=False)
    except lmdb.Error as error:
        raise UserError(f"{folder}: expected an LMDB, got: {_what(folder, error)}; make the data again") from None
    if not environment.stat()["entries"]:
        environment.close()
        raise UserError(f"{folder}: expected records, got an empty LMDB; make the data again")
    return environment


def _what(folder: Path, error: lmdb.Error) -> str:
    file = folder / FILE
    if file.is_file() and not file.stat().st_size:
        return f"an empty file {FILE}"
    return str(error).removeprefix(f"{folder}: ")
