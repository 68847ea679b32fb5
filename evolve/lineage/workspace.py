"""The workspace of a generation in the making: what it is made from, the folder, and the prototxts written there."""

import shutil
from copy import deepcopy
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from evolve.base import prototxt_text
from evolve.base.caffe_messages import SEEDS
from evolve.base.errors import UserError
from evolve.base.machine import USUAL, Machine
from evolve.base.parallel import Stop
from evolve.datasets import Dataset
from evolve.lineage import rewinding
from evolve.lineage.experiment import Experiment
from evolve.network import deployment, phases
from evolve.network.graph import Graph
from evolve.network.layers import detectnet
from evolve.runs import made_from, paths
from evolve.settings.settings import training_length
from evolve.training.caffe_process import CaffeProcess

# Fields of a solver that mean nothing here: its net is train_val, and its snapshots are in one form.
_OURS = (
    "train_net", "test_net", "test_iter", "test_interval", "train_state", "test_state", "snapshot_prefix",
    "snapshot_format",
)  # fmt: skip


@dataclass(frozen=True)
class Workspace:
    """All that a generation is made from, and the folder that it is written into.

    Siblings are counted from 1; the folder of one of them lies in one more of the run's.
    """

    experiment: Experiment
    dataset: Dataset
    number: int
    seed: int
    folder: Path
    machine: Machine = USUAL  # what Caffe computes with
    sibling: int = 0
    stop: Stop = field(default_factory=Stop)
    last: int = 0  # the generation that the run is to reach, as far as it is known
    rounds: int = 1  # trainings one after the other that a generation takes
    # Where all of it is only tried (see rehearsal): images a batch at most, and Caffe's process.
    few: int = 0
    caffe: CaffeProcess | None = None

    @property
    def run(self) -> Path:
        """The run's folder."""
        return self.folder.parent.parent if self.sibling else self.folder.parent

    @property
    def title(self) -> str:
        """What it is called while it is made."""
        of = f", sibling {self.sibling} of {self.experiment.settings.offspring_per_generation}" if self.sibling else ""
        return f"generation {self.number}{of}"

    @property
    def training_title(self) -> str:
        """The title with how many generations there are to be."""
        return self.title.replace(f" {self.number}", f" {self.number} of {self.last}", 1) if self.last else self.title

    def iterations_ahead(self, batch: int) -> int:
        """Iterations, of `batch` images each, of all generations after this one, siblings among them."""
        return self.rounds * sum(self._iterations(number, batch) for number in range(self.number + 1, self.last + 1))

    @property
    def draw_seed(self) -> tuple[int, ...]:
        """What decides on its draw. The first sibling is the one that there would be alone."""
        # Two words more than the first one's: nor are they those of a trial draw.
        return (self.seed, self.number) if self.sibling <= 1 else (self.seed, self.number, 0, self.sibling)

    @property
    def solver_seed(self) -> int:
        """What decides on its training; below seeds of a thousand, nobody else's."""
        return (self.seed * 1000 + self.number + 1_000_000 * max(0, self.sibling - 1)) % SEEDS

    @property
    def snapshots(self) -> Path:
        """The folder of its training's snapshots, seen from its own; that one is made anew when it is begun again."""
        of = Path("..") / paths.snapshots(self.number)
        return of / str(self.sibling) if self.sibling else of

    def check_data(self) -> None:
        """OtherData where the data set was made anew, or is gone, since the run began; a rehearsal's nobody changes."""
        if self.few:
            return
        try:
            made_from.check(self.dataset.folder, self.dataset.called, self.dataset.sha256)
        except made_from.OtherData as error:
            remedy = "and the same command goes on, or begin another run with RUN="
            raise made_from.OtherData(f"{error}, {remedy}") from None

    def template(self) -> phases.Net:
        """The user's train_val.prototxt for this data set, its TEST batch a divisor of the images there are."""
        net = self.experiment.net(self.dataset.folder)
        for layer in phases.feeding(net.layer):
            if self.few:
                phases.limit_batch(layer, self.few)
            if phases.includes(layer, "TEST") and not self.experiment.geometry:
                layer.data_param.batch_size = phases.whole_batch(
                    self.dataset.counts["test"], layer.data_param.batch_size
                )
        return net

    def graph(self, net: phases.Net) -> Graph:
        """Which channels of `net` are the same channel, in both phases."""
        return self.experiment.graph(net, self.dataset.shape)

    @property
    def block(self) -> int:
        """How many filters a cluster is; 0 where clusters are kernels."""
        settings = self.experiment.settings
        widths = {settings.KERNEL: 0, settings.FILTER: 1, settings.FILTER_BLOCK: settings.block_width}
        return widths[settings.cluster_shape]

    def write(self, net: phases.Net) -> None:
        """train_val, deploy and solver of `net` into the folder, with the names and the mean image that go with it."""
        test = phases.data_layer(net, "TEST")
        shape = phases.example_shape(test, self.dataset.shape)
        title = f"{self.experiment.name}, generation {self.number}"
        prototxt_text.write(self.seeded(net), self.folder / paths.TRAIN_VAL, title)
        asked = self.experiment.settings.dataset
        words = phases.preprocessing(self._with_mean(test), asked.channel_order == asked.RGB)
        heading = f"{title}\n{phases.PREPROCESSING}{words}"
        prototxt_text.write(deployment.deploy(net, shape), self.folder / paths.DEPLOY, heading)
        prototxt_text.write(self.solver_of(net), self.folder / paths.SOLVER, title)
        if self.dataset.class_names and not self.dataset.has_boxes:
            names = "".join(f"{name}\n" for name in self.dataset.class_names)
            (self.folder / paths.LABELS).write_text(names, encoding="utf-8")

    def _with_mean(self, data: phases.Layer) -> phases.Layer:
        """A data layer whose mean image, where it subtracts one, is a copy in the folder: the data set may go."""
        layer = deepcopy(data)
        named = data.transform_param.mean_file
        # Where there is none, Caffe says so.
        if named and Path(named).is_file():
            shutil.copyfile(named, self.folder / paths.MEAN)
            layer.transform_param.mean_file = paths.MEAN
        return layer

    def seeded(self, net: phases.Net, part: int = 0) -> phases.Net:
        """`net` whose augmentation is this generation's own, and that `part`'s of its training."""
        result = deepcopy(net)
        for layer in result.layer:
            if detectnet.feeds(layer):
                # No solver's seed is so large.
                detectnet.seeded(layer, self.solver_seed + (part << 32))
        return result

    def solver_of(self, net: phases.Net, file: str = paths.TRAIN_VAL) -> Any:
        """The generation's solver for `net`, which is `file` beside it: caffe_pb2.SolverParameter."""
        solver = deepcopy(self.experiment.solver(self.number).parameter)
        # Generations are scored once, after the cast; of Caffe's own files, snapshots are made, and are ours to place.
        for name in _OURS:
            solver.ClearField(name)
        solver.net = file
        solver.snapshot_after_train = False
        solver.random_seed = self.solver_seed
        batch = phases.batch_size(phases.data_layer(net, "TRAIN")) * max(1, solver.iter_size)
        solver.max_iter = self._iterations(self.number, batch)
        if self.number > 1 and self.experiment.settings.rewind_learning_rate:
            rewinding.rewind(solver, self._iterations(1, batch))
        if not solver.HasField("solver_mode"):
            solver.solver_mode = solver.CPU
        return solver

    def _iterations(self, number: int, batch: int) -> int:
        length = training_length(self.experiment.settings, number, self.dataset.name)
        try:
            return length.iterations(self.dataset.counts["train"], batch)
        except UserError as error:
            raise UserError(f"{self.experiment.evolution}: generation {number}: {error}") from None
