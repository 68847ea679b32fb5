"""One is said in the singular, none and several in the plural."""

import pytest

from evolve.base.counted import counted


@pytest.mark.parametrize(
    ("count", "words", "said"),
    [
        (0, ("run",), "0 runs"),
        (1, ("run",), "1 run"),
        (1.0, ("point",), "1 point"),
        (0.5, ("point",), "0.5 points"),
        (10.0, ("point",), "10 points"),
        (2, ("run",), "2 runs"),
        (1, ("box is", "boxes are"), "1 box is"),
        (12345, ("box is", "boxes are"), "12,345 boxes are"),
    ],
)
def test_how_many_there_are(count: float, words: tuple[str, ...], said: str) -> None:
    assert counted(count, *words) == said
