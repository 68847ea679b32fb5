"""A sound network is described in one line; an unsound one is refused with all that is wrong, Caffe's word included."""

from pathlib import Path

from evolve import datasets
from evolve.base.counted import counted
from evolve.base.errors import MachineError
from evolve.base.machine import USUAL, Machine
from evolve.base.progress import say
from evolve.lineage import problems, rehearsal, verdict
from evolve.lineage.experiment import NO_DATA, Experiment, load
from evolve.lineage.verdict import Verdict
from evolve.settings import changes
from evolve.training import gpu

_LISTED = 12  # layers that one line can name


def check(
    network: str,
    pretrained: Path | None = None,
    schedule: str = "",
    changed: changes.Changes = (),
    seed: int | None = None,
    machine: Machine = USUAL,
) -> str:
    """One line that describes a sound network; UserError with a line for each problem otherwise.

    Looks at every prototxt and at `pretrained`, then rehearses the run on a handful of its images.
    """
    experiment = load(network, schedule, changed)
    # Caffe opens it in another folder.
    pretrained = pretrained and Path(pretrained).resolve()
    problems.refuse(experiment, pretrained)
    seed = experiment.settings.seed if seed is None else seed
    machine = gpu.of_solver(machine, experiment.solver(1).parameter)
    gpu.refuse(machine)
    try:
        seen = verdict.of(experiment, pretrained, seed, machine)
    except datasets.NotToBeHad as missing:
        rehearsal.without_data(experiment, pretrained, seed, machine)
        return f"{_described(experiment)}: sound, as far as can be told without its data set: {missing}"
    notices = "; ".join(filter(None, (seen.notice, *problems.doubts(experiment))))
    return f"{_described(experiment, seen)}: sound" + (f" (NOTE: {notices})" if notices else "")


def before_evolving(experiment: Experiment, pretrained: Path | None, seed: int, machine: Machine) -> None:
    """Rehearses a run that is to begin: UserError where it would be stopped before its third generation.

    Says what is in doubt of its net.
    What the disk refuses to a rehearsal need not stop the run, and who has no data is told so by the run itself.
    """
    for doubt in problems.doubts(experiment):
        say(f"NOTE: {doubt}")
    try:
        verdict.of(experiment, pretrained, seed, machine)
    except datasets.NotToBeHad:
        return
    except MachineError as error:
        say(f"NOTE: not tried on a few images first: {error}")


def _described(experiment: Experiment, seen: Verdict | None = None) -> str:
    layers = experiment.graph(experiment.net(NO_DATA), experiment.stored_shape()).weighted
    synapses = sum(layer.weights + layer.outputs * layer.has_bias for layer in layers)
    widths = " ".join(f"{layer.name} {layer.outputs}" for layer in layers)
    if len(layers) > _LISTED:
        widths = counted(len(layers), "layer")
    settings = experiment.settings
    return (
        f"{experiment.name}: {synapses:,} synapses, {sum(layer.macs for layer in layers) / 1e6:.2f} MMAC ({widths}), "
        f"data set {_data(experiment, seen)}, {counted(settings.generations, 'generation')}"
    )


def _data(experiment: Experiment, seen: Verdict | None) -> str:
    """The data set as it was read; as it is called where it was not."""
    if experiment.geometry:
        size = f"{experiment.geometry.width}x{experiment.geometry.height} pixels"
    elif experiment.survey:
        channels, height, width = experiment.survey.shape
        size = f"{width}x{height} pixels of {counted(channels, 'channel')}"
    else:
        size = f"{experiment.settings.dataset.image_size} pixels"
    if not seen:
        return f"{experiment.settings.dataset.name} at {size}"
    counts = " + ".join(f"{count:,} {split}" for split, count in seen.counts.items())
    classes = counted(seen.classes, "class", "classes")
    return f"{seen.dataset} ({', '.join(filter(None, (counts, classes)))}) at {size}"
