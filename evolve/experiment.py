"""One folder of prototxts, read and checked: the network's template, its solvers, its settings."""

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import datasets
from evolve import changes, data_set, paths, settings, solver_checks
from evolve.detectnet.geometry import Geometry
from evolve.errors import UserError
from evolve.network import prototxt, text, topology
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
    scratch: tuple[Path, str, Any] | None = None  # scratch_train_val's file and text, and scratch_solver
    geometry: Geometry | None = None  # of a network that finds boxes
    settings_text: str = ""  # of the settings' file, SET= among it

    def net(self, data: Path) -> prototxt.Net:
        """The template with `data` (a data set's folder) in place of $DATA. UserError with file and line."""
        values = {"DATA": str(data), "NET": str(self.folder)}
        if self.geometry:
            values |= self.geometry.values()
        filled = text.substitute(self.template, values, self.train_val)
        return text.parse(filled, caffe_pb2.NetParameter(), self.train_val)

    def from_scratch(self) -> "Experiment | None":
        """The same with scratch_train_val as its net, in which the ancestor begins; None where there is none."""
        if not self.scratch:
            return None
        train_val, template, solver = self.scratch
        begun = type(self.settings)()
        begun.CopyFrom(self.settings)
        begun.ancestor_training = self.settings.scratch_training
        begun.dataset.or_else.ancestor_training = ""
        return replace(
            self, settings=begun, train_val=train_val, template=template, solvers=(solver, solver), scratch=None
        )

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


def load(network: str, schedule: str = "", changed: changes.Changes = ()) -> Experiment:
    """Reads the folder of NET= `network`. UserError for what is missing or mistyped.

    SCHEDULE= `schedule` takes the settings from evolution.<schedule>.prototxt there instead, and SET= `changed`
    changes them.
    """
    folder = paths.network(network)
    evolution = folder / (f"evolution.{schedule}.prototxt" if schedule else paths.EVOLUTION)
    chosen = settings.read(evolution, changed)
    train_val = folder / chosen.train_val
    ancestor = folder / chosen.solver
    offspring = folder / chosen.offspring_solver if chosen.offspring_solver else ancestor
    scratch = folder / chosen.scratch_train_val if chosen.scratch_train_val else None
    begins = folder / chosen.scratch_solver if chosen.scratch_solver else ancestor
    return Experiment(
        name=folder.name,
        folder=folder,
        evolution=evolution,
        settings=chosen,
        train_val=train_val,
        template=text.read_text(train_val),
        solvers=(_solver(ancestor), _solver(offspring)),
        scratch=(scratch, text.read_text(scratch), _solver(begins)) if scratch else None,
        geometry=_geometry(evolution, chosen),
        settings_text=settings.own_text(evolution, changed),
    )


def _geometry(evolution: Path, chosen: settings.Settings) -> Geometry | None:
    try:
        return data_set.geometry(chosen)
    except UserError as error:
        raise UserError(f"{evolution}: {error}") from None


def _solver(path: Path) -> Any:
    solver = text.read(path, caffe_pb2.SolverParameter())
    for problem in solver_checks.problems(solver):
        raise UserError(f"{path}: {problem}")
    return solver
