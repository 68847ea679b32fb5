"""The offspring that were born together, generation by generation, and which of them lived."""

from typing import Any

from evolve.figures import figures_text
from evolve.figures.measured import Measured
from evolve.figures.report import tables
from evolve.figures.report.markup import Markup, details, element, number, section


def siblings(run: Measured) -> Markup | None:
    """The section, a row a sibling, the one that became the generation first; None where every offspring was alone."""
    born = [(made["generation"], one) for made in run.generations for one in _ranked(made.get("siblings", []))]
    if not born:
        return None
    columns = ["generation", "sibling", "synapses", "A-E", *run.scores.values(), "fitness", "parent", ""]
    head = element("tr", *(element("th", name, scope="col") for name in columns))
    rows = [_row(run, generation, one) for generation, one in born]
    table = tables.scrolled("siblings", element("thead", head), element("tbody", *rows))
    about = (
        "Offspring of the same parents, each with its own draw; the fittest is the generation. Fitness is the score "
        "less what synapses cost (synapse_cost); parent: its rank among the parents of the next generation."
    )
    folded = details(f"{len(born)} siblings", table, opened=len(born) <= tables.MOST_ROWS)
    return section("Siblings", folded, about=about)


def _ranked(born: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The fittest first; those that could not live last."""
    return sorted(born, key=lambda one: (one["fitness"] is None, -(one["fitness"] or 0), one["sibling"]))


def _row(run: Measured, generation: int, one: dict[str, Any]) -> Markup:
    cells = [number(one["sibling"], str(one["sibling"])), _figure(one.get("synapses"), figures_text.whole)]
    cells.append(_figure(one.get("architectural_efficiency"), "{:.2f}".format))
    cells += [_figure(one.get(name), figures_text.score) for name in [*run.scores, "fitness"]]
    cells.append(_figure(one["parent"] or None, str))
    return element("tr", element("th", str(generation), scope="row"), *(element("td", cell) for cell in cells),
                   element("td", one["why"], class_="words"))  # fmt: skip


def _figure(value: Any, say: Any) -> Markup | None:
    return number(value, say(value)) if isinstance(value, int | float) else None
