"""YOLO's layout: a .txt an image, each line a class's number and a box in fractions of the image, and the names apart.

An image without a .txt has no boxes, as in Ultralytics' own reading.
"""

from collections.abc import Iterable, Iterator
from pathlib import Path

from evolve.base.errors import UserError, said
from evolve.base.progress import Report
from evolve.datasets import annotation_files
from evolve.datasets.detection import Box, Photo
from evolve.datasets.image_file import there
from evolve.datasets.layouts import class_names, lists
from evolve.datasets.layouts.folder import Layout
from evolve.datasets.layouts.images import Images, listed
from evolve.datasets.layouts.places import Kept, Place, once, places
from evolve.datasets.split_names import split_of

KEPT = Kept(".txt", ("labels", "label", "obj_train_data", "annotations"))
FIELDS = 5
SLACK = 0.01  # by which rounding may take a fraction beyond 1
SHOWN = 200  # letters of a line that is wrong


def files(root: Path) -> Iterable[Path]:
    """All label files, the names, lists, and the folders of images: one more there is one more without boxes."""
    found = places(root, KEPT).values()
    folders = {folder for place in found for folder in (place.annotations, place.images)}
    labels = [file for place in found for file in listed(place.annotations, KEPT.suffix)]
    names = class_names.file_of(root, *sorted(folders))
    return {*labels, *folders, *([names] if names else []), *_lists(root).values()} if found else []


def photos(root: Path, report: Report) -> dict[str, list[Photo]]:
    """The images of root's lists, else of each split's folder, else all. UserError for a file that is wrong."""
    found = places(root, KEPT)
    if not found:
        return {}
    file = class_names.file_of(root, *(place.annotations for place in found.values()))
    if file is None:
        wanted = "a data.yaml, classes.txt or obj.names with the classes' names"
        raise UserError(f"{root}: expected {wanted}, got none; write one")
    names = class_names.read(file)
    if set(found) == {""} and (named := _lists(root)):
        return {split: list(_listed(root, each, found[""], names)) for split, each in named.items()}
    return {split: list(_photos(place, names)) for split, place in found.items()}


def _photos(place: Place, names: list[str]) -> Iterator[Photo]:
    images = Images(place.images)
    labels = {file.stem: file for file in listed(place.annotations, KEPT.suffix) if _is_label(file)}
    for stem in sorted({*images.stems(), *labels}):
        file = labels.get(stem, place.annotations / f"{stem}{KEPT.suffix}")
        yield _photo(images.of(stem, str(file)), file, names)


def _listed(root: Path, file: Path, place: Place, names: list[str]) -> Iterator[Photo]:
    """The images that a list of Darknet's names by their paths, of which what is before the folder does not count."""
    for line, where in lists.names(file, known=bool):
        parts = Path(line.replace("\\", "/")).parts
        ends = (Path(*parts[start:]) for start in range(len(parts)) if ".." not in parts[start:])
        image = next(filter(there, (root / end for end in ends if not end.is_absolute())), None)
        if image is None:
            raise UserError(f"{where}: expected an image below {root}, got '{line[:SHOWN]}'; bring it or unlist it")
        yield _photo(image, place.annotations / f"{image.stem}{KEPT.suffix}", names)


def _photo(image: Path, file: Path, names: list[str]) -> Photo:
    return Photo(image, list(boxes(file, names)) if there(file) else [], str(file), relative=True)


def boxes(file: Path, names: list[str]) -> Iterator[Box]:
    """The boxes of a label file, in fractions of the image. UserError with file and line for one that is wrong."""
    for number, line in enumerate(_text(file).splitlines(), 1):
        words, where = line.split(), f"{file}:{number}"
        if not words:
            continue
        try:
            if len(words) != FIELDS or any("_" in word for word in words):  # float takes 1_0 for 10
                raise ValueError
            kind, x, y, w, h = map(float, words)
        except ValueError:
            remedy = "write numbers with points" if "," in line else "export boxes, neither outlines nor scores"
            raise UserError(
                f"{where}: expected a class's number and four fractions, got '{line.strip()[:SHOWN]}' ({len(words)} "
                f"fields); {remedy}"
            ) from None
        if not all(-SLACK <= each <= 1 + SLACK for each in (x, y, w, h)):
            got = line.strip()[:SHOWN]
            raise UserError(f"{where}: expected fractions of the image, 0 to 1, got '{got}'; correct it")
        if not (kind.is_integer() and 0 <= kind < len(names)):
            raise UserError(f"{where}: expected a class of 0 to {len(names) - 1}, got {words[0][:SHOWN]}; correct it")
        yield Box(x - w / 2, y - h / 2, w, h, names[int(kind)], where)


def _lists(root: Path) -> dict[str, Path]:
    """Darknet's lists of images, train.txt and so on."""
    found: dict[str, Path] = {}
    for file in listed(root, KEPT.suffix):
        if split := split_of(file.stem):
            once(found, split, file, file)
    return found


def _is_label(file: Path) -> bool:
    return not class_names.is_names(file) and not split_of(file.stem)


def _text(file: Path) -> str:
    try:
        return annotation_files.text(file)
    except (OSError, UnicodeDecodeError) as error:
        raise UserError(
            f"{file}: expected a text file, got: {said(error)}; replace it with the original file"
        ) from None


LAYOUT = Layout("a folder in YOLO's text form", "images, and labels of YOLO's text form", files, photos)
