"""Calibration: which values a net's activations have on training images, and what eight bits of them cost a layer.

The method is minmax: the least and the greatest value seen, of all images. The error of a layer is measured on the
first of them: its output from eight-bit inputs and weights beside its output in 32 bits, from the same inputs; root
mean square of the differences / of the values. A layer whose error is more than TOLERATED stays in 32 bits.
"""

import errno
import hashlib
import json
import math
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np

from evolve.base import files, records
from evolve.base.counted import counted
from evolve.base.errors import UserError
from trt import values
from trt.inputs import Inputs, Source
from trt.onnx import arranged, eight, eight_places, model
from trt.onnx.eight_places import Places
from trt.onnx.export import Pair
from trt.onnx.graph import Graph, Node

METHOD = "minmax"
TOLERATED = 0.1
_MEASURED = 16  # images that errors are measured on
SUFFIX = ".calibration.json"
_NOT_OURS = (errno.EACCES, errno.EPERM, errno.EROFS)  # of a run that somebody else owns


@dataclass(frozen=True)
class Calibration:
    """What was seen, and on what."""

    method: str
    seen_on: str  # how many images of what, and the seed that chose them
    inputs: str  # the digest of these
    weights_sha256: str
    graph: str = ""  # the digest of what the ranges are of: another prototxt has others
    ranges: dict[str, list[float]] = field(default_factory=dict)  # of a value of the graph: least and greatest
    errors: dict[str, float] = field(default_factory=dict)  # of a layer with weights, where it computes in eight bits

    def in_32_bits(self) -> frozenset[str]:
        """The layers whose error is too large."""
        return frozenset(layer for layer, error in self.errors.items() if not error <= TOLERATED)

    def lines(self) -> list[str]:
        """A summary, and a line a layer that stays in 32 bits."""
        worst = max(self.errors, key=lambda layer: self.errors[layer], default="")
        most = f", the largest error of a layer {self.errors[worst]:.2%} ({worst})" if worst else ""
        return [
            f"calibration ({self.method}), {self.seen_on}: {counted(len(self.ranges), 'value')}{most}",
            *(
                f"  layer '{layer}': eight bits change its output by {self.errors[layer]:.2%}, more than "
                f"{TOLERATED:.0%}; in 32 bits"
                for layer in sorted(self.in_32_bits())
            ),
        ]


def of(
    pair: Pair, source: Source, path: Path, say: Callable[[str], None], instead: Path | None = None
) -> Calibration:
    """The calibration of a pair on the images of `source`: found at `path`, or made and kept there.

    Where nobody may write there, `instead` is the place, if it is given.
    """
    key = _key(pair, source)
    for place in filter(None, (path, instead)):
        known = kept(place)
        if known and (known.method, known.inputs, known.weights_sha256, known.graph) == key:
            return known
    made = calibrate(pair, source.read(), source.digest)
    _keep(made, path, instead)
    for line in made.lines():
        say(line)
    return made


def _keep(made: Calibration, path: Path, instead: Path | None) -> None:
    with files.named_by_out(path):
        try:
            files.write_whole(path, records.text(made))
        except OSError as error:
            if instead is None or error.errno not in _NOT_OURS:
                raise
            with files.named_by_out(instead):
                files.write_whole(instead, records.text(made))


def calibrate(pair: Pair, inputs: Inputs, digest: str) -> Calibration:
    """Looks at every value of the net on `inputs`: at another size of image others are quantised than at this one.

    UserError without ONNX Runtime, and for images that are not finite: no steps have such numbers.
    """
    _expect_finite(inputs)
    whole = pair.graph()
    graph = arranged.arranged(whole)
    places = eight_places.find(graph)
    ranges = _ranges(graph, pair.net.name, inputs)
    errors = _errors(graph, pair.net.name, places, ranges, inputs)
    return Calibration(
        METHOD, inputs.words, digest, pair.words["weights_sha256"], _digest(whole),
        {k: list(v) for k, v in ranges.items()}, errors,
    )  # fmt: skip


def _expect_finite(inputs: Inputs) -> None:
    seen = 0
    for batch in inputs.batches:
        for name, array in batch.items():
            if not np.isfinite(array).all():
                place = tuple(np.argwhere(~np.isfinite(array))[0])
                raise UserError(
                    f"calibration, {inputs.words}: input '{name}': expected finite numbers in 32 bits, got "
                    f"{array[place]} in image {seen + place[0] + 1}; leave that image out"
                )
        seen += len(next(iter(batch.values())))


def _key(pair: Pair, source: Source) -> tuple[str, str, str, str]:
    return METHOD, source.digest, pair.words["weights_sha256"], _digest(pair.graph())


def _digest(graph: Graph) -> str:
    nodes = [(node.layer, node.operator, node.inputs, node.outputs, node.attributes) for node in graph.nodes]
    made = hashlib.sha256(repr((graph.inputs, graph.outputs, nodes)).encode())
    for name, constant in sorted(graph.constants.items()):
        made.update(f"{name} {constant.dtype} {constant.shape}".encode())
        made.update(constant.tobytes())
    return made.hexdigest()


