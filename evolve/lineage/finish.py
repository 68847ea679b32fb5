"""A trained generation is finished: cast, written, scored, measured."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from evolve.base import prototxt_text, records
from evolve.base.caffe_messages import caffe_pb2
from evolve.datasets import Dataset
from evolve.genetics import filters
from evolve.lineage import answers, experiment
from evolve.lineage.workspace import Workspace
from evolve.network import count, deployment, judging, phases, precision, reach, two_of_four, weights, withered
from evolve.network.graph import Graph
from evolve.network.withered import Withered
from evolve.runs import paths
from evolve.runs.metrics import Data, Layer, Metrics, Synthesis, Training, Versions
from evolve.runs.score import Constant, Score
from evolve.training.caffe_process import CaffeProcess

_ASKED = 1000  # images, of whether neurons answer any
VALIDATION, _VALIDATION_NET = "validation", "validation.prototxt"


@dataclass(frozen=True)
class Origin:
    """How a generation came to be, as its metrics say it; an ancestor was trained alone."""

    training: Training
    synthesis: Synthesis = field(default_factory=Synthesis)
    parent_sha256: str = ""


def finish(workspace: Workspace, caffe: CaffeProcess, net: phases.Net, origin: Origin) -> Metrics:
    """Casts, writes, scores and measures the generation; returns its metrics, written too."""
    dead = _take_off_dead(workspace, caffe, net) if origin.training.iterations else Withered()
    cast, ranges = _impose_precision(workspace, net)
    score = _with_validation(workspace, caffe, net, _score(workspace, caffe, net))
    graph = workspace.graph(net)
    counts = _count(workspace, graph, cast)
    first = counts if workspace.number == 1 else _ancestor_counts(workspace)
    ratios = count.cluster_efficiencies(first, counts)
    synapses = count.total(counts, "synapses")
    metrics = Metrics(
        generation=workspace.number,
        network=workspace.experiment.name,
        seed=workspace.seed,
        number_format=_number_format(workspace),
        synapses=synapses,
        architectural_efficiency=count.total(first, "synapses") / synapses,
        clusters=count.total(counts, "clusters"),
        cluster_efficiency=count.mean_cluster_efficiency(ratios),
        macs=count.total(counts, "macs"),
        caffemodel_bytes=(workspace.folder / paths.WEIGHTS).stat().st_size,
        flushed_synapses=sum(each.flushed for each in precision.once(ranges, net.layer)),
        dead_neurons=dead.neurons,
        dead_synapses=sum(dead.weights.values()),
        dataset=_data(workspace.dataset),
        training=origin.training,
        score=score,
        layers=[_layer(each, ratio) for each, ratio in zip(counts, ratios, strict=True)],
        range=ranges,
        synthesis=origin.synthesis,
        parent_sha256=origin.parent_sha256,
        two_of_four=[each.layer for each in two_of_four.of_graph(graph, cast) if each.holds],
        versions=records.read(Versions, caffe.call("versions"), "versions"),
    )
    metrics.write(workspace.folder)
    return metrics


def _data(made: Dataset) -> Data:
    return Data(
        made.called, made.sha256, made.notice, list(made.shape), made.margin, made.colours, list(made.class_names),
        made.is_own, made.shared,
    )  # fmt: skip


def _number_format(workspace: Workspace) -> str:
    settings = workspace.experiment.settings
    return str(settings.Precision.Name(settings.precision))


def _take_off_dead(workspace: Workspace, caffe: CaffeProcess, net: phases.Net) -> Withered:
    """What belongs to neurons that died in training goes from what was trained: that no precision took."""
    trained, graph = weights.read(workspace.folder / paths.TRAINED), workspace.graph(net)
    found = withered.take_off(graph, trained)
    if workspace.experiment.settings.dead_neurons_go:
        images = min(workspace.dataset.counts["train"], _ASKED)
        layers = withered.rectified(graph)
        silent = caffe.call("silent", net=paths.TRAIN_VAL, weights=paths.TRAINED, layers=layers, images=images)
        found += withered.silence(graph, trained, silent)
    if found.weights:
        weights.write(workspace.folder / paths.TRAINED, net, trained)
    return found


def _impose_precision(workspace: Workspace, net: phases.Net) -> tuple[weights.Weights, list[precision.Range]]:
    """Casts what was trained, and writes it as the generation's caffemodel; nothing else of the training is left."""
    kind = _number_format(workspace)
    trained = weights.read(workspace.folder / paths.TRAINED)
    cast, ranges = precision.cast(trained, kind, net.layer)
    deploy = prototxt_text.read(workspace.folder / paths.DEPLOY, caffe_pb2.NetParameter())
    whole = deployment.with_training_layers(deploy, net, cast)
    weights.write(workspace.folder / paths.WEIGHTS, whole, cast)
    if workspace.experiment.settings.half_blobs and kind == "HALF":
        weights.write(workspace.folder / paths.HALF_WEIGHTS, whole, cast, half_blobs=True)
    for name in paths.UNTIL_FINISHED:
        (workspace.folder / name).unlink(missing_ok=True)
    return cast, ranges


