"""What would stop a run, found before it begins: each with file, line and what to do.

`make check`: everything that would stop a run, found before anything runs.
"""

import re
import tempfile
from pathlib import Path

from evolve import datasets
from evolve.base import prototxt_text
from evolve.base.errors import UserError
from evolve.detectnet import consistency
from evolve.detectnet.inputs import kind
from evolve.lineage import experiment
from evolve.lineage.experiment import Experiment
from evolve.network import phases, shrink, transfer, weights
from evolve.network.stages import Stage
from evolve.settings import changes
from evolve.training.caffe_process import CaffeProcess

_NO_DATA = Path("/data-set")


def of(experiment: Experiment, pretrained: Path | None = None) -> list[str]:
    """Everything that prototxts, settings and the caffemodel `pretrained` tell; Caffe does not run for it."""
    dataset = experiment.settings.dataset
    found = [
        f"{experiment.evolution}: dataset: '{name}' is unknown; known are: {', '.join(datasets.names())}"
        for name in filter(None, (dataset.name, dataset.or_else.name))
        if name not in datasets.names()
    ]
    found = found or _of_another_kind(experiment)
    scratch = experiment.from_scratch()
    try:
        return found or _of_net(experiment, pretrained) or (_of_scratch(experiment, scratch) if scratch else [])
    except UserError as error:
        return [str(error)]


def _of_another_kind(experiment: Experiment) -> list[str]:
    """Data sets of images with boxes for a net that finds none, or the other way round."""
    # As text: without boxes, the net's $STRIDE and the like stand for nothing.
    finds = re.search(r"""layer\s*:\s*["']DetectNetData["']""", experiment.template) is not None
    kinds = ("images with a class each", "images with boxes")
    fitting = [name for name in datasets.names() if datasets.has_boxes(name) == finds]
    dataset = experiment.settings.dataset
    return [
        f"{experiment.evolution}: dataset: expected {kinds[finds]} for {experiment.train_val.name}, which has "
        f"{'a' if finds else 'no'} DetectNetData layer, got '{name}', {kinds[not finds]}; "
        f"choose one of {', '.join(fitting)}, or another network"
        for name in filter(None, (dataset.name, dataset.or_else.name))
        if name not in fitting
    ]


def _of_net(experiment: Experiment, pretrained: Path | None = None) -> list[str]:
    net = experiment.net(_NO_DATA)
    found = _old_layers(experiment, net) or _batch_sizes(experiment, net) + _bottoms(experiment, net)
    found = found or _boxes(experiment, net)
    if found:
        return found
    graph = experiment.graph(net, experiment.stored_shape())
    if pretrained:
        learned = weights.read(pretrained)
        found_there = transfer.match(graph, learned, str(pretrained))
        if found_there.missing and found_there.matched:
            found_there.check()
        else:
            shrink.check(graph, learned, str(pretrained))
    return []


def _old_layers(experiment: Experiment, net: phases.Net) -> list[str]:
    return [
        f"{experiment.train_val}:{prototxt_text.line_of(experiment.template, old.name)}: `layers` is the form of 2013; "
        "upgrade_net_proto_text of any Caffe turns it into `layer`"
        for old in net.layers
    ]


def _batch_sizes(experiment: Experiment, net: phases.Net) -> list[str]:
    try:
        layers = {phase: phases.data_layer(net, phase) for phase in ("TRAIN", "TEST")}
    except UserError as error:
        return [str(experiment.located(error))]
    return [
        str(experiment.located(UserError(f"layer '{layer.name}': expected a batch_size for {phase}")))
        for phase, layer in layers.items()
        if not phases.batch_size(layer)
    ]


def _bottoms(experiment: Experiment, net: phases.Net) -> list[str]:
    found, written = [], set[str]()
    for layer in net.layer:
        for bottom in layer.bottom:
            if bottom not in written:
                message = f"layer '{layer.name}': its bottom '{bottom}' is the top of no layer before it"
                found.append(str(experiment.located(UserError(message))))
        written.update(layer.top)
    return found


