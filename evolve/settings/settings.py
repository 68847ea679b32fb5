"""An evolution's settings are evolution.prototxt over the one commented file of defaults, checked."""

import hashlib
import math
import re
from collections.abc import Sequence
from copy import deepcopy
from dataclasses import dataclass
from pathlib import Path

from google.protobuf import text_format

from evolve.base import prototxt_text
from evolve.base.errors import UserError
from evolve.proto import evolution_pb2
from evolve.settings import changes, networks

Settings = evolution_pb2.EvolutionParameter
_HEADING = re.compile(r"# evolution\S*\.prototxt with SET='(.*)'\n")  # of what a run keeps
Environment = evolution_pb2.EnvironmentParameter
# The weakest probability is e to its power less: beyond, 32 bits do not hold that, or the F that makes it 1.
HIGHEST_PRESSURE = 64.0
# SolverParameter.max_iter has 32 bits.
_MOST_ITERATIONS = (1 << 31) - 1
_LIMIT = "Caffe counts no further: write fewer"


@dataclass(frozen=True)
class Length:
    """How long to train: "2200it" iterations or "2.5ep" epochs, so that units never mix."""

    amount: float
    unit: str

    @classmethod
    def parse(cls, words: str) -> "Length":
        """UserError unless a positive number with its unit."""
        match = re.fullmatch(r"\s*(\d+(?:\.\d+)?)\s*(it|ep)\s*", words)
        if not match or float(match.group(1)) <= 0 or (match.group(2) == "it" and "." in match.group(1)):
            raise UserError(f"expected a training length like '2200it' or '2.5ep', got '{words}'")
        if float(match.group(1)) > _MOST_ITERATIONS:
            raise UserError(f"expected a training length of at most {_MOST_ITERATIONS}, got '{words}'; {_LIMIT}")
        return cls(float(match.group(1)), match.group(2))

    def iterations(self, images: int, batch: int) -> int:
        """The same in iterations of `batch` images out of `images`. UserError for more than Caffe counts."""
        if self.unit == "it":
            return int(self.amount)
        wanted = max(1, round(self.amount * images / batch))
        if wanted > _MOST_ITERATIONS:
            raise UserError(
                f"expected a training length of at most {_MOST_ITERATIONS} iterations, got {self.amount:g}ep, which is "
                f"{wanted}; {_LIMIT}"
            )
        return wanted


def read(path: Path, changed: changes.Changes = ()) -> Settings:
    """The settings of `path`, `changed` by SET=, over the defaults. UserError naming file and line, or each field."""
    own = _own(path, changed)
    settings = defaults()
    usual = settings.environment[0]
    for field, _ in own.ListFields():
        if field.is_repeated:
            settings.ClearField(field.name)
    settings.MergeFrom(own)
    for index, block in enumerate(settings.environment):
        merged = deepcopy(usual)
        merged.MergeFrom(block)
        settings.environment[index].CopyFrom(merged)
    if found := problems(settings):
        # Two blocks of the environment may have the same.
        raise UserError("\n".join(f"{path}{_with(changed)}: {problem}" for problem in dict.fromkeys(found)))
    return settings


def defaults() -> Settings:
    """Every setting as it is where nobody says otherwise."""
    return prototxt_text.read(networks.defaults(), evolution_pb2.EvolutionParameter())


def own_text(path: Path, changed: changes.Changes = ()) -> str:
    """What a run keeps of its settings: the file as it is, or what SET= makes of it, without the defaults."""
    if not changed:
        return prototxt_text.read_text(path)
    return f"# {path.name}{_with(changed)}\n{text_format.MessageToString(_own(path, changed))}"


def whole_text(settings: Settings) -> str:
    """What a run keeps of all its settings, those by default too; its first line tells whether it is whole."""
    text = text_format.MessageToString(settings)
    return f"# sha256 of the rest: {_digest(text)}\n{text}"


def read_whole(path: Path) -> Settings | None:
    """The settings that `whole_text` was made of, and today's defaults of what it did not know; None if damaged."""
    heading, _, text = path.read_text(encoding="utf-8", errors="replace").partition("\n")
    return read(path) if heading.endswith(f" {_digest(text)}") else None


def first_difference(one: Settings, other: Settings) -> str:
    """The name of a setting that two have otherwise, or ""."""
    names = [field.name for field in one.DESCRIPTOR.fields]
    return next((name for name in names if getattr(one, name) != getattr(other, name)), "")


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def set_words(text: str) -> str:
    """What SET= a text of `own_text` was made with; "" of none."""
    match = _HEADING.match(text)
    return match[1] if match else ""


