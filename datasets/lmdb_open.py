"""An LMDB is opened to be read only if its file is all there: a page that is missing ends the process, no error is."""

from pathlib import Path
from typing import Any

import lmdb

from evolve.errors import UserError

FILE = "data.mdb"


def opened(folder: Path) -> Any:
    """The environment in ``folder``, for reading; UserError if it is none, empty, or cut off."""
    try:
        # No lock file: the folder may be read-only, and nobody writes to a finished data set.
        environment = lmdb.open(str(folder), readonly=True, lock=False, create=False)
    except lmdb.Error as error:
        raise UserError(f"{folder}: expected an LMDB, got: {_what(folder, error)}; make the data again") from None
    pages, page = environment.info()["last_pgno"] + 1, environment.stat()["psize"]
    needed, held = pages * page, (folder / FILE).stat().st_size
    if held < needed:
        # LMDB maps the file and believes it: reading beyond its end is a SIGBUS, which nobody can catch.
        environment.close()
        raise UserError(f"{folder / FILE}: expected {needed} bytes, got {held}: it was cut off; make the data again")
    if not environment.stat()["entries"]:
        environment.close()
        raise UserError(f"{folder}: expected records, got an empty LMDB; make the data again")
    return environment


def _what(folder: Path, error: lmdb.Error) -> str:
    file = folder / FILE
    if file.is_file() and not file.stat().st_size:
        return f"an empty file {FILE}"
    return str(error).removeprefix(f"{folder}: ")