def _boxes(experiment: Experiment, net: phases.Net) -> list[str]:
    """Of a net that finds boxes: where its geometry contradicts itself, or the settings, and what cannot be scored."""
    if not experiment.geometry:
        return []
    found = consistency.problems(net, experiment.train_val, experiment.template)
    if found:
        return found
    kinds = [kind(layer) for layer in phases.for_phase(net, "TEST").layer]
    found += [
        f"{experiment.train_val}: expected one {wanted} layer for TEST, got {kinds.count(wanted)}; "
        f"see {Path('prototxt') / 'detectnet' / 'train_val.prototxt'}"
        for wanted in ("DetectNetData", "ClusterDetections")
        if kinds.count(wanted) != 1
    ]
    return found or _unlike_settings(experiment, net)


def _unlike_settings(experiment: Experiment, net: phases.Net) -> list[str]:
    data, wanted = phases.data_layer(net, "TEST"), experiment.geometry
    if consistency.of(data) == wanted:
        return []
    message = (
        f"layer '{data.name}': expected {wanted}, as evolution.prototxt has it, got {consistency.of(data)}; "
        "write $WIDTH, $HEIGHT, $STRIDE and $OBJECT_CLASSES"
    )
    return [str(experiment.located(UserError(message)))]


def _of_scratch(experiment: Experiment, scratch: Experiment) -> list[str]:
    """What it has to have is what train_val has."""
    found = _of_net(scratch)
    if found:
        return found
    stages = {each.name: each for each in _stages(scratch)}
    for stage in _stages(experiment):
        got = stages.get(stage.name)
        if got is None or got.kernel_shape != stage.kernel_shape:
            words = f"{got.kernel_shape}" if got else "no such layer"
            message = f"expected the shape {stage.kernel_shape} of {experiment.train_val.name}, got {words}"
            error = UserError(f"layer '{stage.name}': {message}; make them alike")
            # A layer that is not there is on no line.
            found.append(str(scratch.located(error)) if got else f"{scratch.train_val}: {error}")
    return found


def _stages(experiment: Experiment) -> list[Stage]:
    return experiment.graph(experiment.net(_NO_DATA), experiment.stored_shape()).stages


_LISTED = 12  # layers that one line can name


def check(
    network: str, pretrained: Path | None = None, schedule: str = "", changed: changes.Changes = ()
) -> str:
    """One line that describes a sound network; UserError with a line for each problem otherwise.

    Looks at every prototxt and at `pretrained`, then has Caffe itself set the network up, without its data.
    """
    chosen = experiment.load(network, schedule, changed)
    found = of(chosen, pretrained)
    if not found:
        found = _refused_by_caffe(chosen)
    if found:
        raise UserError("\n".join(found))
    stages = chosen.graph(_net(chosen), chosen.stored_shape()).stages
    synapses = sum(stage.synapses + stage.outputs * stage.has_bias for stage in stages)
    layers = " ".join(f"{stage.name} {stage.outputs}" for stage in stages)
    if len(stages) > _LISTED:
        layers = f"{len(stages)} layers"
    return (
        f"{chosen.name}: {synapses:,} synapses, {sum(s.macs for s in stages) / 1e6:.2f} MMAC ({layers}), "
        f"data set {chosen.settings.dataset.name} at {_size(chosen)}, {chosen.settings.generations} generations: sound"
    )


def _size(chosen: experiment.Experiment) -> str:
    if chosen.geometry:
        return f"{chosen.geometry.width}x{chosen.geometry.height} pixels"
    return f"{chosen.settings.dataset.image_size} pixels"


def _refused_by_caffe(chosen: experiment.Experiment) -> list[str]:
    scratch = chosen.from_scratch()
    if scratch and (found := _refused_by_caffe(scratch)):
        return found
    net = _net(chosen)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for phase in ("TRAIN", "TEST"):
            shape = phases.example_shape(phases.data_layer(net, phase), chosen.stored_shape())
            prototxt_text.write(phases.fed_by_inputs(net, phase, shape), folder / "net.prototxt")
            try:
                with CaffeProcess(folder, folder / "log", chosen.train_val) as caffe:
                    caffe.call("load", net="net.prototxt", phase=phase)
            except UserError as error:
                return [str(error)]
    return []


def _net(chosen: experiment.Experiment) -> phases.Net:
    return chosen.net(Path("/data-set"))
