"""A score is what a TEST net says of a generation, which of it the generation is judged by, and what decides."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from evolve.base import records

# What a generation is judged by; precision and recall could be traded for each other, average precision has both.
_JUDGED = {"accuracy": "accuracy", "ap": "average precision"}

_ROUNDING = 1e-6


@dataclass(frozen=True)
class ClassScore:
    """How well objects of one class are found, or those of one difficulty."""

    precision: float
    recall: float
    ap: float
    map: float | None = None  # NVIDIA's; of a difficulty there is none
    difficulties: dict[str, "ClassScore"] = field(default_factory=dict)


@dataclass(frozen=True)
class Answer:
    """What one test image got; its picture stands in answers.png, at the place that this has among the answers."""

    image: int  # its number in the data set's test part, from 0
    label: str
    answer: str
    probability: float

    @property
    def right(self) -> bool:
        """Whether it was told to be what it is."""
        return self.answer == self.label


@dataclass(frozen=True)
class Constant:
    """What one and the same answer for every image comes to at best, whatever it is: no network should do worse."""

    accuracy: float
    loss: float  # the entropy of the classes

    @classmethod
    def of(cls, images: Sequence[int], answers: int = 1) -> "Constant | None":
        """Where there are so many `images` of each class, and `answers` may be given for each; None of no images.

        The most frequent classes are right for their part of the images; and no distribution of probabilities is
        nearer to the classes' own than that itself (Gibbs), so that every constant one has at least its entropy.
        """
        total, ranked = sum(images), sorted(images, reverse=True)
        if not total:
            return None
        entropy = -sum(count / total * math.log(count / total) for count in ranked if count)
        return cls(round(sum(ranked[:answers]) / total, 6), round(entropy, 6))


@dataclass(frozen=True)
class Score:
    """A classifier has an accuracy, if its net says one; a detector the other four, in all and by class."""

    accuracy: float | None = None
    precision: float | None = None
    recall: float | None = None
    map: float | None = None
    ap: float | None = None
    classes: dict[str, ClassScore] = field(default_factory=dict)
    outputs: dict[str, float] = field(default_factory=dict)  # whatever else the TEST net says
    # The softmax loss of what the accuracy is of, where the TEST net says it; without an accuracy all that it says of
    # losses, summed by their weights.
    loss: float | None = None
    constant: Constant | None = None
    validation_accuracy: float | None = None  # on training images kept apart, where settings keep some
    accuracies: dict[str, float] = field(default_factory=dict)  # of each class of test images, where they have names
    confusion: dict[str, dict[str, int]] = field(default_factory=dict)  # test images of each class, by their answer
    answers: list[Answer] = field(default_factory=list)  # of some test images: wrong and sure, then right and unsure

    @classmethod
    def of(cls, said: Mapping[str, object]) -> "Score":
        """The score that Caffe's process says: a TEST net's outputs by name, or a detector's scores with classes."""
        return records.read(cls, gathered(said), "score")

    @classmethod
    def of_outputs(
        cls, outputs: Mapping[str, float], accuracy: str, loss: str = "", constant: Constant | None = None
    ) -> "Score":
        """The score of a classifier: `accuracy` and `loss` name those of its TEST net's outputs that are these."""
        others = {name: value for name, value in outputs.items() if name != accuracy}
        return cls(accuracy=outputs.get(accuracy), outputs=others, loss=outputs.get(loss), constant=constant)

    @classmethod
    def of_losses(cls, outputs: Mapping[str, float], weights: Mapping[str, float]) -> "Score":
        """The score of a net that says no accuracy, `weights` being those of its losses by name."""
        terms = [weight * outputs.get(name, math.nan) for name, weight in weights.items()]
        said = bool(terms) and math.isfinite(sum(terms))
        return cls(outputs=dict(outputs), loss=round(sum(terms), 6) if said else None)

    def is_constants(self, loss: float | None) -> bool:
        """Whether it is no better than one answer for every image; `loss` is the training's, if TEST says none.

        Of networks that cannot be told so (those that find boxes, those without labels) it never is.
        """
        loss = self.loss if self.loss is not None else loss
        if self.accuracy is None or self.constant is None:
            return False
        worse = loss is None or not loss < self.constant.loss - _ROUNDING
        return worse and self.accuracy <= self.constant.accuracy + _ROUNDING

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
        """What decides, in words."""
        return self.title if self.validation_accuracy is None else "validation accuracy"


def gathered(score: Mapping[str, object]) -> Mapping[str, object]:
    """A score in which what a TEST net says beside an accuracy is under `outputs`; runs once kept it beside it."""
    if isinstance(score.get("classes"), dict) or isinstance(score.get("outputs"), dict):
        return score
    own = ("accuracy", "accuracies", "confusion")
    outputs = {name: value for name, value in score.items() if name not in own}
    return {name: score[name] for name in own if name in score} | {"outputs": outputs}