def kept(path: Path) -> Calibration | None:
    """What is there; None where there is nothing, or nothing that was written whole."""
    try:
        return records.read(Calibration, json.loads(path.read_bytes()))
    except (OSError, ValueError):
        return None


def _ranges(graph: Graph, name: str, inputs: Inputs) -> eight.Ranges:
    """Of every value that is no whole numbers."""
    found: dict[str, tuple[float, float]] = {}
    wanted = [*graph.inputs, *(value for node in graph.nodes for value in node.outputs)]
    for blobs in values.on(model.model(graph, name, {}), wanted, inputs.batches):
        for value, seen in blobs.items():
            if seen.dtype != np.float32:
                continue
            low, high = found.get(value, (np.inf, -np.inf))
            # NumPy's minimum of nan and a number is nan; Python's is whichever comes first.
            found[value] = float(np.minimum(low, seen.min())), float(np.maximum(high, seen.max()))
    return found


def _errors(graph: Graph, name: str, places: Places, ranges: eight.Ranges, inputs: Inputs) -> dict[str, float]:
    """By layer; of one that several nodes stand for, the largest."""
    beside, sums = _beside(graph, places, ranges)
    asked = [value for pair in sums.values() for value in pair]
    totals = dict.fromkeys(asked, 0.0)
    for blobs in values.on(model.model(beside, name, {}), asked, inputs.batches[:_MEASURED]):
        for value in asked:
            totals[value] += float(blobs[value].sum())
    layers = {node.name: node.layer for node in graph.nodes}
    errors = {layers[node]: math.inf for node in sorted(places.computing - set(sums))}
    for node, (lost, whole) in sums.items():
        error = (totals[lost] / totals[whole]) ** 0.5 if totals[whole] else 0.0
        # Sums that overflow tell nothing of it: it counts as too large, and Python's max would pass nan over.
        errors[layers[node]] = max(errors.get(layers[node], 0.0), math.inf if math.isnan(error) else round(error, 6))
    return errors


def _beside(graph: Graph, places: Places, ranges: eight.Ranges) -> tuple[Graph, dict[str, tuple[str, str]]]:
    """The graph with a twin in eight bits beside each node with weights, fed by the same 32-bit value.

    And of each such node the values that sum the squares of their differences, and of its output; of none that reads
    what overflows in 32 bits.
    """
    result = replace(
        graph, nodes=list(graph.nodes), constants=dict(graph.constants), _values=set(graph._values),
        _nodes=set(graph._nodes),
    )  # fmt: skip
    sums = {}
    for node in graph.nodes:
        if node.name not in places.computing or not np.isfinite(_of_group(node.inputs[0], places, ranges)).all():
            continue
        twin = _twin(graph, node, places, ranges)
        result.nodes += twin.nodes
        result.constants |= twin.constants
        result.begin(f"{node.name}/error", wide=True)
        lost = result.add("ReduceSumSquare", result.add("Sub", node.outputs[0], next(iter(twin.outputs))), keepdims=0)
        sums[node.name] = (lost, result.add("ReduceSumSquare", node.outputs[0], keepdims=0))
    return result, sums


def _twin(graph: Graph, node: Node, places: Places, ranges: eight.Ranges) -> Graph:
    """One node in eight bits, all its names its own but that of what it reads."""
    read, written = node.inputs[0], f"{node.name}/twin"
    alone = Graph({read: ()}, {written: ()}, [replace(node, outputs=[written], name=written)])
    alone.constants = {each: graph.constants[each] for each in node.inputs[1:]}
    alone._values |= {written, *graph._values, *(output for each in graph.nodes for output in each.outputs)}
    only = Places(frozenset({written}), {read: read}, ())
    made = eight.quantised(alone, only, {read: _of_group(read, places, ranges)}, signed=False)
    # Two nodes may read one value, and its twins' names would be the same.
    return _renamed(made, node.name, {read, written})


def _of_group(value: str, places: Places, ranges: eight.Ranges) -> tuple[float, float]:
    group = [other for other, name in places.groups.items() if name == places.groups[value]]
    return float(np.min([ranges[each][0] for each in group])), float(np.max([ranges[each][1] for each in group]))


def _renamed(graph: Graph, before: str, kept: set[str]) -> Graph:
    def named(value: str) -> str:
        return value if value in kept else f"{before}/twin/{value}"

    nodes = [
        replace(
            each, inputs=list(map(named, each.inputs)), outputs=list(map(named, each.outputs)),
            name=f"{before}/twin/{each.name}",
        )
        for each in graph.nodes
    ]  # fmt: skip
    return replace(graph, nodes=nodes, constants={named(key): value for key, value in graph.constants.items()})
