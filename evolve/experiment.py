"""One folder of prototxts, read and checked: the network's template, its solvers, its settings."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import datasets
from evolve import data_set, paths, settings
from evolve.detectnet.geometry import Geometry
from evolve.errors import UserError
from evolve.network import prototxt, shrink, text, topology, weights
from evolve.network.caffe_proto import caffe_pb2


@dataclass(frozen=True)
class Experiment:
    """What a run is made from."""

    name: str
    folder: Path
    evolution: Path  # the settings' file
    settings: settings.Settings
    train_val: Path
    template: str  # the train_val.prototxt as the user wrote it, $NAMES and all
    solvers: tuple[Any, Any]  # caffe_pb2.SolverParameter of the ancestor and of offspring
    scratch: tuple[Path, str] | None = None  # scratch_train_val's file and text
    geometry: Geometry | None = None  # of a network that finds boxes

    def net(self, data: Path) -> prototxt.Net:
        """The template with `data` (a data set's folder) in place of $DATA. UserError with file and line."""
        return self._filled(self.template, data, self.train_val)

    def scratch_net(self, data: Path) -> prototxt.Net | None:
        """The form that the ancestor is trained in from scratch, filled in likewise; None if it has none of its own."""
        return self._filled(self.scratch[1], data, self.scratch[0]) if self.scratch else None

    def _filled(self, template: str, data: Path, path: Path) -> prototxt.Net:
        values = {"DATA": str(data), "NET": str(self.folder)}
        if self.geometry:
            values |= self.geometry.values()
        return text.parse(text.substitute(template, values, path), caffe_pb2.NetParameter(), path)

    def solver(self, generation: int) -> Any:
        """The solver of a generation, as the user wrote it."""
        return self.solvers[0 if generation == 1 else 1]

    def stored_shape(self) -> tuple[int, int, int]:
        """(channels, height, width) of an image of the data set, known before it is there."""
        wanted = self.settings.dataset
        height, width = wanted.image_size, wanted.image_size
        if self.geometry:
            height, width = self.geometry.height, self.geometry.width
        return (datasets.channels(wanted.name), height, width)

    def graph(self, net: prototxt.Net, stored: tuple[int, int, int]) -> topology.Graph:
        """The graph of `net` for examples `stored` as (channels, height, width). UserError with file and line."""
        try:
            return topology.read(
                [self._phase(net, phase, stored) for phase in ("TEST", "TRAIN")],
                self.settings.LocalResponse.Name(self.settings.lrn),
                self.settings.keep_unknown,
            )
        except UserError as error:
            raise self.located(error) from None

    def _phase(self, net: prototxt.Net, phase: str, stored: tuple[int, int, int]) -> prototxt.Net:
        shape = prototxt.example_shape(prototxt.data_layer(net, phase), stored)
        return prototxt.fed_by_inputs(net, phase, shape)

    def located(self, error: UserError) -> UserError:
        """The same error with file and line of the layer that its message begins with."""
        return text.located(error, self.train_val, self.template)


def load(network: str, schedule: str = "") -> Experiment:
    """Reads the folder of NET= `network`. UserError for what is missing or mistyped.

    SCHEDULE= `schedule` takes the settings from evolution.<schedule>.prototxt there instead.
    """
    folder = paths.network(network)
    evolution = folder / (f"evolution.{schedule}.prototxt" if schedule else paths.EVOLUTION)
    chosen = settings.read(evolution)
    train_val = folder / chosen.train_val
    ancestor = folder / chosen.solver
    offspring = folder / chosen.offspring_solver if chosen.offspring_solver else ancestor
    scratch = folder / chosen.scratch_train_val if chosen.scratch_train_val else None
    return Experiment(
        name=folder.name,
        folder=folder,
        evolution=evolution,
        settings=chosen,
        train_val=train_val,
        template=text.read_text(train_val),
        solvers=(_solver(ancestor), _solver(offspring)),
        scratch=(scratch, text.read_text(scratch)) if scratch else None,
        geometry=_geometry(evolution, chosen),
    )


def problems(experiment: Experiment, pretrained: Path | None = None) -> list[str]:
    """Everything that would stop a run of `experiment`, each with file, line and what to do."""
    found: list[str] = []
    dataset = experiment.settings.dataset
    for name in filter(None, (dataset.name, dataset.or_else.name)):
        if name not in datasets.names():
            found.append(
                f"{experiment.evolution}: dataset: '{name}' is unknown; known are: "
                f"{', '.join(datasets.names())}"
            )
    if found:
        return found
    try:
        found += _net_problems(experiment, pretrained)
    except UserError as error:
        found.append(str(error))
    return found


def _net_problems(experiment: Experiment, pretrained: Path | None) -> list[str]:
    net = experiment.net(Path("/data-set"))
    found = [
        f"{experiment.train_val}:{text.line_of(experiment.template, old.name)}: `layers` is the form of 2013; "
        "upgrade_net_proto_text of any Caffe turns it into `layer`"
        for old in net.layers
    ]
    if found:
        return found
    for phase in ("TRAIN", "TEST"):
        if not prototxt.batch_size(prototxt.data_layer(net, phase)):
            layer = prototxt.data_layer(net, phase).name
            found.append(str(experiment.located(UserError(f"layer '{layer}': expected a batch_size for {phase}"))))
    writers: set[str] = set()
    for layer in net.layer:
        for bottom in layer.bottom:
            if bottom not in writers:
                message = f"layer '{layer.name}': its bottom '{bottom}' is the top of no layer before it"
                found.append(str(experiment.located(UserError(message))))
        writers.update(layer.top)
    if found:
        return found
    graph = experiment.graph(net, experiment.stored_shape())
    if pretrained:
        try:
            shrink.check(graph, weights.read(pretrained), str(pretrained))
        except UserError as error:
            found.append(str(error))
    return found


def _geometry(evolution: Path, chosen: settings.Settings) -> Geometry | None:
    try:
        return data_set.geometry(chosen)
    except UserError as error:
        raise UserError(f"{evolution}: {error}") from None


def _solver(path: Path) -> Any:
    return text.read(path, caffe_pb2.SolverParameter())
