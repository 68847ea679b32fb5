"""The folder to copy to a device has programs that measure there, and every generation as the files that they read.

The programs for TensorRT are those of trt/tx1/, for all Jetsons; trt/devices/ has what the other devices' folders say.
"""

import csv
import io
import json
import shutil
from collections.abc import Callable, Mapping
from pathlib import Path

from evolve.base import files, prototxt_text
from evolve.base.errors import UserError
from evolve.base.spelling import did_you_mean
from evolve.network import shapes
from evolve.runs import paths, run_folder
from trt import class_names, inputs
from trt.inference import preparation
from trt.onnx import export
from trt.tensorrt.engine import half_model

PROGRAMS, PAGES = (Path(__file__).resolve().parent / name for name in ("tx1", "devices"))
_README = "README.md"
_WITHOUT_TENSORRT = {"pi5": {"bench.py": PAGES / "bench_onnxruntime.py"}}
DEVICES = ("tx1", *sorted(path.stem for path in PAGES.glob("*.md")))
GENERATIONS, PREPARATION = "generations", "preparation.json"
COLUMNS = ("generation", "input", "shape", "outputs")

Say = Callable[[str], None]


def programs_of(device: str) -> dict[str, Path]:
    """The files beside generations/, by the name that they have there. UserError for a device that is none."""
    if device not in DEVICES:
        raise UserError(f"DEVICE={device}: expected {' '.join(DEVICES)}; {did_you_mean(device, DEVICES, 'name one')}")
    everything = {path.name: path for path in sorted(PROGRAMS.iterdir()) if path.is_file()}
    if device in _WITHOUT_TENSORRT:
        shared = {name: everything[name] for name in ("table.py", "columns.csv")}
        everything = shared | _WITHOUT_TENSORRT[device]
    return everything if device == "tx1" else everything | {_README: PAGES / f"{device}.md"}


def fill(
    run: Path, out: Path, numbers: list[int], shape: tuple[int, int, int] | None, look: bool, say: Say,
    programs: Mapping[str, Path] | None = None,
) -> None:  # fmt: skip
    """Writes the folder `out`, which may be there already, with generations `numbers` of `run`, and `programs`.

    `shape` is (channels, height, width) of an image, None the generations' own. `look`: the range report of each
    generation decides what of its half precision ONNX file keeps 32 bits. UserError where something cannot be written.
    """
    with files.named_by_out(out):
        place = out / GENERATIONS
        place.mkdir(parents=True, exist_ok=True)
        for name, program in (programs or programs_of("tx1")).items():
            shutil.copy(program, out / name)
        rows = [_generation(run, number, place, shape, look, say) for number in numbers]
        files.write_whole(place / "generations.csv", _table(rows))
        files.write_whole(place / PREPARATION, json.dumps(_preparations(run, numbers)) + "\n")
    size = sum(path.stat().st_size for path in out.rglob("*") if path.is_file())
    say(f"{out}: {len(rows)} generations, {size / 1e6:.1f} MB; copy it to the device, where README.md goes on")


def _generation(
    run: Path, number: int, place: Path, shape: tuple[int, int, int] | None, look: bool, say: Say
) -> dict[str, object]:
    """Writes gen013.prototxt, .caffemodel, .onnx and .half.onnx; returns its row of generations.csv."""
    say(f"generation {number}")
    pair = export.read_generation(run, number, shape)
    name = paths.generation(run, number).name
    prototxt_text.write(
        pair.net, place / f"{name}.prototxt", f"{run.name}, generation {number}\ninput: {_pixels(pair)}"
    )
    shutil.copyfile(pair.caffemodel, place / f"{name}.caffemodel")
    class_names.take_along(pair.caffemodel, place)
    export.write(plain := pair.onnx(), place / f"{name}.onnx")
    given = inputs.of_generation(run, number, pair) if look else None
    halved, _ = half_model(pair, given, frozenset(), say)
    export.write(halved, place / f"{name}.half.onnx")
    source = next(step for step in shapes.infer(pair.net) if step.layer.type == "Input")
    return dict(
        zip(
            COLUMNS,
            (
                number,
                source.layer.top[0],
                "x".join(map(str, source.tops[0][1:])),
                " ".join(each.name for each in plain.graph.output),
            ),
            strict=True,
        )
    )


def _preparations(run: Path, numbers: list[int]) -> dict[str, dict[str, object]]:
    """By generation, what its images go through and the names of its classes; of those alone that tell classes."""
    said = {}
    for number in numbers:
        try:
            said[str(number)] = preparation.said(paths.generation(run, number))
        except UserError:
            continue
    return said


def _pixels(pair: export.Pair) -> str:
    return pair.words["preprocessing"] or "as the net's author says"


def _table(rows: list[dict[str, object]]) -> str:
    table = io.StringIO()
    writer = csv.DictWriter(table, COLUMNS, lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return table.getvalue()


def numbers_of(run: Path, wanted: int) -> list[int]:
    """All committed generations of `run`, or the `wanted` one alone (0: all)."""
    return [wanted] if wanted else run_folder.committed(run)
