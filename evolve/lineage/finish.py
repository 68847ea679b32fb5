"""A trained generation is finished: cast, written, scored, measured."""

import json
from typing import Any

from evolve.base import prototxt_text
from evolve.base.caffe_messages import caffe_pb2
from evolve.genetics import filters
from evolve.lineage import experiment
from evolve.lineage.trained import GENOME, TRAINED
from evolve.lineage.workspace import Workspace
from evolve.network import efficiency, phases, precision, weights
from evolve.network.topology import Graph
from evolve.runs import generation, paths
from evolve.training.caffe_process import CaffeProcess

_OF_SYNTHESIS = (GENOME, TRAINED, "masked.caffemodel", "masked.prototxt")
_OF_TRAINING = (
    "scratch.prototxt", "scratch_solver.prototxt", "scratch.caffemodel", "training_net.prototxt",
    "training_solver.prototxt",
)  # fmt: skip


def finish(workspace: Workspace, caffe: CaffeProcess, net: phases.Net, origin: dict[str, Any]) -> dict[str, Any]:
    """Casts, writes, scores and measures the generation; returns its metrics, written too.

    `origin` is what its metrics say of how it came to be: its training, synthesis and parent.
    """
    settings = workspace.experiment.settings
    kind = settings.Precision.Name(settings.precision)
    types = {layer.name: layer.type for layer in net.layer}
    cast, ranges = precision.cast(weights.read(workspace.folder / TRAINED), kind, types)
    deploy = prototxt_text.read(workspace.folder / paths.DEPLOY, caffe_pb2.NetParameter())
    whole = phases.with_training_layers(deploy, net, cast)
    weights.write(workspace.folder / paths.WEIGHTS, whole, cast)
    if settings.half_blobs and kind == "HALF":
        weights.write(workspace.folder / paths.HALF_WEIGHTS, whole, cast, half_blobs=True)
    for name in (*_OF_SYNTHESIS, *_OF_TRAINING):
        (workspace.folder / name).unlink(missing_ok=True)
    score = _score(workspace, caffe, net)
    metrics = _measure(workspace, workspace.graph(net), cast, ranges)
    metrics |= score | origin | {"score": score, "versions": caffe.call("versions"), "number_format": kind}
    training = origin["training"]
    metrics |= {"iterations": training["iterations"], "train_seconds": training["seconds"]}
    (workspace.folder / paths.METRICS).write_text(json.dumps(metrics, indent=1) + "\n")
    return metrics


def _score(workspace: Workspace, caffe: CaffeProcess, net: phases.Net) -> dict[str, Any]:
    """accuracy, or precision, recall, map and ap; whatever else the TEST net has."""
    if workspace.experiment.geometry:
        return caffe.call(
            "detect",
            net=paths.TRAIN_VAL,
            weights=paths.WEIGHTS,
            images=workspace.dataset.counts["val"],
            iou=round(workspace.experiment.settings.dataset.detection.iou, 6),
            class_names=list(workspace.dataset.class_names),
            file_pixels=experiment.kitti_pixels(workspace.experiment.settings),
            picture={
                "path": paths.DETECTIONS,
                "network": workspace.experiment.name,
                "generation": workspace.number,
                "notice": workspace.dataset.notice,
            },
        )
    iterations = workspace.dataset.counts["test"] // phases.batch_size(phases.data_layer(net, "TEST"))
    return caffe.call("score", net=paths.TRAIN_VAL, weights=paths.WEIGHTS, iterations=iterations)


def _measure(
    workspace: Workspace, graph: Graph, cast: weights.Weights, ranges: list[precision.Range]
) -> dict[str, Any]:
    shape = filters.of_neurons(graph, workspace.block) if workspace.block else None
    counts = efficiency.count(graph, cast, filters=shape)
    first = counts if workspace.number == 1 else _ancestor_counts(workspace)
    per_layer = efficiency.cluster_efficiencies(first, counts)
    synapses = efficiency.total(counts, "synapses")
    return {
        "generation": workspace.number,
        "network": workspace.experiment.name,
        "synapses": synapses,
        "architectural_efficiency": efficiency.total(first, "synapses") / synapses,
        "clusters": efficiency.total(counts, "clusters"),
        "cluster_efficiency": efficiency.mean_cluster_efficiency(per_layer),
        "macs": efficiency.total(counts, "macs"),
        "caffemodel_bytes": (workspace.folder / paths.WEIGHTS).stat().st_size,
        "flushed_synapses": sum(each.flushed for each in ranges),
        "seed": workspace.seed,
        "dataset": {
            "name": workspace.dataset.name,
            "sha256": workspace.dataset.sha256,
            "notice": workspace.dataset.notice,
        },
        "layers": [
            each.as_dict() | {"cluster_efficiency": ratio} for each, ratio in zip(counts, per_layer, strict=True)
        ],
        "range": [each.as_dict() for each in ranges],
    }


def _ancestor_counts(workspace: Workspace) -> list[efficiency.LayerCount]:
    layers = generation.metrics(paths.generation(workspace.run, 1))["layers"]
    fields = efficiency.LayerCount.__dataclass_fields__
    # Runs made before clusters had shapes have kernels alone.
    known = [{"clusters": layer["kernels"]} | layer for layer in layers]
    return [efficiency.LayerCount(**{name: layer[name] for name in fields}) for layer in known]
