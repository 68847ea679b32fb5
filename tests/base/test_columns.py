"""Tables are no wider than they may be, and nothing of them is lost."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evolve.base.columns import GAP, blocks

ROWS = [["conv1", "32 x 32 x 32", "819,200"], ["ip1", "64", "65,536"]]
HEADS = ["layer", "output of it", "multiply-accumulates"]


def wide(heads: list[str], rows: list[list[str]]) -> int:
    each = [max(len(line) for row in [heads, *rows] for line in row[k].split("\n")) for k in range(len(heads))]
    return sum(each) + GAP * (len(each) - 1) + 2


def test_what_fits_stays_as_it_is() -> None:
    assert blocks(HEADS, ROWS, wide(HEADS, ROWS)) == [(HEADS, ROWS)]


def test_heads_take_several_rows_first() -> None:
    heads = ["layer", "test accuracy now", "kB"]
    rows = [["conv1", "0.9931", "576.6"]]
    assert blocks(heads, rows, 25) == [(["layer", "test\naccuracy\nnow", "kB"], rows)]


def test_then_the_table_becomes_several_that_begin_alike() -> None:
    (first, second) = blocks(HEADS, ROWS, 30)
    assert first == (["layer", "output of it"], [row[:2] for row in ROWS])
    assert second == (["layer", "multiply-accumulates"], [[row[0], row[2]] for row in ROWS])


def test_a_long_cell_is_broken_between_its_words() -> None:
    ((heads, rows),) = blocks(["run", "A-E"], [["a setting with a name of " + "x" * 20 + " and more", "1.00"]], 40)
    assert heads == ["run", "A-E"] and rows[0][0].split("\n") == ["a setting with a name of", "x" * 20 + " and more"]


@given(st.integers(1, 9), st.integers(0, 3), st.randoms(use_true_random=False))
@pytest.mark.parametrize("width", [80, 132])
def test_any_table_fits_and_is_whole(width: int, columns: int, count: int, random) -> None:  # type: ignore[no-untyped-def]
    def cell() -> str:
        return " ".join("w" * random.randint(1, 9) for _ in range(random.randint(1, 8)))

    heads, rows = [cell() for _ in range(columns + 1)], [[cell() for _ in range(columns + 1)] for _ in range(count)]
    made = blocks(heads, rows, width)
    assert all(wide(*block) <= width for block in made)
    seen = [name.replace("\n", " ") for block in made for name in block[0][1:]]
    assert seen == heads[1:]
    for k, row in enumerate(rows):
        assert [cell.replace("\n", " ") for block in made for cell in block[1][k][1:]] == row[1:]
