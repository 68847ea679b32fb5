"""One table with its title and notes, as Markdown or on the terminal. A first column of words, then numbers."""

from dataclasses import dataclass, field

from rich import box
from rich.console import Console
from rich.table import Table

BLANK = ""

# Wider than any sheet: whoever reads a pipe or a narrow terminal gets whole lines, never cut or broken ones.
_WIDTH = 1000


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
        widths = [max(3, *(len(row[k]) for row in [self.columns, *self.rows])) for k in range(len(self.columns))]
        rule = ["-" * widths[0], *("-" * (width - 1) + ":" for width in widths[1:])]
        parts = [f"**{self.title}**"]
        parts += [f"> **NOTE: {self.notice}**"] if self.notice else []
        parts += ["\n".join(_line(cells, widths) for cells in [self.columns, rule, *self.rows])]
        return "\n\n".join([*parts, *self.notes]) + "\n"

    def show(self) -> None:
        """Prints it; without a terminal, plain text."""
        console = Console(highlight=False, soft_wrap=True, markup=False, width=_WIDTH)
        console.print(self.title, style="bold")
        if self.notice:
            console.print(f"NOTE: {self.notice}", style="bold yellow")
        console.print(self._rich())
        for note in self.notes:
            console.print(note, style="dim")
        console.print()

    def _rich(self) -> Table:
        table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
        for k, name in enumerate(self.columns):
            # What is the paper's is set back, so that the eye finds what was measured here.
            style = "dim" if name.startswith("paper") else ""
            table.add_column(name, justify="right" if k else "left", no_wrap=True, style=style)
        for row in self.rows:
            table.add_row(*row)
        return table


def _line(cells: list[str], widths: list[int]) -> str:
    first, *numbers = (
        cell.rjust(width) if k else cell.ljust(width) for k, (cell, width) in enumerate(zip(cells, widths, strict=True))
    )
    return "| " + " | ".join([first, *numbers]) + " |"
