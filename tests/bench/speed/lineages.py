"""`python -m tests.bench.speed.lineages RUN[:GEN] RUN[:GEN]`: generations of several runs, side by side.

One generation of each run, the last unless said: a training step (forward, backward and update) and the pass of one
image, by processor time and all in turn, so that encodings and settings compare. Caffe's fast layers follow the
synapses and keep lanes, as retraining has them do; one image is OpenVINO's and ONNX Runtime's too.
"""

import argparse
import shutil
import tempfile
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

from evolve.runs import paths
from tests.bench.speed import case, table
from tests.bench.speed.networks import write_nets
from tests.bench.speed.process import EngineProcess, checked, make
from tests.bench.speed.rounds import Runner, interleaved, medians
from tests.bench.speed.variants import Variant, folders, variant
from trt.onnx import export

COMPILERS = ("openvino", "onnxruntime")
PASSES = {"step": case.TRAIN, "image": case.FORWARD}


@dataclass(frozen=True)
class Timed:
    """A row of the table; `pass_` is step or image, the engine Caffe with fast layers or a compiler."""

    run: str
    generation: int
    macs: int
    pass_: str
    batch: int
    threads: int
    engine: str
    median_ms: float


def measure(generations: list[Path], scratch: Path, options: argparse.Namespace) -> list[Timed]:
    """All generations, each engine's outputs compared with stock Caffe's before, in one round after another."""
    rows: list[Timed] = []
    with ExitStack() as stack:
        cases = [_case(folder, scratch / str(number)) for number, folder in enumerate(generations)]
        caffes = [stack.enter_context(EngineProcess("fast", folder, options.threads)) for _, _, folder in cases]
        for process in caffes:
            process.ask("absent_stays_absent")
            process.ask("blobs_between_unread")
        for name, pass_ in PASSES.items():
            runners = {
                (number, "caffe"): checked(process, pass_, clock="process_time")
                for number, process in enumerate(caffes)
            }
            for engine in options.compilers if name == "image" else ():
                for number, (_, _, folder) in enumerate(cases):
                    process = stack.enter_context(EngineProcess(engine, folder, options.threads))
                    runners[number, engine] = checked(process, pass_, clock="process_time")
            for (number, engine), ms in _medians(runners, options).items():
                net, batches, _ = cases[number]
                of = generations[number]
                figures = (net.macs, name, batches[pass_], options.threads, engine, ms)
                rows.append(Timed(of.parent.name, int(of.name[3:]), *figures))
    return rows


def _case(generation: Path, folder: Path) -> tuple[Variant, dict[str, int], Path]:
    """The folder that its engines share, with what stock Caffe makes of it."""
    found = variant(generation)
    batches = write_nets(found.train, found.deploy, folder)
    shutil.copy(generation / paths.WEIGHTS, folder / case.WEIGHTS)
    make(folder)
    export.write(export.read_generation(generation.parent, int(generation.name[3:])).onnx(), folder / case.ONNX)
    return found, batches, folder


def _medians(runners: dict[tuple[int, str], Runner], options: argparse.Namespace) -> dict[tuple[int, str], float]:
    named = {f"{number} {engine}": run for (number, engine), run in runners.items()}
    times = medians(interleaved(named, options.rounds, options.seconds))
    return dict(zip(runners, times.values(), strict=True))


def _generation(word: str) -> Path:
    run, _, number = word.partition(":")
    return paths.generation(Path(run), int(number)) if number else folders(Path(run))[-1]


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.bench.speed.lineages", description=__doc__)
    parser.add_argument("generations", type=_generation, nargs="+", metavar="RUN[:GEN]", help="runs/lenet/seed1:13")
    parser.add_argument("--out", type=Path, required=True, help="the CSV file to write")
    parser.add_argument("--compilers", type=lambda given: given.split(","), default=COMPILERS, help="of one image")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--seconds", type=float, default=0.1, help="of processor time, an engine in a round")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        table.write(measure(options.generations, Path(scratch), options), options.out)
    print(options.out.read_text())


if __name__ == "__main__":
    main()
