"""The data set that a network's settings ask for: images with a class each, or images with boxes."""

import datasets
from datasets import kitti
from evolve import paths, progress, settings
from evolve.detectnet.geometry import Geometry
from evolve.errors import UserError


def prepare(chosen: settings.Settings, seed: int) -> datasets.Dataset:
    """The data set, made if it is not there yet; whatever must be known of it is said. UserError."""
    wanted = chosen.dataset
    if datasets.has_boxes(wanted.name):
        made = datasets.prepare_detection(
            wanted.name, _detection(wanted), seed=seed, or_else=wanted.or_else.name, data=paths.data(),
            report=progress.say,
        )  # fmt: skip
    else:
        made = datasets.prepare(
            wanted.name, image_size=wanted.image_size, seed=seed, or_else=wanted.or_else.name, data=paths.data(),
            report=progress.say,
        )  # fmt: skip
    if made.notice:
        progress.say(f"NOTE: {made.notice}")
    return made


def geometry(chosen: settings.Settings) -> Geometry | None:
    """What $WIDTH, $HEIGHT, $STRIDE and $CLASSES stand for; None for images with a class each. UserError."""
    wanted = chosen.dataset
    if wanted.name not in datasets.names() or not datasets.has_boxes(wanted.name):
        return None
    asked = wanted.detection
    classes = list(asked.class_name) or datasets.class_names(wanted.name)
    if not classes:
        raise UserError(f"dataset: detection: expected a class_name for each class that {wanted.name} is to have")
    for side in ("width", "height"):
        if asked.stride < 1 or getattr(asked, side) < 1 or getattr(asked, side) % asked.stride:
            raise UserError(
                f"dataset: detection: expected a {side} that is a multiple of stride {asked.stride}, got "
                f"{getattr(asked, side)}"
            )
    return Geometry(asked.width, asked.height, asked.stride, len(classes))


def kitti_pixels(chosen: settings.Settings) -> float | None:
    """How many pixels of its file a pixel of a stored KITTI image is high; None for other data sets.

    Difficulties are asked of heights in the file: padded images have them still.
    """
    wanted = chosen.dataset
    if wanted.name != "kitti":
        return None
    asked = wanted.detection
    by_height, by_width = kitti.SIZE[1] / asked.height, kitti.SIZE[0] / asked.width
    return {asked.RESIZE: by_height, asked.LETTERBOX: max(by_height, by_width), asked.PAD: 1.0}[asked.fit]


def _detection(wanted: settings.Settings) -> datasets.Detection:
    asked = wanted.detection
    # Only drawn streets know a number of frames.
    drawn = "streets" in (wanted.name, wanted.or_else.name)
    return datasets.Detection(
        width=asked.width,
        height=asked.height,
        fit=asked.Fit.Name(asked.fit).lower(),
        classes=tuple(asked.class_name),
        dontcare=tuple(asked.dontcare),
        max_boxes=asked.max_boxes,
        smallest=asked.smallest,
        folder=asked.folder,
        frames=asked.frames if drawn else 0,
    )
