"""A folder in which a tiny net evolves on digits, and whether its run is what an undisturbed one is."""

import csv
import shutil
from dataclasses import dataclass
from pathlib import Path

from evolve.runs import generation
from tests.torture.commands import Commands, Ended, Running

GENERATIONS = 3
WORDS = ("evolve", "NET=tiny", f"GEN={GENERATIONS}", "THREADS=1")
# As small as a net can be that has neurons to lose: what is tried here is everything but its training.
TRAIN_VAL = """
name: "tiny"
layer { name: "data" type: "Data" top: "data" top: "label" include { phase: TRAIN }
  transform_param { scale: 0.00390625 } data_param { source: "$DATA/train" backend: LMDB batch_size: 32 } }
layer { name: "data" type: "Data" top: "data" top: "label" include { phase: TEST }
  transform_param { scale: 0.00390625 } data_param { source: "$DATA/test" backend: LMDB batch_size: 77 } }
layer { name: "conv1" type: "Convolution" bottom: "data" top: "conv1"
  convolution_param { num_output: 8 kernel_size: 7 stride: 4 weight_filler { type: "xavier" } } }
layer { name: "relu1" type: "ReLU" bottom: "conv1" top: "conv1" }
layer { name: "ip1" type: "InnerProduct" bottom: "conv1" top: "ip1"
  inner_product_param { num_output: 10 weight_filler { type: "xavier" } } }
layer { name: "accuracy" type: "Accuracy" bottom: "ip1" bottom: "label" top: "accuracy" include { phase: TEST } }
layer { name: "loss" type: "SoftmaxWithLoss" bottom: "ip1" bottom: "label" top: "loss" }
"""
SOLVER = """type: "SGD" base_lr: 0.05 momentum: 0.9 weight_decay: 0.0005 lr_policy: "fixed" solver_mode: CPU
snapshot: 6
"""
EVOLUTION = """dataset { name: "digits" image_size: 28 }
ancestor_training: "24it"
offspring_training: "12it"
"""
# In a run's folder; what they say is of commands, and not of the run that these made.
_OF_COMMANDS = {".lock", ".holder", ".asked", "report.html", ".report.html.unfinished"}


@dataclass(frozen=True)
class Place:
    """`folder` has tiny/, data/ and runs/; `reference` is the run that it must come to."""

    folder: Path
    reference: Path

    @property
    def run(self) -> Path:
        return self.folder / "runs" / "tiny" / "seed1"

    def start(self, commands: Commands, **variables: str) -> Running:
        """`make evolve` there."""
        return commands.start(self.folder, *WORDS, **variables)

    def evolve(self, commands: Commands, **variables: str) -> Ended:
        """The same to its end."""
        return self.start(commands, **variables).ended()

    def begin(self, generations: int) -> None:
        """Forgets the run, and begins it with so many of the reference's generations, as they were committed."""
        shutil.rmtree(self.run, ignore_errors=True)
        self.run.mkdir(parents=True)
        for name in ("prototxt", *(f"gen{number:03d}" for number in range(1, generations + 1))):
            shutil.copytree(self.reference / name, self.run / name)

    def corrupt(self, run: Path | None = None) -> list[str]:
        """Generations that are there under their names, and are not what the reference has."""
        folders = sorted((run or self.run).glob("gen[0-9][0-9][0-9]"))
        return [folder.name for folder in folders if not generation.exists(folder) or not self._alike(folder)]

    def lacking(self, run: Path | None = None) -> list[str]:
        """What a finished run lacks to be the reference, or has too much."""
        run = run or self.run
        found = self.corrupt(run)
        names = {f"gen{number:03d}" for number in range(1, GENERATIONS + 1)}
        there = {path.name for path in run.iterdir()} - _OF_COMMANDS
        extra = {name for name in there if ".damaged" in name or name.endswith(".failed.log")}
        wanted = {*names, "lineage.csv", "prototxt"}
        found += [f"without {name}" for name in sorted(wanted - there)]
        found += [f"left {name}" for name in sorted(there - wanted - extra)]
        if "lineage.csv" in there and _rows(run) != _rows(self.reference):
            found.append("lineage.csv")
        return found

    def _alike(self, folder: Path) -> bool:
        name = Path(folder.name) / "weights.caffemodel"
        return (folder / name.name).read_bytes() == (self.reference / name).read_bytes()


def make(folder: Path, commands: Commands) -> Place:
    """A new place, its data prepared, and its reference made in it by the command undisturbed."""
    _write(folder)
    place = Place(folder, folder / "reference")
    ended = place.evolve(commands)
    assert ended.status == 0, ended.said
    shutil.copytree(place.run, place.reference)
    return place


def another(folder: Path, first: Place) -> Place:
    """A place beside `first`, on the same data, with the same reference."""
    _write(folder)
    (folder / "data").symlink_to(first.folder / "data")
    return Place(folder, first.reference)


def _write(folder: Path) -> None:
    network = folder / "tiny"
    network.mkdir(parents=True)
    for name, text in (("train_val", TRAIN_VAL), ("solver", SOLVER), ("evolution", EVOLUTION)):
        (network / f"{name}.prototxt").write_text(text)


def _rows(run: Path) -> list[dict[str, str]]:
    with open(run / "lineage.csv", newline="") as file:
        return [row | {"train_seconds": ""} for row in csv.DictReader(file)]
