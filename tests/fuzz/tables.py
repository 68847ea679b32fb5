"""Fuzzed: tables that users bring, a device's frames per second and the devices themselves."""

import json
from pathlib import Path
from typing import Any

from evolve.network import devices
from evolve.runs import device_table


def fps(folder: Path) -> Any:
    """FPS= of `make bench` and `make plot`, of a run with two generations."""
    for number in (1, 2):
        made = folder / "seed1" / f"gen{number:03d}"
        made.mkdir(parents=True)
        (made / "DONE.json").write_text(json.dumps({"sha256": {"weights.caffemodel": f"weights {number}"}}))
    file = folder / "tx1.csv"
    rows = {"generation": "1", "engine": "tensorrt", "precision": "fp16", "batch": "1", "runs": "100"}
    rows |= {"median_ms": "4.0", "p95_ms": "4.5", "fps": "250"}
    line = ",".join(rows.get(column, "x") for column in device_table.COLUMNS)
    good = f"# a Jetson TX1\n# images 3x8x8\n{','.join(device_table.COLUMNS)}\n{line}\n{line.replace('1', '2', 1)}\n"

    def _read(content: bytes) -> object:
        file.write_bytes(content)
        return device_table.read(file, folder / "seed1")

    return (good.encode(),), _read, None


def device(folder: Path) -> Any:
    file = folder / "devices.csv"

    def _read(content: bytes) -> object:
        file.write_bytes(content)
        return devices.read(file)

    return (devices.TABLE.read_bytes(),), _read, None


FORMATS = {"FPS table": fps, "devices.csv": device}
