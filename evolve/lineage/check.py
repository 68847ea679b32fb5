"""A sound network is described in one line; an unsound one is refused with all that is wrong, Caffe's word included."""

import tempfile
from pathlib import Path

from evolve.base import prototxt_text
from evolve.base.errors import UserError
from evolve.lineage import problems
from evolve.lineage.experiment import Experiment, load
from evolve.network import phases
from evolve.settings import changes
from evolve.training.caffe_process import CaffeProcess

_NO_DATA = Path("/data-set")
_LISTED = 12  # layers that one line can name


def check(network: str, pretrained: Path | None = None, schedule: str = "", changed: changes.Changes = ()) -> str:
    """One line that describes a sound network; UserError with a line for each problem otherwise.

    Looks at every prototxt and at `pretrained`, then has Caffe itself set the network up, without its data.
    """
    experiment = load(network, schedule, changed)
    problems.refuse(experiment, pretrained)
    forms = [form for form in (experiment.from_scratch(), experiment) if form]
    if refused := [said for form in forms if (said := _refused_by_caffe(form))]:
        raise UserError("\n".join(refused))
    stages = experiment.graph(experiment.net(_NO_DATA), experiment.stored_shape()).weighted
    synapses = sum(stage.weights + stage.outputs * stage.has_bias for stage in stages)
    layers = " ".join(f"{stage.name} {stage.outputs}" for stage in stages)
    if len(stages) > _LISTED:
        layers = f"{len(stages)} layers"
    settings = experiment.settings
    return (
        f"{experiment.name}: {synapses:,} synapses, {sum(s.macs for s in stages) / 1e6:.2f} MMAC ({layers}), "
        f"data set {settings.dataset.name} at {_size(experiment)}, {settings.generations} generations: sound"
    )


def _size(experiment: Experiment) -> str:
    if experiment.geometry:
        return f"{experiment.geometry.width}x{experiment.geometry.height} pixels"
    if experiment.survey:
        channels, height, width = experiment.survey.shape
        return f"{width}x{height} pixels of {channels} channels, {len(experiment.survey.class_names)} classes"
    return f"{experiment.settings.dataset.image_size} pixels"


def _refused_by_caffe(experiment: Experiment) -> str:
    """What Caffe says when it sets the net up; "" where it has nothing against it."""
    net = experiment.net(_NO_DATA)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for phase in ("TRAIN", "TEST"):
            shape = phases.example_shape(phases.data_layer(net, phase), experiment.stored_shape())
            prototxt_text.write(phases.fed_by_inputs(net, phase, shape), folder / "net.prototxt")
            try:
                with CaffeProcess(folder, folder / "log", experiment.train_val) as caffe:
                    caffe.call("load", net="net.prototxt", phase=phase)
            except UserError as error:
                return str(error)
    return ""
