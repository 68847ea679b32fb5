"""The paper's side of a table is its columns, and what must be said where they do not fit."""

from evolve.base.sheet import BLANK, cell
from evolve.figures.papers import SOURCE
from evolve.figures.run import Run


def table_1(run: Run) -> str:
    """How a title names Table 1; "" where the paper's network or data set was another."""
    return f", beside {SOURCE} Table 1 ({run.paper.dataset})" if run.paper else ""


def table_2(run: Run) -> str:
    """How a title names Table 2, or 3; the same."""
    if not run.paper:
        return ""
    return f", beside {SOURCE} Table {run.paper.table} ({run.paper.dataset}, generation {run.paper.last})"


def architectural_efficiency(run: Run, generation: int) -> dict[str, str]:
    """The paper's cell at that generation, by the name of its column: none, one that is blank, or a number."""
    if not run.paper:
        return {}
    return {"paper A-E": cell(run.paper.architectural_efficiency.get(generation), ".2f")}


def accuracy(run: Run, generation: int) -> dict[str, str]:
    """The paper's test accuracy at that generation, by the name of its column."""
    if not run.paper:
        return {}
    return {"paper accuracy": cell(run.paper.accuracy.get(generation), ".4f")}


def cluster_efficiency(run: Run, layer: int) -> dict[str, str]:
    """The paper's cluster efficiency of the layer with that index, by column; blank for the last classifier."""
    if not run.paper:
        return {}
    listed = run.paper.cluster_efficiency
    return {"paper": f"{listed[layer]:.2f}" if layer < len(listed) else BLANK}


def mean_cluster_efficiency(run: Run) -> dict[str, str]:
    """The paper's E, by column."""
    return {"paper": f"{run.paper.mean:.2f}"} if run.paper else {}


def about_network(run: Run) -> list[str]:
    """A line says so of a network, or a data set, that the paper did not use; of one's own images nobody asks."""
    own = bool(run.ancestor.dataset.class_names)
    if run.is_detection or run.paper or own and not run.papers_data:
        return []
    if not run.papers_data:
        return [f"{SOURCE} has no lineage on {run.dataset}."]
    return [
        f"{run.network} is another network than {SOURCE} evolved on {run.papers_data.dataset}, "
        f"{run.papers_data.network}, whose figures have no place beside it."
    ]
