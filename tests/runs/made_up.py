"""Metrics made up of what a real generation has, and run folders of them: what tables, figures and speeds read."""

from dataclasses import replace
from pathlib import Path
from typing import Any

from evolve.runs import generation, paths
from evolve.runs.metrics import Data, Layer, Metrics, Training, Versions
from evolve.runs.score import Score

PAPERS_LENET = {"conv1": (32, 32), "conv2": (32, 1024), "conv3": (64, 2048), "ip1": (64, 4096), "ip2": (10, 640)}


def metrics(
    number: int = 1,
    accuracy: float | None = None,
    dataset: str | Data = "mnist",
    notice: str = "",
    layers: dict[str, tuple[int, int]] | None = None,
    **others: Any,
) -> Metrics:
    """A generation with 1.5 times fewer synapses and a quarter fewer kernels than its parent.

    `layers` are (neurons, kernels) by name; `others` are fields of Metrics that are to be other than these.
    """
    synapses = max(200, round(143978 / 1.5 ** (number - 1)))
    counts = [_layer(name, *size, number) for name, size in (layers or PAPERS_LENET).items()]
    made_up = Metrics(
        generation=number,
        network="lenet",
        seed=1,
        number_format="HALF",
        synapses=synapses,
        architectural_efficiency=143978 / synapses,
        clusters=sum(each.clusters for each in counts),
        cluster_efficiency=sum(each.cluster_efficiency for each in counts[:-1]) / (len(counts) - 1),
        macs=10_715_776 // number,
        caffemodel_bytes=4 * synapses + 488,
        flushed_synapses=2 * number,
        dataset=dataset if isinstance(dataset, Data) else Data(dataset, "", notice),
        training=Training(800, 30.25 + number),
        score=Score(accuracy=0.9925 - 0.0004 * number if accuracy is None else accuracy),
        layers=counts,
        versions=Versions(caffe="1.0.0", core="Haswell" if number < 3 else "Zen", caffe_path="/home/somebody"),
    )
    return replace(made_up, **others)


def _layer(name: str, neurons: int, kernels: int, number: int) -> Layer:
    left = max(1, round(kernels * 0.75 ** (number - 1)))
    return Layer(name, 9 * left, 0, left, neurons, 0, left, kernels / left)


def with_score(each: Metrics, **score: float | None) -> Metrics:
    """The same generation with another score."""
    return replace(each, score=Score(**score))  # type: ignore[arg-type]


def detector(each: Metrics) -> Metrics:
    """The same generation with a detector's scores instead of an accuracy."""
    n = each.generation
    return with_score(each, precision=0.8 - n / 100, recall=0.7 + n / 100, map=0.6 - n / 50, ap=0.65 - n / 40)


def write(run: Path, generations: list[Metrics]) -> Path:
    """A run's folder whose generations have metrics and a DONE.json, and nothing else."""
    for each in generations:
        folder = paths.generation(run, each.generation)
        folder.mkdir(parents=True)
        each.write(folder)
        (folder / paths.DONE).write_text(generation.done({paths.WEIGHTS: f"weights {each.generation}"}))
    return run
