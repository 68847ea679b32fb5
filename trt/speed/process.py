"""An engine in a process of its own, with nothing in its environment that would choose kernels or threads for it."""

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Any

from evolve.base.errors import UserError

_ROOT = Path(__file__).resolve().parents[2]
_CHOOSERS = ("OPENBLAS_", "OMP_", "GOMP_", "KMP_", "MKL_", "DNNL_", "ONEDNN_", "OV_")


class EngineProcess:
    """One engine that networks are loaded into; a context, at whose end its process is gone. `log` gets its stderr."""

    def __init__(self, engine: str, threads: int, log: Path) -> None:
        self.engine, self._log = engine, log
        with open(log, "ab") as stderr:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "trt.speed.worker", str(os.getpid()), engine, str(threads)],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=stderr,
                env=environment(os.environ, threads),
                text=True,
                # Ctrl-C in a terminal reaches every process of the group; ending the child is the parent's to do.
                start_new_session=True,
            )

    def __enter__(self) -> "EngineProcess":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._process.kill()
        self._process.wait()
        for stream in (self._process.stdin, self._process.stdout):
            with suppress(BrokenPipeError):
                stream.close()  # type: ignore[union-attr]

    def ask(self, what: str, **arguments: Any) -> dict[str, Any]:
        """Calls a method of worker.Worker. UserError with the engine's own words if that failed, or it died."""
        assert self._process.stdin and self._process.stdout
        with suppress(BrokenPipeError):
            self._process.stdin.write(json.dumps({"do": what, "with": arguments}) + "\n")
            self._process.stdin.flush()
        line = self._process.stdout.readline()
        if not line:
            status = self._process.wait()
            last = (self._log.read_text(errors="replace").strip().splitlines() or ["nothing"])[-1]
            raise UserError(f"{self.engine}: its process ended with status {status}; it last said: {last}")
        message = json.loads(line)
        if "error" in message:
            raise UserError(message["error"])
        return dict(message["answer"])


def environment(outer: Mapping[str, str], threads: int) -> dict[str, str]:
    """`outer` with `threads` where engines look for them.

    Stock Caffe has no other threads than OpenBLAS's; the fast layers have OpenMP's, and would be in those ones' way.
    """
    kept = {name: value for name, value in outer.items() if not name.startswith(_CHOOSERS)}
    path = [path for path in sys.path if path]
    return kept | {
        "THREADS": str(threads),
        "OMP_NUM_THREADS": str(threads),
        "OPENBLAS_NUM_THREADS": str(threads if outer.get("FAST") == "0" else 1),
        "GLOG_minloglevel": "2",
        "PYTHONPATH": os.pathsep.join([*path, str(_ROOT)]),
    }
