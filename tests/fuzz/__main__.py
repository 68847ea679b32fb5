"""`make fuzz`: every format, ten thousand damaged files each, and what came of them as a table.

    python -m tests.fuzz [--inputs 10000] [--only "VOC XML" ...] [--csv fuzz.csv]

Exit status 1 where a file was a fault.
"""

import argparse
import csv
import sys
from pathlib import Path

from tests.fuzz.formats import PREPARED
from tests.fuzz.process import Outcome, fuzz

COLUMNS = "format inputs errors results faults slowest_ms peak_bytes largest_file_bytes seconds".split()


def main() -> int:
    """Runs what the command line asks for."""
    parser = argparse.ArgumentParser("python -m tests.fuzz", description=__doc__)
    parser.add_argument("--inputs", type=int, default=10_000)
    parser.add_argument("--only", nargs="*", default=list(PREPARED), choices=list(PREPARED))
    parser.add_argument("--csv", type=Path)
    asked = parser.parse_args()
    rows, faults = [], 0
    for name in asked.only:
        outcome = fuzz(name, asked.inputs)
        rows.append(_row(outcome))
        faults += len(outcome.faults)
        print(" ".join(f"{column}={value}" for column, value in rows[-1].items()), flush=True)
        for fault in outcome.faults:
            print(f"  {name} {fault}", file=sys.stderr, flush=True)
        if asked.csv:
            with open(asked.csv, "w", newline="") as file:
                writer = csv.DictWriter(file, COLUMNS, lineterminator="\n")
                writer.writeheader()
                writer.writerows(rows)
    print(f"{len(rows)} formats, {len(rows) * asked.inputs} files, {faults} faults")
    return 1 if faults else 0


def _row(outcome: Outcome) -> dict[str, object]:
    values = (
        *(outcome.format, outcome.inputs, outcome.errors, outcome.results, len(outcome.faults)),
        *(f"{1000 * outcome.slowest:.1f}", outcome.peak, outcome.largest, f"{outcome.seconds:.1f}"),
    )
    return dict(zip(COLUMNS, values, strict=True))


if __name__ == "__main__":
    sys.exit(main())