def _own(path: Path, changed: changes.Changes) -> Settings:
    own = prototxt_text.read(path, evolution_pb2.EvolutionParameter())
    changes.apply(changed, own)
    return own


def _with(changed: changes.Changes) -> str:
    return f" with SET='{changes.text(changed)}'" if changed else ""


def problems(settings: Settings) -> list[str]:
    """What no evolution could run with, each as ``field: expected …, got …``."""
    found = []
    if settings.generations < 1:
        found.append("generations: expected 1 or more, got 0; the ancestor is generation 1")
    if not 0 <= settings.two_of_four <= 1:
        found.append(f"two_of_four: expected 0 to 1, a part of a layer's synapses, got {settings.two_of_four:g}")
    if not 0 <= settings.truncation <= 1:
        found.append(f"truncation: expected 0 to 1, a part of the layer's strongest, got {settings.truncation:g}")
    if settings.block_width < 1:
        found.append("block_width: expected 1 or more filters, got 0")
    found += _sibling_problems(settings)
    if settings.cluster_shape != settings.KERNEL and settings.encoding != settings.CLUSTER:
        shape = settings.ClusterShape.Name(settings.cluster_shape)
        encoding = settings.Encoding.Name(settings.encoding)
        found.append(f"cluster_shape: {shape} expected encoding: CLUSTER, got {encoding}, which knows no clusters")
    if settings.train_as_cast and settings.precision == settings.FLOAT:
        found.append("train_as_cast: expected precision HALF, BFLOAT16 or INT8 beside it, got FLOAT, which is no cast")
    if settings.half_blobs and settings.precision != settings.HALF:
        precision = settings.Precision.Name(settings.precision)
        found.append(f"half_blobs: expected precision HALF beside it, whose numbers have 16 bits, got {precision}")
    if settings.rewind_learning_rate and settings.offspring_solver:
        found.append(
            "rewind_learning_rate: expected no offspring_solver beside it, for offspring go on with the ancestor's; "
            f"got '{settings.offspring_solver}'"
        )
    if not settings.stop_when_accuracy_drops >= 0:
        found.append("stop_when_accuracy_drops: expected 0 (never) or a drop like 0.03")
    if not settings.offspring_training:
        found.append("offspring_training: expected a length like '2200it', got none")
    found += [f"dataset: {problem}" for problem in _dataset_problems(settings.dataset)]
    found += [f"dataset: detection: {problem}" for problem in _detection_problems(settings.dataset.detection)]
    return found + _length_problems(settings) + _schedule_problems(settings)


def _length_problems(settings: Settings) -> list[str]:
    found = []
    stand_in = settings.dataset.or_else
    lengths = [("scratch_training", settings.scratch_training), ("ancestor_training", settings.ancestor_training)]
    lengths += [("offspring_training", each) for each in settings.offspring_training]
    for name in ("ancestor_training", "offspring_training"):
        lengths += [(f"dataset: or_else: {name}", each) for each in filter(None, [getattr(stand_in, name)])]
    for name, length in lengths:
        try:
            Length.parse(length)
        except UserError as error:
            found.append(f"{name}: {error}")
    return found


def environment(settings: Settings, generation: int) -> Environment:
    """The block of the schedule that holds at `generation`: the one that began last."""
    begun = [block for block in settings.environment if block.from_generation <= generation]
    return max(begun, key=lambda block: int(block.from_generation))


def training_length(settings: Settings, generation: int, dataset: str) -> Length:
    """How long `generation` trains on `dataset`, which may be the one that stands in."""
    stand_in = settings.dataset.or_else
    stands_in = dataset != settings.dataset.name
    if generation == 1:
        return Length.parse(stands_in and stand_in.ancestor_training or settings.ancestor_training)
    lengths = settings.offspring_training
    own = lengths[min(generation - 2, len(lengths) - 1)]
    return Length.parse(stands_in and stand_in.offspring_training or own)


def _schedule_problems(settings: Settings) -> list[str]:
    found = [f"environment: {problem}" for block in settings.environment for problem in _environment_problems(block)]
    begins = [block.from_generation for block in settings.environment]
    if not begins or min(begins) > 2:
        found.append("environment: expected a block that holds from generation 2 on (from_generation: 2)")
    for generation in sorted({begin for begin in begins if begins.count(begin) > 1}):
        found.append(f"environment: expected one block from generation {generation} on, got {begins.count(generation)}")
    return found


