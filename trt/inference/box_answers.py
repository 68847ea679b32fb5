"""What a generation finds on images, box by box: as a table, and as a record for JSON."""

from collections import Counter
from dataclasses import dataclass, field
from typing import Any

from evolve.base.sheet import Sheet

ROWS = 40  # boxes in a table


@dataclass(frozen=True)
class Found:
    """An object of class `name`: left and top edge, width and height in pixels of the image; confidence as DetectNet's.

    That is ln of the cells that agree.
    """

    name: str
    x: float
    y: float
    w: float
    h: float
    confidence: float

    @property
    def box(self) -> tuple[float, float, float, float]:
        """x, y, w, h."""
        return self.x, self.y, self.w, self.h


@dataclass(frozen=True)
class Answer:
    """What was found on the image called `name`, the most confident first; `why` it could not be read, or ""."""

    name: str
    size: tuple[int, int] = (0, 0)  # width, height
    found: list[Found] = field(default_factory=list)
    why: str = ""


@dataclass(frozen=True)
class Answers:
    """Of all images; `heading` says what looked at them."""

    heading: str
    notice: str
    classes: list[str]
    every: list[Answer]

    @property
    def unread(self) -> list[str]:
        """Why images could not be read, a line each."""
        return [each.why for each in self.every if each.why]

    def sheet(self) -> Sheet:
        """The table: a row a box, the first of many."""
        every = [(answer, one) for answer in self.every for one in answer.found]
        columns = ["image", "class", "x", "y", "width", "height", "confidence"]
        rows = [
            [answer.name, one.name, *(f"{length:.0f}" for length in one.box), f"{one.confidence:.2f}"]
            for answer, one in every[:ROWS]
        ]
        counted = Counter(one.name for _, one in every)
        of_classes = ", ".join(f"{name} {counted[name]:,}" for name in self.classes)
        notes = [f"{len(every) - ROWS:,} more; OUT= has all."] if len(every) > ROWS else []
        images = len(self.every) - len(self.unread)
        notes.append(f"Found on {images:,} image{'s' * (images != 1)}: {of_classes}.")
        notes.append("Lengths in pixels; confidence: ln of the cells that agree.")
        return Sheet(self.heading, columns, rows, self.notice, notes)

    def record(self) -> dict[str, Any]:
        """What the JSON file says."""
        said = {"network": self.heading, "notice": self.notice, "classes": self.classes}
        return said | {"images": [_record(each) for each in self.every]}


def _record(answer: Answer) -> dict[str, Any]:
    if answer.why:
        return {"image": answer.name, "error": answer.why}
    width, height = answer.size
    boxes = [
        {"class": one.name, "confidence": round(one.confidence, 4)}
        | {name: round(length, 1) for name, length in zip("xywh", one.box, strict=True)}
        for one in answer.found
    ]
    return {"image": answer.name, "width": width, "height": height, "boxes": boxes}
