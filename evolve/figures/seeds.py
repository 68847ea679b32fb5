"""Several runs that differ in their seed alone: mean and spread of what each of them measured."""

from collections.abc import Callable
from statistics import mean, stdev
from typing import Any

from evolve.base.sheet import BLANK, Sheet
from evolve.figures import measured, paper_columns
from evolve.figures.measured import Measured

SPREAD = "Mean ± sample standard deviation (n − 1) over the seeds; min–max: the smallest and the largest of them."


def sheets(seeds: list[Measured]) -> list[Sheet]:
    """Every generation that at least one has, and the clusters at the last one that all have."""
    return [_generations(seeds), _layers(seeds)]


def _generations(seeds: list[Measured]) -> Sheet:
    run = seeds[0]
    last = max(len(each.generations) for each in seeds)
    return Sheet.of(
        f"{run.network} on {run.dataset}, {measured.seed_numbers(seeds)}{paper_columns.table_1(run)}",
        [_generation(seeds, number) for number in range(1, last + 1)],
        notice=run.notice,
        notes=[SPREAD, *([measured.ABOUT_SCORES] if run.is_detection else []), *paper_columns.about_network(run)],
    )


def _generation(seeds: list[Measured], number: int) -> dict[str, str]:
    made = [each.generations[number - 1] for each in seeds if len(each.generations) >= number]
    return {
        "generation": str(number),
        "seeds": str(len(made)),
        **spread("A-E", _each(made, "architectural_efficiency"), ".2f"),
        **paper_columns.architectural_efficiency(seeds[0], number),
        **scores(seeds[0], made),
        **({} if seeds[0].is_detection else paper_columns.accuracy(seeds[0], number)),
    }


def scores(run: Measured, made: list[dict[str, Any]]) -> dict[str, str]:
    """The cells of `spread` for every score that networks like `run` have."""
    cells: dict[str, str] = {}
    for name, title in run.scores.items():
        cells |= spread(title, _each(made, name), ".4f")
    return cells


def _layers(seeds: list[Measured]) -> Sheet:
    run = seeds[0]
    number = measured.common_generations(seeds)
    made = [each.generations[number - 1] for each in seeds]

    def row(title: str, ratio: Callable[[dict[str, Any]], float], paper: dict[str, str]) -> dict[str, str]:
        return {"layer": title, **spread("cluster efficiency", [ratio(one) for one in made], ".2f"), **paper}

    layers = [
        row(
            measured.layer_title(run, k),
            lambda one, k=k: one["layers"][k]["cluster_efficiency"],  # type: ignore[misc]
            paper_columns.cluster_efficiency(run, k),
        )
        for k in range(len(run.ancestor["layers"]))
    ]
    e = row(measured.MEAN_TITLE, lambda one: one["cluster_efficiency"], paper_columns.mean_cluster_efficiency(run))
    return Sheet.of(
        f"{run.network} on {run.dataset}, {measured.seed_numbers(seeds)}: clusters at generation {number}"
        f"{paper_columns.table_2(run)}",
        [*layers, e],
        notice=run.notice,
        notes=[SPREAD],
    )


def _each(made: list[dict[str, Any]], what: str) -> list[float]:
    return [one[what] for one in made if what in one]


def spread(title: str, values: list[float], form: str) -> dict[str, str]:
    """Two cells: `mean ± deviation`, and `min–max`; the mean alone of a single value."""
    if not values:
        return {title: BLANK, f"{title}, min–max": BLANK}
    if len(values) == 1:
        return {title: f"{values[0]:{form}}", f"{title}, min–max": BLANK}
    return {
        title: f"{mean(values):{form}} ± {stdev(values):{form}}",
        f"{title}, min–max": f"{min(values):{form}}–{max(values):{form}}",
    }
