"""A score is what a TEST net says of a generation, which of it the generation is judged by, and what decides."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from evolve.base import records

# What a generation is judged by; precision and recall could be traded for each other, average precision has both.
_JUDGED = {"accuracy": "accuracy", "ap": "average precision"}


@dataclass(frozen=True)
class ClassScore:
    """How well objects of one class are found, or those of one difficulty."""

    precision: float
    recall: float
    ap: float
    map: float | None = None  # NVIDIA's; of a difficulty there is none
    difficulties: dict[str, "ClassScore"] = field(default_factory=dict)


@dataclass(frozen=True)
class Score:
    """A classifier has an accuracy, if its net says one; a detector the other four, in all and by class."""

    accuracy: float | None = None
    precision: float | None = None
    recall: float | None = None
    map: float | None = None
    ap: float | None = None
    classes: dict[str, ClassScore] = field(default_factory=dict)
    outputs: dict[str, float] = field(default_factory=dict)  # whatever else the TEST net says, the loss for one
    validation_accuracy: float | None = None  # on training images kept apart, where settings keep some
    accuracies: dict[str, float] = field(default_factory=dict)  # of each class of test images, where they have names

    @classmethod
    def of(cls, said: Mapping[str, object]) -> "Score":
        """The score that Caffe's process says: a TEST net's outputs by name, or a detector's scores with classes."""
        return records.read(cls, gathered(said), "score")

    @property
    def is_of_boxes(self) -> bool:
        """Whether it is a detector's."""
        return self.recall is not None

    @property
    def judged(self) -> str:
        """The name of what the generation is judged by, ``accuracy`` or ``ap``; "" where the net says neither."""
        return next((name for name in _JUDGED if getattr(self, name) is not None), "")

    @property
    def title(self) -> str:
        """What the generation is judged by, in words."""
        return _JUDGED.get(self.judged, "")

    @property
    def value(self) -> float:
        """What the generation is judged by. ValueError where the net says neither."""
        if not self.judged:
            raise ValueError("neither an accuracy nor an average precision was measured")
        return float(getattr(self, self.judged))

    @property
    def deciding(self) -> float:
        """What siblings are chosen by and a lineage ends by: on a validation part, where there is one; else `value`.

        ValueError as there.
        """
        return self.value if self.validation_accuracy is None else self.validation_accuracy

    @property
    def deciding_title(self) -> str:
        """The same in words."""
        return self.title if self.validation_accuracy is None else "validation accuracy"


def gathered(score: Mapping[str, object]) -> Mapping[str, object]:
    """A score in which what a TEST net says beside an accuracy is under `outputs`; runs once kept it beside it."""
    if isinstance(score.get("classes"), dict) or isinstance(score.get("outputs"), dict):
        return score
    own = ("accuracy", "accuracies")
    outputs = {name: value for name, value in score.items() if name not in own}
    return {name: score[name] for name in own if name in score} | {"outputs": outputs}
