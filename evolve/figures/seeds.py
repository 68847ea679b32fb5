"""Several runs differ in their seed alone: the mean and spread of what each of them measured, as tables."""

from statistics import mean, stdev

from evolve.base.sheet import BLANK, Sheet
from evolve.figures import paper_columns
from evolve.figures.run import ABOUT_SCORES, MEAN_TITLE, Run, common_generations, seed_numbers
from evolve.runs.metrics import Metrics

SPREAD = "Mean ± sample standard deviation (n − 1) over the seeds; min–max: the smallest and the largest of them."


def sheets(seeds: list[Run]) -> list[Sheet]:
    """Every generation that at least one has, and the clusters at the last one that all have."""
    return [_generations(seeds), _layers(seeds)]


def _generations(seeds: list[Run]) -> Sheet:
    run = seeds[0]
    last = max(len(each.generations) for each in seeds)
    return Sheet.of(
        f"{run.network} on {run.dataset}, {seed_numbers(seeds)}{paper_columns.table_1(run)}",
        [_generation(seeds, number) for number in range(1, last + 1)],
        notice=run.notice,
        notes=[SPREAD, *([ABOUT_SCORES] if run.is_detection else []), *paper_columns.about_network(run)],
    )


def _generation(seeds: list[Run], number: int) -> dict[str, str]:
    there = [run.generations[number - 1] for run in seeds if len(run.generations) >= number]
    return {
        "generation": str(number),
        "seeds": str(len(there)),
        **spread("A-E", [metrics.architectural_efficiency for metrics in there], ".2f"),
        **paper_columns.architectural_efficiency(seeds[0], number),
        **scores(seeds[0], there),
        **({} if seeds[0].is_detection else paper_columns.accuracy(seeds[0], number)),
    }


def scores(run: Run, seeds: list[Metrics]) -> dict[str, str]:
    """The cells of `spread` for every score that networks like `run` have, of one generation of several seeds."""
    cells: dict[str, str] = {}
    for name, title in run.scores.items():
        values = [getattr(metrics.score, name) for metrics in seeds]
        cells |= spread(title, [value for value in values if value is not None], ".4f")
    return cells


def _layers(seeds: list[Run]) -> Sheet:
    run = seeds[0]
    number = common_generations(seeds)
    last = [each.generations[number - 1] for each in seeds]

    def row(title: str, ratios: list[float], paper: dict[str, str]) -> dict[str, str]:
        return {"layer": title, **spread("cluster efficiency", ratios, ".2f"), **paper}

    layers = [
        row(
            run.layer_title(k),
            [metrics.layers[k].cluster_efficiency for metrics in last],
            paper_columns.cluster_efficiency(run, k),
        )
        for k in range(len(run.ancestor.layers))
    ]
    e = row(MEAN_TITLE, [metrics.cluster_efficiency for metrics in last], paper_columns.mean_cluster_efficiency(run))
    return Sheet.of(
        f"{run.network} on {run.dataset}, {seed_numbers(seeds)}: clusters at generation {number}"
        f"{paper_columns.table_2(run)}",
        [*layers, e],
        notice=run.notice,
        notes=[SPREAD],
    )


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
