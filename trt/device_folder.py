"""The folder to copy to a device has programs that measure there, and every generation as the files that they read.

The programs for TensorRT are those of trt/tx1/, for all Jetsons; trt/devices/ has what the other devices' folders say.
"""

import csv
import io
import json
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from evolve.base import files, prototxt_text
from evolve.base.counted import counted
from evolve.base.errors import UserError
from evolve.base.spelling import did_you_mean
from evolve.network import phases, shapes
from evolve.network.axes import ImageShape
from evolve.runs import out_place, paths, run_folder
from trt import calibration, class_names, eight_bits, inputs
from trt.inference import preparation
from trt.onnx import export, model
from trt.onnx.target import ONNX_RUNTIME, TENSORRT, Target
from trt.tensorrt.engine import half_model

PROGRAMS, PAGES = (Path(__file__).resolve().parent / name for name in ("tx1", "devices"))
_README = "README.md"
DEVICES = ("tx1", *sorted(path.stem for path in PAGES.glob("*.md")))
GENERATIONS, LISTED, PREPARATION = "generations", "generations.csv", "preparation.json"
COLUMNS = ("generation", "input", "shape", "outputs")

Say = Callable[[str], None]


@dataclass(frozen=True)
class Kit:
    """What a device's folder has for its engine: the form of the ONNX files, and which there are beside 32 bits."""

    target: Target = TENSORRT
    half: bool = True
    eight: bool = False  # where arithmetic in eight bits is quicker than in sixteen


_KITS = {"xavier": Kit(eight=True), "orin": Kit(eight=True), "pi5": Kit(ONNX_RUNTIME, half=False, eight=True)}

IN_EIGHT_BITS = tuple(f"DEVICE={device}" for device, each in _KITS.items() if each.eight)


def kit(device: str) -> Kit:
    """A device's. UserError for one that is none."""
    if device not in DEVICES:
        hint = did_you_mean(device, DEVICES, "name one")
        raise UserError(f"DEVICE={device}: expected one of {', '.join(DEVICES)}; {hint}")
    return _KITS.get(device, Kit())


def programs_of(device: str) -> dict[str, Path]:
    """The files beside generations/, by the name that they have there. UserError for a device that is none."""
    programs = {path.name: path for path in sorted(PROGRAMS.iterdir()) if path.is_file()}
    if kit(device).target == ONNX_RUNTIME:
        programs = {name: programs[name] for name in ("table.py", "columns.csv")}
        programs["bench.py"] = PAGES / "bench_onnxruntime.py"
    return programs if device == "tx1" else programs | {_README: PAGES / f"{device}.md"}


def fill(
    run: Path, out: Path, numbers: list[int], shape: ImageShape | None, look: bool, say: Say,
    device: str = "tx1", given: Path | None = None, images: int = 0,
) -> None:  # fmt: skip
    """Writes the folder `out`, which another call may have filled, with generations `numbers` of `run` for a device.

    `shape` is (channels, height, width) of an image, None the generations' own. `look`: images of the run, or those in
    the file `given`, decide what of each generation's half precision ONNX file keeps 32 bits, and calibrate the one in
    eight bits, which is not there without: so many training `images` of the run, else the usual number. UserError where
    something cannot be written, for a folder with something else in it, and for a device that is none.
    """
    files_of = kit(device)
    out_place.as_folder(out)
    with files.named_by_out(out):
        place = out / GENERATIONS
        _expect_free(out)
        place.mkdir(parents=True, exist_ok=True)
        if not (place / LISTED).exists():
            # From here on it is known for a device's, should this call be cut short.
            files.write_whole(place / LISTED, _table([]))
        for name, program in programs_of(device).items():
            shutil.copy(program, out / name)
        rows = [_generation(run, number, place, shape, look, say, files_of, given, images) for number in numbers]
        files.write_whole(place / LISTED, _table(rows))
        files.write_whole(place / PREPARATION, json.dumps(_preparations(run, numbers)) + "\n")
    size = sum(path.stat().st_size for path in out.rglob("*") if path.is_file())
    there = counted(len(rows), "generation")
    say(f"{out}: {there}, {size / 1e6:.1f} MB; copy it to the device, where README.md goes on")


def _expect_free(out: Path) -> None:
    if out.is_dir() and any(out.iterdir()) and not (out / GENERATIONS / LISTED).is_file():
        raise UserError(
            f"OUT={out}: expected a folder that is new, empty or a device's, got one with something else in it; name "
            "another OUT="
        )


def _generation(
    run: Path, number: int, place: Path, shape: ImageShape | None, look: bool, say: Say, files_of: Kit,
    given: Path | None, images: int,
) -> dict[str, object]:  # fmt: skip
    """Writes gen013.prototxt, .caffemodel, .onnx and its kin; returns its row of generations.csv."""
    say(f"generation {number}")
    pair = export.read_generation(run, number, shape)
    name = paths.generation(run, number).name
    prototxt_text.write(
        pair.net, place / f"{name}.prototxt", f"{run.name}, generation {number}\n{phases.PREPROCESSING}{_pixels(pair)}"
    )
    shutil.copyfile(pair.caffemodel, place / f"{name}.caffemodel")
    class_names.take_along(pair.caffemodel, place)
    export.write(plain := pair.onnx(target=files_of.target), place / f"{name}.onnx")
    for ending in ("half.onnx", "half.wide.txt", "int8.onnx"):
        # None is left of another call, for another device or of other weights.
        (place / f"{name}.{ending}").unlink(missing_ok=True)
    if files_of.half:
        seen = inputs.of_file(given, pair) if given else inputs.of_generation(run, number, pair) if look else None
        export.write(made := half_model(pair, seen, frozenset(), say)[0], place / f"{name}.half.onnx")
        if wide := sorted(model.wide_nodes(made)):
            files.write_whole(place / f"{name}.half.wide.txt", "\n".join([*wide, ""]))
    if files_of.eight and look:
        found = _calibrated(run, number, pair, place, say, given, images)
        export.write(eight_bits.model(pair, found, files_of.target), place / f"{name}.int8.onnx")
    elif files_of.eight:
        say(f"no {name}.int8.onnx: eight bits are calibrated on the run's training images (INPUTS=none)")
    source = next(step for step in shapes.infer(pair.net) if step.layer.type == "Input")
    shown = "x".join(map(str, source.tops[0][1:]))
    outputs = " ".join(each.name for each in plain.graph.output)
    return dict(zip(COLUMNS, (number, source.layer.top[0], shown, outputs), strict=True))


def _calibrated(
    run: Path, number: int, pair: export.Pair, place: Path, say: Say, given: Path | None, images: int
) -> calibration.Calibration:
    if given is None:
        return eight_bits.calibrated(run, number, say, images, instead=place, remedy=inputs.OTHERS_OR_NONE)
    kept = place / f"{paths.generation(run, number).name}{calibration.SUFFIX}"
    return calibration.of(pair, inputs.of_file(given, pair), kept, say)


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
