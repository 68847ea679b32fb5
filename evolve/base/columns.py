"""Columns of a table fit a width: heads and long cells take several rows, and what is left becomes further tables."""

import textwrap

LEAST = 80  # columns of a terminal; whoever has fewer sees lines broken
GAP = 2  # between two columns

_LONGEST = 30  # letters of a cell in one row

Cells = list[str]
Block = tuple[Cells, list[Cells]]  # heads and rows


def blocks(columns: Cells, rows: list[Cells], width: int) -> list[Block]:
    """The table as one or several of at most `width` letters, each of which begins with the first column.

    A cell's rows are separated by line ends.
    """
    if _wide(columns, rows) <= width:
        return [(columns, rows)]
    rows = [["\n".join(textwrap.wrap(cell, _LONGEST)) for cell in row] for row in rows]
    cells = [max((_length(row[k]) for row in rows), default=0) for k in range(len(columns))]
    columns = [_head(name, room) for name, room in zip(columns, cells, strict=True)]
    groups: list[list[int]] = [[]]
    for k in range(1, len(columns)):
        if groups[-1] and _wide(*_taken(columns, rows, [0, *groups[-1], k])) > width:
            groups.append([])
        groups[-1].append(k)
    return [_taken(columns, rows, [0, *group]) for group in groups]


def _taken(columns: Cells, rows: list[Cells], which: list[int]) -> Block:
    return [columns[k] for k in which], [[row[k] for k in which] for row in rows]


def _wide(columns: Cells, rows: list[Cells]) -> int:
    """Letters of the whole table, with one at each edge."""
    widest = [max(_length(row[k]) for row in [columns, *rows]) for k in range(len(columns))]
    return sum(widest) + GAP * (len(columns) - 1) + 2


def _head(name: str, room: int) -> str:
    """The name in as many rows as it needs to be no wider than its cells, or than its longest word."""
    return "\n".join(textwrap.wrap(name, max([room, *map(len, name.split())]))) if name.split() else name


def _length(cell: str) -> int:
    return max(map(len, cell.split("\n")))
