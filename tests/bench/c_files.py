"""`python -m tests.bench.c_files RUN [GEN ...]`: a run's generations as C files, their bytes, instructions and time.

`--test images.npz`, arrays `images` as the net sees them and `labels`, tells their accuracy as well.

Bytes and instructions are of a Cortex-M4 (-Os and -O2, QEMU counting instructions) and of x86-64 (-O2, callgrind);
times are the processor's own milliseconds an image, one thread, the median of rounds in which every engine has its
turn. A program that is not installed leaves its columns empty.
"""

import argparse
import csv
import ctypes
import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np

from trt.c import export
from trt.onnx import export as onnx_export
from trt.onnx.export import Pair

TESTS = Path(__file__).resolve().parents[1]
sys.path.append(str(TESTS / "trt"))

import compiled  # noqa: E402

BITS = (32, 16, 8)
ROUNDS, LEAST = 31, 0.02  # turns of each engine, and the seconds that one takes
_FLAGS = ("-std=c99", "-ffp-contract=fast")
COLUMNS = (
    "generation", "bits", "synapses", "constants_bytes", "m4_program_bytes", "memory_bytes", "m4_instructions",
    "x86_64_instructions", "c_ms", "onnxruntime_ms", "openvino_ms", "accuracy",
)  # fmt: skip
# Reads SysTick, whose 25 MHz are 40 instructions of a nanosecond each a tick.
_M4_MAIN = """#include <stdio.h>
#include "net.h"
static volatile unsigned *const systick = (volatile unsigned *)0xE000E010;
%s
int main(void)
{
    unsigned began;
    systick[1] = 0xFFFFFF;
    systick[2] = 0;
    systick[0] = 5;
    began = systick[2];
    net(%s);
    printf("%%u\\n", (began - systick[2]) & 0xFFFFFF);
    return 0;
}
"""
_MAIN = '#include "net.h"\nint main(void)\n{\n    net(%s);\n    return 0;\n}\n'


def main(run: Path, numbers: list[int], test: Path | None) -> None:
    """Prints the table."""
    labelled = np.load(test) if test else None
    writer = csv.DictWriter(sys.stdout, COLUMNS, lineterminator="\n")
    writer.writeheader()
    for number in numbers:
        pair = onnx_export.read_generation(run, number)
        with tempfile.TemporaryDirectory() as folder:
            times = _times(pair, Path(folder))
            for bits in BITS:
                row = _sizes(pair, Path(folder), bits) | {"generation": number, "bits": bits}
                row |= {"c_ms": times[str(bits)]} | {f"{each}_ms": times[each] for each in ("onnxruntime", "openvino")}
                if labelled is not None:
                    row["accuracy"] = _accuracy(pair, Path(folder) / f"net{bits}.so", labelled)
                writer.writerow(row)
                sys.stdout.flush()


def _sizes(pair: Pair, folder: Path, bits: int) -> dict[str, object]:
    """What a C file takes on a Cortex-M4, and the instructions of an image there and on x86-64."""
    program = export.of_net(pair.net, pair.weights, function="net", bits=bits)
    export.write(pair, folder / "net.c", bits)
    blobs = [int(np.prod(shape)) for shape in (*program.graph.inputs.values(), *program.graph.outputs.values())]
    buffers = "".join(f"static float b{place}[{size}];\n" for place, size in enumerate(blobs))
    given = ", ".join(f"b{place}" for place in range(len(blobs)))
    row: dict[str, object] = {
        "synapses": program.synapses, "constants_bytes": program.constant_bytes, "memory_bytes": program.memory_bytes
    }  # fmt: skip
    arm = compiled.CORTEX_M4
    if shutil.which(arm.compiler[0]) and shutil.which(arm.runner[0]):
        _call(folder, *arm.compiler[:1], "-Os", *_FLAGS, *arm.compiler[2:6], "-c", "net.c", "-o", "net.o")
        said = _call(folder, "arm-none-eabi-size", "-A", "net.o")
        row["m4_program_bytes"] = sum(int(size) for size in re.findall(r"^\.text\S*\s+(\d+)", said, re.MULTILINE))
        (folder / "main.c").write_text(_M4_MAIN % (buffers, given))
        _call(folder, *arm.compiler, *_FLAGS, "main.c", "net.c", *arm.extra, "-lm", "-o", "program")
        ticks = _call(folder, *arm.runner[:1], "-icount", "shift=0", *arm.runner[1:], "program")
        row["m4_instructions"] = 40 * int(ticks)
    if shutil.which("valgrind"):
        (folder / "main.c").write_text(buffers + _MAIN % given)
        _call(folder, "cc", "-O2", *_FLAGS, "main.c", "net.c", "-lm", "-o", "program")
        row["x86_64_instructions"] = _callgrind(folder)
    return row


