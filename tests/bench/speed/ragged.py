"""`python -m tests.bench.speed.ragged RUN`: what odd widths cost, and what rounding them up would gain.

Measured are generation 1, the last generation as it evolved, and the same with every hidden width rounded up to a
multiple of 8 and of 16: more multiply-accumulates, for the same function if the new weights were zeros.
"""

import argparse
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from evolve.base.caffe_messages import caffe_pb2
from tests.bench.speed import table
from tests.bench.speed.networks import write_nets
from tests.bench.speed.process import EngineProcess, checked, make
from tests.bench.speed.rounds import interleaved, medians
from tests.bench.speed.variants import WEIGHTED, Variant, folders, variant

MULTIPLES = (8, 16)
ENGINES = ("stock", "fast")


@dataclass(frozen=True)
class Ragged:
    """A row of ragged.csv. `macs` are one forward pass's over the batch; training has about three times as many."""

    net: str
    widths: str
    pass_: str
    macs: int
    threads: int
    engine: str
    median_ms: float
    ns_per_kmac: float


def variants(run: Path) -> Iterator[Variant]:
    """Generation 1, the last, and the last with rounded widths."""
    generations = folders(run)
    first, last = (variant(folder) for folder in (generations[0], generations[-1]))
    yield first
    yield last
    for multiple in MULTIPLES:
        nets = (rounded(net, multiple) for net in (last.train, last.deploy))
        yield Variant(f"{last.name}, widths to {multiple}", *nets)


def rounded(net: Any, multiple: int) -> Any:
    """`net` with every width but the last layer's rounded up to a multiple."""
    result = caffe_pb2.NetParameter()
    result.CopyFrom(net)
    parameters = [
        layer.convolution_param if layer.type == "Convolution" else layer.inner_product_param
        for layer in result.layer
        if layer.type in WEIGHTED
    ]
    for parameter in parameters[:-1]:
        parameter.num_output = -(-parameter.num_output // multiple) * multiple
    return result


def _measure(run: Path, folder: Path, threads: int, rounds: int, seconds: float) -> list[Ragged]:
    """All variants and engines in one interleaved measurement."""
    found = list(variants(run))
    rows = []
    with ExitStack() as stack:
        processes: dict[tuple[int, str], EngineProcess] = {}
        for number, each in enumerate(found):
            batches = write_nets(each.train, each.deploy, folder / str(number))
            make(folder / str(number))
            for engine in ENGINES:
                process = EngineProcess(engine, folder / str(number), threads)
                processes[number, engine] = stack.enter_context(process)
        for pass_, batch in batches.items():
            runners = {f"{number} {engine}": checked(process, pass_) for (number, engine), process in processes.items()}
            for (number, engine), ms in zip(
                processes, medians(interleaved(runners, rounds, seconds)).values(), strict=True
            ):
                each = found[number]
                work = each.macs * batch
                rows.append(
                    Ragged(each.name, each.widths, pass_, work, threads, engine, ms, ms * 1e6 / (work / 1e3))
                )
    return rows


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.bench.speed.ragged", description=__doc__)
    parser.add_argument("run", type=Path, help="a run's folder, runs/lenet/seed1")
    parser.add_argument("--out", type=Path, default=Path("build/speed-results"), help="folder for ragged.csv")
    parser.add_argument("--threads", type=int, nargs="+", default=[1, 2])
    parser.add_argument("--rounds", type=int, default=11)
    parser.add_argument("--seconds", type=float, default=0.3, help="how long an engine runs in a round")
    arguments = parser.parse_args()
    arguments.out.mkdir(parents=True, exist_ok=True)
    rows: list[Ragged] = []
    for threads in arguments.threads:
        with tempfile.TemporaryDirectory() as folder:
            rows += _measure(arguments.run, Path(folder), threads, arguments.rounds, arguments.seconds)
        table.write(rows, arguments.out / "ragged.csv")
    print((arguments.out / "ragged.csv").read_text())


if __name__ == "__main__":
    main()
