"""`python -m tests.bench.speed.layers NET`: what each layer of a training step costs, library beside library.

    .venv/bin/python -m tests.bench.speed.layers lenet --engines fast --library before=OLD/libfastcaffe.so

Processor time of one thread, so that a busy machine disturbs little. Every engine has a process of its own, in which a
round runs each layer forward and then each backward, in the net's order; rounds go in turn. `together` is fast with
neighbouring layers taken together (fastcaffe.enable(together=True)): what a follower costs is in its leader's row.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.bench.speed import case, table
from tests.bench.speed.networks import NETWORKS, write_case
from tests.bench.speed.rounds import rotated

ENGINES = ("stock", "fast", "together")
ONE_THREAD = {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1", "GLOG_minloglevel": "2"}


@dataclass(frozen=True)
class LayerTime:
    """A row of layers.csv: the median round."""

    net: str
    layer: str
    type: str
    engine: str
    forward_ms: float
    backward_ms: float


class Engine:
    """A child process that runs rounds."""

    def __init__(self, name: str, library: str, folder: Path) -> None:
        self.name = name
        self.rounds: list[list[tuple[float, float]]] = []
        command = [sys.executable, "-m", "tests.bench.speed.layers", "--child", name, library, str(folder)]
        pipes: dict[str, Any] = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.DEVNULL}
        self.process = subprocess.Popen(command, text=True, env={**os.environ, **ONE_THREAD}, **pipes)
        self.layers: list[tuple[str, str]] = self._answer()

    def __enter__(self) -> Engine:
        return self

    def __exit__(self, *_: object) -> None:
        self.process.communicate()

    def round(self) -> None:
        """One forward and backward pass."""
        assert self.process.stdin
        self.process.stdin.write("\n")
        self.process.stdin.flush()
        self.rounds.append(self._answer())

    def rows(self, net: str) -> list[LayerTime]:
        """Medians, the first round left out."""
        times = zip(*self.rounds[1:], strict=True)
        return [
            LayerTime(
                net, layer, type_, self.name, *(1e3 * statistics.median(each) for each in zip(*rounds, strict=True))
            )
            for (layer, type_), rounds in zip(self.layers, times, strict=True)
        ]

    def _answer(self) -> Any:
        assert self.process.stdout
        return json.loads(self.process.stdout.readline())


def child(engine: str, library: str, folder: str) -> None:
    """Tells the layers' names and types, then a round's seconds for each line that comes in."""
    import caffe

    import fastcaffe

    os.chdir(folder)
    if engine != "stock":
        more: dict[str, Any] = {"together": True} if engine == "together" else {}  # older libraries do not know it
        fastcaffe.enable(threads=1, library=Path(library) if library else None, **more)
    caffe.set_random_seed(1)
    net = caffe.get_solver(case.SOLVER).net
    for blob, values in case.load(Path(folder), case.TRAIN_INPUTS).items():
        net.blobs[blob].data[...] = values
    names = list(net._layer_names)
    print(json.dumps([(name, layer.type) for name, layer in zip(names, net.layers, strict=True)]), flush=True)
    for _ in sys.stdin:
        forward = [_seconds(net._forward, number) for number in range(len(names))]
        backward = [_seconds(net._backward, number) for number in reversed(range(len(names)))]
        print(json.dumps(list(zip(forward, reversed(backward), strict=True))), flush=True)


def _seconds(pass_: Any, number: int) -> float:
    begin = time.thread_time()
    pass_(number, number)
    return time.thread_time() - begin


def summary(rows: list[LayerTime]) -> str:
    """Milliseconds of each type, engine beside engine."""
    sums: dict[str, dict[str, float]] = {}
    for row in rows:
        by_type = sums.setdefault(row.engine, {})
        for key in (row.type, "all"):
            by_type[key] = by_type.get(key, 0) + row.forward_ms + row.backward_ms
    types = sorted({type_ for times in sums.values() for type_ in times}, key=lambda t: -next(iter(sums.values()))[t])
    lines = [f"{'':18}" + "".join(f"{engine:>12}" for engine in sums)]
    lines += [f"{type_:18}" + "".join(f"{times[type_]:12.2f}" for times in sums.values()) for type_ in types]
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.bench.speed.layers", description=__doc__)
    parser.add_argument("net", choices=list(NETWORKS))
    parser.add_argument("--engines", type=lambda given: given.split(","), default=["fast", "together"])
    parser.add_argument("--library", action="append", default=[], metavar="NAME=PATH", help="another fast library")
    parser.add_argument("--rounds", type=int, default=11)
    parser.add_argument("--out", type=Path, help="folder for layers_NET.csv")
    arguments = parser.parse_args()
    libraries = {**dict.fromkeys(arguments.engines, ""), **dict(each.split("=", 1) for each in arguments.library)}
    with tempfile.TemporaryDirectory() as folder, ExitStack() as stack:
        write_case(NETWORKS[arguments.net], Path(folder))
        engines = [stack.enter_context(Engine(name, path, Path(folder))) for name, path in libraries.items()]
        for number in range(arguments.rounds + 1):
            for name in rotated([engine.name for engine in engines], number):
                next(engine for engine in engines if engine.name == name).round()
        rows = [row for engine in engines for row in engine.rows(arguments.net)]
    if arguments.out:
        table.write(rows, arguments.out / f"layers_{arguments.net}.csv")
    print(summary(rows))


if __name__ == "__main__":
    child(*sys.argv[2:]) if sys.argv[1:2] == ["--child"] else main()
