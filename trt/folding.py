"""`make fold`: a network to carry away, BatchNorm and Scale folded into the weights of the layer before them."""

import tempfile
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

from evolve.base import files, prototxt_text
from evolve.base.counted import counted
from evolve.base.errors import UserError
from evolve.network import batchnorm, count, deployment, layers, phases, precision, shapes, weights
from evolve.network.axes import ImageShape, Net
from evolve.network.batchnorm import Folded
from evolve.network.count import Count
from evolve.network.foreign import reading
from evolve.runs import generation, out_place, paths
from evolve.runs.metrics import Metrics
from trt import agreement, class_names

# Of how many deviations a mean may be: float32 has what is 1,000 times as large to 6e-5 of a deviation.
_LARGEST_MEAN = 1000


@dataclass(frozen=True)
class Original:
    """A network as it was read: `net` begins with an Input layer, `heading` says what its pixels went through."""

    model: Path
    caffemodel: Path
    net: Net
    weights: weights.Weights
    counts: list[Count]
    heading: str
    found: reading.Reading


def fold_generation(run: Path, number: int, out: Path | None = None, shape: ImageShape | None = None) -> str:
    """Folds a committed generation, in its precision, into `out`, or ``gen013.folded`` in the run; tells what changed.

    UserError where there is no such generation, or as `fold` has it.
    """
    folder = generation.whole(run, number)
    out = out or folder.with_name(f"{folder.name}.folded")
    kind = Metrics.read(folder).number_format
    return fold(folder / paths.DEPLOY, folder / paths.WEIGHTS, out, shape, kind)


def fold(model: Path, caffemodel: Path, out: Path, shape: ImageShape | None = None, kind: str = "FLOAT") -> str:
    """Writes deploy.prototxt and the folded caffemodel, cast to `kind`, into `out`; tells what was folded.

    `model` is a deploy or train_val prototxt, `shape` (channels, height, width) of an image where it does not tell.
    Caffe compares outputs before anything is written, before the cast and after it. UserError for what cannot be read.
    """
    out_place.for_pair(out, model, caffemodel, paths.DEPLOY)
    original = _read(model, caffemodel, shape)
    folded = batchnorm.fold(original.net, original.weights, original.found.outputs, _LARGEST_MEAN)
    cast, ranges = precision.cast(folded.weights, kind, folded.net.layer)
    with out_place.filled(out) as folder:
        prototxt_text.write(folded.net, folder / paths.DEPLOY, original.heading, names=reading.ANYWHERE)
        weights.write(folder / caffemodel.name, folded.net, cast)
        # What is compared may have the names of what is made.
        with tempfile.TemporaryDirectory(dir=folder) as apart:
            exact, imposed = _compare(Path(apart), original, folded, folder / caffemodel.name)
        for file in (paths.DEPLOY, caffemodel.name):
            files.sync(folder / file)
            (folder / file).replace(out / file)
        class_names.take_along(model, out)
    stored = _counted(original.counts, _counts(folded.net, cast, caffemodel))
    lines = [*original.found.notes, *_folded(original, folded), *stored]
    lines.append(f"outputs as before, to a relative {exact:.1e}")
    if kind != "FLOAT":
        cost = _of_cast(precision.once(ranges, folded.net.layer))
        lines.append(f"cast to {kind}: {cost}; outputs then differ by a relative {imposed:.1e}")
    lines.append(f"{out / paths.DEPLOY}, {out / caffemodel.name}: {(out / caffemodel.name).stat().st_size:,} bytes")
    return "\n".join(lines)


