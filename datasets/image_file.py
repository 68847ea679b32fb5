"""An image file is read whole or not at all: a JPEG that was cut off is an error, not a grey half.

Pillow (which matplotlib brings along) decodes, because OpenCV fills up what is missing and says nothing.
"""

from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image, UnidentifiedImageError

from evolve.errors import UserError


def read(file: Path, where: str) -> NDArray[np.uint8]:
    """(H, W, 3) uint8 in OpenCV's order, blue first; a grey image three times the same.

    Raises UserError, beginning with ``where``, if the file is missing, no image, or not all there.
    """
    try:
        with Image.open(file) as image:
            rgb = np.asarray(image.convert("RGB"))
    except FileNotFoundError:
        raise UserError(f"{where}: expected its image {file}, got no such file; bring it or take its row out") from None
    except UnidentifiedImageError:
        raise UserError(f"{file}: expected an image, got {_begins(file)}; replace it with the original file") from None
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError) as error:
        raise UserError(f"{file}: expected a whole image, got: {error}; replace it with the original file") from None
    return np.ascontiguousarray(rgb[:, :, ::-1])


def _begins(file: Path) -> str:
    content = file.read_bytes()
    return f"{len(content)} bytes that begin with {content[:8]!r}" if content else "an empty file"
