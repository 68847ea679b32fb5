"""What an offspring has from its parents: their encoding, the environment's factors, the draw, written and shrunk."""

from pathlib import Path

from evolve.base import prototxt_text
from evolve.genetics import budget, clusters, encoding, environment, filters, mating, synthesis
from evolve.lineage import parents, workspace
from evolve.lineage.parents import Parents
from evolve.lineage.workspace import Birth
from evolve.network import efficiency, phases, reach, resize, shrink, weights, widths
from evolve.network.topology import Graph
from evolve.runs import generation, paths
from evolve.settings import settings

GENOME, MASKED, MASKED_NET = "genome.caffemodel", "masked.caffemodel", "masked.prototxt"


def synthesize_offspring(birth: Birth, parent: Path) -> tuple[phases.Net, Graph, environment.Factors]:
    """Encodes the parents that generation `parent` has, draws an offspring of theirs, and writes it, masked and shrunk.

    Returns the shrunk net, the graph of the net that it was drawn in, and the environmental factors.
    """
    read = parents.read(birth, parent)
    drawn, exists, found = _draw(birth, read)
    common, graph = read.net, read.graph
    del read
    kept = widths.complete(graph, exists.kept, max(1, birth.block))
    net = resize.resized(common, graph, kept)
    workspace.write(birth, net)
    prototxt_text.write(common, birth.folder / MASKED_NET)
    weights.write(birth.folder / MASKED, common, drawn)
    weights.write(birth.folder / GENOME, net, shrink.shrunk(graph, drawn, kept))
    if birth.experiment.settings.parents > 1:
        parents.record(birth.folder, common, kept)
    return net, graph, found


def _draw(birth: Birth, read: Parents) -> tuple[weights.Weights, reach.Existing, environment.Factors]:
    encodings, fewest = _encode(birth, read), _fewest(read)
    found, limit = budget.of(
        birth.experiment.settings, birth.number, read.graph, read.weights, encodings, _ancestor_synapses(birth),
        birth.seed, fewest, len(read.each),
    )  # fmt: skip
    drawn, exists = synthesis.synthesize(read.graph, read.weights, encodings, found, birth.draw_seed, limit)
    return drawn, exists, found


def _encode(birth: Birth, read: Parents) -> environment.Encodings:
    each = [_encode_one(birth, read.graph, one) for one in read.each]
    if len(each) == 1:
        return each[0]
    return mating.mean(each, _encode_one(birth, read.graph, read.weights) if birth.block else None)


def _encode_one(birth: Birth, graph: Graph, parent: weights.Weights) -> environment.Encodings:
    chosen = birth.experiment.settings
    pressure = budget.pressure(settings.environment(chosen, birth.number))
    if birth.block:
        return filters.encode(graph, parent, chosen.truncation, birth.block, pressure)
    clustered = chosen.encoding == chosen.CLUSTER
    rows = [clusters.as_rows(parent[stage.name][0], stage) for stage in graph.stages]
    return [encoding.encode(each, chosen.truncation, clustered, pressure) for each in rows]


def _fewest(read: Parents) -> int:
    """Synapses of the parent that has the fewest: no offspring has more than its part of any parent's."""
    return min(efficiency.total(efficiency.count(read.graph, one), "synapses") for one in read.each)


def _ancestor_synapses(birth: Birth) -> int:
    return int(generation.metrics(paths.generation(birth.run, 1))["synapses"])