def _read(model: Path, caffemodel: Path, shape: ImageShape | None) -> Original:
    layers.load_beside(model.parent, paths.prototxts(model.parent))
    text = prototxt_text.read_text(model)
    # Where the data lie is of no matter here.
    found, learned = reading.read(model, without_python=True).with_weights(caffemodel)
    net = found.net
    pixels = phases.told_preprocessing(text)
    try:
        if shape is None and phases.data_layers(net, "TEST"):
            data = phases.image_layers(net, "TEST")[0]
            pixels = phases.preprocessing(data)
            shape = phases.cropped_shape(data)
        net = deployment.sized(net, shape)
        steps = shapes.infer(net, keep_unknown=True)
    except UserError as error:
        raise prototxt_text.located(error, model, text) from None
    counts = count.of_net(steps, learned, str(caffemodel))
    # What is written has the shapes of today, which Caffe asks for.
    learned = learned | {step.layer.name: step.blobs(learned, str(caffemodel)) for step in steps if step.blob_shapes}
    heading = f"{out_place.FOLDED} from {model}" + (f"\n{phases.PREPROCESSING}{pixels}" if pixels else "")
    return Original(model, caffemodel, net, learned, counts, heading, found)


def _counts(net: Net, learned: weights.Weights, caffemodel: Path) -> list[Count]:
    return count.of_net(shapes.infer(net, keep_unknown=True), learned, str(caffemodel))


def _compare(folder: Path, original: Original, folded: Folded, cast: Path) -> tuple[float, float]:
    """The relative differences of the outputs before the cast and after it, by Caffe in `folder`.

    As `agreement.expect` has it if the first is more than rounding.
    """
    weights.write(folder / "exact.caffemodel", folded.net, folded.weights)
    (exact, blob), (imposed, _) = agreement.differences(
        folder,
        (original.net, original.found.for_caffe(original.caffemodel, folder)),
        [(folded.net, folder / "exact.caffemodel"), (folded.net, cast)],
        list(dict.fromkeys([*_compared(original.net), *original.found.outputs])),
        original.model,
    )
    return agreement.expect(exact, blob, original.model), imposed


def _compared(net: Net) -> list[str]:
    """The outputs; and what a Softmax or the like makes them of, which says more than shares that are all 0 and 1."""
    outputs = batchnorm.unread(net)
    known = [(layer, layers.of(layer)) for layer in net.layer]
    of_function = [layer for layer, kind in known if kind and not kind.connects and not kind.per_channel]
    before = {layer.bottom[0] for layer in of_function if layer.bottom and set(layer.top) & set(outputs)}
    return [*outputs, *sorted(before - set(outputs))]


def _folded(original: Original, folded: Folded) -> list[str]:
    """What was folded, by type; and a line for each layer that stays, with the reason."""
    stay = {layer.name for layer in folded.net.layer}
    gone = Counter(layer.type for layer in original.net.layer if layer.name not in stay)
    of_types = ", ".join(f"{number} {kind}" for kind, number in sorted(gone.items()))
    kinds = {layer.name: layer.type for layer in original.net.layer}
    return [
        f"folded: {of_types or 'nothing'}",
        *(f"stays: {kinds[name]} '{name}': {why}" for name, why in folded.left.items()),
    ]


def _counted(before: list[Count], after: list[Count]) -> list[str]:
    """Synapses without their neurons' biases, which are as many as before but for what the cast flushed; and biases."""
    (first, first_biases), (last, last_biases) = (
        (count.total(counts, "synapses") - count.total(counts, "biases"), count.total(counts, "biases"))
        for counts in (before, after)
    )
    return [
        f"synapses {first:,} -> {last:,} without biases; biases of neurons {first_biases:,} -> {last_biases:,}; "
        f"stored values {_stored(before):,} -> {_stored(after):,}"
    ]


def _stored(counts: list[Count]) -> int:
    return count.total(counts, "parameters") + count.total(counts, "statistics")


def _of_cast(ranges: list[precision.Range]) -> str:
    figures = {name: sum(getattr(each, name) for each in ranges) for name in ("flushed", "overflows", "subnormals")}
    return (
        f"{counted(figures['flushed'], 'synapse')} became zero, "
        f"{counted(figures['overflows'], 'value was', 'values were')} too large, "
        f"{counted(figures['subnormals'], 'has', 'have')} fewer bits"
    )
