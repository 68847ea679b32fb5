"""`make shrink`: anyone's pruned network without what its outputs do not need. It computes what it did before."""

import tempfile
from pathlib import Path
from typing import Any

from evolve.base import prototxt_text
from evolve.base.caffe_messages import caffe_pb2
from evolve.base.errors import UserError
from evolve.network import count, fold, layers, phases, resize, topology, weights
from evolve.network.count import Count
from evolve.network.graph import Graph
from trt import agreement

Net = Any  # caffe_pb2.NetParameter
Shape = tuple[int, int, int]


def shrink(model: Path, caffemodel: Path, out: Path, shape: Shape | None = None, keep_unknown: bool = False) -> str:
    """Writes the smaller `model` (deploy or train_val) and `caffemodel` into `out`; returns a before/after table.

    `shape` is (channels, height, width) of an image where the prototxt does not tell. Caffe compares both networks'
    outputs on random numbers before anything is written. UserError for what does not fit together.
    """
    if out.resolve() in (model.resolve().parent, caffemodel.resolve().parent):
        raise UserError(f"OUT={out}: expected another folder than that of MODEL and WEIGHTS, which stay as they are")
    net = _read(model)
    nets = _phases(net, model, shape)
    graph = _graph(nets, model, keep_unknown)
    small, genome, before, after = _smaller(net, graph, nets, caffemodel, keep_unknown)
    out.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=out) as name:
        folder = Path(name)
        prototxt_text.write(small, folder / model.name, f"shrunk from {model}")
        weights.write(folder / caffemodel.name, small, genome)
        difference = _verify(folder, nets[0], _phases(small, model, shape)[0], graph.answers(), caffemodel, model)
        for file in (model.name, caffemodel.name):
            (folder / file).replace(out / file)
    sizes = tuple(path.stat().st_size for path in (caffemodel, out / caffemodel.name))
    return _table(before, after, sizes, difference)


def _read(model: Path) -> Net:
    layers.load_beside(model.parent)
    # Where the data lie is of no matter here.
    values = {"DATA": "$DATA", "NET": "$NET"}
    return prototxt_text.read(model, caffe_pb2.NetParameter(), values)


def _phases(net: Net, model: Path, shape: Shape | None) -> list[Net]:
    """The nets of both phases that begin with inputs; of a deploy prototxt the one that there is."""
    test = phases.for_phase(net, "TEST")
    if net.input or any(layer.type == "Input" for layer in test.layer):
        return [test]
    nets = []
    for phase in ("TEST", "TRAIN"):
        if any(not layer.bottom for layer in phases.for_phase(net, phase).layer):
            data = _data_layer(net, phase, model)
            nets.append(phases.fed_by_inputs(net, phase, shape or _crop(data, model)))
    if not nets:
        raise UserError(f"{model}: expected an Input layer or data layers, got none")
    return nets


def _data_layer(net: Net, phase: str, model: Path) -> Any:
    try:
        return phases.data_layer(net, phase)
    except UserError as error:
        raise prototxt_text.located(error, model, prototxt_text.read_text(model)) from None


def _crop(data: Any, model: Path) -> Shape:
    try:
        return phases.cropped_shape(data)
    except UserError as error:
        raise prototxt_text.located(error, model, prototxt_text.read_text(model)) from None


def _graph(nets: list[Net], model: Path, keep_unknown: bool) -> Graph:
    try:
        return topology.read(nets, keep_unknown=keep_unknown)
    except UserError as error:
        hint = str(error).replace("keep_unknown: true", "KEEP_UNKNOWN=1").replace("keep_unknown ", "KEEP_UNKNOWN=1 ")
        raise prototxt_text.located(UserError(hint), model, prototxt_text.read_text(model)) from None


def _smaller(
    net: Net, graph: Graph, nets: list[Net], caffemodel: Path, keep_unknown: bool
) -> tuple[Net, weights.Weights, list[Count], list[Count]]:
    genome = weights.read(caffemodel)
    resize.check(graph, genome, str(caffemodel))
    before = count.of_graph(graph, genome)
    kept = resize.complete(graph, fold.fold_constants(graph, genome))
    small = resize.resized(net, graph, kept)
    smaller = resize.shrunk(graph, genome, kept)
    resized = [resize.resized(each, graph, kept) for each in nets]
    after = count.of_graph(topology.read(resized, keep_unknown=keep_unknown), smaller)
    return small, smaller, before, after


def _verify(folder: Path, before: Net, after: Net, answers: list[str], caffemodel: Path, model: Path) -> float:
    """The largest relative difference of any output. AssertionError if it is more than rounding."""
    (found,) = agreement.differences(folder, (before, caffemodel), [(after, folder / caffemodel.name)], answers, model)
    difference, worst = found
    if not difference <= agreement.TOLERANCE:
        raise AssertionError(f"the smaller network's '{worst}' differs by {difference:g}; nothing was written")
    return difference


def _table(before: list[Count], after: list[Count], sizes: tuple[int, ...], difference: float) -> str:
    width = max(len("layer"), *(len(each.name) for each in before))
    lines = [f"{'layer':{width}}  {'neurons':>15}  {'weights':>25}  {'synapses':>12}  {'MMAC':>19}"]
    for (name, *first), (_, *last) in zip(_rows(before), _rows(after), strict=True):
        neurons = f"{first[0]:>6} -> {last[0]:>5}"
        stored = f"{first[1]:>11,} -> {last[1]:>10,}"
        macs = f"{first[2] / 1e6:>8.2f} -> {last[2] / 1e6:>7.2f}"
        lines.append(f"{name:{width}}  {neurons}  {stored}  {last[3]:>12,}  {macs}")
    lines.append(f"caffemodel {sizes[0]:,} -> {sizes[1]:,} bytes; outputs as before, to a relative {difference:.1e}")
    return "\n".join(lines)


def _rows(counts: list[Count]) -> list[tuple[str, int, int, int, int]]:
    """Name, neurons, stored weights and biases, multiply-accumulates and synapses of each layer, and their total."""
    rows = [(each.name, each.outputs, each.parameters, each.macs, each.synapses) for each in counts]
    total = (count.total(counts, what) for what in ("outputs", "parameters", "macs", "synapses"))
    return [*rows, ("total", *total)]  # type: ignore[list-item]
