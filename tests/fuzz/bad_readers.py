"""Readers that do what no parser may, to see that it is noticed: `python -m tests.fuzz.bad_readers`, as child.py."""

import os
import sys
import time
from collections.abc import Callable

from evolve.errors import UserError
from tests.fuzz import child, formats

GOOD = b"a small valid file"


def _refuse(content: bytes) -> object:
    raise UserError("file: expected something else, got this; do that")


READERS: dict[str, Callable[[bytes], object]] = {
    "refuses": _refuse,
    "takes": bytes,
    "raises": lambda content: 1 // 0,
    "takes memory": lambda content: len(bytearray(b"x") * (1 << 26)),
    "asks for memory": lambda content: bytearray(1 << 40),
    "sleeps": lambda content: time.sleep(9),
    "dies": lambda content: os.abort(),
}


def _prepare(reader: Callable[[bytes], object]) -> formats.Prepare:
    warming = iter((True, True))  # twice with the valid file, which is read well
    return lambda folder: ((GOOD,), lambda content: next(warming, False) or reader(content), None)


if __name__ == "__main__":
    formats.PREPARED.update({name: _prepare(reader) for name, reader in READERS.items()})
    child.SECONDS = 0.2
    child.main(*sys.argv[1:4], *map(int, sys.argv[4:]))
