"""How a generation comes to be: from nothing, from a trained caffemodel, or from its parent."""

import json
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from datasets import Dataset
from evolve import factors, generation, paths, progress, settings
from evolve.experiment import Experiment
from evolve.genetics import clusters, encoding, environment, filters, synthesis
from evolve.network import efficiency, prototxt, reach, resize, shrink, text, weights, widths
from evolve.network.caffe_proto import caffe_pb2
from evolve.network.topology import RETRAIN, Graph
from evolve.training import precision
from evolve.training.caffe_process import CaffeProcess

# The shrunk and the masked offspring compute the same; their sums run in another order.
_TOLERANCE = 1e-5


@dataclass(frozen=True)
class Birth:
    """A generation in the making: its number, and the folder that it is written into."""

    experiment: Experiment
    dataset: Dataset
    number: int
    seed: int
    folder: Path

    def template(self) -> prototxt.Net:
        """The user's train_val.prototxt for this data set, its TEST batch a divisor of the images there are."""
        net = self.experiment.net(self.dataset.folder)
        for layer in net.layer:
            if not layer.bottom and any(rule.phase == caffe_pb2.TEST for rule in layer.include):
                layer.data_param.batch_size = _divisor(self.dataset.counts["test"], layer.data_param.batch_size)
        return net

    def graph(self, net: prototxt.Net) -> Graph:
        """Which channels of `net` are the same channel, in both phases."""
        return self.experiment.graph(net, self.dataset.shape)

    @property
    def block(self) -> int:
        """How many filters a cluster is; 0 where clusters are kernels."""
        chosen = self.experiment.settings
        return {chosen.KERNEL: 0, chosen.FILTER: 1, chosen.FILTER_BLOCK: chosen.block_width}[chosen.cluster_shape]


def ancestor(birth: Birth, pretrained: Path | None) -> dict[str, Any]:
    """Generation 1 into birth.folder: trained from its fillers, or the user's caffemodel as it is."""
    net = birth.template()
    _write_prototxts(birth, net)
    with _caffe(birth) as caffe:
        if pretrained is None:
            trained = _train(birth, caffe)
        else:
            shrink.check(birth.graph(net), weights.read(pretrained), str(pretrained))
            # Layers that only training has, auxiliary classifiers, are the next generation's too.
            upgraded = "trained.caffemodel"
            caffe.call("upgrade", net=paths.TRAIN_VAL, weights=str(pretrained), output=upgraded, phase="TRAIN")
            trained = {"iterations": 0, "seconds": 0.0, "revived": 0, "pretrained": generation.sha256(pretrained)}
        return _finish(birth, caffe, net, {"training": trained, "synthesis": {}, "parent_sha256": ""})


def offspring(birth: Birth, parent: Path) -> dict[str, Any]:
    """A later generation into birth.folder: encoded, drawn, shrunk, verified, retrained, cast, scored."""
    net, graph, found = synthesize_offspring(birth, parent)
    with _caffe(birth) as caffe:
        difference = _verify(birth, caffe, graph)
        trained = _train(birth, caffe)
        made = {
            "training": trained,
            "synthesis": {
                "cluster_factor": found.cluster,
                "synapse_factor": found.synapse,
                "difference": difference,
            },
            "parent_sha256": generation.sha256(parent / paths.WEIGHTS),
        }
        return _finish(birth, caffe, net, made)


def synthesize_offspring(birth: Birth, parent: Path) -> tuple[prototxt.Net, Graph, environment.Factors]:
    """Encodes `parent`, draws its offspring and writes it, masked and shrunk, into birth.folder.

    Returns the shrunk net, the parent's graph, and the environmental factors.
    """
    template = birth.template()
    parent_net = text.read(parent / paths.TRAIN_VAL, caffe_pb2.NetParameter())
    parent_net = prototxt.with_data_of(parent_net, template)
    graph = birth.graph(parent_net)
    parent_weights = weights.read(parent / paths.WEIGHTS)
    shrink.check(graph, parent_weights, str(parent / paths.WEIGHTS))
    drawn, exists, found = _draw(birth, graph, parent_weights)
    del parent_weights
    kept = widths.complete(graph, exists.kept, max(1, birth.block))
    net = resize.resized(parent_net, graph, kept)
    _write_prototxts(birth, net)
    text.write(parent_net, birth.folder / "masked.prototxt")
    weights.write(birth.folder / "masked.caffemodel", parent_net, drawn)
    weights.write(birth.folder / "genome.caffemodel", net, shrink.shrunk(graph, drawn, kept))
    return net, graph, found


