"""`make adopt`: train_val, solver and evolution.prototxt from what a stranger brings; what was done is said by line."""

import errno
import shutil
import tempfile
from dataclasses import dataclass, field
from pathlib import Path

from google.protobuf import text_format

from evolve.adoption import (
    data_set,
    detector,
    feeding,
    given,
    image_shape,
    lacking,
    outputs,
    own_data,
    settings_text,
    solving,
)
from evolve.adoption.given import Given
from evolve.base import files
from evolve.base.counted import counted
from evolve.base.errors import UserError
from evolve.network import layers, phases, shapes, weights
from evolve.network.axes import ImageShape, Net, written
from evolve.network.foreign import namesakes
from evolve.network.weights import Weights
from evolve.runs import paths
from evolve.settings import changes, networks

_SCALE = 1 / 256  # of pixels 0..255 where nobody says what was done to them


@dataclass
class Adopted:
    """What is written, and a line for each thing that was done."""

    net: Net
    settings: settings_text.SettingsText
    notes: list[str] = field(default_factory=list)
    caffemodel: Path | None = None  # what the ancestor starts from: the user's, or the one in the folder
    weights: Weights | None = None  # of the latter
    beside: list[Path] = field(default_factory=list)  # what layers of the user's own are, and their modules


def adopt(
    out: Path, model: Path | None = None, solver: Path | None = None, caffemodel: Path | None = None,
    shape: ImageShape | None = None, changed: changes.Changes = (),
) -> Adopted:  # fmt: skip
    """Writes the folder `out`; returns what it was made of. UserError for what nothing can be made of.

    `shape` is (channels, height, width) of an image where the network does not tell; `changed` is SET=.
    """
    if out.exists() and (not out.is_dir() or any(out.iterdir())):
        raise _taken(out)
    brought = given.read(model, solver, caffemodel)
    try:
        found = detector.find(brought)
        adopted = _detector(found, brought, changed) if found else _classifier(brought, shape, changed)
    except UserError as error:
        raise brought.located(error) if str(error).startswith("layer '") else error from None
    adopted.notes[:0] = brought.reading.notes
    parameter, notes = solving.ours(brought.solver, str(solver))
    adopted.notes += notes
    _match(adopted, brought, out)
    adopted.beside = _beside(adopted.net, brought.reading.path.parent)
    adopted.notes += [f"{own} comes along" for own in adopted.beside]
    _write(out, adopted, text_format.MessageToString(parameter), str(brought.reading.path))
    return adopted


def _taken(out: Path) -> UserError:
    return UserError(f"OUT={out}: expected a folder that is not there yet, got one with something in it; name another")


def _detector(found: detector.Detector, brought: Given, changed: changes.Changes) -> Adopted:
    """A DetectNet, for images with boxes."""
    found.build()
    settings = detector.settings(found, brought, changed)
    chosen = any(change.path == "dataset.name" for change in changed)
    why = "as SET= has it" if chosen else "yours to choose in evolution.prototxt"
    found.notes.append(f"data set {settings.own.dataset.name}, for boxes: {why}")
    return Adopted(found.net, settings, found.notes)


def _classifier(brought: Given, shape: ImageShape | None, changed: changes.Changes) -> Adopted:
    """A network for images with a class each."""
    fed = feeding.find(brought.net)
    here = own_data.found(brought, fed)
    found = data_set.asked(here or data_set.named(brought, fed), changed, fed.resized)
    is_sized = all(found.size)
    image, why = image_shape.find(brought, fed, shape, found)
    size = f"images of {written(image)}, {why}"
    net, notes = _reading_data(brought, fed, found)
    label = net.layer[0].top[1]
    judged = outputs.complete(net, label, _shapes(net, image, "" if shape else size))
    if not here and not found.is_asked and (found.name == data_set.OWN or found.channels != image[0]):
        found = data_set.of_shape((image[0], *fed.resized) if all(fed.resized) else image, judged.classes)
    if not here:
        judged.notes += outputs.numbers_of_classes(net, label)
    if not here and found.name == data_set.OWN and not brought.weights:
        judged.notes += outputs.follow_classes(net)
    height, width = map(max, image[1:], found.size)
    settings = settings_text.of(
        found, (image[0], height, width) if _crops(net) else image,
        int(brought.solver.max_iter) if brought.solver else 0, _has_lrn(net), _unknown(net), changed,
    )  # fmt: skip
    of_data = f"data set {found.name}{f', {found.why}' if found.why else ': yours to choose in evolution.prototxt'}"
    of_crop = [] if is_sized or (height, width) != (fed.crop, fed.crop) else [_of_crop(fed.crop)]
    return Adopted(net, settings, [size, *notes, *judged.notes, of_data, *of_crop])


