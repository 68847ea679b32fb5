"""`python -m tests.bench.speed.sparse RUN`: what following the synapses brings, generation by generation.

A training step (forward and backward) and the pass of one image, by processor time, which a busy machine does not
disturb as it does the clock on the wall: stock Caffe, the fast layers without their sparse code (`fast`) and with it
(`sparse`, told that absent stays absent), and where they also keep lanes from layer to layer, as training has them do
(`lanes`), and PyTorch with its tensors channels last (`pytorch`); of one image, which keeps none, also where they are
told that weights stay (`stay`), and OpenVINO and ONNX Runtime, which compile weights, on the project's own ONNX files.
With several threads it is the processor time of all of them together. `--library before=OLD/libfastcaffe.so` is
`sparse` with another library, in the same rounds.
"""

import argparse
import shutil
import tempfile
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from evolve.runs import paths
from tests.bench.speed import case, table
from tests.bench.speed.networks import write_nets
from tests.bench.speed.process import EngineProcess, checked, make
from tests.bench.speed.rounds import interleaved, medians
from tests.bench.speed.variants import folders, variant
from trt.onnx import export

ENGINES = {
    "stock": ("stock", {}),
    "fast": ("fast", {"FASTCAFFE_SPARSE": "0"}),
    "sparse": ("fast", {"FASTCAFFE_SPARSE": "1"}),
    "lanes": ("fast", {}),
    "stay": ("fast", {}),
}
COMPILERS = ("openvino", "onnxruntime")
TORCH = {"pytorch": "pytorch-channels-last"}
PASSES = {"step": case.BOTH, "image": case.FORWARD}
NOT_OF = {"step": ("stay", *COMPILERS), "image": ("lanes", *TORCH)}


@dataclass(frozen=True)
class Sparse:
    """A row of sparse.csv; `pass_` is step or image."""

    net: str
    generation: int
    pass_: str
    batch: int
    threads: int
    engine: str
    median_ms: float


def measure(run: Path, number: int, folder: Path, options: argparse.Namespace) -> list[Sparse]:
    """One generation, every engine checked against stock Caffe and then in turn."""
    generation = run / f"gen{number:03d}"
    found = variant(generation)
    if options.batch:
        _feed(found.train, options.batch)
    batches = write_nets(found.train, found.deploy, folder, case.BOTH)
    shutil.copy(generation / paths.WEIGHTS, folder / case.WEIGHTS)
    make(folder)
    compilers = COMPILERS if number in options.compilers_of else ()
    if compilers:
        export.write(export.read_generation(run, number).onnx(), folder / case.ONNX)
    rows = []
    with ExitStack() as stack:
        processes = {name: stack.enter_context(_caffe(name, folder, options.threads)) for name in ENGINES}
        for name, library in options.library:
            processes[name] = stack.enter_context(_caffe("sparse", folder, options.threads, FASTCAFFE_LIBRARY=library))
        for name in ("sparse", "lanes", *dict(options.library)):
            processes[name].ask("absent_stays_absent")
        processes["lanes"].ask("blobs_between_unread")
        processes["stay"].ask("weights_stay")
        others = {name: name for name in compilers} | (TORCH if number in options.pytorch_of else {})
        for name, engine in others.items():
            processes[name] = stack.enter_context(_process(engine, folder, options.threads))
        for name in options.passes:
            pass_ = PASSES[name]
            able = [engine for engine in processes if engine not in NOT_OF[name]]
            runners = {engine: checked(processes[engine], pass_, clock="process_time") for engine in able}
            times = medians(interleaved(runners, options.rounds, options.seconds))
            rows += [
                Sparse(found.deploy.name, number, name, batches[pass_], options.threads, engine, ms)
                for engine, ms in times.items()
            ]
    return rows


def _feed(net: Any, batch: int) -> None:
    """Has its inputs so many images."""
    for layer in net.layer:
        if layer.type == "Input":
            for shape in layer.input_param.shape:
                shape.dim[0] = batch


def _caffe(name: str, folder: Path, threads: int, **more: str) -> EngineProcess:
    engine, variables = ENGINES[name]
    return _process(engine, folder, threads, **variables, **more)


def _process(engine: str, folder: Path, threads: int, **variables: str) -> EngineProcess:
    """Its threads sleep while they wait: processor time would count what they spin, on a busy machine most of it."""
    return EngineProcess(engine, folder, threads, OMP_WAIT_POLICY="passive", **variables)


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.bench.speed.sparse", description=__doc__)
    parser.add_argument("run", type=Path, help="a run's folder, runs/lenet/seed1")
    parser.add_argument("--out", type=Path, default=Path("build/speed-results"), help="folder for sparse.csv")
    parser.add_argument("--generations", type=_numbers, help="separated by commas; all")
    parser.add_argument("--compilers-of", type=_numbers, default=[], help="generations that OpenVINO and others run")
    parser.add_argument("--passes", type=lambda given: given.split(","), default=list(PASSES), help="step,image")
    parser.add_argument("--pytorch-of", type=_numbers, default=[], help="generations whose steps PyTorch runs too")
    parser.add_argument("--library", type=_named, action="append", default=[], metavar="NAME=PATH", help="another one")
    parser.add_argument("--batch", type=int, help="images of a step (default: as the generation was trained)")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--seconds", type=float, default=0.1, help="of processor time, an engine in a round")
    options = parser.parse_args()
    options.out.mkdir(parents=True, exist_ok=True)
    rows: list[Sparse] = []
    for number in options.generations or range(1, len(folders(options.run)) + 1):
        with tempfile.TemporaryDirectory() as folder:
            rows += measure(options.run, number, Path(folder), options)
        rows.sort(key=lambda row: row.generation)
        table.write(rows, options.out / "sparse.csv")  # after every generation, so that nothing measured is lost
    print((options.out / "sparse.csv").read_text())


def _named(given: str) -> tuple[str, str]:
    name, path = given.split("=", 1)
    return name, str(Path(path).resolve())


def _numbers(given: str) -> list[int]:
    return [int(each) for each in given.split(",")]


if __name__ == "__main__":
    main()
