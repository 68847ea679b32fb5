"""`make table`: what a run measured, beside Tables 1, 2 and 3 of [Cluster16]."""

from pathlib import Path
from typing import Any

from evolve.base.sheet import BLANK, Sheet
from evolve.figures import measured, paper_columns, papers, seeds
from evolve.figures.measured import Measured


def markdown(run: Path) -> str:
    """The tables of one run as Markdown. UserError where it has no generation."""
    return "\n".join(sheet.markdown() for sheet in sheets(measured.read(run)))


def show(run: Path) -> None:
    """Prints the same tables. UserError where the run has no generation."""
    for sheet in sheets(measured.read(run)):
        sheet.show()


def summary(runs: list[Path]) -> str:
    """Several seeds of one network as Markdown: mean and spread. UserError if the runs are not that."""
    return "\n".join(sheet.markdown() for sheet in seeds.sheets(measured.read_seeds(runs)))


def sheets(run: Measured) -> list[Sheet]:
    """The tables of one run: its generations, and its layers."""
    return [_generations(run), _layers(run)]


def _generations(run: Measured) -> Sheet:
    """Table 1: architectural efficiency and accuracy, or a detector's scores, a generation each."""
    return Sheet.of(
        f"{run.network} on {run.dataset}, {measured.seed_numbers([run])}{paper_columns.table_1(run)}",
        [_generation(run, made) for made in run.generations],
        notice=run.notice,
        notes=[
            "A-E, architectural efficiency: synapses of generation 1 ÷ synapses now, biases counted.",
            "flushed: synapses that the cast to the run's precision rounded to zero.",
            *([measured.ABOUT_SCORES] if run.is_detection else []),
            *_about_speed(run),
            *paper_columns.about_network(run),
        ],
    )


def _generation(run: Measured, made: dict[str, Any]) -> dict[str, str]:
    number = made["generation"]
    return {
        "generation": str(number),
        "synapses": f"{made['synapses']:,}",
        "A-E": f"{made['architectural_efficiency']:.2f}",
        **paper_columns.architectural_efficiency(run, number),
        **{title: f"{made[name]:.4f}" if name in made else BLANK for name, title in run.scores.items()},
        **({} if run.is_detection else paper_columns.accuracy(run, number)),
        "caffemodel, kB": f"{made['caffemodel_bytes'] / 1e3:,.1f}",
        "flushed": f"{made['flushed_synapses']:,}",
        **({"fps": f"{made['fps']:,.1f}" if "fps" in made else BLANK} if _engines(run) else {}),
        **({"TX1 fps, predicted": _predicted(made)} if run.is_detection else {}),
    }


def _predicted(made: dict[str, Any]) -> str:
    return f"{made['predicted_tx1_fps']:,.1f}" if "predicted_tx1_fps" in made else BLANK


def _engines(run: Measured) -> list[str]:
    return list(dict.fromkeys(made["fps_engine"] for made in run.generations if "fps_engine" in made))


def _about_speed(run: Measured) -> list[str]:
    """Of the columns of frames per second that there are."""
    lines = [f"fps: frames per second, {', '.join(engines)}."] if (engines := _engines(run)) else []
    if run.is_detection:
        lines.append(
            "TX1 fps, predicted: a roofline, for images as large as the deploy net's own, or as those that fps were "
            f"measured on; {papers.HALF17_SOURCE}: {papers.HALF17_ENDS}."
        )
    return lines


def _layers(run: Measured) -> Sheet:
    """Tables 2 and 3: cluster efficiency of every layer at the last generation, and their mean E."""
    number = run.last["generation"]
    mean = {
        "layer": measured.MEAN_TITLE,
        "kernels at generation 1": BLANK,
        f"now, at {number}": BLANK,
        "cluster efficiency": f"{run.last['cluster_efficiency']:.2f}",
        **paper_columns.mean_cluster_efficiency(run),
    }
    return Sheet.of(
        f"{run.network} on {run.dataset}: clusters at generation {number}{paper_columns.table_2(run)}",
        [_layer(run, k) for k in range(len(run.last["layers"]))] + [mean],
        notice=run.notice,
        notes=[
            "Cluster efficiency: kernels of generation 1 ÷ kernels now; E: its mean over the layers.",
            "E leaves the last classifier out, as the papers' tables do.",
        ],
    )


def _layer(run: Measured, index: int) -> dict[str, str]:
    first, last = run.ancestor["layers"][index], run.last["layers"][index]
    return {
        "layer": measured.layer_title(run, index),
        "kernels at generation 1": f"{first['kernels']:,}",
        f"now, at {run.last['generation']}": f"{last['kernels']:,}",
        "cluster efficiency": f"{last['cluster_efficiency']:.2f}",
        **paper_columns.cluster_efficiency(run, index),
    }
