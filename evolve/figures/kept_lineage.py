"""A lineage.csv that was kept without its run, as results/ has them: what the table does not say, the user does.

``mnist:lenet-seed1.csv`` was measured on mnist; so was ``mnist:lenet/seed1.csv``. Network, run and seed: in the name.
"""

import csv
import re
from dataclasses import fields
from pathlib import Path

from evolve.base.errors import UserError, said
from evolve.datasets import lookup
from evolve.figures.run import Run
from evolve.runs import run_folder
from evolve.runs.metrics import Data, Figures, Metrics, Training
from evolve.runs.score import Score
from evolve.settings import networks

_SCORES = ("accuracy", "precision", "recall", "map", "ap", "validation_accuracy")
_COLUMNS = ("generation", *(each.name for each in fields(Figures)))


def is_one(name: Path) -> bool:
    """Whether RUN= means such a file."""
    return name.suffix == ".csv"


def read(name: Path) -> Run:
    """Reads a kept file's generations. UserError where its name lacks what it must say, or it is no lineage.csv."""
    dataset, colon, file = str(name).partition(":")
    if not colon or dataset not in lookup.names():
        known = ", ".join(lookup.names())
        raise UserError(
            f"RUN={name}: expected the data set that it was measured on and a colon before it; known are: {known}"
        )
    network, run = named(name)
    seed = re.search(r"seed(\d+)", run)
    rows = _rows(Path(file))
    return Run([_metrics(row, network, int(seed.group(1)) if seed else 0, dataset) for row in rows])


def named(name: Path) -> tuple[str, str]:
    """Network and run: lenet and long-seed1 of lenet-long-seed1.csv, or of lenet/long-seed1.csv."""
    file = Path(str(name).partition(":")[2])
    known = [folder.name for folder in networks.root().iterdir() if folder.is_dir()]
    network, _, run = file.stem.partition("-")
    if network in known:
        return network, run
    if file.absolute().parent.name in known:
        return file.absolute().parent.name, file.stem
    raise UserError(f"RUN={name}: expected a name like lenet-seed1.csv, of a network under prototxt/ and its run")


def _rows(file: Path) -> list[dict[str, float]]:
    """The figures of each row; those of a run's speed are not asked for here."""
    try:
        with open(file, encoding="utf-8", newline="") as opened:
            reader = csv.DictReader(opened)
            rows = [{name: float(row[name]) for name in _COLUMNS if row.get(name)} for row in reader]
    except (OSError, ValueError, TypeError, csv.Error) as error:
        raise UserError(f"{file}: expected a run's lineage.csv, got {said(error)}; name another file") from None
    if not rows or not set(reader.fieldnames or ()) <= set(run_folder.COLUMNS):
        raise UserError(f"{file}: expected a run's lineage.csv, got other columns, or no generation; name another file")
    if lacking := [name for name in _COLUMNS if name not in _SCORES and any(name not in row for row in rows)]:
        raise UserError(
            f"{file}: expected a run's lineage.csv, got one without {lacking[0]} in every row; name another file"
        )
    return rows


def _metrics(row: dict[str, float], network: str, seed: int, dataset: str) -> Metrics:
    return Metrics(
        generation=int(row["generation"]),
        network=network,
        seed=seed,
        number_format="",
        synapses=int(row["synapses"]),
        architectural_efficiency=row["architectural_efficiency"],
        clusters=int(row["clusters"]),
        cluster_efficiency=row["cluster_efficiency"],
        macs=int(row["macs"]),
        caffemodel_bytes=int(row["caffemodel_bytes"]),
        flushed_synapses=int(row["flushed_synapses"]),
        dataset=Data(dataset),
        training=Training(int(row["iterations"]), row["train_seconds"]),
        score=Score(
            accuracy=row.get("accuracy"),
            precision=row.get("precision"),
            recall=row.get("recall"),
            map=row.get("map"),
            ap=row.get("ap"),
            validation_accuracy=row.get("validation_accuracy"),
        ),
    )
