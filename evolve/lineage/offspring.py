"""An offspring: its parents encoded, drawn under the environment's factors, shrunk, verified, and retrained."""

from pathlib import Path

from evolve.base import prototxt_text
from evolve.genetics import budget, clusters, filters, synapses, synthesis
from evolve.genetics.encoding import Encoding, Factors
from evolve.lineage import finish, parents, trained
from evolve.lineage.parents import Parents
from evolve.lineage.workspace import Workspace
from evolve.network import count, phases, reach, resize, two_of_four, weights
from evolve.network.graph import Graph
from evolve.network.topology import RETRAIN
from evolve.runs import generation, paths
from evolve.runs.metrics import Metrics, Synthesis
from evolve.settings.settings import environment as environment_of
from evolve.training.caffe_process import CaffeProcess

# The shrunk and the masked offspring compute the same; their sums run in another order. DetectNet of random weights,
# at 1248 x 384 pixels, has come to 2e-5.
_TOLERANCE = 1e-4


def make(workspace: Workspace, parent: Path) -> Metrics:
    """Makes a later generation in the workspace from generation `parent`; returns its metrics. UserError if unfit."""
    net, graph, factors = synthesize(workspace, parent)
    with trained.caffe_in(workspace) as caffe:
        difference = _verify(workspace, caffe, graph)
        gone = _two_of_four(workspace, net)
        training = trained.train(workspace, caffe, genome=paths.GENOME)
        synthesis = Synthesis(factors.cluster, factors.synapse, difference, two_of_four_synapses=gone)
        origin = finish.Origin(training, synthesis, generation.sha256(parent / paths.WEIGHTS))
        return finish.finish(workspace, caffe, net, origin)


def synthesize(workspace: Workspace, parent: Path) -> tuple[phases.Net, Graph, Factors]:
    """Draws an offspring of the parents that generation `parent` has, and writes it, masked and shrunk.

    Returns the shrunk net, the graph of the net that it was drawn in, and the environmental factors.
    """
    read = parents.read(workspace, parent)
    drawn, exists, factors = _draw(workspace, read)
    common, graph = read.net, read.graph
    del read
    kept = resize.complete(graph, exists.kept, max(1, workspace.block))
    net = resize.resized(common, graph, kept)
    workspace.write(net)
    prototxt_text.write(common, workspace.folder / paths.MASKED_NET)
    weights.write(workspace.folder / paths.MASKED, common, drawn)
    weights.write(workspace.folder / paths.GENOME, net, resize.shrunk(graph, drawn, kept))
    if workspace.experiment.settings.parents > 1:
        parents.record(workspace.folder, common, kept)
    return net, graph, factors


def _draw(workspace: Workspace, read: Parents) -> tuple[weights.Weights, reach.Existing, Factors]:
    encoding = _encode(workspace, read)
    factors, limit = budget.of(
        workspace.experiment.settings, workspace.number, read.graph, read.weights, encoding,
        _ancestor_synapses(workspace), workspace.seed, _fewest(read), len(read.each),
    )  # fmt: skip
    drawn, exists = synthesis.synthesize(read.graph, read.weights, encoding, factors, workspace.draw_seed, limit)
    return drawn, exists, factors


def _two_of_four(workspace: Workspace, net: phases.Net) -> int:
    """Takes off what 2:4 has no room for, where it is wanted; returns how many synapses went."""
    part = workspace.experiment.settings.two_of_four
    if not part:
        return 0
    genome = workspace.folder / paths.GENOME
    left, gone = two_of_four.imposed(workspace.graph(net).weighted, weights.read(genome), part)
    weights.write(genome, net, left)
    return gone


def _encode(workspace: Workspace, read: Parents) -> Encoding:
    each = [_encode_one(workspace, read, one) for one in read.each]
    encoding = each[0] if len(each) == 1 else _encode_one(workspace, read, read.weights).mean(each)
    block = environment_of(workspace.experiment.settings, workspace.number)
    spared = budget.spared(block, [layer.name for layer in read.graph.weighted])
    return encoding.spared(spared) if spared else encoding


def _encode_one(workspace: Workspace, read: Parents, parent: weights.Weights) -> Encoding:
    settings, graph = workspace.experiment.settings, read.graph
    pressure = budget.pressure(environment_of(settings, workspace.number))
    if workspace.block:
        # Of several parents, what an offspring may inherit says which filters are alike: their blocks are the same.
        alike = read.weights if settings.block_members == settings.ALIKE else None
        return filters.encode(graph, parent, settings.truncation, workspace.block, pressure, alike)
    if settings.encoding == settings.SYNAPSE:
        return synapses.encode(graph, parent, pressure)
    return clusters.encode(graph, parent, settings.truncation, pressure)


def _fewest(read: Parents) -> int:
    """Synapses of the parent that has the fewest: no offspring has more than its part of any parent's."""
    return min(count.total(count.of_graph(read.graph, one), "synapses") for one in read.each)


def _ancestor_synapses(workspace: Workspace) -> int:
    return Metrics.read(paths.generation(workspace.run, 1)).synapses


def _verify(workspace: Workspace, caffe: CaffeProcess, graph: Graph) -> float:
    """Largest relative difference between the masked parent and the shrunk offspring on real images."""
    answer = caffe.call(
        "compare",
        net=paths.MASKED_NET,
        weights=paths.MASKED,
        blobs=graph.answers(),
        other_net=paths.TRAIN_VAL,
        other_weights=paths.GENOME,
    )
    settings = workspace.experiment.settings
    # What LRN makes of a channel's new neighbours is left to training then.
    allowed = settings.lrn == settings.LocalResponse.Value(RETRAIN) and graph.mixes()
    if not answer["difference"] <= _TOLERANCE and not allowed:
        raise AssertionError(f"the shrunk offspring differs from the masked parent by {answer['difference']:g}")
    return float(answer["difference"])