def _reading_data(brought: Given, fed: feeding.Feeding, found: data_set.DataSet) -> tuple[Net, list[str]]:
    """The network with data layers of ours, names and fillers where it needs them; and what is said of that."""
    folder = brought.reading.path.parent
    makes_mean = found.name == data_set.OWN and found.is_asked
    kept = found.mean_file or (feeding.missing_mean(fed, folder) if makes_mean else "")
    means, of_means = feeding.means(fed, folder, kept)
    scale = _SCALE if fed.silent_of_pixels and not brought.weights else 1
    transform = feeding.Transform(means, scale, has_mean_file=bool(kept))
    label = fed.label or namesakes.free("label", namesakes.taken(brought.net))
    net, of_data = feeding.replaced(brought.net, fed, label, transform)
    of_pixels = [_of_pixels(fed.silent_of_pixels, scale)] if fed.silent_of_pixels else []
    return net, [*of_data, *of_means, *of_pixels, *lacking.names(net), *lacking.fillers(net, brought.weights or {})]


def _of_pixels(fed_by: str, scale: float) -> str:
    if scale != 1:
        return f"{fed_by} says nothing of pixels: 0..255 times {scale:.9g}; yours to change in train_val.prototxt"
    return (
        f"{fed_by} says nothing of pixels: 0..255 as they are; write mean_value and scale into train_val.prototxt as "
        "its caffemodel was trained with"
    )


def _of_crop(side: int) -> str:
    """Of images whose size before they were cropped nothing tells."""
    larger = round(side * 8 / 7)  # 256 of 224
    return (
        f"crop_size {side}: images are stored as large as that, so that training draws no part of them; "
        f"SET='dataset.image_size={larger}' stores them larger"
    )


def _shapes(net: Net, image: ImageShape, guessed: str) -> dict[str, tuple[int, ...]]:
    """The shape of every blob; `guessed`, where the user did not say it, is said of an image that does not fit."""
    try:
        steps = shapes.infer(phases.fed_by_inputs(net, "TEST", image), keep_unknown=True)
    except UserError as error:
        if not guessed or isinstance(error, shapes.OfLabels) or "bottom that a layer before it writes" in str(error):
            raise
        raise UserError(f"{error}; {guessed}: if that is wrong, give SHAPE=") from error
    return {top: tuple(shape) for step in steps for top, shape in zip(step.layer.top, step.tops, strict=True)}


def _crops(net: Net) -> bool:
    return any(layer.transform_param.crop_size for layer in net.layer)


def _has_lrn(net: Net) -> bool:
    return any(known.mixes(layer) for layer in net.layer if (known := layers.of(layer)))


def _unknown(net: Net) -> list[str]:
    """Types that are not known, or that cannot be followed."""
    found: dict[str, None] = {}
    for layer in net.layer:
        known = layers.of(layer)
        if known is None or known.not_evolving:
            found[layers.kind(layer)] = None
    return list(found)


def _beside(net: Net, folder: Path) -> list[Path]:
    """The files in `folder` that the layers of `net` need: layer_types.py, and modules of Python layers."""
    modules = {f"{layer.python_param.module}.py": None for layer in net.layer if layer.type == "Python"}
    return [folder / name for name in (layers.BESIDE, *modules) if (folder / name).is_file()]


def _match(adopted: Adopted, brought: Given, out: Path) -> None:
    """Says what of the caffemodel the network starts with; one that BVLC's Caffe cannot read is written anew."""
    if not brought.caffemodel or brought.weights is None:
        return
    nets = [phases.for_phase(adopted.net, phase) for phase in ("TEST", "TRAIN")]
    learned = {layer.name for net in nets for layer in net.layer} & set(brought.weights)
    if not learned:
        raise UserError(
            f"{brought.caffemodel}: expected weights of layers of {brought.reading.path}, got none of them but "
            f"{', '.join(list(brought.weights)[:6])}; give another caffemodel"
        )
    of = f"of {brought.caffemodel}"
    adopted.notes.append(f"caffemodel: {counted(len(learned), f'layer {of} is', f'layers {of} are')} the network's")
    adopted.caffemodel = brought.caffemodel
    if brought.reading.rewritten:
        adopted.weights = brought.weights
        adopted.caffemodel = out / paths.WEIGHTS
        adopted.notes.append(f"caffemodel: written anew for BVLC's Caffe, {adopted.caffemodel}")


def _write(out: Path, adopted: Adopted, solver: str, origin: str) -> None:
    """Writes the folder, whole or not at all. UserError where another process has written it meanwhile."""
    heading = f"Adopted from {origin} by `make adopt`."
    every = text_format.MessageToString(adopted.net)
    train_val = every.replace(f"num_output: {outputs.AS_CLASSES}\n", "num_output: $CLASSES\n")
    with files.named_by_out(out):
        out.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=out.parent, prefix=f".{out.name}.") as room:
            (folder := Path(room, out.name)).mkdir()
            (folder / networks.TRAIN_VAL).write_text(f"# {heading}\n{train_val}", encoding="utf-8")
            (folder / paths.SOLVER).write_text(f"# {heading}\n{solver}", encoding="utf-8")
            (folder / networks.EVOLUTION).write_text(adopted.settings.text(heading), encoding="utf-8")
            for own in adopted.beside:
                shutil.copyfile(own, folder / own.name)
            if adopted.weights is not None:
                weights.write(folder / paths.WEIGHTS, adopted.net, adopted.weights)
            files.sync(folder)
            try:
                folder.rename(out)  # takes the place of an empty folder, of no other
            except OSError as error:
                raise _taken(out) if error.errno in (errno.ENOTEMPTY, errno.EEXIST) else error from None
            files.sync(out.parent)