def _callgrind(folder: Path) -> int:
    command = ["valgrind", "--tool=callgrind", "--callgrind-out-file=/dev/null", "--toggle-collect=net", "./program"]
    said = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=True).stderr
    return int(re.findall(r"Collected : (\d+)", said)[0])


def _accuracy(pair: Pair, library: Path, labelled: Mapping[str, np.ndarray]) -> float:
    """Of a compiled net with one input and one output, the scores of classes."""
    (scores,) = export.of_net(pair.net, pair.weights, function="net").graph.outputs.values()
    made, function, right = np.zeros(scores, np.float32), ctypes.CDLL(str(library)).net, 0
    for image, label in zip(labelled["images"], labelled["labels"], strict=True):
        image = np.ascontiguousarray(image, np.float32)
        function(image.ctypes.data_as(ctypes.c_void_p), made.ctypes.data_as(ctypes.c_void_p))
        right += int(made.argmax() == label)
    return right / len(labelled["labels"])


def _times(pair: Pair, folder: Path) -> dict[str, str]:
    """Milliseconds of each engine and of the C file with each number of bits, turn by turn."""
    random = np.random.default_rng(0)
    inputs = {step: random.random(shape, np.float32) for step, shape in _inputs(pair).items()}
    engines = {str(bits): _in_c(pair, folder, bits, inputs) for bits in BITS}
    made = pair.onnx()
    engines |= {"onnxruntime": _onnxruntime(made, inputs), "openvino": _openvino(made, inputs)}
    repeats = {name: _repeats(run) for name, run in engines.items()}
    found: dict[str, list[float]] = {name: [] for name in engines}
    for _ in range(ROUNDS):
        for name, run in engines.items():
            began = time.process_time()
            for _ in range(repeats[name]):
                run()
            found[name].append(1000 * (time.process_time() - began) / repeats[name])
    return {name: f"{np.median(times):.4f}" for name, times in found.items()}


def _repeats(run: Callable[[], object]) -> int:
    run()
    began, times = time.process_time(), 0
    while time.process_time() - began < LEAST:
        run()
        times += 1
    return max(times, 1)


def _inputs(pair: Pair) -> dict[str, tuple[int, ...]]:
    return export.of_net(pair.net, pair.weights, function="net").graph.inputs


def _in_c(pair: Pair, folder: Path, bits: int, inputs: dict[str, np.ndarray]) -> Callable[[], object]:
    program = export.of_net(pair.net, pair.weights, function="net", bits=bits)
    export.write(pair, folder / "net.c", bits)
    library = folder / f"net{bits}.so"
    _call(folder, "cc", "-O3", "-march=native", *_FLAGS, "-shared", "-fPIC", "net.c", "-lm",
          "-o", str(library))  # fmt: skip
    outputs = [np.zeros(shape, np.float32) for shape in program.graph.outputs.values()]
    arrays = [*(inputs[name] for name in program.graph.inputs), *outputs]
    pointers = [each.ctypes.data_as(ctypes.c_void_p) for each in arrays]
    function = ctypes.CDLL(str(library)).net
    return lambda: (function(*pointers), arrays)


def _onnxruntime(made: object, inputs: dict[str, np.ndarray]) -> Callable[[], object]:
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    session = onnxruntime.InferenceSession(made.SerializeToString(), options, providers=["CPUExecutionProvider"])  # type: ignore[attr-defined]
    return lambda: session.run(None, inputs)


def _openvino(made: object, inputs: dict[str, np.ndarray]) -> Callable[[], object]:
    sys.modules["openvino_telemetry"] = None  # type: ignore[assignment]
    import openvino

    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "net.onnx"
        path.write_bytes(made.SerializeToString())  # type: ignore[attr-defined]
        properties = {"INFERENCE_NUM_THREADS": 1, "NUM_STREAMS": 1, "INFERENCE_PRECISION_HINT": "f32"}
        request = openvino.Core().compile_model(path, "CPU", properties).create_infer_request()
    for name, values in inputs.items():
        request.set_tensor(name, openvino.Tensor(values, shared_memory=True))
    return lambda: request.infer(share_inputs=True, share_outputs=True)


def _call(folder: Path, *command: str) -> str:
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, check=True).stdout


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])  # type: ignore[union-attr]
    parser.add_argument("run", type=Path)
    parser.add_argument("generations", nargs="*", type=int)
    parser.add_argument("--test", type=Path)
    words = parser.parse_args()
    main(words.run, words.generations or [1, 5, 9, 13], words.test)
