"""`make onnx` writes a network as an ONNX file."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from evolve.base.errors import UserError
from evolve.command.arguments import Arguments, generation, given_path, image_shape, named_run, whole
from evolve.runs import paths

WHAT = "a deploy prototxt and its caffemodel, or a run's generation, as an ONNX file for engines"
ARGUMENTS = "RUN NET GEN WITHIN MODEL WEIGHTS SHAPE HALF INT8 FOR INPUTS IMAGES WIDE OUT"


def run(arguments: Arguments) -> int:
    """Exit status 0. Raises UserError."""
    from trt import eight_bits
    from trt.onnx import export, target

    half, eight = whole(arguments, "HALF") > 0, whole(arguments, "INT8") > 0
    form = target.named(arguments.get("FOR", ""))
    if half and eight:
        raise UserError("onnx: expected HALF=1 or INT8=1, got both; leave one out")
    expect_use(arguments, "onnx", half, eight)
    given = network(arguments, "onnx")
    kind = form.kind("half" if half else "int8" if eight else "")
    out = export.out_file(given_path(arguments, "OUT") or given.folder, given.name, kind)
    if eight:
        made = eight_bits.model(given.pair, calibrated(arguments, given, out), form, wide(arguments, given.pair))
    elif half and "INPUTS" in arguments:
        from trt.tensorrt.engine import half_model

        made, _ = half_model(given.pair, seen(arguments, given), wide(arguments, given.pair), print, form)
    else:
        made = given.pair.onnx(half, in_32_bits=wide(arguments, given.pair), target=form)
    print("\n".join([*given.pair.notes, export.write(made, out)]))
    return 0


@dataclass(frozen=True)
class Given:
    """The network that arguments name, and where what is made of it goes if they do not say."""

    pair: Any  # trt.onnx.export.Pair
    folder: Path
    name: str
    run: Path | None = None  # of a generation
    number: int = 0


def network(arguments: Arguments, verb: str) -> Given:
    """A pair of files, or a generation of a run, by default the latest. UserError where there is none."""
    from trt.onnx import export

    shape = image_shape(arguments)
    if "MODEL" in arguments:
        if "WEIGHTS" not in arguments:
            raise UserError(f"{verb}: expected WEIGHTS=, the caffemodel of that MODEL; see `cavefish --help`")
        pair = export.read(Path(arguments["MODEL"]), Path(arguments["WEIGHTS"]), shape)
        return Given(pair, Path("."), pair.model.stem)
    if "WEIGHTS" in arguments:
        raise UserError(f"{verb}: expected MODEL=, the deploy prototxt of that WEIGHTS; see `cavefish --help`")
    folder = named_run(arguments)
    number = generation(arguments, folder)
    pair = export.read_generation(folder, number, shape)
    return Given(pair, folder, paths.generation(folder, number).name, folder, number)


def expect_use(arguments: Arguments, verb: str, half: bool, eight: bool) -> None:
    """UserError for inputs, a number of images and layers that nothing would look at."""
    if arguments.get("INPUTS", "none") != "none" and not half and not eight:
        raise UserError(f"{verb}: expected HALF=1 or INT8=1 beside INPUTS=, got neither; 32 bits hold whatever is seen")
    if arguments.get("WIDE") and not half and not eight:
        raise UserError(f"{verb}: expected HALF=1 or INT8=1 beside WIDE=, got neither; all layers are in 32 bits")
    if "IMAGES" in arguments and (not eight or "INPUTS" in arguments):
        raise UserError(
            f"{verb}: expected INT8=1 and no INPUTS= beside IMAGES=, how many of the run's training images calibrate "
            "eight bits; leave it out"
        )


def images_for(arguments: Arguments, verb: str, engines: list[str]) -> int:
    """IMAGES=, 0 where it is not given. UserError where none of `engines` computes in eight bits."""
    from trt.speed.engines import ENGINES

    if "IMAGES" in arguments and not any(ENGINES[engine].eight_bits_for for engine in engines):
        eight = ", ".join(name for name, known in ENGINES.items() if known.eight_bits_for)
        got = ", ".join(engines) or "none"
        raise UserError(
            f"{verb}: expected ENGINE={eight} beside IMAGES=, how many of the run's training images calibrate eight "
            f"bits, got {got}; leave it out"
        )
    return whole(arguments, "IMAGES", least=1)


def seen(arguments: Arguments, given: Given) -> Any:
    """What the range report looks at, a trt.inputs.Source: INPUTS=, else the run's test images, if there are any."""
    from trt import inputs

    if arguments.get("INPUTS") == "none":
        return None
    if "INPUTS" in arguments:
        return inputs.of_file(Path(arguments["INPUTS"]), given.pair)
    return inputs.of_generation(given.run, given.number, given.pair) if given.run else None


def wide(arguments: Arguments, pair: Any) -> frozenset[str]:
    """The layers that WIDE= keeps in 32 bits. UserError for one that there is not."""
    layers = frozenset(filter(None, arguments.get("WIDE", "").split(",")))
    pair.expect_layers(layers)
    return layers


def calibrated(arguments: Arguments, given: Given, out: Path) -> Any:
    """The network's calibration, kept with its run or beside `out`: on INPUTS=, else on the run's training images."""
    from trt import calibration, eight_bits, inputs

    if "INPUTS" not in arguments:
        if given.run is None:
            raise UserError("INT8: expected INPUTS=file.npy, real images as the net sees them, got none")
        images = whole(arguments, "IMAGES", least=1)
        return eight_bits.calibrated(given.run, given.number, print, images, out.parent, inputs.OTHERS)
    source = inputs.of_file(Path(arguments["INPUTS"]), given.pair, inputs.OTHERS)
    return calibration.of(given.pair, source, out.parent / f"{given.name}{calibration.SUFFIX}", print)
