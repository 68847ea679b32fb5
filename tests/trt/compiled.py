"""The same nets as C files: compiled by a toolchain, run on its processor or an emulator of that, and their outputs."""

import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
from both import Case, Images

from evolve.base.caffe_messages import caffe_pb2
from tests.compiled_once import compiled_once
from trt.c import export, source
from trt.c.program import Program

FLAGS = ("-std=c99", "-pedantic", "-Wall", "-Wextra", "-Werror")
_CORTEX = Path(__file__).with_name("cortex_m4.c")  # what a processor without an operating system starts with

_FILES = """#include <stdio.h>
#include <stdlib.h>
static void numbers(const char *name, int writes, float *values, size_t count)
{
    FILE *file = fopen(name, writes ? "wb" : "rb");
    if (file == NULL || (writes ? fwrite(values, 4, count, file) : fread(values, 4, count, file)) != count)
        exit(9);
    fclose(file);
}
"""


@dataclass(frozen=True)
class Toolchain:
    """A compiler with its words, and what runs a program of it."""

    compiler: tuple[str, ...]
    runner: tuple[str, ...] = ()
    extra: tuple[str, ...] = ()  # sources

    def needed(self) -> "Toolchain":
        """Itself; skips the test, naming what this machine lacks."""
        for program in (self.compiler[0], *self.runner[:1]):
            if shutil.which(program) is None:
                pytest.skip(f"{program} is not installed")
        return self


HERE = Toolchain(("cc", "-O2"))
SANITIZED = Toolchain(("cc", "-O0", "-g", "-fsanitize=address,undefined", "-fno-sanitize-recover=all"))
ARM64 = Toolchain(("aarch64-linux-gnu-gcc", "-O2", "-static"), ("qemu-aarch64",))
CORTEX_M4 = Toolchain(
    (
        "arm-none-eabi-gcc", "-O2", "-mcpu=cortex-m4", "-mthumb", "-mfloat-abi=hard", "-mfpu=fpv4-sp-d16",
        "--specs=rdimon.specs", "-Wl,--section-start=.vectors=0", "-Wl,--section-start=.init=0x8000",
        "-Wl,-Tdata=0x20000000",
    ),
    ("qemu-system-arm", "-M", "mps2-an386", "-nographic", "-monitor", "none", "-serial", "none",
     "-semihosting-config", "enable=on,target=native", "-kernel"),
    (str(_CORTEX),),
)  # fmt: skip


def joined(cases: list[Case]) -> Case:
    """All nets side by side in one, a number before each name: one file to compile, one memory to share."""
    one = Case(caffe_pb2.NetParameter(name="nets side by side"), {}, {})
    for number, case in enumerate(cases):
        for layer in case.net.layer:
            own = one.net.layer.add()
            own.CopyFrom(layer)
            own.name = f"{number}/{layer.name}"
            own.bottom[:] = [f"{number}/{name}" for name in layer.bottom]
            own.top[:] = [f"{number}/{name}" for name in layer.top]
            for parameter in own.param:
                parameter.name = f"{number}/{parameter.name}" if parameter.name else ""
        one.weights.update({f"{number}/{name}": blobs for name, blobs in case.weights.items()})
        one.images.update({f"{number}/{name}": image for name, image in case.images.items()})
    return one


def run(folder: Path, case: Case, bits: int = 32, toolchain: Toolchain = SANITIZED) -> Images:
    """The outputs of a net."""
    program = export.of_net(case.net, case.weights, function="net", bits=bits)
    (folder / "net.c").write_text(source.source(program, "net", ["a net"], "net"))
    (folder / "net.h").write_text(source.header(program, "net", ["a net"]))
    (folder / "main.c").write_text(_main(program))
    for place, name in enumerate(program.graph.inputs):
        case.images[name].astype(np.float32).tofile(folder / f"{place}.bin")
    words = [*toolchain.compiler, *FLAGS, "main.c", "net.c", *toolchain.extra, "-lm", "-o", "program"]
    sources = [*(folder / name for name in ("main.c", "net.c", "net.h")), *map(Path, toolchain.extra)]
    compiled_once(words, sources, folder / "program", folder)
    _child(folder, [*toolchain.runner, "./program"])
    return _read(folder, program)


def _main(program: Program) -> str:
    """A C program that reads the inputs, calls the net and writes its outputs."""
    sizes = [int(np.prod(shape)) for shape in (*program.graph.inputs.values(), *program.graph.outputs.values())]
    blobs = [f"static float blob{place}[{size}];" for place, size in enumerate(sizes)]
    files = [f'numbers("{place}.bin", {int(place >= len(program.graph.inputs))}, blob{place}, {size});'
             for place, size in enumerate(sizes)]  # fmt: skip
    call = f"net({', '.join(f'blob{place}' for place in range(len(blobs)))});"
    files.insert(len(program.graph.inputs), call)
    return "\n".join(['#include "net.h"', _FILES, *blobs, "int main(void)", "{", *files, "return 0;", "}", ""])


def _read(folder: Path, program: Program) -> Images:
    first = len(program.graph.inputs)
    return {
        name: np.fromfile(folder / f"{first + place}.bin", np.float32).reshape(shape)
        for place, (name, shape) in enumerate(program.graph.outputs.items())
    }


def _child(folder: Path, command: list[str]) -> None:
    child = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    assert child.returncode == 0, child.stderr[-4000:]
