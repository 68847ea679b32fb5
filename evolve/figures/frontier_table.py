"""The frontier in figures is a table to print, a row a line of the picture, and a CSV file, a row a point."""

import csv
import io

from evolve.base.sheet import BLANK, Sheet, score
from evolve.figures.run import Run
from evolve.figures.series import MACS, Point, Series
from evolve.runs.choice import WITHIN

COLUMNS = (
    "data_set network method kind generation seeds compression compression_spread score score_spread counted source"
).split()


def sheet(run: Run, dataset: str, counted: str, lines: list[Series]) -> Sheet:
    """The lines of one panel, each as far as it goes; the most compressed first. `dataset` is what it is called."""
    measure = "AP" if run.is_detection else "accuracy"
    ratio = "fewer MACs" if counted == MACS else "A-E"
    rows = [_row(each, ratio, measure) for each in sorted(lines, key=lambda each: -each.points[-1].compression)]
    sources = [f"{each.title}: {each.source}." for each in lines if each.kind != "run"]
    return Sheet.of(
        f"{dataset}: {measure} against compression, counted in {counted}",
        rows,
        notice=run.notice,
        notes=[about({counted: lines}), *dict.fromkeys(sources)],
    )


def about(lines: dict[str, list[Series]]) -> str:
    """How to read the picture, in one paragraph."""
    every = [each for group in lines.values() for each in group]
    words = ["A-E: synapses of a network's own generation 1 ÷ synapses now, biases counted."]
    networks: dict[str, list[str]] = {}
    for each in every:
        if each.kind == "peer" and each.title not in networks.setdefault(each.network, []):
            networks[each.network].append(each.title)
    if networks:
        words.append("Published points count what their papers count.")
        words += [f"Of {name}: {', '.join(titles)}." for name, titles in networks.items() if name]
    if any(point.count > 1 for each in every for point in each.points):
        words.append("± and bars: sample standard deviation (n − 1) over the seeds that have the generation.")
    return " ".join(words)


def text(sets: list[tuple[str, dict[str, list[Series]]]]) -> str:
    """frontier.csv: every point of every line."""
    written = io.StringIO()
    writer = csv.writer(written, lineterminator="\n")
    writer.writerow(COLUMNS)
    for dataset, lines in sets:
        for counted, group in lines.items():
            for each in group:
                for point in each.points:
                    writer.writerow(_cells(dataset, counted, each, point))
    return written.getvalue()


def _cells(dataset: str, counted: str, each: Series, point: Point) -> list[object]:
    seeds = point.count if each.kind == "run" else ""
    spread = (point.compression_spread, point.score_spread) if point.count > 1 else ("", "")
    what = each.counted if each.kind == "peer" else counted
    return [
        dataset, each.network, each.title, each.kind, point.generation or "", seeds, point.compression, spread[0],
        point.score, spread[1], what, each.source,
    ]  # fmt: skip


def _row(each: Series, ratio: str, measure: str) -> dict[str, str]:
    last, kept = each.points[-1], each.within(WITHIN)
    times, scores = f"{last.compression:.2f}", score(last.score)
    if last.count > 1:
        times, scores = f"{times} ± {last.compression_spread:.2f}", f"{scores} ± {last.score_spread:.4f}"
    return {
        "": each.title,
        "network": each.network,
        "counted": each.counted,
        "seeds": str(last.count) if each.kind == "run" else BLANK,
        "generation": str(last.generation) if last.generation else BLANK,
        ratio: times,
        measure: scores,
        f"{ratio} within {100 * WITHIN:g} points": f"{kept:.2f}" if kept else BLANK,
    }
