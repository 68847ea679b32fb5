"""Tables of the page are those that `make table` prints, the papers' beside ours, siblings, and lineage.csv whole."""

from collections.abc import Callable

from evolve.base import sheet
from evolve.base.counted import counted
from evolve.base.sheet import Sheet
from evolve.figures import table
from evolve.figures.report.markup import Markup, details, element, join, number, section
from evolve.figures.run import Run
from evolve.runs.metrics import Sibling

_WORDS = ("fps_engine",)
# Longer tables are folded away.
MOST_ROWS = 24


def title(run: Run) -> str:
    """What the section of `papers_tables` is called: of the papers only where a row of theirs stands there."""
    return "Beside the papers" if run.paper else "Tables"


def papers_tables(run: Run) -> Markup:
    """The section with the tables of `make table`, and before them, once, what must be known of the data."""
    notice = element("p", f"NOTE: {run.notice}", class_="notice") if run.notice else None
    return section(title(run), notice, *map(_sheet, table.sheets(run)))


def lineage(rows: list[dict[str, str]]) -> Markup:
    """lineage.csv, a row a generation; its figures as they are are in the cells' values, and rounded in their text."""
    columns = [name for name in rows[0] if any(row[name] for row in rows)]
    head = element("tr", *(element("th", name.replace("_", " "), scope="col") for name in columns))
    body = [element("tr", *(_cell(name, row[name]) for name in columns)) for row in rows]
    table = scrolled("lineage.csv", element("thead", head), element("tbody", *body))
    return section("Every generation", details("lineage.csv", table))


def _cell(name: str, value: str) -> Markup:
    if name in _WORDS or not value:
        return element("td", value)
    shown = sheet.whole(int(value)) if value.isdecimal() else f"{float(value):,.4f}"
    return element("td", number(value, shown), data_column=name)


def scrolled(name: str, *content: Markup, look: str | None = None) -> Markup:
    """A table that is called so; a wide one scrolls by itself, by keys as well, and the page does not."""
    table = element("table", *content, aria_label=name, class_=look)
    return element("div", table, class_="scroll", tabindex=0, role="region", aria_label=name)


def _sheet(sheet: Sheet) -> Markup:
    head = element("tr", *(element("th", name, scope="col", class_=_class(name)) for name in sheet.columns))
    rows = [element("tr", *_cells(sheet.columns, row)) for row in sheet.rows]
    whole = scrolled(sheet.title, element("thead", head), element("tbody", *rows))
    shown = whole if len(rows) <= MOST_ROWS else details(f"{len(rows)} rows", whole)
    notes = [element("p", note, class_="about") for note in sheet.notes]
    return join([element("h3", sheet.title), shown, *notes])


def _cells(columns: list[str], row: list[str]) -> list[Markup]:
    first, *others = zip(columns, row, strict=True)
    head = element("th", first[1], scope="row")
    return [head, *(element("td", cell, class_=_class(name)) for name, cell in others)]


def _class(column: str) -> str | None:
    """What is the paper's is set back, so that the eye finds what was measured here."""
    return "theirs" if column.startswith("paper") else None


def siblings(run: Run) -> Markup | None:
    """The section, a row a sibling, the one that became the generation first; None where every offspring was alone."""
    born = [(metrics.generation, one) for metrics in run.generations for one in _ranked(metrics.siblings)]
    if not born:
        return None
    columns = ["generation", "sibling", "synapses", "A-E", *run.scores.values(), "fitness", "parent", ""]
    head = element("tr", *(element("th", name, scope="col") for name in columns))
    rows = [_sibling(run, generation, one) for generation, one in born]
    table = scrolled("siblings", element("thead", head), element("tbody", *rows))
    about = (
        "Offspring of the same parents, each with its own draw; the fittest is the generation. Fitness is the score "
        "less what synapses cost (synapse_cost); parent: its rank among the parents of the next generation."
    )
    folded = details(counted(len(born), "sibling"), table, opened=len(born) <= MOST_ROWS)
    return section("Siblings", folded, about=about)


def _ranked(siblings: list[Sibling]) -> list[Sibling]:
    """The fittest first; those that could not live last."""
    return sorted(siblings, key=lambda one: (one.fitness is None, -(one.fitness or 0), one.sibling))


def _sibling(run: Run, generation: int, one: Sibling) -> Markup:
    figures: list[tuple[float | None, Callable[[float], str]]] = [
        (one.synapses, sheet.whole),
        (one.architectural_efficiency, "{:.2f}".format),
        *((getattr(one, name), sheet.score) for name in [*run.scores, "fitness"]),
        (one.parent or None, str),
    ]
    cells: list[Markup | None] = [number(one.sibling, str(one.sibling))]
    cells += [None if value is None else number(value, say(value)) for value, say in figures]
    return element("tr", element("th", str(generation), scope="row"), *(element("td", cell) for cell in cells),
                   element("td", one.why, class_="words"))  # fmt: skip
