"""A sheet is one table with title and notes, as Markdown or on the terminal, of figures as a person reads them."""

import math
from dataclasses import dataclass, field

from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from evolve.base import columns, progress

BLANK = ""

_UNITS = ((1e12, "T"), (1e9, "G"), (1e6, "M"), (1e3, "k"))


def short(value: float) -> str:
    """At most three figures, with a unit: 577k, 2.39G."""
    for size, unit in _UNITS:
        if abs(value) >= 0.9995 * size:
            return f"{_three(value / size)}{unit}"
    return _three(value)


def whole(value: float) -> str:
    """143,978."""
    return f"{value:,.0f}"


def rate(value: float) -> str:
    """Of frames per second and ratios: four figures, and 13,608 rather than a power of ten."""
    return f"{value:,.4g}" if abs(value) < 9999.5 else whole(value)


def score(value: float) -> str:
    """Of accuracies and their like, 0 to 1."""
    return f"{value:.4f}"


def times(ratio: float) -> str:
    """`125×`, `4.2×`: three figures at most."""
    return f"{ratio:,.0f}×" if ratio >= 99.95 else f"{ratio:.1f}×"


def cell(value: float | None, form: str) -> str:
    """In a form like ".4f"; blank where there is nothing to say."""
    return BLANK if value is None else f"{value:{form}}"


def percent(part: float) -> str:
    """Of a part of 1: two figures below ten per cent, and never 100 or 0 for what is not quite."""
    if part <= 0 or part >= 1:
        return f"{100 * part:.0f}"
    if part > 0.099:
        return f"{min(100 * part, 99):.0f}"
    return f"{100 * part:.1f}" if part >= 0.0005 else "<.1"


def _three(value: float) -> str:
    if value == 0:
        return "0"
    decimals = max(0, 2 - math.floor(math.log10(abs(value))))
    written = f"{value:,.{decimals}f}"
    return written.rstrip("0").rstrip(".") if "." in written else written


# Wider than any sheet: whoever reads a pipe gets whole lines, never cut or broken ones.
_WIDTH = 1000
_GAP = 3  # letters between its columns, of which one is the box's


@dataclass(frozen=True)
class Sheet:
    """Cells are text already. `notice` is what must not be overlooked, `notes` what explains."""

    title: str
    columns: list[str]
    rows: list[list[str]]
    notice: str = ""
    notes: list[str] = field(default_factory=list)

    @classmethod
    def of(cls, title: str, rows: list[dict[str, str]], notice: str, notes: list[str]) -> "Sheet":
        """From rows that map each column's name to its cell, all in the same order."""
        return cls(title, list(rows[0]), [list(row.values()) for row in rows], notice, notes)

    def markdown(self) -> str:
        """Lines, columns padded so that the source reads as a table too."""
        heads, rows = _escaped(self.columns), [_escaped(row) for row in self.rows]
        widths = [max(3, *(len(row[k]) for row in [heads, *rows])) for k in range(len(heads))]
        rule = ["-" * widths[0], *("-" * (width - 1) + ":" for width in widths[1:])]
        parts = [f"**{self.title}**"]
        parts += [f"> **NOTE: {self.notice}**"] if self.notice else []
        parts += ["\n".join(_line(cells, widths) for cells in [heads, rule, *rows])]
        return "\n\n".join([*parts, *self.notes]) + "\n"

    def show(self) -> None:
        """Prints it: as wide as the terminal at most, in several tables where it must be; without one, plain text."""
        terminal = progress.console.is_terminal
        console = progress.console if terminal else Console(highlight=False, markup=False, emoji=False, width=_WIDTH)
        width = max(columns.LEAST, console.width)

        def say(words: str, style: str) -> None:
            console.print(words, style=style, soft_wrap=not terminal, width=width)

        say(self.title, "bold")
        if self.notice:
            say(f"NOTE: {self.notice}", "bold yellow")
        for heads, rows in columns.blocks(self.columns, self.rows, width):
            console.print(_table(heads, rows, columns.GAP if terminal else _GAP), width=width, soft_wrap=True)
        for note in self.notes:
            say(note, "dim")
        console.print()


def _table(heads: list[str], rows: list[list[str]], gap: int) -> Table:
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, padding=(0, gap - 2, 0, 1))
    for k, name in enumerate(heads):
        # What is the paper's is set back, so that the eye finds what was measured here.
        style = "dim" if name.startswith("paper") else ""
        table.add_column(Text(name), justify="right" if k else "left", no_wrap=True, style=style)
    for row in rows:
        table.add_row(*map(Text, row))
    return table


def _escaped(cells: list[str]) -> list[str]:
    return [cell.replace("|", "\\|") for cell in cells]


def _line(cells: list[str], widths: list[int]) -> str:
    first, *numbers = (
        cell.rjust(width) if k else cell.ljust(width) for k, (cell, width) in enumerate(zip(cells, widths, strict=True))
    )
    return "| " + " | ".join([first, *numbers]) + " |"
