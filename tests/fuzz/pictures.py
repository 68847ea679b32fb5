"""Fuzzed: what `make classify` and `make detect` look at beside images, which the data sets read: videos."""

import tempfile
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from trt.inference import pictures

_SIZE = (16, 12)


def _written(kind: str, codec: int) -> bytes:
    with tempfile.TemporaryDirectory() as folder:
        file = f"{folder}/video.{kind}"
        video = cv2.VideoWriter(file, codec, 10, _SIZE)
        for number in range(3):
            video.write(np.full((_SIZE[1], _SIZE[0], 3), 80 * number, np.uint8))
        video.release()
        return Path(file).read_bytes()


def video(folder: Path) -> Any:
    """IMAGE= of a video: frames that OpenCV reads, or a UserError."""
    file = folder / "video.avi"

    def _read(content: bytes) -> object:
        file.write_bytes(content)
        return [each.name for each in pictures.read(file)]

    return (_written("avi", 0), _written("avi", cv2.VideoWriter.fourcc(*"MJPG"))), _read, None


FORMATS = {"video": video}
