"""The evolution.prototxt of an adopted network: what could be told, with comments where its user has to choose."""

from copy import deepcopy
from dataclasses import dataclass, field

from google.protobuf import text_format

from evolve.adoption.data_set import DATABASES, OWN, DataSet
from evolve.network.axes import ImageShape
from evolve.proto import evolution_pb2
from evolve.settings import changes

CHOOSE = "CHOOSE"
_ANCESTOR = 6000  # iterations, where no solver tells
_OFFSPRING = 0.37  # of the ancestor's: LeNet's 2200 of 6000


@dataclass
class SettingsText:
    """What is written, and why: comments by the field that they stand before; "" for those at the end."""

    own: evolution_pb2.EvolutionParameter
    comments: dict[str, list[str]] = field(default_factory=dict)

    def text(self, heading: str) -> str:
        """The file."""
        lines = [f"# {heading}", "# Every other setting, with its default: evolution.defaults.prototxt of Cavefish."]
        names = [descriptor.name for descriptor, _ in self.own.ListFields()]
        for name in names:
            lines += [f"# {comment}" for comment in self.comments.get(name, [])]
            only = deepcopy(self.own)
            for other in names:
                if other != name:
                    only.ClearField(other)
            lines.append(text_format.MessageToString(only).rstrip())
        return "\n".join([*lines, *(f"# {comment}" for comment in self.comments.get("", []))]) + "\n"


def of(
    data_set: DataSet, stored: ImageShape, iterations: int, has_lrn: bool, unknown: list[str],
    changed: changes.Changes,
) -> SettingsText:  # fmt: skip
    """The settings of a network for classes; its images are `stored` as (channels, height, width).

    It was trained for so many `iterations` (0: unknown); `unknown` are layer types that stay whole; `changed` is SET=.
    """
    own = evolution_pb2.EvolutionParameter()
    _set_data(own.dataset, data_set, stored)
    comments = {"dataset": [_of_data(data_set, changed)], "": _others(has_lrn)}
    lengths(own, comments, iterations)
    if unknown:
        own.keep_unknown = True
        comments["keep_unknown"] = [f"Not known to Cavefish, what touches them stays whole: {', '.join(unknown)}."]
    return changed_by(changed, own, comments)


def changed_by(
    changed: changes.Changes, own: evolution_pb2.EvolutionParameter, comments: dict[str, list[str]]
) -> SettingsText:
    """`own` as SET=, `changed`, has it: what that says no comment calls told, or to be chosen."""
    changes.apply(changed, own)
    said = {change.path for change in changed}
    return SettingsText(own, {name: lines for name, lines in comments.items() if name not in said})


def _set_data(own: evolution_pb2.DatasetParameter, data_set: DataSet, stored: ImageShape) -> None:
    own.name = data_set.name
    for place in ("folder", "train", "test", "mean_file"):
        if value := getattr(data_set, place):
            setattr(own, place, value)
    if data_set.stand_in:
        own.or_else.name = data_set.stand_in
    if data_set.name == OWN:
        own.height, own.width = stored[1:]
        if stored[0] in (1, 3):
            own.channels = stored[0]
    elif data_set.name != DATABASES:
        own.image_size = stored[1]


def lengths(own: evolution_pb2.EvolutionParameter, comments: dict[str, list[str]], iterations: int) -> None:
    """Sets how long an ancestor and its offspring train, and says why."""
    length = iterations or _ANCESTOR
    own.ancestor_training = f"{length}it"
    own.offspring_training.append(f"{max(1, round(length * _OFFSPRING))}it")
    comments["ancestor_training"] = [
        "As the solver's max_iter has it." if iterations else f"{CHOOSE} how long it takes to train from nothing."
    ]
    comments["offspring_training"] = ["Offspring begin with their parents' weights: about a third of that."]


def _of_data(data_set: DataSet, changed: changes.Changes) -> str:
    if any(change.path in ("dataset.name", "dataset.folder", "dataset.train") for change in changed):
        return f"{data_set.name}, {data_set.why}."
    if data_set.name == OWN and not data_set.train:
        return f"{CHOOSE} the images: folder: \"/a/folder\" with a folder for each class in it."
    return f"{data_set.name}, {data_set.why}. {CHOOSE} another one if that is wrong."


def _others(has_lrn: bool) -> list[str]:
    lines = [
        "cluster_shape: FILTER_BLOCK          # offspring that are dense and fast; KERNEL, the papers', are sparse",
        "stop_when_accuracy_drops: 0.03       # ends the lineage there",
        "environment { synapse_budget: 0.67 } # the part of its parent's synapses that an offspring is to have",
    ]
    if has_lrn:
        lines.insert(0, "lrn: RETRAIN                         # channels under its LRN may go; EXACT keeps them")
    return [f"{CHOOSE} what else is to be other than usual:", *lines]
