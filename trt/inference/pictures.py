"""Pictures are what IMAGE= names: an image file, all images below a folder, or the frames of a video."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from evolve.base.errors import UserError
from evolve.datasets import files_below, image_file
from evolve.datasets.image_file import SUFFIXES
from evolve.datasets.image_form import USUAL, Form

VIDEOS = (".avi", ".mkv", ".mov", ".mp4", ".webm")
_AT_ONCE, _BYTES = 64, 1 << 28  # pictures in a part, and about how many of their pixels' bytes

Bytes = NDArray[np.uint8]


@dataclass(frozen=True)
class Picture:
    """`pixels` (H, W, 3) uint8, blue first, or grey (H, W); None where it could not be read, which `why` explains.

    `name` is its path below the folder that was asked for, a frame's with its number.
    """

    name: str
    pixels: Bytes | None = None
    why: str = ""

    @property
    def folder(self) -> str:
        """The name of the folder that it lies in, below the one asked for; "" where that is none."""
        return Path(self.name).parent.name


def read(asked: Path, form: Form = USUAL) -> Iterator[Picture]:
    """Every picture that `asked` means, in the order of their names, read one at a time as `form` has it.

    UserError where it is none, or a folder without any. In a folder a file that cannot be read is told of by its `why`.
    """
    if asked.is_dir():
        yield from _folder(asked, form)
    elif not image_file.there(asked):
        raise UserError(f"IMAGE={asked}: expected an image, a folder of them or a video, got no such file")
    elif asked.suffix.lower() in VIDEOS:
        yield from _video(asked, form)
    else:
        yield Picture(asked.name, image_file.read(asked, f"IMAGE={asked}", form))


def parts(every: Iterable[Picture]) -> Iterator[list[Picture]]:
    """The same in lists that fit into memory."""
    part, held = list[Picture](), 0
    for each in every:
        part.append(each)
        held += 0 if each.pixels is None else each.pixels.nbytes
        if len(part) == _AT_ONCE or held >= _BYTES:
            yield part
            part, held = [], 0
    if part:
        yield part


def _folder(asked: Path, form: Form) -> Iterator[Picture]:
    below = (Path(place, name) for place, names in files_below.walk(asked) for name in names if name[0] != ".")
    files = sorted(path for path in below if path.suffix.lower() in SUFFIXES and path.is_file())
    if not files:
        raise UserError(f"IMAGE={asked}: expected images ({' '.join(SUFFIXES)}) in that folder, found none")
    for path in files:
        name = path.relative_to(asked).as_posix()
        try:
            yield Picture(name, image_file.read(path, str(path), form))
        except UserError as error:
            yield Picture(name, why=str(error))


def _video(asked: Path, form: Form) -> Iterator[Picture]:
    opencv = _opencv()
    frames = opencv.VideoCapture(str(asked))
    try:
        number = 0
        while True:
            there, pixels = frames.read()
            if not there:
                break
            number += 1
            # Pillow's grey, as of image files.
            grey = np.asarray(Image.fromarray(pixels[:, :, ::-1]).convert("L")) if form.grey else pixels
            yield Picture(f"{asked.stem}-{number:06d}{asked.suffix}", np.asarray(grey, np.uint8))
        if not number:
            raise UserError(f"IMAGE={asked}: expected a video that OpenCV reads, got one without a frame")
    except opencv.error as error:
        raise UserError(f"IMAGE={asked}: expected a video that OpenCV reads, got: {error}") from None
    finally:
        frames.release()


def _opencv() -> Any:
    try:
        import cv2
    except ImportError:
        raise UserError("a video's frames are read by OpenCV, which is not installed; pip install "
                        "opencv-python-headless, or give images") from None  # fmt: skip
    return cv2
