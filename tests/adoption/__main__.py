"""Adopts, checks and evolves the ten networks and a DetectNet for two generations, as a user would.

`python -m tests.adoption OUT [name ...]` writes strangers.csv into the folder OUT, a row a network, from what the
commands said.
"""

import csv
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from tests.adoption.networks import Network, detectnet, every

ROOT = Path(__file__).resolve().parents[2]
COLUMNS = ("network", "form", "adopt", "by_hand", "check", "synapses_1", "synapses_2", "score_1", "score_2", "data_set")
_SHORT = "ancestor_training=80it; offspring_training=40it"  # enough to see that it runs


def cavefish(folder: Path, *words: str) -> "subprocess.CompletedProcess[str]":
    """One command in `folder`, offline, on one thread."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("CAVEFISH_")}
    environment = kept | {"CAVEFISH_OFFLINE": "1", "PYTHONPATH": str(ROOT), "COLUMNS": "200"}
    command = [sys.executable, "-m", "evolve.command.command", *words]
    return subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)


def row(network: Network, folder: Path) -> dict[str, str]:
    """What became of one network."""
    for name, text in network.files.items():
        (folder / name).write_text(text)
    asked = "; ".join(
        filter(None, (_SHORT, f"dataset.name={network.data_set}" if network.data_set else "", network.settings))
    )
    adopted = cavefish(folder, "adopt", *network.words, "OUT=net", f"SET={asked}")
    by_hand = []
    if network.data_set:
        shutil.copy(ROOT / "tests" / "adoption" / f"{network.data_set}.py", folder / "net")
        by_hand.append(f"a data set of one's own, {network.data_set}.py")
    checked = cavefish(folder, "check", "NET=net")
    evolved = cavefish(folder, "evolve", "NET=net", "GEN=2", "THREADS=1")
    if evolved.returncode:
        print(adopted.stdout, adopted.stderr, checked.stderr, evolved.stdout, evolved.stderr, file=sys.stderr)
    rows = [] if evolved.returncode else _rows(folder / "runs" / "net" / "seed1" / "lineage.csv")
    found = {
        "network": network.name, "form": network.form, "by_hand": "; ".join(by_hand) or "nothing",
        "adopt": f"{len(adopted.stdout.splitlines())} lines", "check": "sound" if not checked.returncode else "refused",
        "data_set": _data_set(folder),
    }  # fmt: skip
    for each in rows:
        number = each["generation"]
        score = each.get("accuracy") or each.get("ap") or "none"
        found |= {f"synapses_{number}": each["synapses"], f"score_{number}": score}
    return found


def _rows(lineage: Path) -> list[dict[str, str]]:
    with open(lineage, newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def _data_set(folder: Path) -> str:
    prepared = sorted((folder / "data").glob("*-*")) if (folder / "data").is_dir() else []
    return ", ".join(place.name.split("-")[0] for place in prepared if place.is_dir())


def main(out: Path, names: list[str]) -> None:
    """Writes the table of all, or of those named."""
    out.mkdir(parents=True, exist_ok=True)
    with open(out / "strangers.csv", "w", newline="", encoding="utf-8") as file:
        table = csv.DictWriter(file, COLUMNS, lineterminator="\n")
        table.writeheader()
        for network in (detectnet(), *every()):
            if not names or network.name in names:
                with tempfile.TemporaryDirectory() as folder:
                    table.writerow(row(network, Path(folder)))
                    file.flush()


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2:])
