"""What settings want of a data set, in the words that evolve.datasets takes; and what they must not want of it."""

import os
from pathlib import Path

from evolve import datasets
from evolve.base import progress
from evolve.base.errors import UserError
from evolve.datasets.annotation_files import folder_with
from evolve.detectnet.consistency import Geometry
from evolve.proto.evolution_pb2 import DatasetParameter, DetectionParameter
from evolve.runs import paths
from evolve.settings import changes, settings
from evolve.settings.settings import Settings

# What only images of the user's own have a use for.
_OWN = (
    *("folder", "train", "test", "mean_file", "width", "height", "fit", "channels"),
    *("test_part", "split_seed", "darkest", "brightest", "leave_out_unreadable", "channel_order"),
)


def survey(evolution: Path, asked: Settings, folder: Path) -> datasets.Survey | None:
    """What is known of images of the user's own; None of any other data set. UserError naming the settings' file."""
    wanted = asked.dataset
    try:
        found = datasets.find(wanted.name, folder)
    except UserError:  # it is told of where data sets are looked at
        return None
    try:
        _check_own(wanted, found.source)
        if found.has_boxes:
            return None
        return datasets.survey(
            wanted.name, image_size=wanted.image_size, wish=own(wanted, evolution), beside=folder, data=paths.data(),
            report=progress.say,
        )  # fmt: skip
    except UserError as error:
        raise UserError(f"{evolution}: dataset: {error}") from None


def _check_own(wanted: DatasetParameter, source: object) -> None:
    """UserError for settings of one's own images that another data set has no use for, or a stand-in for them."""
    if isinstance(source, datasets.OwnSource):
        if wanted.or_else.name:
            raise UserError(
                f"or_else: expected none for '{wanted.name}', which only you have; take it out, or give "
                'dataset.or_else.name=""'
            )
    default = settings.defaults().dataset
    if isinstance(source, datasets.DetectionSource):
        if wanted.image_size != default.image_size:
            raise UserError(
                f"image_size: expected none for '{wanted.name}', whose images have boxes, got {wanted.image_size}; "
                "detection.width and detection.height say their size"
            )
    elif wanted.detection != default.detection:
        asked, usual = wanted.detection, default.detection
        said = next(one.name for one in asked.DESCRIPTOR.fields if getattr(asked, one.name) != getattr(usual, one.name))
        raise UserError(f"detection.{said}: expected none for '{wanted.name}', whose images have no boxes; take it out")
    if isinstance(source, datasets.OwnSource):
        return
    for field in _OWN:
        if (got := getattr(wanted, field)) != getattr(default, field):
            kind = wanted.DESCRIPTOR.fields_by_name[field].enum_type
            said = kind.values_by_number[got].name if kind else got
            raise UserError(
                f"{field}: expected none for '{wanted.name}', which has its own, got {said}; take it out, or give "
                "dataset.name=images"
            )


def own(wanted: DatasetParameter, evolution: Path) -> datasets.Wish:
    """What is asked of images of the user's own; paths are seen from the folder of the file `evolution`."""
    path = {
        field: os.path.normpath(evolution.parent / os.path.expanduser(given)) if given else ""
        for field in ("folder", "train", "test", "mean_file")
        for given in [getattr(wanted, field)]
    }
    return datasets.Wish(
        **path,
        width=wanted.width,
        height=wanted.height,
        fit=wanted.Fit.Name(wanted.fit).lower(),
        channels=wanted.channels,
        test_part=wanted.test_part,
        split_seed=wanted.split_seed,
        levels=_levels(wanted),
        leave_out_unreadable=wanted.leave_out_unreadable,
        channel_order=wanted.ChannelOrder.Name(wanted.channel_order),
    )


def boxes(wanted: DatasetParameter, folder: Path) -> datasets.Detection:
    """What is asked of images with boxes; the data set's file may lie in the network's `folder`."""
    asked, names = wanted.detection, list(filter(None, (wanted.name, wanted.or_else.name)))
    sources = [datasets.find(name, folder).source for name in names]
    # The settings have values by default of which few data sets know.
    known = {use for source in sources if isinstance(source, datasets.DetectionSource) for use in source.uses}
    return datasets.Detection(
        width=asked.width,
        height=asked.height,
        fit=asked.Fit.Name(asked.fit).lower(),
        classes=tuple(asked.class_name),
        dontcare=tuple(asked.dontcare),
        max_boxes=asked.max_boxes,
        smallest=asked.smallest,
        folder=_own_folder(asked.folder, names, folder),
        stride=asked.stride,
        levels=_levels(asked) or (),
        orientation=asked.Orientation.Name(asked.orientation).lower(),
        validation_part=asked.validation_part if "validation_part" in known else 0,
        split_seed=asked.split_seed,
        frames=asked.frames if "frames" in known else 0,
    )


def _own_folder(given: str, names: list[str], network: Path) -> str:
    """A folder of the user's own as a path where it is one, seen from the `network`'s; a name among raw files as it is.

    What begins with a dot is a path, whether it leads anywhere or not.
    """
    if not given or os.path.isabs(os.path.expanduser(given)):
        return given
    if any(folder_with(given, name, paths.data() / "raw") for name in names):
        return given
    beside = Path(os.path.abspath(network / given))
    return str(beside) if beside.is_dir() or given.startswith(changes.HERE) else given


def geometry(evolution: Path, asked: Settings, folder: Path) -> Geometry | None:
    """What `grid_of` says; UserError naming the settings' file."""
    try:
        return grid_of(asked, folder)
    except UserError as error:
        raise UserError(f"{evolution}: {error}") from None


def grid_of(asked_for: Settings, folder: Path | None = None) -> Geometry | None:
    """What $WIDTH, $HEIGHT, $STRIDE and $CLASSES stand for; None for images with a class each. UserError.

    The data set's file may lie in the network's `folder`.
    """
    wanted = asked_for.dataset
    if wanted.name not in datasets.names(folder):
        return None
    source = datasets.find(wanted.name, folder).source
    if not isinstance(source, datasets.DetectionSource):
        return None
    if wanted.validation:
        raise UserError(
            f"dataset: validation: expected 0 for {wanted.name}, whose images with boxes have a split of their own for "
            f"that, val, got {wanted.validation}; take it out"
        )
    asked = wanted.detection
    classes = list(asked.class_name) or source.classes
    if not classes:
        raise UserError(
            f"dataset: detection: expected a class_name for each class that {wanted.name} is to have, got none; write "
            'detection { class_name: "cat" } or what the files call them'
        )
    if source.has_no_others and (unknown := [name for name in classes if name not in source.classes]):
        raise UserError(
            f"dataset: detection: class_name: expected {' or '.join(source.classes)}, all that {wanted.name} has, got "
            f"'{unknown[0]}'; write it so, or leave it out"
        )
    for side in ("width", "height"):
        if asked.stride < 1 or getattr(asked, side) < 1 or getattr(asked, side) % asked.stride:
            raise UserError(
                f"dataset: detection: expected a {side} that is a multiple of stride {asked.stride}, got "
                f"{getattr(asked, side)}"
            )
    return Geometry(asked.width, asked.height, asked.stride, len(classes))


def _levels(asked: DatasetParameter | DetectionParameter) -> tuple[float, float] | None:
    """None where each image has its own."""
    levels = asked.darkest, asked.brightest
    return None if levels == (0, 0) else levels
