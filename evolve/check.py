"""`make check`: everything that would stop a run, found before anything runs."""

import tempfile
from pathlib import Path

from evolve import changes, experiment, problems
from evolve.errors import UserError
from evolve.network import prototxt, text
from evolve.training.caffe_process import CaffeProcess

_LISTED = 12  # layers that one line can name


def check(
    network: str, pretrained: Path | None = None, schedule: str = "", changed: changes.Changes = ()
) -> str:
    """One line that describes a sound network; UserError with a line for each problem otherwise.

    Looks at every prototxt and at `pretrained`, then has Caffe itself set the network up, without its data.
    """
    chosen = experiment.load(network, schedule, changed)
    found = problems.of(chosen, pretrained)
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
            shape = prototxt.example_shape(prototxt.data_layer(net, phase), chosen.stored_shape())
            text.write(prototxt.fed_by_inputs(net, phase, shape), folder / "net.prototxt")
            try:
                with CaffeProcess(folder, folder / "log", chosen.train_val) as caffe:
                    caffe.call("load", net="net.prototxt", phase=phase)
            except UserError as error:
                return [str(error)]
    return []


def _net(chosen: experiment.Experiment) -> prototxt.Net:
    return chosen.net(Path("/data-set"))
