"""`python -m tests.bench.sweep_scaling`: how many times one lineage's throughput a sweep has with a lineage a core.

In each round every lineage is swept alone, and then all of them side by side, in turn and another one first each time;
all from nothing, one thread each, the time that the command takes. With a lineage a core, the throughput of side by
side is to that of one after the other as the sum of the times alone is to the time together.
"""

import argparse
import csv
import os
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from statistics import median

from evolve.base import processors
from tests.bench.speed.rounds import rotated

AIM = 0.9  # of the cores: 1.8 on two

_ROOT = Path(__file__).resolve().parents[2]


def measure(folder: Path, words: list[str], lineages: int, rounds: int) -> list[dict[str, float]]:
    """Seconds of each lineage alone and of all together, by "1", "2" … and "together", a row a round."""
    alone = [str(seed) for seed in range(1, lineages + 1)]
    # The data sets are there before anything is timed.
    swept(folder, [*words, "GEN=1", "SET=ancestor_training=1it"], alone)
    rows = []
    for number in range(rounds):
        seeds = {name: [name] for name in alone} | {"together": alone}
        rows.append({name: swept(folder, words, seeds[name]) for name in rotated(list(seeds), number)})
        print(", ".join(f"{name} {seconds:.1f} s" for name, seconds in rows[-1].items()), flush=True)
    return rows


def swept(folder: Path, words: list[str], seeds: list[str]) -> float:
    """Seconds that `make sweep` takes for the lineages of `seeds`, from nothing."""
    shutil.rmtree(folder / "runs", ignore_errors=True)
    command = [sys.executable, "-m", "evolve.command.command", "sweep", f"SEEDS={','.join(seeds)}", *words]
    began = time.monotonic()
    done = subprocess.run(command, cwd=folder, env=_environment(), capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(f"{' '.join(command)} ended with status {done.returncode}:\n{done.stderr}")
    return time.monotonic() - began


def speedup(row: dict[str, float]) -> float:
    """Of one round."""
    return sum(seconds for name, seconds in row.items() if name != "together") / row["together"]


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.bench.sweep_scaling", description=__doc__)
    parser.add_argument("--net", default="lenet")
    parser.add_argument("--generations", type=int, default=3)
    parser.add_argument("--set", default="ancestor_training=600it;offspring_training=300it")
    parser.add_argument("--lineages", type=int, default=processors.usable(), help="as many as there are cores")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--out", type=Path, default=Path("results/sweep"), help="the folder for scaling.csv")
    given = parser.parse_args()
    words = [f"NET={given.net}", f"GEN={given.generations}", f"SET={given.set}"]
    with tempfile.TemporaryDirectory() as folder:
        rows = measure(Path(folder), words, given.lineages, given.rounds)
    given.out.mkdir(parents=True, exist_ok=True)
    with open(given.out / "scaling.csv", "w", newline="", encoding="utf-8") as file:
        names = [*(str(seed) for seed in range(1, given.lineages + 1)), "together", "speedup"]
        writer = csv.DictWriter(file, ["round", *names], lineterminator="\n")
        writer.writeheader()
        for number, row in enumerate(rows, start=1):
            figures = row | {"speedup": speedup(row)}
            writer.writerow({"round": number} | {name: f"{value:.3f}" for name, value in figures.items()})
    found, aim = median(map(speedup, rows)), AIM * given.lineages
    print(f"{given.lineages} lineages side by side: {found:.2f} times one's throughput, aim {aim:.1f}")
    return int(found < aim)


def _environment() -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if name != "CAVEFISH_RUNS"}
    return kept | {"PYTHONPATH": os.pathsep.join(filter(None, (str(_ROOT), os.environ.get("PYTHONPATH", ""))))}


if __name__ == "__main__":
    sys.exit(main())