def _draw(
    birth: Birth, graph: Graph, parent: weights.Weights
) -> tuple[weights.Weights, reach.Existing, environment.Factors]:
    chosen = birth.experiment.settings
    encodings = _encode(birth, graph, parent)
    first = _ancestor_synapses(birth)
    found, limit = factors.of(chosen, birth.number, graph, parent, encodings, first, birth.seed)
    drawn, exists = synthesis.synthesize(graph, parent, encodings, found, (birth.seed, birth.number), limit)
    return drawn, exists, found


def _encode(birth: Birth, graph: Graph, parent: weights.Weights) -> environment.Encodings:
    chosen = birth.experiment.settings
    if birth.block:
        return filters.encode(graph, parent, chosen.truncation, birth.block)
    clustered = chosen.encoding == chosen.CLUSTER
    rows = [clusters.as_rows(parent[stage.name][0], stage) for stage in graph.stages]
    return [encoding.encode(each, chosen.truncation, clustered) for each in rows]


def _ancestor_synapses(birth: Birth) -> int:
    return int(generation.metrics(paths.generation(birth.folder.parent, 1))["synapses"])


def _write_prototxts(birth: Birth, net: prototxt.Net) -> None:
    test = prototxt.data_layer(net, "TEST")
    shape = prototxt.example_shape(test, birth.dataset.shape)
    title = f"{birth.experiment.name}, generation {birth.number}"
    text.write(net, birth.folder / paths.TRAIN_VAL, title)
    heading = f"{title}\ninput: {prototxt.preprocessing(test)}"
    text.write(prototxt.deploy(net, shape), birth.folder / paths.DEPLOY, heading)
    text.write(_solver(birth, net), birth.folder / paths.SOLVER, title)


def _solver(birth: Birth, net: prototxt.Net) -> Any:
    solver = caffe_pb2.SolverParameter()
    solver.CopyFrom(birth.experiment.solver(birth.number))
    # Generations are scored once, after the cast; Caffe writes no files of its own.
    for field in ("train_net", "test_net", "test_iter", "test_interval", "snapshot", "snapshot_prefix"):
        solver.ClearField(field)
    solver.net = paths.TRAIN_VAL
    solver.snapshot_after_train = False
    solver.random_seed = birth.seed * 1000 + birth.number
    batch = prototxt.batch_size(prototxt.data_layer(net, "TRAIN")) * max(1, solver.iter_size)
    length = settings.training_length(birth.experiment.settings, birth.number, birth.dataset.name)
    solver.max_iter = length.iterations(birth.dataset.counts["train"], batch)
    if not solver.HasField("solver_mode"):
        solver.solver_mode = solver.CPU
    return solver


def _caffe(birth: Birth) -> CaffeProcess:
    return CaffeProcess(birth.folder, birth.folder / paths.TRAIN_LOG, birth.experiment.train_val)


def _train(birth: Birth, caffe: CaffeProcess) -> dict[str, Any]:
    genome = "genome.caffemodel" if birth.number > 1 else ""
    if why := caffe.call("layers").get("why"):
        progress.say_once(f"NOTE: on stock Caffe's layers, several times slower: {why}")
    with progress.training(f"generation {birth.number}") as report:
        trained = caffe.call(
            "train",
            report,
            net=paths.TRAIN_VAL,
            solver=paths.SOLVER,
            output="trained.caffemodel",
            genome=genome,
            inherit=birth.experiment.settings.inherit_weights,
        )
    if trained["revived"]:
        raise AssertionError(f"generation {birth.number}: {trained['revived']} absent synapses came back in training")
    return trained


def _verify(birth: Birth, caffe: CaffeProcess, graph: Graph) -> float:
    """Largest relative difference between the masked parent and the shrunk offspring on real images."""
    answer = caffe.call(
        "compare",
        net="masked.prototxt",
        weights="masked.caffemodel",
        blobs=graph.answers(),
        other_net=paths.TRAIN_VAL,
        other_weights="genome.caffemodel",
    )
    chosen = birth.experiment.settings
    # What LRN makes of a channel's new neighbours is left to training then.
    allowed = chosen.lrn == chosen.LocalResponse.Value(RETRAIN) and graph.mixes()
    if not answer["difference"] <= _TOLERANCE and not allowed:
        raise AssertionError(f"the shrunk offspring differs from the masked parent by {answer['difference']:g}")
    return float(answer["difference"])


