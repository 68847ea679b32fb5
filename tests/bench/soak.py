"""`python -m tests.bench.soak`: a long sweep of a small network, and what its own process holds meanwhile.

By default 13 generations of 20 seeds. The memory, file handles and children of the sweep's process are read every
second; afterwards nothing may be left of it: no process, no temporary file, no lock, nothing half-made.
"""

import argparse
import csv
import os
import subprocess
import sys
import tempfile
import time
from contextlib import suppress
from dataclasses import astuple, dataclass, fields, replace
from pathlib import Path

from evolve.runs import run_folder
from tests.lineage.conftest import SOLVER, TRAIN_VAL

GROWTH = 0.05  # of its memory, once it has begun
ROWS = 400  # of the CSV file, whatever the time that it took

_ROOT = Path(__file__).resolve().parents[2]
_EVOLUTION = """dataset { name: "digits" image_size: 28 }
environment { synapse_budget: 0.78 }
ancestor_training: "60it"
offspring_training: "20it"
"""
# The sweep's process tells itself what it holds as it ends: whoever looks from outside may look a moment too early.
_SWEEP = """import atexit, os, sys
from pathlib import Path
from evolve.command.command import main

def tell():
    children = Path(f"/proc/self/task/{os.getpid()}/children").read_text().split()
    Path("sweep.end").write_text(f"{len(os.listdir('/proc/self/fd')) - 1} {len(children)}")

atexit.register(tell)
sys.exit(main(sys.argv[1:]))
"""


@dataclass(frozen=True)
class Sample:
    """What there was at a moment: of the sweep's process, and committed generations of all runs."""

    seconds: float
    memory_bytes: int  # resident
    file_handles: int
    children: int
    generations: int
    runs_ended: int


def network(folder: Path) -> None:
    """Writes the small network, tiny/, to evolve in `folder`."""
    (folder / "tiny").mkdir()
    for name, text in (("train_val", TRAIN_VAL), ("solver", SOLVER), ("evolution", _EVOLUTION)):
        (folder / "tiny" / f"{name}.prototxt").write_text(text)


def measure(folder: Path, seeds: int, generations: int, every: float = 1.0) -> list[Sample]:
    """Sweeps tiny/ of `folder`, and looks at the process `every` so many seconds, and once as it ends.

    Fails where the sweep does.
    """
    words = ["sweep", "NET=tiny", f"SEEDS=1..{seeds}", f"GEN={generations}"]
    command = [sys.executable, "-c", _SWEEP, *words]
    samples: list[Sample] = []
    began = time.monotonic()
    with open(folder / "sweep.out", "wb") as out:
        sweep = subprocess.Popen(command, cwd=folder, env=_environment(folder), stdout=out, stderr=out)
    while sweep.poll() is None:
        # Between being a process and being gone, it has no memory.
        with suppress(OSError, StopIteration, ValueError):
            samples.append(_sample(folder, sweep.pid, time.monotonic() - began, generations))
        time.sleep(every)
    if sweep.returncode:
        raise SystemExit(f"the sweep ended with status {sweep.returncode}:\n{(folder / 'sweep.out').read_text()}")
    file_handles, children = map(int, (folder / "sweep.end").read_text().split())
    done = _done(folder)
    last = replace(
        samples[-1], seconds=time.monotonic() - began, file_handles=file_handles, children=children,
        generations=sum(done), runs_ended=sum(number == generations for number in done),
    )  # fmt: skip
    return [*samples, last]


def begun(samples: list[Sample]) -> list[Sample]:
    """Those after the start-up: from the first run that has ended on, when all that it does was done once."""
    return [each for each in samples if each.runs_ended]


def growth(samples: list[Sample]) -> float:
    """By how much of what it was the memory has grown, at most, since the start-up."""
    memory = [each.memory_bytes for each in begun(samples)]
    return max(memory) / memory[0] - 1


def leftovers(folder: Path) -> list[str]:
    """What a sweep that has ended left behind: processes, temporary files, locks that are held, what is half-made."""
    runs = list((folder / "runs" / "tiny").glob("*"))
    found = [f"process {pid}" for pid in _processes(folder)]
    found += [str(path) for path in (folder / "tmp").rglob("*")]
    found += [f"lock of {run}" for run in runs if run_folder.at_work(run)]
    for pattern in (".holder", "*.unfinished", ".*.training", "*.failed.log", "*.damaged*"):
        found += [str(path) for path in folder.rglob(pattern)]
    return found


