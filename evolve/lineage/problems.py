"""What would stop a run, found before it begins: everything at once, each with file, line and what to do."""

import re
from pathlib import Path

from evolve import datasets
from evolve.base import modules
from evolve.base.errors import UserError
from evolve.detectnet import consistency
from evolve.genetics import budget
from evolve.lineage import data_layers, rewinding
from evolve.lineage.experiment import NO_DATA, Experiment
from evolve.network import judging, phases, resize, transfer
from evolve.network.graph import Graph
from evolve.network.layers import kind

# In place, a 0 or a positive number becomes one of another sign.
_OTHER_SIGNS = ("BatchNorm", "Scale", "Bias", "Power", "Exp", "Log", "Sigmoid", "BNLL")


def refuse(experiment: Experiment, pretrained: Path | None = None) -> None:
    """UserError with a line for each problem that `of` finds, if there are any."""
    if found := of(experiment, pretrained):
        raise UserError("\n".join(found))


def of(experiment: Experiment, pretrained: Path | None = None) -> list[str]:
    """Everything that prototxts, settings and the caffemodel `pretrained` tell; Caffe does not run for it.

    What another problem forbids to judge is left out: the shapes of a net whose data set is unknown, for one.
    """
    of_data = _unknown_data_sets(experiment) or _of_another_kind(experiment)
    found = of_data + _of_solvers(experiment)
    if of_data:
        # Without its data, $STRIDE and the like stand for nothing in a net that finds boxes.
        return found + ([] if _finds_boxes(experiment) else _of_layers(experiment))
    of_net = _of_net(experiment) or _data_layers(experiment) or _of_channels(experiment, pretrained)
    found += of_net
    if scratch := experiment.from_scratch():
        of_scratch = _of_net(scratch) or _data_layers(scratch) or _of_channels(scratch)
        found += of_scratch if of_scratch or of_net else _of_other_shapes(experiment, scratch)
    return found


def doubts(experiment: Experiment) -> list[str]:
    """What a run can begin with and its author hardly means, of a net without problems."""
    return [
        _located(
            experiment,
            f"layer '{layer.name}': {layer.type} works in place on what ReLU '{relu}' made in place, whose gradient "
            f"Caffe then takes by the signs that {layer.type} left; give '{layer.name}' a top of its own",
        )
        for relu, layer in _behind_rectifiers(phases.for_phase(experiment.net(NO_DATA), "TRAIN"))
    ]


def _behind_rectifiers(net: phases.Net) -> list[tuple[str, phases.Layer]]:
    """ReLUs in place, and the first layer behind each that gives what they made other signs in place."""
    found, rectified = [], dict[str, str]()
    for layer in net.layer:
        in_place = list(layer.bottom[:1]) == list(layer.top) and bool(layer.top)
        if in_place and layer.type == "ReLU":
            rectified[layer.top[0]] = layer.name
        elif in_place and layer.type in _OTHER_SIGNS and layer.top[0] in rectified:
            found.append((rectified.pop(layer.top[0]), layer))
    return found


def _of_solvers(experiment: Experiment) -> list[str]:
    solvers = {each.file: each for each in (*experiment.solvers, *(experiment.scratch or ())[2:])}
    found = [problem for each in solvers.values() for problem in each.problems()]
    _, offspring = experiment.solvers
    if experiment.settings.rewind_learning_rate and not offspring.problems():
        found += [offspring.located(why) for why in filter(None, [rewinding.problem(offspring.parameter)])]
    return found


def _unknown_data_sets(experiment: Experiment) -> list[str]:
    dataset, found = experiment.settings.dataset, []
    for name in filter(None, (dataset.name, dataset.or_else.name)):
        try:
            datasets.find(name, experiment.folder)
        except UserError as error:
            found.append(f"{experiment.evolution}: {error}")
    return found


def _finds_boxes(experiment: Experiment) -> bool:
    """Whether the net does; asked of its text, since nothing else of it may be known yet."""
    return re.search(r"""layer\s*:\s*["']DetectNetData["']""", experiment.template) is not None


def _of_another_kind(experiment: Experiment) -> list[str]:
    """Data sets of images with boxes for a net that finds none, or the other way round."""
    finds = _finds_boxes(experiment)
    kinds = ("images with a class each", "images with boxes")
    fitting = [name for name in datasets.names() if datasets.find(name).has_boxes == finds]
    dataset = experiment.settings.dataset
    return [
        f"{experiment.evolution}: dataset: expected {kinds[finds]} for {experiment.train_val.name}, which has "
        f"{'a' if finds else 'no'} DetectNetData layer, got '{name}', {kinds[not finds]}; "
        f"choose one of {', '.join(fitting)}, or another network"
        for name in filter(None, (dataset.name, dataset.or_else.name))
        if datasets.find(name, experiment.folder).has_boxes != finds
    ]


def _of_net(experiment: Experiment) -> list[str]:
    """What the net's text tells, layer by layer, and what of boxes contradicts itself."""
    found = _of_layers(experiment)
    try:
        return found + _boxes(experiment, experiment.net(NO_DATA))
    except UserError as error:
        # A net without data layers is told of once.
        return found or [str(error)]


def _of_layers(experiment: Experiment) -> list[str]:
    try:
        net = experiment.net(NO_DATA)
    except UserError as error:
        return [str(error)]
    sound = _batch_sizes(experiment, net) or _judged(experiment, net)
    return sound + _bottoms(experiment, net) + _modules(experiment, net)


