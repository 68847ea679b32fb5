"""Pascal VOC's layout: an XML file an image, and lists of names in ImageSets/Main where there are any.

Boxes are as in Pascal VOC: the corners are pixels that belong to the object, and the first pixel is 1. What is
`difficult` counts neither way, as in its own scores.
"""

import xml.etree.ElementTree as ElementTree
from collections.abc import Iterable
from pathlib import Path

from evolve.base.errors import UserError, said
from evolve.base.progress import Report
from evolve.datasets import annotation_files
from evolve.datasets.detection import SPLITS, Box, Photo
from evolve.datasets.image_file import there
from evolve.datasets.layouts import lists
from evolve.datasets.layouts.folder import Layout
from evolve.datasets.layouts.images import Images, Stems, listed
from evolve.datasets.layouts.places import UNSPLIT, Kept, Place, below, once, places
from evolve.datasets.split_names import split_of

LISTS = Path("ImageSets") / "Main"
BOTH = "trainval"  # Pascal VOC's list of train and val together
ROOT = "annotation"
KEPT = Kept(".xml", ("annotations", "annotation", "xml", "xmls", "labels"))
SHOWN = 40  # letters of what should be a number


def files(root: Path) -> Iterable[Path]:
    """All annotations and lists."""
    annotations = (file for place in places(root, KEPT).values() for file in listed(place.annotations, KEPT.suffix))
    return [*annotations, *_lists(root)]


def photos(root: Path, report: Report) -> dict[str, list[Photo]]:
    """The images of ImageSets/Main's lists, else of each split's folder, else all. UserError for a file that is wrong.

    Where there are lists, images that none of them names are left out.
    """
    found = places(root, KEPT)
    every = {place.images: Images(place.images) for place in found.values()}
    if set(found) == {""} and (named := _listed_splits(root)):
        place = found[""]
        images, xmls, splits = every[place.images], annotations(place), {}
        for split, file in named.items():
            known = lists.names(file, lambda name: there(_annotations(xmls, name)))
            splits[split] = [photo(xmls, images, name, where) for name, where in known]
        _check_apart(splits, named)
        return splits
    return {split: _unlisted(place, every[place.images], report) for split, place in found.items()}


def _unlisted(place: Place, images: Images, report: Report) -> list[Photo]:
    """Every image that has annotations there."""
    xmls = annotations(place)
    found = [photo(xmls, images, file.stem, str(file)) for file in listed(place.annotations, KEPT.suffix)]
    if words := images.unlabelled(found):
        report(words)
    return found


def annotations(place: Place) -> Stems:
    """The XML files there."""
    return Stems(place.annotations, KEPT.suffix)


def photo(xmls: Stems, images: Images, name: str, where: str) -> Photo:
    """The image of that name and its boxes; ``where`` is what names it, a list's line. UserError."""
    file = _annotations(xmls, name)
    tree = _tree(file, where)
    boxes = [_box(file, n, each) for n, each in enumerate(tree.iter("object"), 1)]
    image = images.of(name, str(file), (tree.findtext("filename") or "").strip())
    return Photo(image, boxes, str(file), _size(file, tree))


def _annotations(xmls: Stems, name: str) -> Path:
    return xmls.one(name) or xmls.folder / f"{name}{KEPT.suffix}"


def _lists(root: Path) -> list[Path]:
    """Every list in ImageSets/Main, those of one class among them."""
    folder: Path | None = root
    for name in LISTS.parts:
        folder = below(folder).get(name.lower()) if folder else None
    return listed(folder, ".txt") if folder else []


def _listed_splits(root: Path) -> dict[str, Path]:
    """The list of each split, whatever its capitals: CVAT writes Train.txt. {} where there are none.

    Pascal VOC's list of both is what is trained on, unless each of the two has its own; CVAT's of no split where
    others have one and nothing else is to be trained on.
    """
    found: dict[str, Path] = {}
    others: dict[str, Path] = {}
    for file in _lists(root):
        if split := split_of(file.stem):
            once(found, split, file, file)
        others[file.stem.lower()] = file
    if BOTH in others and not {"train", "val"} <= set(found):
        found["train"] = others[BOTH]
    elif UNSPLIT in others and found:
        found.setdefault("train", others[UNSPLIT])
    return {split: found[split] for split in SPLITS if split in found}


