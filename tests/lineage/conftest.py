"""A tiny network that evolves on the embedded digits in seconds, on real Caffe."""

import contextlib
import os
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from evolve import datasets
from evolve.lineage import lineage
from evolve.network import weights

TRAIN_VAL = """
name: "tiny"
layer { name: "data" type: "Data" top: "data" top: "label" include { phase: TRAIN }
  transform_param { scale: 0.00390625 } data_param { source: "$DATA/train" backend: LMDB batch_size: 32 } }
layer { name: "data" type: "Data" top: "data" top: "label" include { phase: TEST }
  transform_param { scale: 0.00390625 } data_param { source: "$DATA/test" backend: LMDB batch_size: 77 } }
layer { name: "conv1" type: "Convolution" bottom: "data" top: "conv1"
  convolution_param { num_output: 8 kernel_size: 5 stride: 2 weight_filler { type: "xavier" } } }
layer { name: "relu1" type: "ReLU" bottom: "conv1" top: "conv1" }
layer { name: "conv2" type: "Convolution" bottom: "conv1" top: "conv2"
  convolution_param { num_output: 12 kernel_size: 3 weight_filler { type: "xavier" } } }
layer { name: "pool2" type: "Pooling" bottom: "conv2" top: "pool2"
  pooling_param { pool: MAX kernel_size: 3 stride: 3 } }
layer { name: "relu2" type: "ReLU" bottom: "pool2" top: "pool2" }
layer { name: "ip1" type: "InnerProduct" bottom: "pool2" top: "ip1"
  inner_product_param { num_output: 24 weight_filler { type: "xavier" } } }
layer { name: "relu3" type: "ReLU" bottom: "ip1" top: "ip1" }
layer { name: "ip2" type: "InnerProduct" bottom: "ip1" top: "ip2"
  inner_product_param { num_output: 10 weight_filler { type: "xavier" } } }
layer { name: "accuracy" type: "Accuracy" bottom: "ip2" bottom: "label" top: "accuracy" include { phase: TEST } }
layer { name: "loss" type: "SoftmaxWithLoss" bottom: "ip2" bottom: "label" top: "loss" }
"""
SOLVER = 'type: "SGD" base_lr: 0.05 momentum: 0.9 weight_decay: 0.0005 lr_policy: "fixed" solver_mode: CPU\n'
EVOLUTION = """dataset { name: "digits" image_size: 28 }
generations: 4
ancestor_training: "100it"
offspring_training: "40it"
"""


@pytest.fixture(autouse=True, scope="session")
def _alone() -> Iterator[None]:
    """Data in ./data, runs in ./runs, no download."""
    with pytest.MonkeyPatch.context() as patch:
        for name in ("CAVEFISH_DATA", "CAVEFISH_RUNS"):
            patch.delenv(name, raising=False)
        patch.setenv("CAVEFISH_OFFLINE", "1")
        patch.setenv("OPENBLAS_NUM_THREADS", "1")
        yield


@dataclass(frozen=True)
class Place:
    """A folder to evolve in: tiny/ is the network, data/ and runs/ are Cavefish's."""

    folder: Path

    def evolve(self, generations: int = 0, **named: Any) -> Path:
        """lineage.evolve from this folder."""
        with contextlib.chdir(self.folder):
            return lineage.evolve("tiny", generations, **named)

    def set(self, settings: str) -> None:
        """Adds lines to the network's evolution.prototxt."""
        with open(self.folder / "tiny" / "evolution.prototxt", "a") as file:
            file.write(settings + "\n")

    @property
    def run(self) -> Path:
        """The folder of the run with seed 1."""
        return self.folder / "runs" / "tiny" / "seed1"


@dataclass(frozen=True)
class Reference:
    """An uninterrupted run of four generations, seed 1, that no test changes."""

    run: Path
    masked: dict[int, weights.Weights]  # generation -> its genome in its parent's shapes, before training
    genomes: dict[int, weights.Weights]  # the same, shrunk

    def caffemodel(self, generation: int) -> bytes:
        return (self.run / f"gen{generation:03d}" / "weights.caffemodel").read_bytes()


@pytest.fixture(scope="session")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The digits as an LMDB; copied into each place."""
    folder = tmp_path_factory.mktemp("digits")
    datasets.prepare("digits", image_size=28, seed=1, data=folder, report=lambda line: None)
    return folder


def _place(folder: Path, data: Path) -> Place:
    network = folder / "tiny"
    network.mkdir(parents=True)
    shutil.copytree(data, folder / "data")
    for name, text in (("train_val", TRAIN_VAL), ("solver", SOLVER), ("evolution", EVOLUTION)):
        (network / f"{name}.prototxt").write_text(text)
    return Place(folder)


@pytest.fixture
def place(tmp_path: Path, data: Path) -> Place:
    return _place(tmp_path, data)


@pytest.fixture(scope="session")
def reference(tmp_path_factory: pytest.TempPathFactory, data: Path) -> Reference:
    place = _place(tmp_path_factory.mktemp("reference"), data)
    kept: dict[str, dict[int, weights.Weights]] = {"masked.caffemodel": {}, "genome.caffemodel": {}}
    write = weights.write

    def spy(path: Path, net: Any, written: weights.Weights, half_blobs: bool = False) -> None:
        write(path, net, written, half_blobs)
        if path.name in kept:
            kept[path.name][int(path.parent.name[4:7])] = weights.read(path)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(weights, "write", spy)
        run = place.evolve()
    return Reference(run, kept["masked.caffemodel"], kept["genome.caffemodel"])


@dataclass(frozen=True)
class Family:
    """An evolution of three siblings and two parents, three generations, seed 1, that no test changes."""

    place: Place
    masked: dict[tuple[int, int], weights.Weights]  # (generation, sibling) -> its genome in the net it was drawn in

    @property
    def run(self) -> Path:
        return self.place.run


@pytest.fixture(scope="session")
def family(tmp_path_factory: pytest.TempPathFactory, data: Path) -> Family:
    place = _place(tmp_path_factory.mktemp("family"), data)
    # So small a budget that neurons go.
    place.set("offspring_per_generation: 3 parents: 2 environment { synapse_budget: 0.4 }")
    masked: dict[tuple[int, int], weights.Weights] = {}
    write = weights.write

    def spy(path: Path, net: Any, written: weights.Weights, half_blobs: bool = False) -> None:
        write(path, net, written, half_blobs)
        if path.name == "masked.caffemodel":
            # .gen002.siblings/.1.unfinished
            masked[int(path.parent.parent.name[4:7]), int(path.parent.name.split(".")[1])] = weights.read(path)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(weights, "write", spy)
        place.evolve(3)
    return Family(place, masked)


@pytest.fixture
def begun(place: Place, reference: Reference) -> Callable[[int], Place]:
    """``begun(2)``: this test's place, with the reference's first two generations already there."""

    def _begun(generations: int) -> Place:
        for number in range(1, generations + 1):
            name = f"gen{number:03d}"
            shutil.copytree(reference.run / name, place.run / name)
        return place

    return _begun


@pytest.fixture
def content() -> Callable[[Path], dict[str, tuple[bytes, int]]]:
    """``content(folder)``: every file that is not hidden, with its bytes and when it was last written."""

    def _content(folder: Path) -> dict[str, tuple[bytes, int]]:
        files = [path for path in folder.rglob("*") if path.is_file() and not path.name.startswith(".")]
        return {str(path.relative_to(folder)): (path.read_bytes(), os.stat(path).st_mtime_ns) for path in files}

    return _content
