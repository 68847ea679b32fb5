"""What becomes of a trained generation: cast, written, scored, measured."""

import json
from typing import Any

from evolve.base import prototxt_text
from evolve.base.caffe_messages import caffe_pb2
from evolve.genetics import filters
from evolve.lineage import experiment
from evolve.lineage.workspace import Birth
from evolve.network import efficiency, phases, precision, weights
from evolve.network.topology import Graph
from evolve.runs import generation, paths
from evolve.training.caffe_process import CaffeProcess

_OF_BIRTH = ("trained.caffemodel", "masked.caffemodel", "masked.prototxt", "genome.caffemodel")
_OF_TRAINING = (
    "scratch.prototxt", "scratch_solver.prototxt", "scratch.caffemodel", "training_net.prototxt",
    "training_solver.prototxt",
)  # fmt: skip


def finish(birth: Birth, caffe: CaffeProcess, net: phases.Net, made: dict[str, Any]) -> dict[str, Any]:
    """Casts, writes, scores and measures the generation; returns its metrics, written too."""
    chosen = birth.experiment.settings
    kind = chosen.Precision.Name(chosen.precision)
    types = {layer.name: layer.type for layer in net.layer}
    cast, ranges = precision.cast(weights.read(birth.folder / "trained.caffemodel"), kind, types)
    deploy = prototxt_text.read(birth.folder / paths.DEPLOY, caffe_pb2.NetParameter())
    whole = phases.with_training_layers(deploy, net, cast)
    weights.write(birth.folder / paths.WEIGHTS, whole, cast)
    if chosen.half_blobs and kind == "HALF":
        weights.write(birth.folder / paths.HALF_WEIGHTS, whole, cast, half_blobs=True)
    for name in (*_OF_BIRTH, *_OF_TRAINING):
        (birth.folder / name).unlink(missing_ok=True)
    score = _score(birth, caffe, net)
    result = _measure(birth, birth.graph(net), cast, ranges)
    result |= score | made | {"score": score, "versions": caffe.call("versions"), "number_format": kind}
    result |= {"iterations": made["training"]["iterations"], "train_seconds": made["training"]["seconds"]}
    (birth.folder / paths.METRICS).write_text(json.dumps(result, indent=1) + "\n")
    return result


def _score(birth: Birth, caffe: CaffeProcess, net: phases.Net) -> dict[str, Any]:
    """accuracy, or precision, recall, map and ap; whatever else the TEST net has."""
    if birth.experiment.geometry:
        return caffe.call(
            "detect",
            net=paths.TRAIN_VAL,
            weights=paths.WEIGHTS,
            images=birth.dataset.counts["val"],
            iou=round(birth.experiment.settings.dataset.detection.iou, 6),
            class_names=list(birth.dataset.class_names),
            file_pixels=experiment.kitti_pixels(birth.experiment.settings),
            picture={
                "path": paths.DETECTIONS,
                "network": birth.experiment.name,
                "generation": birth.number,
                "notice": birth.dataset.notice,
            },
        )
    iterations = birth.dataset.counts["test"] // phases.batch_size(phases.data_layer(net, "TEST"))
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
    layers = generation.metrics(paths.generation(birth.run, 1))["layers"]
    fields = efficiency.LayerCount.__dataclass_fields__
    # Runs made before clusters had shapes have kernels alone.
    known = [{"clusters": layer["kernels"]} | layer for layer in layers]
    return [efficiency.LayerCount(**{name: layer[name] for name in fields}) for layer in known]