def _box(file: Path, number: int, entry: ElementTree.Element) -> Box:
    where = f"{file}: object {number}"
    name = (entry.findtext("name") or "").strip()
    corners = entry.find("bndbox")
    if not name or corners is None:
        raise UserError(f"{where}: expected a name and a bndbox, got {'no bndbox' if name else 'no name'}; correct it")
    x1, y1, x2, y2 = (_number(where, corners, tag) for tag in ("xmin", "ymin", "xmax", "ymax"))
    truncated, difficult = (
        (entry.findtext(tag) or "0").strip().lower() in ("1", "true") for tag in ("truncated", "difficult")
    )
    return Box(
        x1 - 1, y1 - 1, x2 - x1 + 1, y2 - y1 + 1, name, where, truncated=float(truncated), difficult=difficult
    )


def _number(where: Path | str, entry: ElementTree.Element, tag: str) -> float:
    word = (entry.findtext(tag) or "").strip()
    try:
        return float(word)
    except ValueError:
        raise UserError(f"{where}: expected a number for {tag}, got '{word[:SHOWN]}'; correct it") from None


def _size(file: Path, tree: ElementTree.Element) -> tuple[int, int] | None:
    """(width, height) of the image; None where it does not tell, or has zeros, as of tools that did not look."""
    size = tree.find("size")
    if size is None or not any(_number(file, size, tag) for tag in ("width", "height")):
        return None
    return _pixels(file, size, "width"), _pixels(file, size, "height")


def _pixels(file: Path, size: ElementTree.Element, tag: str) -> int:
    number = _number(file, size, tag)
    if not (number.is_integer() and number > 0):
        raise UserError(f"{file}: expected a whole number of pixels for {tag}, got {number:g}; correct it")
    return int(number)


class _Plain(ElementTree.TreeBuilder):
    """Elements by their names alone, in small letters, whatever namespace they are in.

    Annotations need no DOCTYPE, and one can name other files, or grow in memory until there is none left.
    """

    def start(self, tag: str, attributes: dict[str, str]) -> ElementTree.Element:  # type: ignore[override]
        return super().start(_plain(tag), attributes)

    def end(self, tag: str) -> ElementTree.Element:
        return super().end(_plain(tag))

    def doctype(self, name: str, pubid: str | None, system: str | None) -> None:
        raise ValueError("a DOCTYPE, whose entities are not read")


def _plain(tag: str) -> str:
    return tag.rpartition("}")[2].lower()


def _tree(file: Path, where: str) -> ElementTree.Element:
    try:
        parser = ElementTree.XMLParser(target=_Plain())
        tree = ElementTree.fromstring(annotation_files.content(file), parser)
    except FileNotFoundError:
        raise UserError(f"{where}: expected its annotations {file}, got no such file; bring it, or unlist it") from None
    except (OSError, ValueError, LookupError, ElementTree.ParseError) as error:
        raise UserError(f"{file}: expected annotations in XML, got: {said(error)}; replace it") from None
    if tree.tag != ROOT:
        raise UserError(f"{file}: expected <{ROOT}> of Pascal VOC, got <{tree.tag[:SHOWN]}>; export it as Pascal VOC")
    return tree


def _check_apart(splits: dict[str, list[Photo]], named: dict[str, Path]) -> None:
    """UserError for an image in two splits: its score would be that of a pupil who knows the answers."""
    seen: dict[Path, str] = {}
    for split, those in splits.items():
        for each in those:
            if (first := seen.setdefault(each.file, split)) != split:
                raise UserError(
                    f"{named[split]}: expected images that are not in {named[first].name}, got "
                    f"{each.file.stem} in both; take it out of one"
                )


LAYOUT = Layout("a Pascal VOC folder", "Annotations and JPEGImages", files, photos)
