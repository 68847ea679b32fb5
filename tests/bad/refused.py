"""Runs the real command on a bad input in a folder of its own: what it says, and that it leaves nothing behind."""

from pathlib import Path
from typing import NamedTuple

import pytest

from evolve.command import command


class Said(NamedTuple):
    """Exit status, and what was written to stdout and stderr."""

    status: int
    out: str
    err: str


def run(words: list[str], capsys: pytest.CaptureFixture[str]) -> Said:
    """`cavefish` with these words, in this process and folder."""
    capsys.readouterr()
    try:
        status = command.main(words)
    except SystemExit as end:  # argparse's way
        status = int(str(end.code))
    said = capsys.readouterr()
    return Said(status, said.out, said.err)


def tree(folder: Path) -> dict[str, bytes]:
    """Every file below a folder; locks are no part of what a command makes."""
    files = (path for path in folder.rglob("*") if path.is_file() and not path.name.endswith(".lock"))
    return {str(path.relative_to(folder)): path.read_bytes() for path in files}
