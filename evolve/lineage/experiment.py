"""An experiment is one folder of prototxts, read and checked: the network's template, its solvers, its settings.

The data set is the one that its settings ask for: images with a class each, or images with boxes.
"""

from copy import deepcopy
from dataclasses import dataclass, replace
from pathlib import Path
from shlex import quote

from evolve import datasets
from evolve.base import progress, prototxt_text
from evolve.base.errors import UserError
from evolve.detectnet.consistency import Geometry
from evolve.lineage import data_wishes, solver
from evolve.lineage.solver import Solver
from evolve.network import layers, phases, topology
from evolve.network.axes import ImageShape
from evolve.network.foreign import reading
from evolve.network.weights import Weights
from evolve.runs import paths
from evolve.settings import changes, networks, settings
from evolve.settings.settings import Settings

NO_DATA = Path("/data-set")  # in place of a data set's folder where none is read


@dataclass(frozen=True)
class Experiment:
    """What a run is made from."""

    name: str
    folder: Path
    evolution: Path  # the settings' file
    settings: Settings
    train_val: Path
    template: str  # the train_val.prototxt as the user wrote it, $NAMES and all
    solvers: tuple[Solver, Solver]  # of the ancestor and of offspring
    scratch: tuple[Path, str, Solver] | None = None  # scratch_train_val's file and text, and scratch_solver
    geometry: Geometry | None = None  # of a network that finds boxes
    survey: datasets.Survey | None = None  # of images of the user's own
    settings_text: str = ""  # of the settings' file, SET= among it

    def net(self, data: Path) -> phases.Net:
        """The template with `data` (a data set's folder) in place of $DATA. UserError with file and line."""
        return self._read(data).net

    def _read(self, data: Path) -> reading.Reading:
        values = {"DATA": str(data), "NET": str(self.folder)} | self._numbers()
        filled = prototxt_text.substitute(self.template, values, self.train_val)
        return reading.parse(filled, self.train_val)

    def weights(self, caffemodel: Path) -> tuple[reading.Reading, Weights]:
        """A caffemodel of WEIGHTS=, as what today's Caffe would have in its place. UserError as `weights.read`."""
        read = self._read(self.folder)
        found, learned = read.with_weights(caffemodel)
        if found.net != read.net:
            raise UserError(
                f"{caffemodel}: expected blobs of BVLC's layers, got BatchNorm with scale and bias of NVIDIA's; "
                f"`make adopt MODEL={quote(str(self.train_val))} WEIGHTS={quote(str(caffemodel))}` writes both for "
                "BVLC's Caffe"
            )
        return found, learned

    def _numbers(self) -> dict[str, str]:
        """What $WIDTH, $HEIGHT and $CLASSES stand for, and of a network that finds boxes the rest of its geometry."""
        if self.geometry:
            return self.geometry.values()
        try:
            source = datasets.find(self.settings.dataset.name, self.folder).source
        except UserError:  # it is told of where data sets are looked at
            return {}
        classes = len(self.survey.class_names) if self.survey else getattr(source, "classes", 0)
        _, height, width = self.stored_shape()
        numbers = {"WIDTH": width, "HEIGHT": height} | ({"CLASSES": classes} if classes else {})
        return {name: str(number) for name, number in numbers.items()}

    def from_scratch(self) -> "Experiment | None":
        """The same with scratch_train_val as its net, in which the ancestor begins; None where there is none."""
        if not self.scratch:
            return None
        train_val, template, solver = self.scratch
        own = deepcopy(self.settings)
        own.ancestor_training = self.settings.scratch_training
        own.dataset.or_else.ancestor_training = ""
        return replace(
            self, settings=own, train_val=train_val, template=template, solvers=(solver, solver), scratch=None
        )

    def solver(self, generation: int) -> Solver:
        """The solver of a generation, as the user wrote it."""
        ancestors, offsprings = self.solvers
        return ancestors if generation == 1 else offsprings

    def stored_shape(self) -> ImageShape:
        """(channels, height, width) of an image of the data set, known before it is there."""
        if self.survey:
            return self.survey.shape
        wanted = self.settings.dataset
        height, width = wanted.image_size, wanted.image_size
        if self.geometry:
            height, width = self.geometry.height, self.geometry.width
        return (datasets.find(wanted.name, self.folder).source.channels, height, width)

    def graph(self, net: phases.Net, stored: ImageShape) -> topology.Graph:
        """The graph of `net` for examples `stored` as (channels, height, width). UserError with file and line."""
        try:
            return topology.read(
                [phases.fed_as_stored(net, phase, stored) for phase in ("TEST", "TRAIN")],
                self.settings.LocalResponse.Name(self.settings.lrn),
                self.settings.keep_unknown,
            )
        except UserError as error:
            raise self.located(error) from None

    def located(self, error: UserError) -> UserError:
        """The same error with file and line of the layer that its message begins with."""
        return prototxt_text.located(error, self.train_val, self.template)


