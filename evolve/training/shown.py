"""Few of the images that a network is scored on are shown: those it errs on most surely, or is right on least surely.

Runs in the worker. Every class has its first image before any has its second, and among equals the earlier image
comes first: the same network on the same images is shown by the same ones.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class Answered:
    """The image at `place` of the part, from 0, which is of class `label` and got `answer` with its `probability`."""

    place: int
    label: int
    answer: int
    probability: float
    image: NDArray[np.float32]  # as the data layer yields it

    @property
    def interest(self) -> float:
        """The larger, the sooner it is shown."""
        return -self.probability if self.answer == self.label else self.probability


@dataclass
class Shown:
    """At most `most` images that got another answer than their class, and as many that got theirs."""

    most: int
    _wrong: list[Answered] = field(default_factory=list)
    _right: list[Answered] = field(default_factory=list)
    _added: int = 0

    def add(self, images: NDArray[np.float32], scores: NDArray[np.float32], labels: NDArray[np.int64]) -> None:
        """The next images (N, ...), the net's `scores` (N, classes) and their `labels`; those chosen are copied."""
        shares = _probabilities(scores)
        answers = scores.argmax(axis=1)
        batch = [
            Answered(self._added + k, int(labels[k]), int(answers[k]), float(shares[k, answers[k]]), images[k])
            for k in range(len(scores))
        ]
        self._added += len(batch)
        self._wrong = self._first([*self._wrong, *(each for each in batch if each.answer != each.label)])
        self._right = self._first([*self._right, *(each for each in batch if each.answer == each.label)])

    def seen(self) -> list[Answered]:
        """Those chosen: the wrong ones first, and of both the most telling."""
        return [*self._wrong, *self._right]

    def _first(self, every: Sequence[Answered]) -> list[Answered]:
        """Who has been left out stays so, whatever comes: more images only push a class's others back."""
        known: Counter[int] = Counter()
        ranked = []
        for each in sorted(every, key=lambda one: (-one.interest, one.place)):
            ranked.append((known[each.label], -each.interest, each.place, each))
            known[each.label] += 1
        ranked.sort(key=lambda one: one[:3])
        # The net's next batch comes into the same memory.
        return [_kept(each) for *_, each in ranked[: self.most]]


def _kept(each: Answered) -> Answered:
    if each.image.base is None:
        return each
    return Answered(each.place, each.label, each.answer, each.probability, each.image.copy())


def _probabilities(scores: NDArray[np.float32]) -> NDArray[np.float64]:
    """The scores, where each row is a distribution already; else their softmax."""
    # Of a network that diverged anything may come.
    values = np.nan_to_num(scores.astype(np.float64), posinf=1e300, neginf=-1e300)
    if (values >= 0).all() and np.allclose(values.sum(axis=1), 1, atol=1e-3):
        return values
    powers = np.exp(values - values.max(axis=1, keepdims=True))
    return powers / powers.sum(axis=1, keepdims=True)


def write(path: str, seen: Sequence[Answered], names: Sequence[str]) -> list[dict[str, Any]]:
    """Writes their images to the .npz `path`, and says the rest of each, classes by name; nothing of none."""
    if not seen:
        return []
    np.savez(path, images=np.stack([each.image for each in seen]))
    return [
        {
            "image": each.place, "label": names[each.label], "answer": names[each.answer],
            "probability": round(each.probability, 6),
        }
        for each in seen
    ]  # fmt: skip
