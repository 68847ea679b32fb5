"""Run folders made up from metrics: what the figures read, and nothing else."""

from collections.abc import Callable
from pathlib import Path

import pytest

from evolve.runs.metrics import Metrics
from tests.runs import made_up

Fabricate = Callable[[str, list[Metrics]], Path]
Lineage = Callable[..., list[Metrics]]

BVLC_LENET = {"conv1": (20, 20), "conv2": (50, 1000), "ip1": (500, 25000), "ip2": (10, 5000)}


@pytest.fixture
def fabricated(tmp_path: Path) -> Fabricate:
    """fabricated("name", [metrics, …]) writes a run folder of that name and returns it."""
    return lambda name, generations: made_up.write(tmp_path / name, generations)


@pytest.fixture
def lineage() -> Lineage:
    """lineage(13, seed=2, …): that many generations' metrics."""
    return lambda count, **others: [made_up.metrics(number, **others) for number in range(1, count + 1)]


@pytest.fixture
def bvlc() -> dict[str, tuple[int, int]]:
    """Layers, as (neurons, kernels), of a network that the papers did not use."""
    return BVLC_LENET


@pytest.fixture
def alexnet() -> dict[str, int]:
    """Neurons of prototxt/alexnet_cifar10, layer by layer."""
    widths = {"conv1": 96, "conv2": 256, "conv3": 384, "conv4": 384, "conv5": 256}
    return widths | {"fc6": 512, "fc7": 256, "fc8": 10}
