"""Compares fast layers with stock Caffe's in a child process (comparison_child.py)."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent


@dataclass
class Comparison:
    """What the child found out about a case."""

    differences: dict[str, tuple[float, bool]]
    reproducible: bool
    passes: dict[str, dict[str, str]]
    roundings: dict[str, float]

    def worst(self, ending: str) -> float:
        """The largest relative difference among the blobs whose name ends so."""
        return max((gap for name, (gap, _) in self.differences.items() if name.endswith(ending)), default=0.0)

    def require(self, outputs: float, bottom_diffs: float, param_diffs: float) -> None:
        """Every blob is within its bound of stock Caffe's, and a second run gives the same bits."""
        for name, (gap, _) in self.differences.items():
            bound = param_diffs if "param" in name else bottom_diffs if name.endswith("diff") else outputs
            assert gap <= bound, f"{name}: {gap:.2e} from stock, more than {bound:.0e}; {self.passes}"
        assert self.reproducible

    def require_rounding_only(self) -> None:
        """Every number is as near to stock Caffe's as two orders of the same additions make sure: the bound follows
        from how many summands there are, and how large (comparison_child.roundings)."""
        far = {name: multiple for name, multiple in self.roundings.items() if not multiple <= 1}
        assert self.roundings and not far, f"multiples of what rounding may do: {far}; {self.passes}"
        assert self.reproducible

    def require_same_bits(self, ending: str = "") -> None:
        """Every blob whose name ends so is to the last bit what it is compared with."""
        different = [name for name, (_, same) in self.differences.items() if name.endswith(ending) and not same]
        assert not different, f"{different}; {self.passes}"
        assert self.reproducible


Compare = Callable[..., Comparison]


class Child:
    """The child process; a new one is started when a case has killed the last."""

    def __init__(self, **variables: str) -> None:
        self.variables = variables
        self.process: subprocess.Popen[str] | None = None

    def compare(self, **case: Any) -> Comparison:
        """Runs a case; an AssertionError with the child's last words if it dies."""
        case = {"seed": 0, "propagate": [True] * len(case["bottoms"])} | case
        if self.process is None:
            self.start()
        assert self.process and self.process.stdin and self.process.stdout
        self.process.stdin.write(json.dumps(case) + "\n")
        self.process.stdin.flush()
        line = self.process.stdout.readline()
        if not line:
            self.process.wait()
            self.process = None
            self.errors.seek(0)
            words = self.errors.read()[-2000:]
            raise AssertionError(f"the child died of {json.dumps(case)}:\n{words}")
        answer = json.loads(line)
        return Comparison(answer["differences"], answer["reproducible"], answer["passes"], answer["roundings"])

    def start(self) -> None:
        """A new process; what it says goes to a file."""
        self.errors = tempfile.NamedTemporaryFile("w+", prefix="fastcaffe-child-", suffix=".log")
        self.process = subprocess.Popen(
            [sys.executable, str(HERE / "comparison_child.py")],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self.errors,
            text=True,
            env={**os.environ, **self.variables, "LD_PRELOAD": os.environ.get("FASTCAFFE_PRELOAD", "")}
            # Small cases run on several threads too; a core on which one would wait for the others has tests to run.
            | {"FASTCAFFE_GRAIN": "1", "OMP_WAIT_POLICY": "passive"},
        )

    def end(self) -> None:
        """Ends the process; its log goes with it."""
        if self.process:
            assert self.process.stdin
            self.process.stdin.close()
            self.process.wait(10)
            self.errors.close()
