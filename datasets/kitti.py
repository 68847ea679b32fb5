"""KITTI's object detection benchmark: training/image_2, training/label_2, and the devkit's mapping to drives.

The split is DIGITS's: drives of 09_26 whose number is 18 or less are val, all others train, so that no drive is in
both. The mapping says which drive an image comes from (devkit_object.zip, unpacked beside training/).
"""

import re
from pathlib import Path

from evolve.base.errors import UserError
from evolve.base.progress import Report
from evolve.datasets import Detection, DetectionSource, Photo, Photos
from evolve.datasets.annotation_files import folder_with, missing, original_text, state_of
from evolve.datasets.layouts import kitti_text
from evolve.datasets.raw_file import REPLACE

LABELS = Path("training") / "label_2"
IMAGES = Path("training") / "image_2"
MAPPINGS = (Path("mapping"), Path("devkit_object") / "mapping", Path("devkit") / "mapping")
SIZE = 1242, 375  # pixels of most images; the others differ by a few
DIGITS = 9  # of a line's number, which is below a thousand million
SHOWN = 200  # letters of a line that is wrong
TYPES = ("Car", "Van", "Truck", "Pedestrian", "Person_sitting", "Cyclist", "Tram", "Misc", "DontCare")
VAL_DATE, VAL_LAST = "09_26", 18
_DRIVE = re.compile(r"\s*\S+\s+\d{4}_(\d\d_\d\d)_drive_(\d{4})_sync\s+\d+\s*")


def find(*, wanted: Detection, seed: int, raw: Path) -> Path | None:
    """The folder that holds training/label_2."""
    return folder_with(str(LABELS), "kitti", raw)


def state(root: Path) -> str:
    """Of all label files, and of the mapping, which splits them."""
    mappings = (file for folder in MAPPINGS for file in (root / folder).glob("train_*.txt"))
    return state_of(root, [*(root / LABELS).glob("*.txt"), *mappings])


def load(*, wanted: Detection, seed: int, raw: Path, report: Report) -> Photos:
    """Every labelled image, in the order of its number; UserError for a label file or a mapping that is wrong."""
    root = find(wanted=wanted, seed=seed, raw=raw)
    if root is None:
        raise missing("KITTI", str(LABELS), "kitti", raw, "bring it from cvlibs.net")
    val = _val_images(root)
    splits: dict[str, list[Photo]] = {"train": [], "val": []}
    for file in sorted((root / LABELS).glob("*.txt")):
        if not file.stem.isdecimal() or int(file.stem) >= len(val):
            raise UserError(f"{file}: expected a number below {len(val)} for a name, as in the mapping; take it out")
        splits["val" if val[int(file.stem)] else "train"].append(
            Photo(root / IMAGES / f"{file.stem}.png", list(kitti_text.boxes(file)), str(file))
        )
    for split, those in splits.items():
        if not those:
            raise UserError(f"{root / LABELS}: expected label files of both splits, got none of {split}")
    return splits


def _val_images(root: Path) -> list[bool]:
    """For each image number, whether its drive is one of val."""
    folder = next((root / each for each in MAPPINGS if (root / each).is_dir()), None)
    if folder is None:
        raise UserError(
            f"{root}: expected mapping/train_mapping.txt and train_rand.txt of devkit_object.zip, got neither; "
            "without the drives the split cannot be made: unpack it there"
        )
    lines = original_text(folder / "train_mapping.txt").splitlines()
    numbers = [word.strip() for word in original_text(folder / "train_rand.txt").split(",") if word.strip()]
    return [_is_val(folder, lines, number) for number in numbers]


def _is_val(folder: Path, lines: list[str], number: str) -> bool:
    if not number.isdecimal() or len(number) > DIGITS or not 1 <= int(number) <= len(lines):
        raise UserError(
            f"{folder / 'train_rand.txt'}: expected lines 1 to {len(lines)} of train_mapping.txt, got "
            f"'{number[:SHOWN]}'; replace both with the original files"
        )
    drive = _DRIVE.fullmatch(lines[int(number) - 1])
    if not drive:
        raise UserError(
            f"{folder / 'train_mapping.txt'}:{number}: expected date, drive and frame, got '{lines[int(number) - 1]}'; "
            f"{REPLACE}"
        )
    return drive[1] == VAL_DATE and int(drive[2]) <= VAL_LAST


SOURCE = DetectionSource("KITTI", ("Car",), TYPES, find, state, load, kitti_size=SIZE, shared=True)
