"""A run is rehearsed: generations 1 and 2 are really made, from a handful of the data set's real images.

Caffe sets the nets up with the batches that the run will have; then it goes one step forward, backward and update with
small ones, saves and reads back. The offspring is drawn, shrunk, trained, cast, scored and counted by the code that
will do so in earnest. Whatever would stop a run there does so here, in seconds, before anything is converted or
trained.
"""

import tempfile
from copy import deepcopy
from dataclasses import dataclass, replace
from pathlib import Path

from evolve import datasets
from evolve.base import progress, prototxt_text
from evolve.base.errors import MachineError, UserError
from evolve.base.machine import USUAL, Machine
from evolve.datasets import Handful
from evolve.lineage import ancestor, experiment, label_widths, selection
from evolve.lineage.experiment import Experiment
from evolve.lineage.solver import Solver
from evolve.lineage.workspace import Workspace
from evolve.network import phases
from evolve.runs import generation, paths
from evolve.training.caffe_process import CaffeProcess

_BATCH, _BATCH_WITH_BOXES = 2, 1  # images; those with boxes are large
_ANY = 1 << 20
_RATE = 0.001  # so low that no step diverges
_LENGTH = "1it"


@dataclass(frozen=True)
class _Stage:
    """What both generations are made from, and where."""

    experiment: Experiment
    handful: Handful
    pretrained: Path | None
    seed: int
    place: Path
    machine: Machine

    def caffe(self) -> CaffeProcess:
        """A process of Caffe's in that place."""
        return CaffeProcess(self.place, self.place / "log", self.experiment.train_val, self.machine)

    def workspace(self, number: int, folder: Path, caffe: CaffeProcess, few: int) -> Workspace:
        """The workspace of a generation in `folder`, with at most `few` images a batch; 0: as many as a run's has."""
        dataset = self.handful.dataset
        tested = few or phases.batch_size(phases.data_layer(self.as_it_will_be().template(), "TEST"))
        # Data begins with its first images again where a batch takes more.
        # Whether a neuron answers any training image is asked of one batch too: it is the asking that is tried.
        dataset = replace(dataset, counts=dict.fromkeys(dataset.counts, tested))
        return Workspace(
            _shortened(self.experiment), dataset, number, self.seed, folder, few=few or _ANY, caffe=caffe
        )

    def as_it_will_be(self, form: Experiment | None = None) -> Workspace:
        """The workspace of generation 1 with as many images as there are."""
        whole = replace(self.handful.dataset, counts=self.handful.whole)
        return Workspace(form or self.experiment, whole, 1, self.seed, self.place)


def rehearse(wanted: Experiment, pretrained: Path | None, seed: int, machine: Machine = USUAL) -> Handful:
    """Makes two generations in a folder that is gone afterwards; returns what they were made from.

    UserError in the words of whatever would stop a run, and datasets.NotToBeHad.
    """
    with tempfile.TemporaryDirectory(prefix="cavefish-check-") as name, progress.quiet():
        handful = experiment.few(wanted, seed, Path(name) / "data")
        _on(wanted, handful, pretrained, seed, machine, Path(name))
    return handful


def without_data(wanted: Experiment, pretrained: Path | None, seed: int, machine: Machine = USUAL) -> None:
    """Rehearses where the data set cannot be had: with noise in the place of its images. UserError."""
    with tempfile.TemporaryDirectory(prefix="cavefish-check-") as name, progress.quiet():
        boxes_of = wanted.geometry.classes if wanted.geometry else 0
        handful = datasets.made_up(wanted.stored_shape(), Path(name) / "data", boxes_of)
        _on(wanted, handful, pretrained, seed, machine, Path(name))


