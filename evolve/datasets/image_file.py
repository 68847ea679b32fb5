"""An image file is read whole or not at all: a JPEG that was cut off is an error, not a grey half.

Pillow decodes, because OpenCV fills up what is missing and says nothing. What becomes of its form: ``image_form``.
"""

import io
import os
import threading
import warnings
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image, UnidentifiedImageError

from evolve.base.counted import counted
from evolve.base.errors import UserError
from evolve.datasets import image_form
from evolve.datasets.dataset import AGAIN
from evolve.datasets.image_form import USUAL, Facts, Form
from evolve.datasets.raw_file import REPLACE

Size = tuple[int, int]  # width, height

# What a folder of photographs holds. Pillow reads more, some of it by running other programs.
FORMATS = ("BMP", "JPEG", "PNG", "PPM", "TIFF", "WEBP")
# Endings of the names that people give to such files.
SUFFIXES = (
    *(".jpg", ".jpeg", ".jpe", ".jfif", ".png", ".bmp", ".dib", ".webp", ".tif", ".tiff"),
    *(".ppm", ".pgm", ".pbm", ".pnm"),
)


class _Unwarned:
    """Python has one list of warnings for all threads: the first one in changes it, the last one out mends it."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._inside = 0
        self._caught = warnings.catch_warnings()

    def __enter__(self) -> None:
        with self._lock:
            self._inside += 1
            if self._inside == 1:
                self._caught = warnings.catch_warnings()
                self._caught.__enter__()
                # Of broken EXIF nobody need hear; but a size that a file claims is believed before there is one pixel.
                warnings.simplefilter("ignore", UserWarning)
                warnings.simplefilter("error", Image.DecompressionBombWarning)

    def __exit__(self, *error: object) -> None:
        with self._lock:
            self._inside -= 1
            if not self._inside:
                self._caught.__exit__(None, None, None)


_UNWARNED = _Unwarned()


def unwarned() -> _Unwarned:
    """A context, for any threads, in which Pillow does not warn: an image that claims too many pixels is an error."""
    return _UNWARNED


def read(file: Path, where: str, wanted: Form = USUAL) -> NDArray[np.uint8]:
    """(H, W, 3) uint8 in OpenCV's order, blue first; a grey image three times the same. Of ``grey`` form (H, W).

    Raises UserError, beginning with ``where``, if the file is missing, no image, too large, or not all there.
    """
    return read_with_facts(file, where, wanted)[0]


def read_with_facts(file: str | Path, where: str, wanted: Form = USUAL) -> tuple[NDArray[np.uint8], Facts]:
    """An image as `read` gives it, and what it was before."""
    if not there(file):
        raise UserError(f"{where}: expected its image {file}, got no such file; bring it or take its row out")
    try:
        with open(file, "rb") as opened:
            content = opened.read()
    except OSError as error:
        raise UserError(f"{file}: expected a file to read, got {error.strerror}; make it readable") from None
    return decoded_with_facts(content, str(file), wanted, REPLACE)


def decoded(content: bytes, where: str, wanted: Form = USUAL) -> NDArray[np.uint8]:
    """As ``read`` of a file's ``content`` in a record of an LMDB, which ``where`` names."""
    return decoded_with_facts(content, where, wanted)[0]


def seems_grey(file: Path) -> bool | None:
    """Whether its form has no colours, by its first bytes alone; None if they are no image's."""
    try:
        with unwarned(), Image.open(file, formats=FORMATS) as image:
            return image_form.facts(image).grey
    except Exception:
        # Whoever reads it whole says what is wrong with it.
        return None


def lying(file: Path) -> tuple[int, Size, Size]:
    """EXIF's orientation, 1 to 8, and (width, height) as stored and once turned; of no image, what changes nothing."""
    try:
        with unwarned(), Image.open(file, formats=FORMATS) as image:
            orientation, facts = image_form.orientation(image), image_form.facts(image)
    except Exception:
        return 1, (0, 0), (0, 0)
    upright = facts.width, facts.height
    return orientation, upright[::-1] if orientation in image_form.SIDEWAYS else upright, upright


def there(file: str | Path) -> bool:
    """Whether that is a file; not if no file can have such a name."""
    return os.path.isfile(file)


def decoded_with_facts(
    content: bytes, where: str, wanted: Form = USUAL, advice: str = AGAIN
) -> tuple[NDArray[np.uint8], Facts]:
    """As `decoded`, and what the image was before; ``advice`` ends the message about one that cannot be read."""
    try:
        with unwarned(), Image.open(io.BytesIO(content), formats=FORMATS) as image:
            facts = image_form.facts(image)
            pixels = image_form.pixels(image, wanted)
    except UnidentifiedImageError:
        raise UserError(f"{where}: expected an image, got {_begins(content)}; {advice}") from None
    except (Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
        got = str(error).rstrip(".")
        raise UserError(f"{where}: expected an image of a size that memory holds, got: {got}; {advice}") from None
    except Exception as error:
        # Pillow's readers let through whatever a broken file makes them stumble over.
        raise UserError(f"{where}: expected a whole image, got: {error or type(error).__name__}; {advice}") from None
    if wanted.grey:
        return pixels, facts
    import cv2

    # OpenCV turns channels round forty times as fast as NumPy copies them backwards.
    return np.asarray(cv2.cvtColor(pixels, cv2.COLOR_RGB2BGR), np.uint8), facts


def _begins(content: bytes) -> str:
    if not content:
        return "an empty file"
    return f"{counted(len(content), 'byte that begins', 'bytes that begin')} with {content[:8]!r}"
