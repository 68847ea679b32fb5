"""An engine runs in a process of its own, where nothing in its environment chooses kernels or threads for it."""

from dataclasses import replace
from pathlib import Path

from evolve.base.child import Serving
from evolve.base.machine import Machine

_CHOOSERS = ("OPENBLAS_", "OMP_", "GOMP_", "KMP_", "MKL_", "DNNL_", "ONEDNN_", "OV_")


class EngineProcess(Serving):
    """One engine that networks are loaded into by worker's tasks; a context, at whose end its process is gone.

    `log` gets its stderr.
    """

    def __init__(self, engine: str, machine: Machine, log: Path) -> None:
        # Stock Caffe has no other threads than OpenBLAS's, which would be in the way of the fast layers' own, OpenMP's.
        blas = 1 if machine.fast else machine.threads
        super().__init__(
            "trt.speed.worker",
            engine,
            called=f"{engine}: its process",
            log=log,
            machine=replace(machine, blas_threads=blas),
            more={"OMP_NUM_THREADS": str(machine.threads), "GLOG_minloglevel": "2"},
            without=_CHOOSERS,
        )
