"""Run folders made up from metrics: what the figures read, and nothing else."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

Fabricate = Callable[..., Path]

PAPERS_LENET = {"conv1": (32, 32), "conv2": (32, 1024), "conv3": (64, 2048), "ip1": (64, 4096), "ip2": (10, 640)}
BVLC_LENET = {"conv1": (20, 20), "conv2": (50, 1000), "ip1": (500, 25000), "ip2": (10, 5000)}


def metrics(
    generation: int,
    accuracy: float | None = None,
    network: str = "lenet",
    seed: int = 1,
    dataset: str = "mnist",
    notice: str = "",
    layers: dict[str, tuple[int, int]] | None = None,
) -> dict[str, Any]:
    """A generation with 1.5 times fewer synapses and a quarter fewer kernels than its parent."""
    synapses = max(200, round(143978 / 1.5 ** (generation - 1)))
    counts: list[dict[str, Any]] = [
        {
            "name": name,
            "neurons": neurons,
            "kernels": max(1, round(kernels * 0.75 ** (generation - 1))),
            "cluster_efficiency": kernels / max(1, round(kernels * 0.75 ** (generation - 1))),
        }
        for name, (neurons, kernels) in (layers or PAPERS_LENET).items()
    ]
    return {
        "generation": generation,
        "network": network,
        "synapses": synapses,
        "architectural_efficiency": 143978 / synapses,
        "cluster_efficiency": sum(each["cluster_efficiency"] for each in counts[:-1]) / (len(counts) - 1),
        "caffemodel_bytes": 4 * synapses + 488,
        "flushed_synapses": 2 * generation,
        "seed": seed,
        "dataset": {"name": dataset, "sha256": "", "notice": notice},
        "layers": counts,
        "accuracy": 0.9925 - 0.0004 * generation if accuracy is None else accuracy,
    }


@pytest.fixture
def fabricated(tmp_path: Path) -> Fabricate:
    """fabricated("name", [metrics, …]) writes a run folder of that name and returns it."""

    def write(name: str, generations: list[dict[str, Any]]) -> Path:
        run = tmp_path / name
        run.mkdir()
        for made in generations:
            folder = run / f"gen{made['generation']:03d}"
            folder.mkdir()
            (folder / "metrics.json").write_text(json.dumps(made))
            (folder / "DONE.json").write_text("{}")
        return run

    return write


@pytest.fixture
def lineage() -> Callable[..., list[dict[str, Any]]]:
    """lineage(13, seed=2, …): that many generations' metrics."""
    return lambda count, **others: [metrics(number, **others) for number in range(1, count + 1)]


@pytest.fixture
def bvlc() -> dict[str, tuple[int, int]]:
    """Layers, as (neurons, kernels), of a network that the papers did not use."""
    return BVLC_LENET


@pytest.fixture
def alexnet() -> dict[str, int]:
    """Neurons of prototxt/alexnet_cifar10, layer by layer."""
    widths = {"conv1": 96, "conv2": 256, "conv3": 384, "conv4": 384, "conv5": 256}
    return widths | {"fc6": 512, "fc7": 256, "fc8": 10}
