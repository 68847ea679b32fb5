"""The C file that `make c` writes, compiled here, as an engine on one thread."""

import ctypes
import shutil
import subprocess
from pathlib import Path

import numpy as np

from evolve.base.errors import UserError
from evolve.base.machine import Machine
from evolve.runs import paths
from trt.c import export
from trt.onnx import export as onnx_export
from trt.speed import prepared

_COMPILER = "cc"
_FLAGS = ("-std=c99", "-O3", "-march=native", "-ffp-contract=fast", "-shared", "-fPIC")


class C:
    """A network as a function of a library of its own."""

    precision = "f32"
    device = ""

    def __init__(self, machine: Machine) -> None:
        if shutil.which(_COMPILER) is None:
            raise UserError(f"c: expected a C compiler, found no {_COMPILER}; apt-get install gcc, or another ENGINE=")

    def load(self, folder: Path) -> None:
        pair = onnx_export.read(folder / paths.DEPLOY, folder / paths.WEIGHTS)
        program = export.written(pair, folder / "net.c")
        library = folder.resolve() / "net.so"
        command = [_COMPILER, *_FLAGS, "net.c", "-lm", "-o", str(library)]
        done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
        if done.returncode:
            raise UserError(f"c: {_COMPILER} does not compile {folder / 'net.c'}: {done.stderr.strip()[:500]}")
        self._inputs, self._outputs = (
            {name: np.zeros(shape, np.float32) for name, shape in side.items()}
            for side in (program.graph.inputs, program.graph.outputs)
        )
        arrays = (*self._inputs.values(), *self._outputs.values())
        self._pointers = [each.ctypes.data_as(ctypes.c_void_p) for each in arrays]
        try:
            self._function = ctypes.CDLL(str(library)).net
        except OSError as error:  # a disk that no program runs from says so here
            raise UserError(f"c: {error}; give TMPDIR= a folder that libraries load from") from None
        self.show(prepared.inputs(folder))

    def show(self, images: dict[str, np.ndarray]) -> None:
        for name, values in images.items():
            self._inputs[name][...] = values

    def run(self) -> None:
        self._function(*self._pointers)

    def outputs(self) -> dict[str, np.ndarray]:
        return {name: values.copy() for name, values in self._outputs.items()}

    def describe(self) -> str:
        said = subprocess.run([_COMPILER, "-dumpfullversion"], capture_output=True, text=True, check=False).stdout
        return f"c by {_COMPILER} {said.strip()}"
