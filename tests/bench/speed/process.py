"""The parent's side of an engine's process: started with its threads, asked in turn, ended."""

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Any

from tests.bench.speed.rounds import Runner

ROOT = Path(__file__).resolve().parents[3]
PACKAGES = ROOT / "build" / "speed"  # PyTorch and the others: `make bench-speed` puts them there

# PyTorch comes as it is; with channels last it is no engine of the comparison, but may be asked for.
ENGINES = ("stock", "fast", "pytorch", "openvino", "onnxruntime", "pytorch-channels-last")
INFERENCE_ONLY = ("openvino", "onnxruntime")


class EngineProcess:
    """One engine on one case's folder, with a fixed number of threads; use it as a context, which ends it.

    `variables` are more of its environment.
    """

    def __init__(self, engine: str, folder: Path, threads: int, **variables: str) -> None:
        self.engine = engine
        self._log = folder / f"{'-'.join([engine, str(threads), *variables])}.log"
        command = [sys.executable, "-m", "tests.bench.speed.child", engine, str(folder), str(threads)]
        with open(self._log, "wb") as log:
            self._process = subprocess.Popen(
                command,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=log,
                env=environment(os.environ, engine, threads) | variables,
                text=True,
            )

    def __enter__(self) -> "EngineProcess":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._process.kill()
        self._process.wait()

    def ask(self, what: str, **arguments: Any) -> Any:
        """Calls a method of the engine. RuntimeError with its words if it failed."""
        assert self._process.stdin and self._process.stdout
        try:
            self._process.stdin.write(json.dumps({"do": what, "with": arguments}) + "\n")
            self._process.stdin.flush()
        except BrokenPipeError:
            pass
        line = self._process.stdout.readline()
        if not line:
            raise RuntimeError(f"{self.engine} ended; its log:\n{self._log.read_text(errors='replace')[-2000:]}")
        message = json.loads(line)
        if "error" in message:
            raise RuntimeError(f"{self.engine}, {what}: {message['error']}")
        return message["answer"]


def make(folder: Path, engine: str = "stock") -> None:
    """Has an engine make, once, what those that are measured on a case's folder read there."""
    with EngineProcess(engine, folder, 1) as maker:
        maker.ask("make")


def runner(process: EngineProcess, pass_: str, **how: str) -> Runner:
    """What runs steps of a pass."""
    return lambda steps: float(process.ask("run", pass_=pass_, steps=steps, **how))


def checked(process: EngineProcess, pass_: str, **how: str) -> Runner:
    """The same, of an engine whose answers agree with stock Caffe's."""
    process.ask("check", pass_=pass_)
    return runner(process, pass_, **how)


def environment(outer: Mapping[str, str], engine: str, threads: int) -> dict[str, str]:
    """An engine's environment: the threads where it looks for them, nothing that would choose slower kernels.

    Stock Caffe has no other threads than OpenBLAS's; the fast layers have their own, and OpenBLAS's would be in
    their way.
    """
    kept = {name: value for name, value in outer.items() if not name.startswith(("OPENBLAS_", "OMP_", "GOMP_", "MKL_"))}
    packages = [] if engine in ("stock", "fast") else [str(PACKAGES)]
    return {
        **kept,
        "OPENBLAS_NUM_THREADS": str(threads if engine == "stock" else 1),
        "OMP_NUM_THREADS": str(1 if engine == "stock" else threads),
        "GLOG_minloglevel": "2",
        "PYTHONPATH": os.pathsep.join([*packages, str(ROOT)]),
    }
