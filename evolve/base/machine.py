"""A machine is what a process computes with: how many threads, fast layers or stock ones, a GPU, which TensorRT.

Whoever gives a command decides it, and hands it on as a value; the environment carries it into a child's process, and
only there is it read: a program that calls Cavefish as a library is asked nothing behind its back.
"""

import json
import os
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace

_VARIABLE = "CAVEFISH_MACHINE"


@dataclass(frozen=True)
class Machine:
    """How a child computes."""

    threads: int = 0  # of the fast layers; 0: its share of the cores, and one where nobody shares them out
    fast: bool = True  # False: stock Caffe's layers
    blas_threads: int = 1  # more help Caffe little, and collapse when another process is busy
    gpu: int | None = None  # the device that Caffe computes on; None: the CPU
    tensorrt: str = ""  # tensorrt or rtx; "": what is there

    def divided(self, tasks: int) -> tuple[int, "Machine"]:
        """How many of `tasks` run at a time, as many as there are threads, and what each of them computes with."""
        at_a_time = max(1, min(tasks, self.threads))
        each = replace(self, threads=self.threads // at_a_time)
        return at_a_time, replace(each, blas_threads=1) if at_a_time > 1 else each

    def environment(self, outer: Mapping[str, str]) -> dict[str, str]:
        """`outer` for a child that computes so."""
        threads = str(self.blas_threads)
        ours = {"OPENBLAS_NUM_THREADS": threads, "OMP_NUM_THREADS": threads, _VARIABLE: json.dumps(asdict(self))}
        return {**outer, **ours}


USUAL = Machine()


def of_this_process() -> Machine:
    """What this child's parent wants it to compute with; the usual where there was none."""
    return Machine(**json.loads(os.environ.get(_VARIABLE, "{}")))
