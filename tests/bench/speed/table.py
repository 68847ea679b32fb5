"""What was measured as CSV files and as a table with ratios to PyTorch."""

import csv
from collections.abc import Iterable, Sequence
from dataclasses import asdict, astuple, dataclass, fields
from pathlib import Path
from typing import Any

from tests.bench.speed.networks import NETWORKS
from tests.bench.speed.process import ENGINES

LISTED = ENGINES[:5]  # the engines of steps.csv


@dataclass(frozen=True)
class Median:
    """A row of steps.csv."""

    net: str
    pass_: str
    batch: int
    threads: int
    engine: str
    median_ms: float


@dataclass(frozen=True)
class Round:
    """A row of rounds.csv: what the medians are of."""

    net: str
    pass_: str
    batch: int
    threads: int
    engine: str
    round: int
    ms: float


def write(rows: Sequence[Any], path: Path) -> None:
    """Dataclasses as a CSV file; times in milliseconds to 4 digits after the point."""
    with open(path, "w", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(field.name.rstrip("_") for field in fields(rows[0]))
        for row in rows:
            writer.writerow(f"{value:.4f}" if isinstance(value, float) else value for value in astuple(row))


def lines(medians: Iterable[Median]) -> list[str]:
    """A line for each net, pass and threads: every engine's milliseconds, and fast / PyTorch beside the target."""
    grouped: dict[tuple[str, str, int, int], dict[str, float]] = {}
    for row in medians:
        key = asdict(row)
        grouped.setdefault((key["net"], key["pass_"], key["batch"], key["threads"]), {})[row.engine] = row.median_ms
    head = f"{'net':17}{'pass':17}{'batch':>6}{'threads':>8}" + "".join(f"{name[:13]:>14}" for name in ENGINES)
    return [head + "  fast/pytorch", *(_line(*key, times) for key, times in grouped.items())]


def _line(net: str, pass_: str, batch: int, threads: int, times: dict[str, float]) -> str:
    figures = "".join(f"{times[name]:14.3f}" if name in times else f"{'':14}" for name in ENGINES)
    start = f"{net:17}{pass_:17}{batch:6}{threads:8}{figures}"
    if not {"fast", "pytorch"} <= times.keys():
        return start
    ratio = times["fast"] / times["pytorch"]
    return start + f"{ratio:14.3f}" + _verdict(net, pass_, ratio)


def _verdict(net: str, pass_: str, ratio: float) -> str:
    network = NETWORKS.get(net)
    if network is None or network.backward != pass_:
        return ""
    return f" {'<=' if ratio <= network.largest_ratio else 'above'} {network.largest_ratio}"
