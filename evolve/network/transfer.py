"""Another network's caffemodel as a start: layers of the same name and shapes begin with its weights, others do not.

As Caffe's copy_from does it (Net::CopyTrainedLayersFrom), which is silent about what it did not find and aborts on the
first shape that differs; here every layer is accounted for before anything is trained.
"""

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from evolve.base.counted import counted
from evolve.base.errors import UserError
from evolve.base.spelling import nearest
from evolve.network import weights
from evolve.network.axes import Net, Shape
from evolve.network.graph import Graph
from evolve.network.weights import Weights, core, listed

_SHOWN = 6  # names in one message
_NEAR = 0.6  # of spelling's likeness
_RENAMED = 0.8  # so like another name that one may be the other's mistake


@dataclass(frozen=True)
class Transfer:
    """What of a net starts from the caffemodel `source`, by layer: names, in the order of the net or the file."""

    source: str
    matched: list[str]
    missing: list[str]  # layers of the net that the file does not have
    differing: list[str]  # what is to be said of layers that both have, with other shapes
    unused: list[str]  # layers of the file that the net does not have

    def text(self) -> list[str]:
        """Lines for the user: how many layers start from the file, each that does not, and what the net has not."""
        every = len(self.matched) + len(self.missing) + len(self.differing)
        layers = counted(every, "layer with weights starts", "layers with weights start")
        lines = [f"{self.source}: {len(self.matched)} of {layers} from it"]
        for name in self.missing:
            near = nearest(name, self.unused, _RENAMED)
            hint = f" (it has a layer '{near}')" if near else ""
            lines.append(f"layer '{name}': no weights of that name in {self.source}{hint}: from its filler")
        lines += self.differing
        if self.unused:
            lines.append(f"{self.source}: not used, the net has no such layers: {', '.join(self.unused)}")
        return lines

    def check(self) -> None:
        """UserError for layers of the same name that differ in shape, and for a file of which nothing matches."""
        if self.differing:
            raise UserError("\n".join(self.differing))
        if not self.matched:
            raise UserError(
                f"{self.source}: expected weights of layers of the net ({_some(self.missing)}), got none of them but "
                f"{_some(self.unused)}{self._nearest()}; give another caffemodel, or name the layers as it does"
            )

    def _nearest(self) -> str:
        found = []
        for name in self.missing:
            if near := nearest(name, self.unused, _NEAR):
                found.append(f"'{near}' for '{name}'")
        return f"; nearest are {', '.join(found[:_SHOWN])}" if found else ""


def match(graph: Graph, trained: Weights, source: str) -> Transfer:
    """Which layers of the net that `graph` is read from have weights of that name and those shapes in `trained`.

    `source` is what a message calls the file. Axes of one do not count: blobs of 2013 have four axes, always.
    """
    learned = graph.blob_shapes()
    shared = [name for name in learned if name in trained]
    problems = {name: _difference(name, learned[name], trained[name], source) for name in shared}
    return Transfer(
        source,
        matched=[name for name in shared if not problems[name]],
        missing=[name for name in learned if name not in trained],
        differing=[problem for problem in problems.values() if problem],
        unused=[name for name in trained if name not in learned],
    )


def genome(graph: Graph, trained: Weights, found: Transfer) -> Weights:
    """The weights of the layers that matched, in the shapes that the net has them in."""
    learned = graph.blob_shapes()
    return {
        name: [blob.reshape(shape) for blob, shape in zip(trained[name], learned[name], strict=True)]
        for name in found.matched
    }


def write(path: Path, net: Net, graph: Graph, trained: Weights, source: str) -> Transfer:
    """Writes the caffemodel that `net` (a train_val's NetParameter) starts from by Caffe's copy_from.

    It holds the layers that matched and no others: Caffe would take a layer without blobs for one of another shape.
    UserError as `Transfer.check`, and then nothing is written.
    """
    found = match(graph, trained, source)
    found.check()
    kept = genome(graph, trained, found)
    part = type(net)(name=net.name)
    layers = {layer.name: layer for layer in net.layer if layer.name in kept}  # a layer of each phase is one
    part.layer.extend(layers.values())
    weights.write(path, part, kept)
    return found


def _difference(name: str, expected: list[Shape], blobs: list[np.ndarray], source: str) -> str:
    """What is to be said of a layer's shapes, "" if they agree."""
    got = [blob.shape for blob in blobs]
    if list(map(core, got)) == list(map(core, expected)):
        return ""
    return (
        f"layer '{name}': expected {listed(expected)}, got {listed(got)} in {source}; give the layer another name to "
        "start it from its filler, or the num_output and kernel_size of that network"
    )


def _some(names: list[str]) -> str:
    rest = len(names) - _SHOWN
    return ", ".join(f"'{name}'" for name in names[:_SHOWN]) + (f" and {rest} more" if rest > 0 else "") or "no layers"
