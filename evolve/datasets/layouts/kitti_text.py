"""KITTI's text form, a .txt an image with a line an object, in any folder; DIGITS keeps its sets so.

The benchmark itself, whose devkit says which drive an image is of, is the data set `kitti`.
"""

from collections.abc import Iterable, Iterator
from pathlib import Path

from evolve.base.counted import counted
from evolve.base.errors import UserError
from evolve.base.progress import Report
from evolve.datasets.annotation_files import original_text
from evolve.datasets.detection import Box, Photo
from evolve.datasets.layouts.folder import Layout
from evolve.datasets.layouts.images import Images, listed
from evolve.datasets.layouts.places import Kept, Place, places
from evolve.datasets.raw_file import REPLACE

KEPT = Kept(".txt", ("labels", "label_2", "label", "annotations"))
FIELDS = 15
NO_OBJECT = ("DontCare", "dontcare")  # KITTI's word, and what DIGITS makes of it
SHOWN = 200  # letters of a line that is wrong


def files(root: Path) -> Iterable[Path]:
    """All label files."""
    return [file for place in places(root, KEPT).values() for file in listed(place.annotations, KEPT.suffix)]


def photos(root: Path, report: Report) -> dict[str, list[Photo]]:
    """Every image that has a label file, of each split's folder. UserError for a file that is wrong."""
    return {split: _photos(place, report) for split, place in places(root, KEPT).items()}


def _photos(place: Place, report: Report) -> list[Photo]:
    images, labels = Images(place.images), listed(place.annotations, KEPT.suffix)
    found = [Photo(images.of(file.stem, str(file)), list(boxes(file)), str(file)) for file in labels]
    if words := images.unlabelled(found):
        report(words)
    return found


def boxes(file: Path) -> Iterator[Box]:
    """The boxes of a label file, DontCare among them; UserError with file and line for one that is wrong."""
    for number, line in enumerate(original_text(file).splitlines(), 1):
        if not line.strip():
            continue
        name, *words = line.split()
        where = f"{file}:{number}"
        try:
            if len(words) != FIELDS - 1 or any("_" in word for word in words):  # float takes 1_0 for 10
                raise ValueError
            numbers = [float(word) for word in words]
        except ValueError:
            raise UserError(
                f"{where}: expected a type and {FIELDS - 1} numbers, got '{line.strip()[:SHOWN]}' "
                f"({counted(len(words) + 1, 'field')}); {REPLACE}"
            ) from None
        truncated, occlusion, alpha, x1, y1, x2, y2, height, width, length, locx, locy, locz, roty = numbers
        yield Box(
            x1, y1, x2 - x1, y2 - y1, name, where, alpha, roty=roty, truncated=truncated, occlusion=occlusion,
            length=length, width=width, height=height, locx=locx, locy=locy, locz=locz,
        )  # fmt: skip


LAYOUT = Layout("a folder in KITTI's text form", "images, and labels of KITTI's text form", files, photos, NO_OBJECT)
