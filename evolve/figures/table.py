"""`make table` sets what a run measured beside Tables 1, 2 and 3 of [Cluster16]."""

from pathlib import Path

from evolve.base import progress
from evolve.base.sheet import BLANK, Sheet, cell
from evolve.figures import paper_columns, papers, seeds
from evolve.figures.run import ABOUT_SCORES, MEAN_TITLE, Run, read_seeds, seed_numbers
from evolve.runs.measurements import Speed
from evolve.runs.metrics import Metrics

_MOST_CLASSES = 30


def markdown(folder: Path) -> str:
    """The tables of one run as Markdown. UserError where it has no generation."""
    run = Run.read(folder)
    said = [f"{run.gained}\n"] if run.gained else []
    return "\n".join([*said, *(sheet.markdown() for sheet in sheets(run))])


def show(folder: Path) -> None:
    """Prints the same, and first what was gained. UserError where the run has no generation."""
    run = Run.read(folder)
    if run.gained:
        progress.say_words(run.gained)
    for sheet in sheets(run):
        sheet.show()


def show_summary(folders: list[Path]) -> None:
    """Prints several seeds of one network, without a terminal as Markdown. UserError if the runs are not that."""
    if not progress.console.is_terminal:
        print(summary(folders))
        return
    runs = read_seeds(folders)
    for run in runs:
        if run.gained:
            progress.say_words(f"seed {run.seed}: {run.gained}")
    for sheet in seeds.sheets(runs):
        sheet.show()


def summary(folders: list[Path]) -> str:
    """Several seeds of one network as Markdown: mean and spread. UserError if the runs are not that."""
    runs = read_seeds(folders)
    said = [f"seed {run.seed}: {run.gained}\n" for run in runs if run.gained]
    return "\n".join(["".join(said), *(sheet.markdown() for sheet in seeds.sheets(runs))])


def sheets(run: Run) -> list[Sheet]:
    """The tables of one run: its generations, its layers, and where classes have names each one's accuracy."""
    return [_generations(run), _layers(run), *([_classes(run)] if run.last.score.accuracies else [])]


def _generations(run: Run) -> Sheet:
    """Table 1: architectural efficiency and accuracy, or a detector's scores, a generation each."""
    return Sheet.of(
        f"{run.network} on {run.dataset}, {seed_numbers([run])}{paper_columns.table_1(run)}",
        [_generation(run, *each) for each in run.timed()],
        notice=run.notice,
        notes=[
            "A-E, architectural efficiency: synapses of generation 1 ÷ synapses now, biases counted.",
            "flushed: synapses that the cast to the run's precision rounded to zero.",
            *([ABOUT_SCORES] if run.is_detection else []),
            *(["test loss: the net says no accuracy; its losses on the test images, summed by their weights."]
              if run.has_losses_alone else []),
            *_about_speed(run),
            *paper_columns.about_network(run),
        ],
    )


def _generation(run: Run, metrics: Metrics, speed: Speed) -> dict[str, str]:
    number = metrics.generation
    return {
        "generation": str(number),
        "synapses": f"{metrics.synapses:,}",
        "A-E": f"{metrics.architectural_efficiency:.2f}",
        **paper_columns.architectural_efficiency(run, number),
        **{title: cell(getattr(metrics.score, name), ".4f") for name, title in run.scores.items()},
        **({} if run.is_detection else paper_columns.accuracy(run, number)),
        "caffemodel, kB": f"{metrics.caffemodel_bytes / 1e3:,.1f}",
        "flushed": f"{metrics.flushed_synapses:,}",
        **({"fps": cell(speed.fps, ",.1f")} if _engines(run) else {}),
        **({"TX1 fps, predicted": cell(speed.predicted_tx1_fps, ",.1f")} if run.is_detection else {}),
    }


def _engines(run: Run) -> list[str]:
    return list(dict.fromkeys(speed.fps_engine for speed in run.speeds if speed.fps_engine))


def _about_speed(run: Run) -> list[str]:
    """Notes on the columns of frames per second that there are."""
    lines = [f"fps: frames per second, {', '.join(engines)}."] if (engines := _engines(run)) else []
    if run.is_detection:
        lines.append(
            "TX1 fps, predicted: a roofline, for images as large as the deploy net's own, or as those that fps were "
            "measured on, blank where launching kernels would take most of the time; "
            f"{papers.HALF17_SOURCE}: {papers.HALF17_ENDS}."
        )
    return lines


def _classes(run: Run) -> Sheet:
    """Accuracy on each class's test images, now and at generation 1, the lowest first."""
    first, last = run.ancestor.score.accuracies, run.last.score.accuracies
    worst = sorted(last, key=lambda name: (last[name], name))
    left = f" (the {_MOST_CLASSES} lowest of {len(worst)})" if len(worst) > _MOST_CLASSES else ""
    return Sheet.of(
        f"{run.network} on {run.dataset}: accuracy by class at generation {run.last.generation}{left}",
        [
            {
                "class": name,
                "at generation 1": cell(first.get(name), ".4f"),
                f"now, at {run.last.generation}": f"{last[name]:.4f}",
            }
            for name in worst[:_MOST_CLASSES]
        ],
        notice=run.notice,
        notes=["Accuracy of a class: the part of its test images whose highest score is its own."],
    )


def _layers(run: Run) -> Sheet:
    """Tables 2 and 3: cluster efficiency of every layer at the last generation, and their mean E."""
    number = run.last.generation
    mean = {
        "layer": MEAN_TITLE,
        "clusters at generation 1": BLANK,
        f"now, at {number}": BLANK,
        "cluster efficiency": f"{run.last.cluster_efficiency:.2f}",
        **paper_columns.mean_cluster_efficiency(run),
    }
    return Sheet.of(
        f"{run.network} on {run.dataset}: clusters at generation {number}{paper_columns.table_2(run)}",
        [_layer(run, k) for k in range(len(run.last.layers))] + [mean],
        notice=run.notice,
        notes=[
            "Cluster efficiency: clusters of generation 1 ÷ clusters now; E: its mean over the layers.",
            "E leaves the last classifier out, as the papers' tables do.",
        ],
    )


def _layer(run: Run, index: int) -> dict[str, str]:
    first, last = run.ancestor.layers[index], run.last.layers[index]
    return {
        "layer": run.layer_title(index),
        "clusters at generation 1": f"{first.clusters:,}",
        f"now, at {run.last.generation}": f"{last.clusters:,}",
        "cluster efficiency": f"{last.cluster_efficiency:.2f}",
        **paper_columns.cluster_efficiency(run, index),
    }
