"""What a generation says of images, class by class: as a table, and as a record for JSON."""

from collections import Counter
from dataclasses import dataclass, field
from typing import Any

from evolve.base.sheet import BLANK, Sheet
from trt.inference.pictures import Bytes

SHOWN, ROWS = 3, 40  # classes of an image in a table, and images


@dataclass(frozen=True)
class Answer:
    """What the image called `name` shows: `likely` classes with their probabilities, the likeliest first.

    `why` says of one that could not be read why not. `truth` is the class that its folder is named after, or "".
    `small` is the image for a person to see, of those that are to be drawn.
    """

    name: str
    likely: list[tuple[str, float]] = field(default_factory=list)
    why: str = ""
    truth: str = ""
    small: Bytes | None = None

    @property
    def wrong(self) -> bool:
        """Whether it is known to be of another class."""
        return bool(self.truth) and self.likely[0][0] != self.truth


@dataclass(frozen=True)
class Answers:
    """Of all images; `heading` says what looked at them, `classes` are the names of all."""

    heading: str
    notice: str
    classes: list[str]
    every: list[Answer]

    @property
    def accuracy(self) -> tuple[int, int] | None:
        """Images of the class that their folders name, and all; None where folders are not named after classes."""
        judged = [each for each in self.every if each.truth]
        return (sum(not each.wrong for each in judged), len(judged)) if judged else None

    @property
    def unread(self) -> list[str]:
        """Why images could not be read, a line each."""
        return [each.why for each in self.every if each.why]

    def sheet(self) -> Sheet:
        """The table: a row an image, the first of many."""
        read = [each for each in self.every if not each.why]
        judged, shown = self.accuracy is not None, min(SHOWN, len(self.classes))
        titles = [title for rank in ("class", "2nd", "3rd")[:shown] for title in (rank, "p")]
        columns = ["image", *(["folder"] if judged else []), *titles]
        rows = [_row(each, judged, shown) for each in read[:ROWS]]
        return Sheet(self.heading, columns, rows, self.notice, [*self._notes(read)])

    def _notes(self, read: list[Answer]) -> list[str]:
        notes = [f"{len(read) - ROWS:,} more; OUT= has all."] if len(read) > ROWS else []
        if len(read) > 1:
            counted = Counter(each.likely[0][0] for each in read)
            # Names may be numbers.
            notes.append("Images: " + ", ".join(f"{counted[name]:,} of {name}" for name in sorted(counted)) + ".")
        if self.accuracy:
            right, judged = self.accuracy
            notes.append(f"Accuracy {right / judged:.4f}: {right:,} of {judged:,} are what their folders are called.")
        return notes

    def record(self) -> dict[str, Any]:
        """What the JSON file says."""
        said: dict[str, Any] = {"network": self.heading, "notice": self.notice, "classes": self.classes}
        if self.accuracy:
            said["accuracy"] = self.accuracy[0] / self.accuracy[1]
        return said | {"images": [_record(each) for each in self.every]}


def _row(answer: Answer, judged: bool, shown: int) -> list[str]:
    told = [cell for name, share in answer.likely[:shown] for cell in (name, f"{share:.3f}")]
    return [answer.name, *([answer.truth or BLANK] if judged else []), *told]


def _record(answer: Answer) -> dict[str, Any]:
    if answer.why:
        return {"image": answer.name, "error": answer.why}
    likely = [{"class": name, "probability": round(share, 6)} for name, share in answer.likely]
    return {"image": answer.name, **({"folder": answer.truth} if answer.truth else {}), **likely[0], "likely": likely}
