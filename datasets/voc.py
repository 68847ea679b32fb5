"""Any folder in Pascal VOC's form: Annotations/*.xml, JPEGImages, and lists of names in ImageSets/Main.

Boxes are as in Pascal VOC: the corners are pixels that belong to the object, and the first pixel is 1.
"""

import xml.etree.ElementTree as ElementTree
from collections.abc import Iterator
from pathlib import Path

from evolve.base.errors import UserError
from evolve.base.progress import Report
from evolve.datasets import Box, Detection, DetectionSource, Photo, Photos, annotation_files, image_file
from evolve.datasets.annotation_files import folder_with, missing, state_of
from evolve.datasets.detection import SPLITS

ANNOTATIONS = "Annotations"
IMAGES = "JPEGImages"
LISTS = Path("ImageSets") / "Main"
SHOWN = 40  # letters of what should be a number


def find(*, wanted: Detection, seed: int, raw: Path) -> Path | None:
    """The folder named by ``wanted.folder``: a path of its own, or one among the raw data."""
    if not wanted.folder:
        raise UserError("data set 'voc': expected a folder, got none; name one that holds Annotations and JPEGImages")
    own = Path(wanted.folder)
    if own.is_absolute():
        return own if (own / ANNOTATIONS).is_dir() else None
    root = folder_with(str(own / ANNOTATIONS), "voc", raw)
    return root / own if root else None


def state(root: Path) -> str:
    """Of all annotations and lists."""
    return state_of(root, [*(root / ANNOTATIONS).glob("*.xml"), *(root / LISTS).glob("*.txt")])


def load(*, wanted: Detection, seed: int, raw: Path, report: Report) -> Photos:
    """The images of train.txt, val.txt and, where there is one, test.txt. UserError for a file that is wrong."""
    root = find(wanted=wanted, seed=seed, raw=raw)
    if root is None:
        entry = str(Path(wanted.folder) / ANNOTATIONS)
        raise missing(f"'{wanted.folder}'", entry, "voc", raw, "bring the folder")
    splits = {}
    for split in SPLITS:
        file = root / LISTS / f"{split}.txt"
        if split != "test" or file.exists():
            splits[split] = [photo(root, name, where) for name, where in _names(file)]
    _check_apart(root, splits)
    return splits


def photo(root: Path, name: str, where: str) -> Photo:
    """The image of that name and its boxes; ``where`` is the list's line that names it."""
    file = root / ANNOTATIONS / f"{name}.xml"
    tree = _tree(file, where)
    size = tree.find("size")
    sides = None if size is None else (_pixels(file, size, "width"), _pixels(file, size, "height"))
    boxes = [_box(file, n, each) for n, each in enumerate(tree.iter("object"), 1)]
    return Photo(_image(root / IMAGES, tree, name), boxes, str(file), sides)


def _image(folder: Path, tree: ElementTree.Element, name: str) -> Path:
    """What filename says is often the name before somebody renamed the lot; an image elsewhere is none of these."""
    told = Path((tree.findtext("filename") or "").strip())
    inside = not told.is_absolute() and ".." not in told.parts
    return folder / told if inside and image_file.there(folder / told) else folder / f"{name}.jpg"


def _box(file: Path, number: int, entry: ElementTree.Element) -> Box:
    where = f"{file}: object {number}"
    name = (entry.findtext("name") or "").strip()
    corners = entry.find("bndbox")
    if not name or corners is None:
        raise UserError(f"{where}: expected a name and a bndbox, got {'no bndbox' if name else 'no name'}; correct it")
    x1, y1, x2, y2 = (_number(where, corners, tag) for tag in ("xmin", "ymin", "xmax", "ymax"))
    truncated = float((entry.findtext("truncated") or "0").strip() == "1")
    return Box(x1 - 1, y1 - 1, x2 - x1 + 1, y2 - y1 + 1, name, where, truncated=truncated)


def _number(where: Path | str, entry: ElementTree.Element, tag: str) -> float:
    word = (entry.findtext(tag) or "").strip()
    try:
        return float(word)
    except ValueError:
        raise UserError(f"{where}: expected a number for {tag}, got '{word[:SHOWN]}'; correct it") from None


def _pixels(file: Path, size: ElementTree.Element, tag: str) -> int:
    number = _number(file, size, tag)
    if not (number.is_integer() and number > 0):
        raise UserError(f"{file}: expected a whole number of pixels for {tag}, got {number:g}; correct it")
    return int(number)


class _WithoutEntities(ElementTree.TreeBuilder):
    """Annotations need no DOCTYPE, and one can name other files, or grow in memory until there is none left."""

    def doctype(self, name: str, pubid: str | None, system: str | None) -> None:
        raise ValueError("a DOCTYPE, whose entities are not read")


def _tree(file: Path, where: str) -> ElementTree.Element:
    try:
        parser = ElementTree.XMLParser(target=_WithoutEntities())
        return ElementTree.fromstring(annotation_files.content(file), parser)
    except FileNotFoundError:
        raise UserError(f"{where}: expected its annotations {file}, got no such file; bring it, or unlist it") from None
    except (OSError, ValueError, LookupError, ElementTree.ParseError) as error:
        raise UserError(f"{file}: expected annotations in XML, got: {error}; replace it") from None


def _names(file: Path) -> Iterator[tuple[str, str]]:
    """Each listed name, and file and line that list it."""
    try:
        lines = annotation_files.text(file).splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise UserError(f"{file}: expected a list of images, one a line, got: {error}; write one") from None
    for number, line in enumerate(lines, 1):
        if line.strip():
            yield line.split()[0], f"{file}:{number}"


def _check_apart(root: Path, splits: Photos) -> None:
    """UserError for an image in two splits: its score would be that of a pupil who knows the answers."""
    seen: dict[Path, str] = {}
    for split, photos in splits.items():
        for each in photos:
            if (first := seen.setdefault(each.file, split)) != split:
                raise UserError(
                    f"{root / LISTS / split}.txt: expected images that are not in {first}.txt, got "
                    f"{each.file.stem} in both; take it out of one"
                )


SOURCE = DetectionSource("a Pascal VOC folder", (), (), find, state, load, uses=frozenset({"folder"}))