def load(network: str, schedule: str = "", changed: changes.Changes = ()) -> Experiment:
    """Reads the folder of NET= `network`. UserError for what is missing or mistyped.

    A layer_types.py there makes layers of the user's own known. SCHEDULE= `schedule` takes the settings from
    evolution.<schedule>.prototxt there instead, and SET= `changed` changes them.
    """
    folder = networks.find(network)
    layers.load_beside(folder)
    evolution = networks.settings_of(folder, schedule)
    read = settings.read(evolution, changed)
    train_val, ancestor = folder / read.train_val, solver.read(folder / read.solver)
    scratch = folder / read.scratch_train_val
    begins = solver.read(folder / read.scratch_solver) if read.scratch_solver else ancestor
    return Experiment(
        name=folder.name,
        folder=folder,
        evolution=evolution,
        settings=read,
        train_val=train_val,
        template=prototxt_text.read_text(train_val),
        solvers=(ancestor, solver.read(folder / read.offspring_solver) if read.offspring_solver else ancestor),
        scratch=(scratch, prototxt_text.read_text(scratch), begins) if read.scratch_train_val else None,
        geometry=data_wishes.geometry(evolution, read, folder),
        survey=data_wishes.survey(evolution, read, folder),
        settings_text=settings.own_text(evolution, changed),
    )


def prepare(experiment: Experiment, seed: int) -> datasets.Dataset:
    """The data set, made if it is not there yet; whatever must be known of it is said. UserError."""
    wanted, folder = experiment.settings.dataset, experiment.folder
    if datasets.find(wanted.name, folder).has_boxes:
        dataset = datasets.prepare_detection(
            wanted.name, data_wishes.boxes(wanted, folder), seed=seed, or_else=wanted.or_else.name, beside=folder,
            data=paths.data(), report=progress.say,
        )  # fmt: skip
    else:
        dataset = datasets.prepare(
            wanted.name, image_size=wanted.image_size, seed=seed, validation=wanted.validation,
            wish=data_wishes.own(wanted, experiment.evolution), or_else=wanted.or_else.name, beside=folder,
            data=paths.data(), report=progress.say,
        )  # fmt: skip
    if dataset.notice:
        progress.say(f"NOTE: {dataset.notice}")
    return dataset


def data_state(experiment: Experiment, seed: int) -> str:
    """What tells its data from any other without reading it; "" where nothing does before it is made."""
    wanted, folder = experiment.settings.dataset, experiment.folder
    names = list(filter(None, (wanted.name, wanted.or_else.name)))
    if datasets.find(wanted.name, folder).has_boxes:
        return datasets.state_with_boxes(names, data_wishes.boxes(wanted, folder), folder, seed, paths.data())
    wish = data_wishes.own(wanted, experiment.evolution)
    return datasets.state(names, wanted.image_size, wanted.validation, wish, folder, seed, paths.data())


def few(experiment: Experiment, seed: int, into: Path) -> datasets.Handful:
    """A handful of the same into the folder `into`. UserError, and NotToBeHad."""
    wanted, folder = experiment.settings.dataset, experiment.folder
    if datasets.find(wanted.name, folder).has_boxes:
        return datasets.few_with_boxes(
            wanted.name, data_wishes.boxes(wanted, folder), into, seed=seed, or_else=wanted.or_else.name, beside=folder,
            data=paths.data(), report=progress.say,
        )  # fmt: skip
    return datasets.few(
        wanted.name, into, image_size=wanted.image_size, seed=seed, validation=wanted.validation,
        wish=data_wishes.own(wanted, experiment.evolution), or_else=wanted.or_else.name, beside=folder,
        data=paths.data(), report=progress.say,
    )  # fmt: skip


def kitti_pixels(experiment: Experiment) -> float | None:
    """How many pixels of its file a pixel of a stored KITTI image is high; None for other data sets.

    Difficulties are asked of heights in the file: padded images have them still.
    """
    wanted = experiment.settings.dataset
    source = datasets.find(wanted.name, experiment.folder).source
    if not isinstance(source, datasets.DetectionSource) or not source.kitti_size:
        return None
    asked, (width, height) = wanted.detection, source.kitti_size
    by_height, by_width = height / asked.height, width / asked.width
    return {asked.RESIZE: by_height, asked.LETTERBOX: max(by_height, by_width), asked.PAD: 1.0}[asked.fit]