def _score(workspace: Workspace, caffe: CaffeProcess, net: phases.Net) -> Score:
    """accuracy, or precision, recall, map and ap; whatever else the TEST net has."""
    if not workspace.experiment.geometry:
        test, shown = workspace.dataset.counts["test"], answers.asked(workspace, net)
        said = _said(caffe, net, paths.TRAIN_VAL, test, workspace.dataset.class_names, shown)
        return replace(_scored(net, said), answers=answers.drawn(workspace, net, said))
    return Score.of(
        caffe.call(
            "detect",
            net=paths.TRAIN_VAL,
            weights=paths.WEIGHTS,
            images=workspace.dataset.counts["val"],
            iou=workspace.experiment.settings.dataset.detection.iou,
            class_names=list(workspace.dataset.class_names),
            file_pixels=experiment.kitti_pixels(workspace.experiment),
            picture=_picture(workspace) if workspace.experiment.settings.dataset.show_images else None,
        )
    )


def _picture(workspace: Workspace) -> dict[str, Any]:
    """Where detections are drawn, and what their legend is to say."""
    return {
        "path": paths.DETECTIONS, "network": workspace.experiment.name, "generation": workspace.number,
        "notice": workspace.dataset.notice,
    }  # fmt: skip


def _said(
    caffe: CaffeProcess, net: phases.Net, file: str, images: int, class_names: Sequence[str] = (),
    shown: Mapping[str, Any] | None = None,
) -> dict[str, Any]:  # fmt: skip
    """What Caffe's process says of a classifier on so many `images`; `net` is in `file`."""
    predictions, labels = judging.compared(net)
    return caffe.call(
        "score",
        net=file,
        weights=paths.WEIGHTS,
        iterations=images // phases.batch_size(phases.data_layer(net, "TEST")),
        predictions=predictions,
        labels=labels,
        class_names=list(class_names),
        **(shown or {}),
    )


def _scored(net: phases.Net, said: Mapping[str, Any]) -> Score:
    """The score of a classifier, as Caffe's process said it."""
    judge = judging.accuracy(net)
    if judge is None:
        return Score.of_losses(said["outputs"], judging.loss_weights(net))
    constant = Constant.of(said["labels"], judge.accuracy_param.top_k)
    score = Score.of_outputs(said["outputs"], judging.accuracy_top(net), judging.loss_top(net), constant)
    return replace(score, accuracies=said["accuracies"], confusion=said["confusion"])


def _with_validation(workspace: Workspace, caffe: CaffeProcess, net: phases.Net, score: Score) -> Score:
    """`score` with the accuracy on the validation part of the data set, where it has one."""
    images = workspace.dataset.counts.get(VALIDATION, 0)
    if not images:
        return score
    on_part = phases.reading(net, "TEST", str(workspace.dataset.folder / VALIDATION), images)
    prototxt_text.write(on_part, workspace.folder / _VALIDATION_NET)
    said = _scored(on_part, _said(caffe, on_part, _VALIDATION_NET, images))
    (workspace.folder / _VALIDATION_NET).unlink()
    return replace(score, validation_accuracy=said.accuracy)


def _count(workspace: Workspace, graph: Graph, cast: weights.Weights) -> list[count.Count]:
    shape = filters.of_neurons(graph, workspace.block) if workspace.block else None
    # What precision has cut off from the image is no network.
    reach.alive(graph, cast)
    return count.of_graph(graph, cast, filters=shape)


def _ancestor_counts(workspace: Workspace) -> list[count.Count]:
    layers = Metrics.read(paths.generation(workspace.run, 1)).layers
    return [
        count.Count(
            each.name, each.synapses, each.biases, each.kernels, each.neurons, each.macs, each.clusters
        )
        for each in layers
    ]


def _layer(each: count.Count, ratio: float) -> Layer:
    return Layer(
        each.name, each.synapses, each.biases, each.kernels, each.neurons, each.macs, each.clusters, ratio
    )