def _data_layers(experiment: Experiment) -> list[str]:
    net = experiment.net(NO_DATA)
    try:
        return data_layers.problems(experiment, net, NO_DATA)
    except UserError:
        return []  # of a net without one data layer a phase, or with a malformed one, is told elsewhere


def _of_channels(experiment: Experiment, pretrained: Path | None = None) -> list[str]:
    """What the channels tell of a net whose text is sound, and whether the caffemodel `pretrained` fits them."""
    try:
        graph = _graph(experiment)
        if found := _learning_in_test_alone(experiment, graph):
            return found
        if pretrained:
            _, learned = experiment.weights(pretrained)
            match = transfer.match(graph, learned, str(pretrained))
            if match.missing and match.matched:
                match.check()
            else:
                resize.check(graph, learned, str(pretrained))
    except UserError as error:
        return [str(error)]
    return _spared(experiment, graph)


def _learning_in_test_alone(experiment: Experiment, graph: Graph) -> list[str]:
    """Layers that training does not save: their weights would be missing wherever a generation is read."""
    trained = {layer.name for layer in phases.for_phase(experiment.net(NO_DATA), "TRAIN").layer}
    return [
        _located(
            experiment,
            f"layer '{name}': expected phase TRAIN to have it too, as it learns, got it in TEST alone, whose weights "
            "no training makes; take its include away",
        )
        for name in graph.blob_shapes()
        if name not in trained
    ]


def _spared(experiment: Experiment, graph: Graph) -> list[str]:
    """Layers that the environment is to spare, and that the net does not have."""
    layers = [layer.name for layer in graph.weighted]
    return [
        f"{experiment.evolution}: environment: spared: expected a layer with synapses ({', '.join(layers)}) "
        f"or a pattern of some, got '{each.layer}'"
        for block in experiment.settings.environment
        for each in block.spared
        if not any(budget.matches(each.layer, layer) for layer in layers)
    ]


def _batch_sizes(experiment: Experiment, net: phases.Net) -> list[str]:
    try:
        layers = {phase: phases.data_layer(net, phase) for phase in ("TRAIN", "TEST")}
    except UserError as error:
        return [str(experiment.located(error))]
    return [
        _located(experiment, f"layer '{layer.name}': expected a batch_size for {phase}")
        for phase, layer in layers.items()
        if not phases.batch_size(layer)
    ]


def _judged(experiment: Experiment, net: phases.Net) -> list[str]:
    """Settings that compare accuracies, of a net that says none."""
    settings = experiment.settings
    if experiment.geometry or judging.accuracy(net) is not None:
        return []
    wanting = {
        "dataset: validation": settings.dataset.validation,
        "stop_when_accuracy_drops": settings.stop_when_accuracy_drops,
        "offspring_per_generation": settings.offspring_per_generation > 1 and settings.offspring_per_generation,
    }
    return [
        f"{experiment.train_val}: expected an Accuracy layer in phase TEST, which {field}: {value:g} compares by, got "
        f"none; add one, or leave {field} out"
        for field, value in wanting.items()
        if value
    ]


def _bottoms(experiment: Experiment, net: phases.Net) -> list[str]:
    found, written = [], set[str]()
    for layer in net.layer:
        for bottom in layer.bottom:
            if bottom not in written:
                message = f"layer '{layer.name}': its bottom '{bottom}' is the top of no layer before it"
                found.append(_located(experiment, message))
        written.update(layer.top)
    return found


def _modules(experiment: Experiment, net: phases.Net) -> list[str]:
    """Python layers whose module Caffe will not find."""
    return [
        _located(
            experiment,
            f"layer '{layer.name}': expected its Python module '{layer.python_param.module}' on PYTHONPATH or beside "
            f"{experiment.train_val.name}, got none there; put its folder on PYTHONPATH, or the module beside it",
        )
        for layer in net.layer
        if layer.type == "Python" and not modules.find(layer.python_param.module, [experiment.train_val.parent])
    ]


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
        return consistency.numbered_otherwise(net, experiment.train_val, experiment.template)
    message = (
        f"layer '{data.name}': expected {wanted}, as evolution.prototxt has it, got {consistency.of(data)}; "
        "write $WIDTH, $HEIGHT, $STRIDE and $OBJECT_CLASSES"
    )
    return [_located(experiment, message)]


def _of_other_shapes(experiment: Experiment, scratch: Experiment) -> list[str]:
    """Layers that the scratch form does not have as train_val has them."""
    found = []
    layers = {each.name: each for each in _graph(scratch).weighted}
    for layer in _graph(experiment).weighted:
        got = layers.get(layer.name)
        if got is None or got.kernel_shape != layer.kernel_shape:
            words = f"{got.kernel_shape}" if got else "no such layer"
            wanted = f"expected the shape {layer.kernel_shape} of {experiment.train_val.name}, got {words}"
            message = f"layer '{layer.name}': {wanted}; make them alike"
            # A layer that is not there is on no line.
            found.append(_located(scratch, message) if got else f"{scratch.train_val}: {message}")
    return found


def _located(experiment: Experiment, message: str) -> str:
    """The message with file and line of the layer that it begins with."""
    return str(experiment.located(UserError(message)))


def _graph(experiment: Experiment) -> Graph:
    return experiment.graph(experiment.net(NO_DATA), experiment.stored_shape())