def _on(
    wanted: Experiment, handful: Handful, pretrained: Path | None, seed: int, machine: Machine, place: Path
) -> None:
    stage = _Stage(wanted, handful, pretrained, seed, place, machine)
    _expect_lengths(stage)
    with stage.caffe() as caffe:
        if not wanted.geometry:
            _set_up(stage, caffe)
        try:
            return _two_generations(stage, caffe, _BATCH_WITH_BOXES if wanted.geometry else _BATCH, "few")
        except MachineError:
            raise
        except UserError:
            pass
    # A net may count on the images of a batch: it is heard with as many as it will have.
    with stage.caffe() as caffe:
        _two_generations(stage, caffe, 0, "all")


def _expect_lengths(stage: _Stage) -> None:
    """UserError for a training longer than Caffe counts: the rehearsal's own are one iteration."""
    offspring = len(stage.experiment.settings.offspring_training)
    for form, last in ((stage.experiment.from_scratch(), 1), (stage.experiment, 1 + offspring)):
        if form:
            workspace = stage.as_it_will_be(form)
            net = workspace.template()
            for number in range(1, last + 1):
                replace(workspace, number=number).solver_of(net)


def _set_up(stage: _Stage, caffe: CaffeProcess) -> None:
    """Has Caffe set up both nets with the batches of a run, which no memory is used for yet."""
    workspace = stage.as_it_will_be()
    dataset, net = workspace.dataset, workspace.template()
    for form in filter(None, (stage.experiment.from_scratch(), stage.experiment)):
        label_widths.check(form, stage.as_it_will_be(form).template(), dataset.classes, dataset.name, dataset.shape)
    for phase in ("TRAIN", "TEST"):
        prototxt_text.write(phases.fed_as_stored(net, phase, dataset.shape), stage.place / "net.prototxt")
        caffe.call("load", net="net.prototxt", phase=phase)


def _two_generations(stage: _Stage, caffe: CaffeProcess, few: int, name: str) -> None:
    run = stage.place / name
    try:
        for number in (1, 2):
            with generation.writing(paths.generation(run, number)) as unfinished:
                workspace = stage.workspace(number, unfinished, caffe, few)
                if number == 1:
                    ancestor.make(workspace, stage.pretrained)
                else:
                    selection.make(workspace, paths.generation(run, number - 1))
            _read_back(caffe, paths.generation(run, number) / paths.DEPLOY)
    except UserError as error:
        # Without where its log lies, which goes.
        raise error.__cause__ or error from None


def _read_back(caffe: CaffeProcess, deploy: Path) -> None:
    """Has Caffe set up the net that a generation is carried away as, which nothing of a run does."""
    try:
        caffe.call("load", net=str(deploy), phase="TEST")
    except MachineError:
        raise
    except UserError as error:
        raise UserError(
            f"{error}; so in {deploy.name} of its generations, which has no data, labels and losses: let nothing that "
            "stays read what goes with those"
        ) from None


def _shortened(wanted: Experiment) -> Experiment:
    """The same with trainings of one small step, and no more siblings than it takes to choose one."""
    own = deepcopy(wanted.settings)
    own.ancestor_training = own.scratch_training = _LENGTH
    own.offspring_training[:] = [_LENGTH]
    for field in ("ancestor_training", "offspring_training"):
        setattr(own.dataset.or_else, field, "")
    own.offspring_per_generation = min(2, own.offspring_per_generation)
    own.parents = min(2, own.parents)
    ancestors, offsprings = wanted.solvers
    solvers = _slow(ancestors, snapshots=False), _slow(offsprings)
    scratch = wanted.scratch and (*wanted.scratch[:2], _slow(wanted.scratch[2], snapshots=False))
    return replace(wanted, settings=own, solvers=solvers, scratch=scratch)


def _slow(solver: Solver, snapshots: bool = True) -> Solver:
    """The same with a small step; a snapshot is weights and history on the disk, and made once is made for all."""
    parameter = deepcopy(solver.parameter)
    parameter.base_lr = min(_RATE, parameter.base_lr)
    if not snapshots:
        parameter.ClearField("snapshot")
    return replace(solver, parameter=parameter)