def _sibling_problems(settings: Settings) -> list[str]:
    found, siblings = [], settings.offspring_per_generation
    for field in ("offspring_per_generation", "parents"):
        if getattr(settings, field) < 1:
            found.append(f"{field}: expected 1 or more, got 0")
    if settings.parents > max(1, siblings):
        found.append(
            f"parents: expected up to {siblings}, the siblings that offspring_per_generation makes, "
            f"got {settings.parents}"
        )
    if not 0 <= settings.synapse_cost < math.inf:
        found.append(f"synapse_cost: expected 0 or more, got {settings.synapse_cost:g}")
    return found


def _dataset_problems(asked: evolution_pb2.DatasetParameter) -> list[str]:
    found = []
    if asked.channels not in (0, 1, 3):
        found.append(f"channels: expected 1 (grey), 3 (colours) or 0 (as the images are), got {asked.channels}")
    if not 0 < asked.test_part < 1:
        found.append(f"test_part: expected above 0 and below 1, a part of all images, got {asked.test_part:g}")
    return found + _levels_problems(asked.darkest, asked.brightest)


def _levels_problems(darkest: float, brightest: float) -> list[str]:
    if (darkest, brightest) == (0, 0) or -math.inf < darkest < brightest < math.inf:
        return []
    return [f"brightest: expected above darkest, {darkest:g}, got {brightest:g}; both 0: each image's own"]


def _detection_problems(asked: evolution_pb2.DetectionParameter) -> list[str]:
    found = _levels_problems(asked.darkest, asked.brightest)
    if not 0 < asked.validation_part < 1:
        found.append(f"validation_part: expected above 0 and below 1, got {asked.validation_part:g}")
    if asked.stride < 1:
        found.append("stride: expected 1 or more pixels, got 0; DetectNet's is 16")
    if not 0 < asked.iou <= 1:
        found.append(f"iou: expected above 0 and up to 1, got {asked.iou:g}; 0.7 is usual for cars, 0.5 for others")
    return found


def _environment_problems(block: Environment) -> list[str]:
    found = []
    if not 0 < block.synapse_budget <= block.largest_offspring:
        found.append(
            f"synapse_budget: expected above 0 and up to largest_offspring, {block.largest_offspring:g}, "
            f"got {block.synapse_budget:g}"
        )
    if not 0 < block.largest_offspring <= 1:
        found.append(f"largest_offspring: expected above 0 and up to 1, got {block.largest_offspring:g}")
    for field in ("synapse_to_cluster", "cluster_factor", "synapse_factor"):
        if not 0 < getattr(block, field) < math.inf:
            found.append(f"{field}: expected above 0, got {getattr(block, field):g}")
    if not 0 < block.selection_pressure <= HIGHEST_PRESSURE:
        found.append(
            f"selection_pressure: expected above 0 and up to {HIGHEST_PRESSURE:g}, got {block.selection_pressure:g}"
        )
    if not 0 <= block.synapse_selection_pressure <= HIGHEST_PRESSURE:
        found.append(
            "synapse_selection_pressure: expected 0 (the same as selection_pressure) or above, up to "
            f"{HIGHEST_PRESSURE:g}, got {block.synapse_selection_pressure:g}"
        )
    return found + _spared_problems(block) + _pace_problems(block)


def _spared_problems(block: Environment) -> list[str]:
    layers = [each.layer for each in block.spared]
    return [
        f"spared: layer '{each.layer}': expected times of 1 to 1e9, got {each.times:g}"
        for each in block.spared
        if not 1 <= each.times <= 1e9
    ] + [f"spared: layer '{each}': expected once" for each in sorted(set(layers)) if layers.count(each) > 1]


def _pace_problems(block: Environment) -> list[str]:
    found = []
    generations = [point.generation for point in block.waypoint]
    efficiencies = [point.architectural_efficiency for point in block.waypoint]
    if block.type == block.PACE and not block.HasField("table_1") and len(generations) < 2:
        found.append("type PACE: expected table_1 or two waypoints and more")
    if block.HasField("table_1") and generations:
        found.append(
            f"table_1: expected no waypoints beside it, which would be followed instead, got {len(generations)}; take "
            "one or the other out"
        )
    if not (_rises(generations) and _rises(efficiencies)):
        found.append("waypoint: expected generations and efficiencies that rise")
    if not all(1 <= efficiency < math.inf for efficiency in efficiencies):
        found.append("waypoint: expected architectural_efficiency of 1 and above")
    return found


def _rises(numbers: Sequence[float]) -> bool:
    return all(first < second for first, second in zip(numbers, numbers[1:], strict=False))
