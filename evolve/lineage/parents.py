"""The parents of a generation, brought to common coordinates: one network that each of them is a part of.

One parent is its own. Several are siblings, drawn in one network and shrunk from it to different widths; beside each
stands which of its channels that one kept. Those that no parent has are left out.
"""

import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from evolve.base import prototxt_text
from evolve.base.caffe_messages import caffe_pb2
from evolve.genetics import mating
from evolve.lineage.workspace import Workspace
from evolve.network import phases, resize, weights
from evolve.network.graph import Graph
from evolve.network.resize import expanded
from evolve.network.weights import Weights
from evolve.runs import generation, paths


@dataclass(frozen=True)
class Parents:
    """All in the shapes of `net`, zero where they lack something."""

    net: phases.Net
    graph: Graph
    each: list[Weights]  # the fittest first
    weights: Weights  # what an inherited synapse starts from


def read(workspace: Workspace, folder: Path) -> Parents:
    """The parents that generation `folder` has for `workspace`: itself, and those of its siblings that it keeps."""
    if not (folder / paths.COMMON).is_file():
        net, graph = _net(workspace, folder / paths.TRAIN_VAL)
        alone = _weights(folder / paths.WEIGHTS)
        resize.check(graph, alone, str(folder / paths.WEIGHTS))
        return Parents(net, graph, [alone], alone)
    common, graph = _net(workspace, folder / paths.COMMON)
    each, kept = [], []
    for file, record in _files(folder):
        kept.append(_channels(record, graph))
        each.append(expanded(graph, _weights(file), kept[-1]))
    start = mating.inherited(graph, each, kept)
    union = resize.complete(graph, np.logical_or.reduce(kept), max(1, workspace.block))
    each = [resize.shrunk(graph, one, union) for one in each]
    start = resize.shrunk(graph, start, union)
    net = resize.resized(common, graph, union)
    smaller = workspace.graph(net)
    resize.check(smaller, start, str(folder / paths.COMMON))
    return Parents(net, smaller, each, start)


def hashes(folder: Path) -> list[str]:
    """sha256 of the caffemodels of the parents that generation `folder` has, the fittest first."""
    return [generation.sha256(file) for file, _ in _files(folder)]


def record(folder: Path, net: phases.Net, kept: np.ndarray) -> None:
    """Writes into a sibling's folder the `net` that it was drawn in, and the channels `kept`, bool (groups,)."""
    prototxt_text.write(net, folder / paths.COMMON)
    channels = {"net": paths.COMMON, "channels": len(kept), "kept": np.flatnonzero(kept).tolist()}
    (folder / paths.CHANNELS).write_text(json.dumps(channels) + "\n")


def _weights(file: Path) -> Weights:
    """A parent's; UserError where they are no finite numbers: of those no probability can be made."""
    found = weights.read(file)
    weights.require_finite(found, str(file))
    return found


def _net(workspace: Workspace, path: Path) -> tuple[phases.Net, Graph]:
    net = phases.with_data_of(prototxt_text.read(path, caffe_pb2.NetParameter()), workspace.template())
    return net, workspace.graph(net)


def _files(folder: Path) -> list[tuple[Path, Path]]:
    """The caffemodel and the record of channels of each."""
    found: list[tuple[Path, Path]] = []
    while (folder / (names := paths.parent(len(found) + 1))[1]).is_file():
        found.append((folder / names[1], folder / names[2]))
    return found


def _channels(path: Path, graph: Graph) -> np.ndarray:
    read = json.loads(path.read_text())
    if read["channels"] != graph.channel_groups:
        raise AssertionError(f"{path}: {read['channels']} channels, but the network has {graph.channel_groups}")
    kept = np.zeros(graph.channel_groups, bool)
    kept[read["kept"]] = True
    return kept
