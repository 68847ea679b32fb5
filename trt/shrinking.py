"""`make shrink`: anyone's pruned network without what its outputs do not need. It computes what it did before."""

import tempfile
from pathlib import Path

from evolve.base import prototxt_text
from evolve.base.caffe_messages import package
from evolve.base.errors import UserError
from evolve.network import count, deployment, fold, layers, phases, resize, topology, weights
from evolve.network.axes import ImageShape, Net
from evolve.network.count import Count
from evolve.network.foreign import reading
from evolve.network.graph import Graph
from evolve.runs import out_place, paths
from trt import agreement, class_names


def shrink(
    model: Path, caffemodel: Path, out: Path, shape: ImageShape | None = None, keep_unknown: bool = False
) -> str:
    """Writes the smaller `model` (deploy or train_val) and `caffemodel` into `out`; returns a before/after table.

    `shape` is (channels, height, width) of an image where the prototxt does not tell. Caffe compares both networks'
    outputs on random numbers before anything is written; where there is none, the table says so. UserError for what
    does not fit together.
    """
    out_place.for_pair(out, model, caffemodel, model.name)
    layers.load_beside(model.parent, paths.prototxts(model.parent))
    alone = reading.read(model, without_python=True)
    nets = _phases(alone.net, model, shape)
    graph = _graph(nets, model, keep_unknown, alone.outputs)
    found, genome = alone.with_weights(caffemodel)
    if found.net != alone.net:
        nets = _phases(found.net, model, shape)
        graph = _graph(nets, model, keep_unknown, found.outputs)
    small, smaller, before, after = _smaller(found, graph, nets, genome, caffemodel, keep_unknown)
    with out_place.filled(out) as folder, tempfile.TemporaryDirectory(dir=folder) as apart:
        prototxt_text.write(small, folder / model.name, f"{out_place.SHRUNK} from {model}", names=reading.ANYWHERE)
        weights.write(folder / caffemodel.name, small, smaller)
        # What is compared may have the names of what is made.
        original = found.for_caffe(caffemodel, Path(apart))
        compared = _phases(small, model, shape)[0]
        pairs = (nets[0], original), (compared, folder / caffemodel.name)
        difference = _verify(Path(apart), *pairs, graph.answers(), model) if package() else None
        for file in (model.name, caffemodel.name):
            (folder / file).replace(out / file)
        class_names.take_along(model, out)
    sizes = tuple(path.stat().st_size for path in (caffemodel, out / caffemodel.name))
    return "\n".join([*found.notes, _table(before, after, sizes, difference)])


def _phases(net: Net, model: Path, shape: ImageShape | None) -> list[Net]:
    """The nets of both phases that begin with inputs; of a deploy prototxt the one that there is."""
    test = phases.for_phase(net, "TEST")
    if any(layer.type == "Input" for layer in test.layer) and not phases.data_layers(net, "TEST"):
        return [deployment.sized(net, shape)]
    nets = []
    for phase in ("TEST", "TRAIN"):
        if phases.feeding(phases.for_phase(net, phase).layer):
            nets.append(_fed(net, phase, model, shape))
    if not nets:
        raise UserError(f"{model}: expected an Input layer or data layers, got none")
    return nets


def _fed(net: Net, phase: str, model: Path, shape: ImageShape | None) -> Net:
    try:
        data = phases.image_layers(net, phase)[0]
        return phases.fed_by_inputs(net, phase, shape or phases.cropped_shape(data))
    except UserError as error:
        raise prototxt_text.located(error, model) from None


def _graph(nets: list[Net], model: Path, keep_unknown: bool, outputs: list[str]) -> Graph:
    try:
        return topology.read(nets, keep_unknown=keep_unknown, outputs=outputs)
    except UserError as error:
        hint = str(error).replace("keep_unknown: true", "KEEP_UNKNOWN=1").replace("keep_unknown ", "KEEP_UNKNOWN=1 ")
        raise prototxt_text.located(UserError(hint), model) from None


def _smaller(
    found: reading.Reading, graph: Graph, nets: list[Net], genome: weights.Weights, caffemodel: Path,
    keep_unknown: bool,
) -> tuple[Net, weights.Weights, list[Count], list[Count]]:  # fmt: skip
    resize.check(graph, genome, str(caffemodel))
    before = count.of_graph(graph, genome)
    kept = resize.complete(graph, fold.fold_constants(graph, genome))
    small = resize.resized(found.net, graph, kept)
    smaller = resize.shrunk(graph, genome, kept)
    resized = [resize.resized(each, graph, kept) for each in nets]
    after = count.of_graph(topology.read(resized, keep_unknown=keep_unknown, outputs=found.outputs), smaller)
    return small, smaller, before, after


def _verify(
    folder: Path, before: tuple[Net, Path], after: tuple[Net, Path], answers: list[str], model: Path
) -> float:
    """The largest relative difference of any output; as `agreement.expect` has it if that is more than rounding."""
    (found,) = agreement.differences(folder, before, [after], answers, model)
    return agreement.expect(*found, model)


def _table(before: list[Count], after: list[Count], sizes: tuple[int, ...], difference: float | None) -> str:
    width = max(len("layer"), *(len(each.name) for each in before))
    lines = [f"{'layer':{width}}  {'neurons':>15}  {'weights':>25}  {'synapses':>12}  {'MMAC':>19}"]
    for (name, *first), (_, *last) in zip(_rows(before), _rows(after), strict=True):
        neurons = f"{first[0]:>6} -> {last[0]:>5}"
        stored = f"{first[1]:>11,} -> {last[1]:>10,}"
        macs = f"{first[2] / 1e6:>8.2f} -> {last[2] / 1e6:>7.2f}"
        lines.append(f"{name:{width}}  {neurons}  {stored}  {last[3]:>12,}  {macs}")
    same = "not compared: no Caffe" if difference is None else f"as before, to a relative {difference:.1e}"
    lines.append(f"caffemodel {sizes[0]:,} -> {sizes[1]:,} bytes; outputs {same}")
    return "\n".join(lines)


def _rows(counts: list[Count]) -> list[tuple[str, int, int, int, int]]:
    """Name, neurons, stored weights and biases, multiply-accumulates and synapses of each layer, and their total."""
    rows = [(each.name, each.outputs, each.parameters, each.macs, each.synapses) for each in counts]
    total = (count.total(counts, what) for what in ("outputs", "parameters", "macs", "synapses"))
    return [*rows, ("total", *total)]  # type: ignore[list-item]
