"""COCO's layout: one JSON file a split with images, categories and annotations; images lie beside it or in a folder.

`iscrowd` marks what counts neither way, as in COCO's own scores. Masks, keypoints and captions are not read.
"""

import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, TypeVar

from evolve.base.errors import UserError
from evolve.base.progress import Report
from evolve.datasets import annotation_files
from evolve.datasets.detection import Box, Photo
from evolve.datasets.file_names import Finder
from evolve.datasets.layouts.folder import Layout
from evolve.datasets.layouts.images import listed
from evolve.datasets.layouts.places import IMAGES, below, split_called
from evolve.datasets.split_names import split_of

FOLDERS = ("annotations", "annotation", "labels")
LARGEST = 1 << 29  # bytes; COCO's own largest has 470 MB
_BOXES = "instances_"  # how COCO's own files with boxes begin
SHOWN = 40  # letters of what is wrong
TABLES = ("images", "categories", "annotations")
Entry = Mapping[str, Any]
T = TypeVar("T")


def files(root: Path) -> Iterable[Path]:
    """The JSON files of all splits."""
    return _files(root).values()


def photos(root: Path, report: Report) -> dict[str, list[Photo]]:
    """The images of each split's JSON file, with or without boxes. UserError for a file that is wrong."""
    return {split: _photos(root, split, file) for split, file in _files(root).items()}


def _files(root: Path) -> dict[str, Path]:
    """By split, "" for a file of none, unless another is to be trained on. UserError for two of the same one."""
    there, found = below(root), dict[str, Path]()
    folders = [root, *(there[name] for name in FOLDERS if name in there)]
    folders += [folder for name, folder in sorted(there.items()) if split_called(name) is not None]
    for folder in folders:
        every = listed(folder, ".json")
        # COCO's own captions and keypoints lie beside its boxes.
        for file in [file for file in every if file.name.lower().startswith(_BOXES)] or every:
            split = _split(file, root)
            if split in found and found[split] != file:
                raise UserError(f"{file}: expected one such file a split, got {found[split]} too; take one away")
            found[split] = file
    return {split: file for split, file in found.items() if split or "train" not in found}


def _split(file: Path, root: Path) -> str:
    """What a file's name says, instances_train2017.json, or else its folder's."""
    words = file.stem.lower().replace("-", "_").replace(".", "_").split("_")
    return next(filter(None, map(split_of, words)), "" if file.parent == root else split_of(file.parent.name))


def _photos(root: Path, split: str, file: Path) -> list[Photo]:
    images, categories, annotations = _tables(file)
    names = {_id(file, "categories", n, each): _text(file, "categories", n, each, "name")
             for n, each in enumerate(categories)}  # fmt: skip
    boxes: dict[int | str, list[Box]] = {}
    for number, each in enumerate(images):
        identity = _id(file, "images", number, each)
        if identity in boxes:
            raise UserError(f"{file}: images[{number}]: expected every id once, got {identity!r} again; correct it")
        boxes[identity] = []
    for number, each in enumerate(annotations):
        where = f"{file}: annotations[{number}]"
        its = _known(where, each, "image_id", boxes)
        its.append(_box(where, _known(where, each, "category_id", names), each))
    folders, finder = _image_folders(root, split, file), Finder()
    return [_photo(file, number, each, boxes, folders, finder) for number, each in enumerate(images)]


def _known(where: str, entry: Entry, field: str, known: Mapping[int | str, T]) -> T:
    """What ``known`` has for the id that is in ``field``."""
    given = entry.get(field)
    if not isinstance(given, int | str) or given not in known:
        raise UserError(f"{where}: expected the {field} of an entry, got {_shown(given)}; correct it")
    return known[given]


def _photo(
    file: Path, number: int, entry: Entry, boxes: Mapping[int | str, list[Box]], folders: list[Path], finder: Finder
) -> Photo:
    where = f"{file}: images[{number}]"
    told = Path(_text(file, "images", number, entry, "file_name").replace("\\", "/"))
    if ".." in told.parts:
        raise UserError(f"{where}: expected a file_name below the folder, got '{told}'; correct it")
    names = [str(name) for name in (told, told.name) if not Path(name).is_absolute()]
    found = (finder.find(folder, name) for name in names for folder in folders)
    image = Path(next(filter(None, found), folders[0] / names[0]))
    sides = entry.get("width"), entry.get("height")
    whole = [side for side in sides if isinstance(side, int) and side > 0]
    return Photo(image, boxes[entry["id"]], where, (whole[0], whole[1]) if len(whole) == 2 else None)


def _image_folders(root: Path, split: str, file: Path) -> list[Path]:
    """Where images are looked for: beside the JSON, in folders of the split, in folders of images, in the root."""
    folders = [file.parent]
    for base in (root, *(below(root)[name] for name in IMAGES if name in below(root))):
        folders += [folder for name, folder in sorted(below(base).items()) if split_called(name) == split]
        folders.append(base)
    return folders


def _box(where: str, name: str, entry: Entry) -> Box:
    corners = entry.get("bbox")
    if not isinstance(corners, list) or len(corners) != 4 or not all(map(_is_number, corners)):
        raise UserError(f"{where}: expected a bbox of four numbers, got {_shown(corners)}; correct it or take it out")
    x, y, w, h = map(float, corners)
    return Box(x, y, w, h, name, where, difficult=entry.get("iscrowd") in (1, True))


def _is_number(value: object) -> bool:
    # No float holds a whole number of 400 digits.
    return isinstance(value, int | float) and not isinstance(value, bool) and abs(value) < 1e300


def _tables(file: Path) -> list[list[Entry]]:
    """images, categories and annotations. UserError unless each is a list of objects."""
    try:
        whole = json.loads(annotation_files.content(file, LARGEST).decode("utf-8-sig"))
    except (OSError, ValueError, RecursionError) as error:
        got = "lists within lists without end" if isinstance(error, RecursionError) else error
        raise UserError(f"{file}: expected COCO's JSON, got: {got}; replace it") from None
    for table in TABLES:
        entries = whole.get(table) if isinstance(whole, dict) else None
        if not isinstance(entries, list) or not all(isinstance(each, dict) for each in entries):
            raise UserError(f"{file}: expected lists of {', '.join(TABLES)}, got no {table}; export it as COCO JSON")
    return [whole[table] for table in TABLES]


def _id(file: Path, table: str, number: int, entry: Entry) -> int | str:
    value = entry.get("id")
    if not isinstance(value, int | str):
        raise UserError(f"{file}: {table}[{number}]: expected an id, got {_shown(value)}; correct it")
    return value


def _text(file: Path, table: str, number: int, entry: Entry, field: str) -> str:
    value = entry.get(field)
    if not isinstance(value, str) or not value.strip() or "\0" in value:
        raise UserError(f"{file}: {table}[{number}]: expected a {field}, got {_shown(value)}; correct it")
    return value.strip()


def _shown(value: object) -> str:
    return repr(value)[:SHOWN]


LAYOUT = Layout("a folder with COCO's JSON", "COCO's JSON and images", files, photos)
