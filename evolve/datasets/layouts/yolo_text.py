"""YOLO's layout: a .txt an image, each line a class's number and a box in fractions of the image, and the names apart.

An image without a .txt has no boxes, as in Ultralytics' own reading.
"""

from collections.abc import Iterable, Iterator
from functools import cache, partial
from pathlib import Path

from evolve.base.errors import UserError
from evolve.base.progress import Report
from evolve.datasets.annotation_files import original_text
from evolve.datasets.detection import Box, Photo
from evolve.datasets.file_names import Finder
from evolve.datasets.image_file import there
from evolve.datasets.layouts import class_names, lists
from evolve.datasets.layouts.folder import Layout
from evolve.datasets.layouts.images import Images, Stems, listed
from evolve.datasets.layouts.places import Kept, Place, once, places
from evolve.datasets.split_names import split_of

DARKNETS = ("images", "jpegimages")  # folders of images for which Darknet looks in `labels`
KEPT = Kept(".txt", ("labels", "label", "obj_train_data", "annotations"))
FIELDS = 5
SLACK = 0.01  # by which rounding may take a fraction beyond 1
LONGEST = 4096  # letters of a path that Linux opens
SHOWN = 200  # letters of a line that is wrong


def files(root: Path) -> Iterable[Path]:
    """All label files, the names, lists, and the folders of images: one more there is one more without boxes."""
    found = places(root, KEPT)
    folders = _folders(root, found)
    labels = [file for folder in folders for file in listed(folder, KEPT.suffix)]
    names = class_names.file_of(root, *folders)
    return {*labels, *folders, *([names] if names else []), *_lists(root).values()} if found else []


def photos(root: Path, report: Report) -> dict[str, list[Photo]]:
    """The images of root's lists, else of each split's folder, else all. UserError for a file that is wrong."""
    found = places(root, KEPT)
    if not found:
        return {}
    file = class_names.file_of(root, *_folders(root, found))
    if file is None:
        wanted = "a data.yaml, classes.txt or obj.names with the classes' names"
        raise UserError(f"{root}: expected {wanted}, got none; write one")
    names = class_names.read(file)
    if named := _named(root, found):
        splits = {split: list(_listed(root, each, found[""], names)) for split, each in named.items()}
        _check_apart(photo for those in splits.values() for photo in those)
        return splits
    return {split: list(_photos(place, names)) for split, place in found.items()}


def _folders(root: Path, found: dict[str, Place]) -> list[Path]:
    """Where labels and images lie, labels first."""
    finder = Finder()
    folders = [place.annotations for place in found.values()] + [place.images for place in found.values()]
    for file in _named(root, found).values():
        listed_images = (_image(root, line, finder) for line, _ in lists.names(file, known=bool))
        for folder in {image.parent for image in listed_images if image}:
            folders += _label_folders(root, folder, found[""])
    return [folder for folder in dict.fromkeys(folders) if folder.is_dir()]


def _named(root: Path, found: dict[str, Place]) -> dict[str, Path]:
    """The lists of the splits; {} where folders split."""
    return _lists(root) if set(found) == {""} else {}


def _photos(place: Place, names: list[str]) -> Iterator[Photo]:
    images, labels = Images(place.images), Stems(place.annotations, KEPT.suffix)
    labelled = (stem for stem in labels.stems() if any(map(_is_label, labels.called(stem))))
    for stem in sorted({*images.stems(), *labelled}):
        file = labels.one(stem)
        where = str(file or place.annotations / f"{stem}{KEPT.suffix}")
        yield Photo(images.of(stem, where), _boxes(file, names), where, relative=True)


def _listed(root: Path, file: Path, place: Place, names: list[str]) -> Iterator[Photo]:
    """The images that a list of Darknet's names by their paths, of which what is before the folder does not count."""
    folders = cache(partial(_label_folders, root, place=place))
    images, labels, finder = cache(Images), cache(lambda folder: Stems(folder, KEPT.suffix)), Finder()
    for line, where in lists.names(file, known=bool):
        image = _image(root, line, finder)
        if image is None:
            raise UserError(f"{where}: expected an image below {root}, got '{line[:SHOWN]}'; bring it or unlist it")
        # What lies beside an image of the same name is that one's.
        looked = (each for each in folders(image.parent) if each == image.parent or not images(each).called(image.stem))
        label = next(filter(None, (labels(folder).one(image.stem) for folder in looked)), None)
        yield Photo(image, _boxes(label, names), str(label or where), relative=True)


def _image(root: Path, line: str, finder: Finder) -> Path | None:
    """The image that a list's line names; None where it is not there."""
    parts = Path(line.replace("\\", "/")).parts if len(line) <= LONGEST else ()
    ends = (Path(*parts[start:]) for start in range(len(parts)) if ".." not in parts[start:])
    found = next(filter(None, (finder.find(root, str(end)) for end in ends if not end.is_absolute())), None)
    return Path(found) if found else None


def _label_folders(root: Path, folder: Path, place: Place) -> list[Path]:
    """Where the labels of a folder's listed images may lie: beside them, where Darknet looks, in the folder of all."""
    parts = list(folder.relative_to(root).parts)
    for number in reversed(range(len(parts))):
        if parts[number].lower() in DARKNETS:
            return [folder, root.joinpath(*parts[:number], "labels", *parts[number + 1 :]), place.annotations]
    return [folder, place.annotations]


def _check_apart(photos: Iterable[Photo]) -> None:
    """UserError for labels that would be those of two images."""
    first: dict[str, Path] = {}
    for photo in photos:
        if (file := first.setdefault(photo.where, photo.file)) != photo.file:
            got = f"got {file} and {photo.file}, both listed"
            raise UserError(f"{photo.where}: expected labels of one image, {got}; put the labels of each beside it")


def _boxes(file: Path | None, names: list[str]) -> list[Box]:
    return list(boxes(file, names)) if file and there(file) else []


def boxes(file: Path, names: list[str]) -> Iterator[Box]:
    """The boxes of a label file, in fractions of the image. UserError with file and line for one that is wrong."""
    for number, line in enumerate(original_text(file).splitlines(), 1):
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


LAYOUT = Layout("a folder in YOLO's text form", "images, and labels of YOLO's text form", files, photos)
