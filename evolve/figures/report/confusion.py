"""Which classes a network takes for which: a table of its answers, shaded where it errs."""

from evolve.base import sheet
from evolve.figures.report import tables
from evolve.figures.report.markup import Markup, element, number, section
from evolve.figures.run import Run

_SHADES = 6  # of mistakes, the class's most frequent one and more


def confusion(run: Run) -> Markup | None:
    """The section of the last generation; None where nothing was counted."""
    counted = run.last.score.confusion
    if not counted:
        return None
    # Behind them, answers that no test image would have been right with.
    answers = list(dict.fromkeys([*counted, *(answer for row in counted.values() for answer in row)]))
    head = element("tr", element("th", "class", scope="col"), *(element("th", each, scope="col") for each in answers),
                   element("th", "right", scope="col"))  # fmt: skip
    most = max((count for name, row in counted.items() for answer, count in row.items() if answer != name), default=1)
    rows = [_row(name, row, answers, most) for name, row in counted.items()]
    title = f"test images of each class by their answer, generation {run.last.generation}"
    table = tables.scrolled(title, element("thead", head), element("tbody", *rows), look="survival")
    about = (
        f"A row is the test images of a class, a column what generation {run.last.generation} takes them for; the "
        "stronger the colour, the more often it errs so."
    )
    return section("Confusion", table, about=about)


def _row(name: str, row: dict[str, int], answers: list[str], most: int) -> Markup:
    cells = [_cell(name, answer, row.get(answer, 0), most) for answer in answers]
    right = row.get(name, 0) / sum(row.values())
    return element("tr", element("th", name, scope="row"), *cells, element("td", number(right, sheet.score(right))))


def _cell(name: str, answer: str, count: int, most: int) -> Markup:
    shade = None if answer == name or not count else f"s{max(1, round(_SHADES * count / most))}"
    words = f"{name}\n{count:,} taken for {answer}"
    return element("td", number(count, f"{count:,}") if count else None, class_=shade, title=words)
