"""The table that a device prints (trt/tx1, trtexec's user): frames per second that were measured elsewhere."""

import csv
import re
from pathlib import Path

from evolve.base.counted import counted
from evolve.base.errors import UserError, said
from evolve.runs import measurements, run_folder
from evolve.runs.measurements import Measurement

# Stated once, where the programs for a device have it at hand too.
COLUMNS = (Path(__file__).resolve().parents[2] / "trt" / "tx1" / "columns.csv").read_text().strip().split(",")

_REMEDY = "FPS= is the file that bench.py printed on the device"

# The comment that says what was measured at; tables of earlier releases have none.
_IMAGES = re.compile(r"# images ([1-9][0-9]{0,5}(?:x[1-9][0-9]{0,5})*)\s*")

# fps and median_ms of a row say the same, as far as both were rounded.
_ROUNDING = 0.05


def read(table: Path, run: Path, shape: str = "") -> list[Measurement]:
    """The rows of a CSV file for the generations of `run`. UserError naming the line that does not say what it must.

    Lines that begin with # are the device's comments; ``# images 3x384x1248`` is the size of its images, and `shape` is
    where there is none. UserError if both are there and differ.
    """
    try:
        lines = table.read_text(encoding="utf-8-sig").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise UserError(f"FPS={table}: expected a device's table, got {said(error)}; {_REMEDY}") from None
    rows = [(number, next(csv.reader([line]))) for number, line in enumerate(lines, start=1)
            if line.strip() and not line.startswith("#")]  # fmt: skip
    if not rows or [cell.strip() for cell in rows[0][1]] != COLUMNS:
        raise UserError(f"FPS={table}: expected the columns {','.join(COLUMNS)}; {_REMEDY}")
    if not rows[1:]:
        raise UserError(f"FPS={table}: expected a row a generation, got none; {_REMEDY}")
    size = next((found[1] for line in lines if (found := _IMAGES.fullmatch(line))), shape)
    if shape not in (size, ""):
        raise UserError(
            f"FPS={table}: expected images of SHAPE={shape}, got a table that says {size}; leave SHAPE= out"
        )
    known = run_folder.committed(run)
    return [_measurement(cells, f"{table}:{number}", run, known, table.stem, size) for number, cells in rows[1:]]


def _measurement(cells: list[str], where: str, run: Path, known: list[int], device: str, shape: str) -> Measurement:
    if len(cells) != len(COLUMNS):
        raise UserError(f"{where}: expected {len(COLUMNS)} cells, got {len(cells)}")
    row = dict(zip(COLUMNS, (cell.strip() for cell in cells), strict=True))
    number = int(_positive(row, "generation", where, whole=True))
    if number not in known:
        raise UserError(f"{where}: expected one of the {counted(len(known), 'generation')} of {run}, got {number}")
    batch, median = int(_positive(row, "batch", where, whole=True)), _positive(row, "median_ms", where)
    fps = _positive(row, "fps", where)
    if abs(fps * median / (1000 * batch) - 1) > _ROUNDING:
        raise UserError(f"{where}: {row['fps']} fps are not 1000 * {batch} / {row['median_ms']} ms; mend the row")
    return Measurement(
        generation=number,
        engine=row["engine"],
        precision=row["precision"],
        batch=batch,
        runs=int(_positive(row, "runs", where, whole=True)),
        median_ms=median,
        p95_ms=_positive(row, "p95_ms", where),
        fps=fps,
        shape=shape,
        threads=0,
        device=device,
        version="",
        weights_sha256=measurements.weights_sha256(run, number),
    )


def _positive(row: dict[str, str], column: str, where: str, whole: bool = False) -> float:
    try:
        value = float(int(row[column])) if whole else float(row[column])
    except (ValueError, OverflowError):
        value = 0.0
    if not 0 < value < float("inf"):
        raise UserError(f"{where}: {column}: expected a {'whole ' * whole}number above 0, got '{row[column]}'")
    return value
