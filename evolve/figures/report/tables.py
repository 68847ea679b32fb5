"""Tables of the page: the papers' beside ours, as `make table` prints them, and lineage.csv whole."""

from evolve.base import sheet
from evolve.base.sheet import Sheet
from evolve.figures import table
from evolve.figures.measured import Measured
from evolve.figures.report.markup import Markup, details, element, join, number, section

_WORDS = ("fps_engine",)
# Longer tables are folded away.
MOST_ROWS = 24


def beside_the_papers(run: Measured) -> Markup:
    """The section with the tables of `make table`, and before them, once, what must be known of the data."""
    notice = element("p", f"NOTE: {run.notice}", class_="notice") if run.notice else None
    return section("Beside the papers", notice, *map(_sheet, table.sheets(run)))


def lineage(rows: list[dict[str, str]]) -> Markup:
    """lineage.csv, a row a generation; its figures as they are are in the cells' values, and rounded in their text."""
    columns = [name for name in rows[0] if any(row[name] for row in rows)]
    head = element("tr", *(element("th", name.replace("_", " "), scope="col") for name in columns))
    body = [element("tr", *(_cell(name, row[name]) for name in columns)) for row in rows]
    made = scrolled("lineage.csv", element("thead", head), element("tbody", *body))
    return section("Every generation", details("lineage.csv", made))


def _cell(name: str, value: str) -> Markup:
    if name in _WORDS or not value:
        return element("td", value)
    shown = sheet.whole(int(value)) if value.isdecimal() else f"{float(value):,.4f}"
    return element("td", number(value, shown), data_column=name)


def scrolled(name: str, *content: Markup, look: str | None = None) -> Markup:
    """A table that is called so; a wide one scrolls by itself, by keys as well, and the page does not."""
    made = element("table", *content, aria_label=name, class_=look)
    return element("div", made, class_="scroll", tabindex=0, role="region", aria_label=name)


def _sheet(sheet: Sheet) -> Markup:
    head = element("tr", *(element("th", name, scope="col", class_=_class(name)) for name in sheet.columns))
    rows = [element("tr", *_cells(sheet.columns, row)) for row in sheet.rows]
    made = scrolled(sheet.title, element("thead", head), element("tbody", *rows))
    shown = made if len(rows) <= MOST_ROWS else details(f"{len(rows)} rows", made)
    notes = [element("p", note, class_="about") for note in sheet.notes]
    return join([element("h3", sheet.title), shown, *notes])


def _cells(columns: list[str], row: list[str]) -> list[Markup]:
    first, *others = zip(columns, row, strict=True)
    head = element("th", first[1], scope="row")
    return [head, *(element("td", cell, class_=_class(name)) for name, cell in others)]


def _class(column: str) -> str | None:
    """What is the paper's is set back, so that the eye finds what was measured here."""
    return "theirs" if column.startswith("paper") else None