def _finish(birth: Birth, caffe: CaffeProcess, net: prototxt.Net, made: dict[str, Any]) -> dict[str, Any]:
    """Casts, writes, scores and measures the generation; returns its metrics, written too."""
    chosen = birth.experiment.settings
    kind = chosen.Precision.Name(chosen.precision)
    types = {layer.name: layer.type for layer in net.layer}
    cast, ranges = precision.cast(weights.read(birth.folder / "trained.caffemodel"), kind, types)
    deploy = text.read(birth.folder / paths.DEPLOY, caffe_pb2.NetParameter())
    whole = prototxt.with_training_layers(deploy, net, cast)
    weights.write(birth.folder / paths.WEIGHTS, whole, cast)
    if chosen.half_blobs and kind == "HALF":
        weights.write(birth.folder / paths.HALF_WEIGHTS, whole, cast, half_blobs=True)
    for name in ("trained.caffemodel", "masked.caffemodel", "masked.prototxt", "genome.caffemodel"):
        (birth.folder / name).unlink(missing_ok=True)
    score = _score(birth, caffe, net)
    result = _measure(birth, birth.graph(net), cast, ranges)
    result |= score | made | {"score": score, "versions": caffe.call("versions"), "precision": kind}
    result |= {"iterations": made["training"]["iterations"], "train_seconds": made["training"]["seconds"]}
    (birth.folder / paths.METRICS).write_text(json.dumps(result, indent=1) + "\n")
    return result


def _score(birth: Birth, caffe: CaffeProcess, net: prototxt.Net) -> dict[str, Any]:
    iterations = birth.dataset.counts["test"] // prototxt.batch_size(prototxt.data_layer(net, "TEST"))
    return caffe.call("score", net=paths.TRAIN_VAL, weights=paths.WEIGHTS, iterations=iterations)


def _measure(birth: Birth, graph: Graph, cast: weights.Weights, ranges: list[precision.Range]) -> dict[str, Any]:
    shape = filters.of_neurons(graph, birth.block) if birth.block else None
    counts = efficiency.count(graph, cast, filters=shape)
    first = counts if birth.number == 1 else _ancestor_counts(birth)
    per_layer = efficiency.cluster_efficiencies(first, counts)
    synapses = efficiency.total(counts, "synapses")
    return {
        "generation": birth.number,
        "network": birth.experiment.name,
        "synapses": synapses,
        "architectural_efficiency": efficiency.total(first, "synapses") / synapses,
        "clusters": efficiency.total(counts, "clusters"),
        "cluster_efficiency": efficiency.mean_cluster_efficiency(per_layer),
        "macs": efficiency.total(counts, "macs"),
        "caffemodel_bytes": (birth.folder / paths.WEIGHTS).stat().st_size,
        "flushed_synapses": sum(each.flushed for each in ranges),
        "seed": birth.seed,
        "dataset": {"name": birth.dataset.name, "sha256": birth.dataset.sha256, "notice": birth.dataset.notice},
        "layers": [
            each.as_dict() | {"cluster_efficiency": ratio} for each, ratio in zip(counts, per_layer, strict=True)
        ],
        "range": [each.as_dict() for each in ranges],
    }


def _ancestor_counts(birth: Birth) -> list[efficiency.LayerCount]:
    layers = generation.metrics(paths.generation(birth.folder.parent, 1))["layers"]
    fields = efficiency.LayerCount.__dataclass_fields__
    # Runs made before clusters had shapes have kernels alone.
    known = [{"clusters": layer["kernels"]} | layer for layer in layers]
    return [efficiency.LayerCount(**{name: layer[name] for name in fields}) for layer in known]


def _divisor(total: int, wanted: int) -> int:
    """The largest divisor of `total` up to `wanted`, so that whole batches score every image once."""
    return max(size for size in range(1, max(1, wanted) + 1) if total % size == 0)


def remove_leftovers(run: Path) -> None:
    """What a killed process left of an unfinished generation."""
    for leftover in run.glob(".gen*.unfinished"):
        shutil.rmtree(leftover)
