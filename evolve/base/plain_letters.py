"""A terminal that has no letters but ASCII's gets the nearest ones of those, instead of an error."""

import codecs
import io
import sys

_NEAREST = {
    "÷": "/", "×": "x", "−": "-", "–": "-", "—": "-", "…": "...", "·": ".", "→": "->", "≤": "<=", "≥": ">=", "≈": "~",
    "²": "2", "µ": "u", "⁻": "-",
}  # fmt: skip
_NAME = "cavefish-nearest"


def use() -> None:
    """Standard output and error write what their encoding lacks in the nearest letters that it has."""
    codecs.register_error(_NAME, _replaced)
    for stream in (sys.stdout, sys.stderr):
        # What a test or a program puts in their place may be no text file.
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors=_NAME)


def _replaced(error: UnicodeError) -> tuple[str, int]:
    if not isinstance(error, UnicodeEncodeError):
        raise error
    letters = error.object[error.start : error.end]
    return "".join(_NEAREST.get(letter, "?") for letter in letters), error.end
