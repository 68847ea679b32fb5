"""The data that a stranger's network was trained on, where it is on this machine: databases, or lists of files."""

from dataclasses import replace
from pathlib import Path

from evolve.adoption import given
from evolve.adoption.data_set import DATABASES, OWN, UNKNOWN, DataSet
from evolve.adoption.feeding import Feeding
from evolve.adoption.given import Given
from evolve.base.errors import UserError
from evolve.datasets.dataset import LMDB
from evolve.datasets.own import database
from evolve.network.axes import ImageShape, Layer

_COLOURS = 3


def found(brought: Given, feeding: Feeding) -> DataSet | None:
    """`lmdb` of the databases that data layers read, `images` of their lists; None where either is not here."""
    places = [brought.reading.path.parent, *([brought.solver_file.parent] if brought.solver_file else [])]
    sources = feeding.sources
    if all(layer.type == "Data" for layer in sources.values()):
        both = {phase: _place(layer.data_param.source, places, LMDB) for phase, layer in sources.items()}
        shape = _shape_of(both["TRAIN"]) if both["TEST"] else None
        if not shape:
            return None
        mean = _place(sources["TRAIN"].transform_param.mean_file, places)
        return replace(
            UNKNOWN, name=DATABASES, channels=shape[0], size=shape[1:],
            why="as they are here", train=str(both["TRAIN"]), test=str(both["TEST"]), mean_file=str(mean or ""),
        )  # fmt: skip
    if all(layer.type == "ImageData" for layer in sources.values()):
        return _of_lists(sources, places)
    return None


def _of_lists(sources: dict[str, Layer], places: list[Path]) -> DataSet | None:
    lists = {phase: _place(layer.image_data_param.source, places) for phase, layer in sources.items()}
    train, test = lists["TRAIN"], lists["TEST"]
    if not train or not test:
        return None
    roots = [_root(sources[phase], file, places) for phase, file in (("TRAIN", train), ("TEST", test))]
    folder = _folder([train, test], roots)
    if folder is None:
        return None
    depth = _COLOURS if sources["TRAIN"].image_data_param.is_color else 1
    return replace(
        UNKNOWN, name=OWN, channels=depth, why="as their lists are here", train=str(train), test=str(test),
        folder="" if train.parent == test.parent == folder else str(folder),
    )  # fmt: skip


def _root(layer: Layer, file: Path, places: list[Path]) -> Path | None:
    """Where a list's paths begin: at root_folder, seen as the list `file` was; None where that is not here."""
    given = layer.image_data_param
    every = [Path.cwd(), *places]
    seen_from = [place for place in every if (place / given.source).resolve() == file]
    if not given.root_folder:
        return (seen_from or [file.parent])[0].resolve()
    roots = [place / given.root_folder for place in seen_from or every]
    return next((root.resolve() for root in roots if root.is_dir()), None)


def _folder(lists: list[Path], roots: list[Path | None]) -> Path | None:
    """The folder from which both lists find their images; None where none is.

    Of two roots it is the one above them, if they are called as their lists: train/ and val/ for train.txt and val.txt.
    """
    if None in roots:
        return None
    train, test = filter(None, roots)
    if train == test:
        return train
    named = all(root.name == file.stem for file, root in zip(lists, (train, test), strict=True))
    return train.parent if named and train.parent == test.parent else None


def _place(name: str, folders: list[Path], within: str = "") -> Path | None:
    """The absolute path of what a prototxt names."""
    found = given.named(name, folders, within)
    return found.resolve() if found else None


def _shape_of(folder: Path | None) -> ImageShape | None:
    """(channels, height, width) of a database's first image; None where it is none."""
    try:
        return database.first_shape(folder) if folder else None
    except UserError:
        return None
