"""How a generation comes to be: from nothing, from a trained caffemodel, or from its parent."""

import json
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from datasets import Dataset
from evolve import factors, generation, paths, progress, settings
from evolve.experiment import Experiment
from evolve.genetics import clusters, encoding, environment, synthesis
from evolve.network import efficiency, prototxt, shrink, text, weights
from evolve.network.caffe_proto import caffe_pb2
from evolve.network.topology import Stage
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

    def stages(self, net: prototxt.Net) -> list[Stage]:
        """The chain of stages of `net`."""
        return self.experiment.stages(net, self.dataset.shape)


def ancestor(birth: Birth, pretrained: Path | None) -> dict[str, Any]:
    """Generation 1 into birth.folder: trained from its fillers, or the user's caffemodel as it is."""
    net = birth.template()
    _write_prototxts(birth, net)
    with _caffe(birth) as caffe:
        if pretrained is None:
            trained = _train(birth, caffe)
        else:
            shrink.check(birth.stages(net), weights.read(pretrained), str(pretrained))
            caffe.call("upgrade", net=paths.TRAIN_VAL, weights=str(pretrained), output="trained.caffemodel")
            trained = {"iterations": 0, "seconds": 0.0, "revived": 0, "pretrained": generation.sha256(pretrained)}
        return _finish(birth, caffe, net, {"training": trained, "synthesis": {}, "parent_sha256": ""})


def offspring(birth: Birth, parent: Path) -> dict[str, Any]:
    """A later generation into birth.folder: encoded, drawn, shrunk, verified, retrained, cast, scored."""
    net, blob, found = synthesize_offspring(birth, parent)
    with _caffe(birth) as caffe:
        difference = _verify(caffe, blob)
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


def synthesize_offspring(birth: Birth, parent: Path) -> tuple[prototxt.Net, str, environment.Factors]:
    """Encodes `parent`, draws its offspring and writes it, masked and shrunk, into birth.folder.

    Returns the shrunk net, the name of its last stage's blob, and the environmental factors.
    """
    template = birth.template()
    parent_net = text.read(parent / paths.TRAIN_VAL, caffe_pb2.NetParameter())
    parent_net = prototxt.with_data_of(parent_net, template)
    stages = birth.stages(parent_net)
    parent_weights = weights.read(parent / paths.WEIGHTS)
    shrink.check(stages, parent_weights, str(parent / paths.WEIGHTS))
    drawn, exists, found = _draw(birth, stages, parent_weights)
    del parent_weights
    net = shrink.resize(parent_net, {s.name: int(e.sum()) for s, e in zip(stages, exists, strict=True)})
    _write_prototxts(birth, net)
    text.write(parent_net, birth.folder / "masked.prototxt")
    weights.write(birth.folder / "masked.caffemodel", parent_net, drawn)
    weights.write(birth.folder / "genome.caffemodel", net, shrink.shrunk(stages, drawn, exists))
    return net, stages[-1].top, found


def _draw(
    birth: Birth, stages: list[Stage], parent: weights.Weights
) -> tuple[weights.Weights, list[Any], environment.Factors]:
    chosen = birth.experiment.settings
    clustered = chosen.encoding == chosen.CLUSTER
    rows = [clusters.as_rows(parent[stage.name][0], stage) for stage in stages]
    encodings = [encoding.encode(each, chosen.truncation, clustered) for each in rows]
    first = _ancestor_synapses(birth)
    found, limit = factors.of(chosen, birth.number, stages, parent, encodings, first, birth.seed)
    drawn, exists = synthesis.synthesize(stages, parent, encodings, found, (birth.seed, birth.number), limit)
    return drawn, exists, found


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


def _verify(caffe: CaffeProcess, blob: str) -> float:
    """Largest relative difference between the masked parent and the shrunk offspring on real images."""
    answer = caffe.call(
        "compare",
        net="masked.prototxt",
        weights="masked.caffemodel",
        blob=blob,
        other_net=paths.TRAIN_VAL,
        other_weights="genome.caffemodel",
    )
    if not answer["difference"] <= _TOLERANCE:
        raise AssertionError(f"the shrunk offspring differs from the masked parent by {answer['difference']:g}")
    return float(answer["difference"])


def _finish(birth: Birth, caffe: CaffeProcess, net: prototxt.Net, made: dict[str, Any]) -> dict[str, Any]:
    """Casts, writes, scores and measures the generation; returns its metrics, written too."""
    chosen = birth.experiment.settings
    stages = birth.stages(net)
    kind = chosen.Precision.Name(chosen.precision)
    cast, ranges = precision.cast(weights.read(birth.folder / "trained.caffemodel"), kind)
    deploy = text.read(birth.folder / paths.DEPLOY, caffe_pb2.NetParameter())
    weights.write(birth.folder / paths.WEIGHTS, deploy, cast)
    if chosen.half_blobs and kind == "HALF":
        weights.write(birth.folder / paths.HALF_WEIGHTS, deploy, cast, half_blobs=True)
    for name in ("trained.caffemodel", "masked.caffemodel", "masked.prototxt", "genome.caffemodel"):
        (birth.folder / name).unlink(missing_ok=True)
    score = _score(birth, caffe, net)
    result = _measure(birth, stages, cast, ranges)
    result |= score | made | {"score": score, "versions": caffe.call("versions"), "precision": kind}
    result |= {"iterations": made["training"]["iterations"], "train_seconds": made["training"]["seconds"]}
    (birth.folder / paths.METRICS).write_text(json.dumps(result, indent=1) + "\n")
    return result


def _score(birth: Birth, caffe: CaffeProcess, net: prototxt.Net) -> dict[str, Any]:
    iterations = birth.dataset.counts["test"] // prototxt.batch_size(prototxt.data_layer(net, "TEST"))
    return caffe.call("score", net=paths.TRAIN_VAL, weights=paths.WEIGHTS, iterations=iterations)


def _measure(birth: Birth, stages: list[Stage], cast: weights.Weights, ranges: list[precision.Range]) -> dict[str, Any]:
    counts = efficiency.count(stages, cast)
    first = counts if birth.number == 1 else _ancestor_counts(birth)
    per_layer = efficiency.cluster_efficiencies(first, counts)
    synapses = efficiency.total(counts, "synapses")
    return {
        "generation": birth.number,
        "network": birth.experiment.name,
        "synapses": synapses,
        "architectural_efficiency": efficiency.total(first, "synapses") / synapses,
        "clusters": efficiency.total(counts, "kernels"),
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
    return [efficiency.LayerCount(**{name: layer[name] for name in fields}) for layer in layers]


def _divisor(total: int, wanted: int) -> int:
    """The largest divisor of `total` up to `wanted`, so that whole batches score every image once."""
    return max(size for size in range(1, max(1, wanted) + 1) if total % size == 0)


def remove_leftovers(run: Path) -> None:
    """What a killed process left of an unfinished generation."""
    for leftover in run.glob(".gen*.unfinished"):
        shutil.rmtree(leftover)