def write(samples: list[Sample], path: Path) -> None:
    """As CSV, not more than ROWS of them."""
    step = -(-len(samples) // ROWS)
    with open(path, "w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow([each.name for each in fields(Sample)])
        writer.writerows([f"{first:.1f}", *rest] for first, *rest in map(astuple, samples[::step]))


def draw(samples: list[Sample], path: Path, title: str) -> None:
    """The memory curve, with the band of 5 % that it may grow by, and the generations behind it."""
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    figure, (memory, work) = pyplot.subplots(2, 1, figsize=(8, 5.5), sharex=True, height_ratios=[2, 1], dpi=120)
    minutes = [each.seconds / 60 for each in samples]
    memory.plot(minutes, [each.memory_bytes / 1e6 for each in samples], color="C0")
    first = begun(samples)[0]
    band = [first.memory_bytes / 1e6, first.memory_bytes * (1 + GROWTH) / 1e6]
    memory.fill_between([first.seconds / 60, minutes[-1]], *band, color="C2", alpha=0.25, linewidth=0)
    above = {"xytext": (0, 4), "textcoords": "offset points", "ha": "right"}
    memory.annotate("since the first run ended, up to 5 % more", (minutes[-1], band[1]), **above)
    memory.set(ylabel="memory of the sweep, MB", ylim=(0, 1.25 * max(each.memory_bytes for each in samples) / 1e6))
    memory.set_title(title, fontsize=10)
    work.plot(minutes, [each.generations for each in samples], color="C1")
    work.set(xlabel="minutes", ylabel="generations", xlim=(0, None), ylim=(0, None))
    figure.tight_layout()
    figure.savefig(path)
    pyplot.close(figure)


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.bench.soak", description=__doc__)
    parser.add_argument("--seeds", type=int, default=20)
    parser.add_argument("--generations", type=int, default=13)
    parser.add_argument("--out", type=Path, default=Path("results/sweep"), help="the folder for soak.csv and soak.png")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        network(folder)
        samples = measure(folder, given.seeds, given.generations)
        made = len(list(folder.glob("runs/tiny/*/gen*/DONE.json")))
        left = leftovers(folder)
    given.out.mkdir(parents=True, exist_ok=True)
    write(samples, given.out / "soak.csv")
    after = begun(samples)
    said = (
        f"{given.seeds} seeds x {given.generations} generations: {made} committed in {samples[-1].seconds / 60:.1f} "
        f"min; memory {after[0].memory_bytes / 1e6:.1f} MB, at most {growth(samples):+.2%} since"
    )
    draw(samples, given.out / "soak.png", said)
    print(f"{said}; file handles {_range(after, 'file_handles')}; children {_range(after, 'children')}")
    print("left behind:", *(left or ["nothing"]), sep="\n  ")
    return int(bool(left) or growth(samples) >= GROWTH or made != given.seeds * given.generations)


def _range(samples: list[Sample], name: str) -> str:
    values = [getattr(each, name) for each in samples]
    return f"{min(values)} to {max(values)}, {values[-1]} at the end"


def _sample(folder: Path, pid: int, seconds: float, generations: int) -> Sample:
    process = Path("/proc") / str(pid)
    line = next(line for line in (process / "status").read_text().splitlines() if line.startswith("VmRSS"))
    done = _done(folder)
    return Sample(
        seconds=seconds,
        memory_bytes=int(line.split()[1]) * 1024,
        file_handles=len(list((process / "fd").iterdir())),
        children=len((process / "task" / str(pid) / "children").read_text().split()),
        generations=sum(done),
        runs_ended=sum(number == generations for number in done),
    )


def _done(folder: Path) -> list[int]:
    """Committed generations of each run."""
    return [len(list(run.glob("gen*/DONE.json"))) for run in (folder / "runs" / "tiny").glob("*")]


def _processes(folder: Path) -> list[int]:
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):
            if (process / "cwd").readlink().is_relative_to(folder):
                found.append(int(process.name))
    return found


def _environment(folder: Path) -> dict[str, str]:
    (folder / "tmp").mkdir()
    kept = {name: value for name, value in os.environ.items() if name not in ("CAVEFISH_DATA", "CAVEFISH_RUNS")}
    path = os.pathsep.join(filter(None, (str(_ROOT), os.environ.get("PYTHONPATH", ""))))
    return kept | {"PYTHONPATH": path, "CAVEFISH_OFFLINE": "1", "TMPDIR": str(folder / "tmp")}


if __name__ == "__main__":
    sys.exit(main())
