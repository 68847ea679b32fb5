"""Every class name in the annotations is wanted, or said to be dontcare, or an error: none is lost in silence."""

import difflib
from collections import Counter

from datasets.boxes import Photos
from datasets.detection import Detection
from evolve.errors import UserError

DONTCARE = 0


def ids(wanted: Detection) -> dict[str, int]:
    """Class id by name: 1, 2 ... in the order of the list, 0 for what is dontcare."""
    return {name: DONTCARE for name in wanted.dontcare} | {name: i for i, name in enumerate(wanted.classes, 1)}


def check(name: str, photos: Photos, wanted: Detection) -> None:
    """UserError for a name in neither list (with file and line), and for a class that the train split has not.

    A split with no box of any class to learn or to score is an error too.
    """
    known = ids(wanted)
    found = {split: Counter(box.name for photo in those for box in photo.boxes) for split, those in photos.items()}
    every = sum(found.values(), Counter[str]())
    ranked = sorted(every.items(), key=lambda each: (-each[1], each[0]))
    held = ", ".join(f"{spelt} ({count})" for spelt, count in ranked) or "no boxes at all"
    for those in photos.values():
        for photo in those:
            for box in photo.boxes:
                if box.name not in known:
                    raise UserError(_unknown(box.where, box.name, wanted, held, every[box.name]))
    for split, counts in found.items():
        if not any(counts[wanted_class] for wanted_class in wanted.classes):
            raise UserError(
                f"data set '{name}': expected boxes of {', '.join(wanted.classes)} in its {split} split, got none; "
                f"the whole set holds {held}"
            )
    for wanted_class in wanted.classes:
        if not found["train"][wanted_class]:
            raise UserError(
                f"data set '{name}': expected boxes of class '{wanted_class}' in its train split, got none; "
                f"the whole set holds {held}"
            )


def _unknown(where: str, spelt: str, wanted: Detection, held: str, count: int) -> str:
    listed = [*wanted.classes, *wanted.dontcare]
    folded = {name.lower(): name for name in listed}
    near = difflib.get_close_matches(spelt.lower(), folded, n=1)
    advice = f"write '{spelt}' for '{folded[near[0]]}'" if near else f"list '{spelt}'"
    return (
        f"{where}: expected a class of {', '.join(listed)}, got '{spelt}' ({count} boxes); {advice} in the classes "
        f"or in dontcare; the whole set holds {held}"
    )
