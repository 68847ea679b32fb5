"""A lineage.csv that was kept without its run, as results/ has them: what the table does not say, the user does.

``mnist:lenet-seed1.csv`` was measured on mnist; so was ``mnist:lenet/seed1.csv``. Network, run and seed: in the name.
"""

import csv
import re
from pathlib import Path
from typing import Any

from datasets import registry
from evolve import paths, run_folder
from evolve.errors import UserError
from evolve.figures.measured import Measured

_WORDS = ("fps_engine",)


def is_one(name: Path) -> bool:
    """Whether RUN= means such a file."""
    return name.suffix == ".csv"


def read(name: Path) -> Measured:
    """Its generations. UserError where the name does not say what it must, or the file is no lineage.csv."""
    dataset, colon, file = str(name).partition(":")
    if not colon or dataset not in registry.names():
        known = ", ".join(registry.names())
        raise UserError(
            f"RUN={name}: expected the data set that it was measured on and a colon before it; known are: {known}"
        )
    network, run = named(name)
    seed = re.search(r"seed(\d+)", run)
    about = {"network": network, "seed": int(seed.group(1)) if seed else 0, "layers": []}
    about |= {"dataset": {"name": dataset, "notice": ""}}
    return Measured([about | row for row in _rows(Path(file))])


def named(name: Path) -> tuple[str, str]:
    """Network and run: lenet and long-seed1 of lenet-long-seed1.csv, or of lenet/long-seed1.csv."""
    file = Path(str(name).partition(":")[2])
    known = [folder.name for folder in paths.prototxt_root().iterdir() if folder.is_dir()]
    network, _, run = file.stem.partition("-")
    if network in known:
        return network, run
    if file.absolute().parent.name in known:
        return file.absolute().parent.name, file.stem
    raise UserError(f"RUN={name}: expected a name like lenet-seed1.csv, of a network under prototxt/ and its run")


def _rows(file: Path) -> list[dict[str, Any]]:
    try:
        with open(file, encoding="utf-8", newline="") as opened:
            reader = csv.DictReader(opened)
            rows = [_figures(row) for row in reader]
    except (OSError, ValueError, TypeError, csv.Error) as error:
        raise UserError(f"{file}: expected a run's lineage.csv, got {error}") from None
    if not rows or not set(reader.fieldnames or ()) <= set(run_folder.COLUMNS):
        raise UserError(f"{file}: expected a run's lineage.csv, got other columns, or no generation")
    return rows


def _figures(row: dict[str, str]) -> dict[str, Any]:
    figures = {name: value if name in _WORDS else float(value) for name, value in row.items() if value}
    return figures | {name: int(figures[name]) for name in ("generation", "synapses", "macs") if name in figures}
