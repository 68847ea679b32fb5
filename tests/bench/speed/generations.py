"""`python -m tests.bench.speed.generations RUN`: what a training step and an inference take in every generation.

All generations of a run side by side, with the fast layers, beside their multiply-accumulates.
"""

import argparse
import tempfile
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

from tests.bench.speed import case, table
from tests.bench.speed.networks import write_nets
from tests.bench.speed.process import EngineProcess, checked, make
from tests.bench.speed.rounds import interleaved, medians
from tests.bench.speed.variants import folders, variant


@dataclass(frozen=True)
class Timed:
    """A row of <run>-generations.csv; `macs` are one image's, `..._faster` how often generation 1 takes as long."""

    generation: int
    macs: int
    fewer_macs: float
    train_batch: int
    threads: int
    train_ms: float
    train_faster: float
    inference_batch: int
    inference_ms: float
    inference_faster: float


def measure(run: Path, folder: Path, threads: int, batch: int, rounds: int, seconds: float) -> list[Timed]:
    """All generations in one interleaved measurement, each in a process of its own; inference of `batch` images."""
    found = [variant(each) for each in folders(run)]
    with ExitStack() as stack:
        processes = []
        for number, each in enumerate(found):
            each.deploy.layer[0].input_param.shape[0].dim[0] = batch
            batches = write_nets(each.train, each.deploy, folder / str(number))
            make(folder / str(number))
            processes.append(stack.enter_context(EngineProcess("fast", folder / str(number), threads)))
        times = {}
        for pass_ in (case.TRAIN, case.FORWARD):
            runners = {str(number): checked(process, pass_) for number, process in enumerate(processes)}
            times[pass_] = list(medians(interleaved(runners, rounds, seconds)).values())
    train, inference = times[case.TRAIN], times[case.FORWARD]
    return [
        Timed(
            generation=number + 1,
            macs=each.macs,
            fewer_macs=round(found[0].macs / each.macs, 2),
            train_batch=batches[case.TRAIN],
            threads=threads,
            train_ms=round(train[number], 3),
            train_faster=round(train[0] / train[number], 2),
            inference_batch=batch,
            inference_ms=round(inference[number], 4),
            inference_faster=round(inference[0] / inference[number], 2),
        )
        for number, each in enumerate(found)
    ]


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.bench.speed.generations", description=__doc__)
    parser.add_argument("run", type=Path, help="a run's folder, runs/lenet/seed1")
    parser.add_argument("--out", type=Path, required=True, help="the CSV file to write")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--batch", type=int, default=1, help="images of an inference")
    parser.add_argument("--rounds", type=int, default=11)
    parser.add_argument("--seconds", type=float, default=0.3, help="how long a generation runs in a round")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        given = (arguments.threads, arguments.batch, arguments.rounds, arguments.seconds)
        rows = measure(arguments.run, Path(folder), *given)
    table.write(rows, arguments.out)
    print(arguments.out.read_text())


if __name__ == "__main__":
    main()
