"""Pictures are read side by side and handed on in their order, a few at a time: they may be more than memory holds."""

import hashlib
from collections import deque
from collections.abc import Callable, Generator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from evolve.base import processors
from evolve.base.errors import UserError
from evolve.datasets import image_datum, image_file
from evolve.datasets.image_form import Facts, Form
from evolve.datasets.own.picture_fit import fitted
from evolve.datasets.own.pictures import Pictures

_AHEAD = 2  # pieces of work for each thread, one that it is at and one that waits to be taken
_PIECE = 1 << 21  # bytes of pictures that are made in one go, as they are seen and as they are stored
_MOST = 32  # pictures in one go

Shape = tuple[int, int, int]  # channels, height, width


@dataclass(frozen=True)
class Made:
    """A picture as it is stored: ``pixels`` (H, W, channels), the Datum's bytes, and what is counted of it.

    ``key`` is the record's own where it lies in a database already, else empty. ``digest`` is the pixels' sha256.
    """

    key: bytes
    value: bytes
    pixels: NDArray[Any]
    facts: Facts
    mean: NDArray[np.float64]  # by channel
    variance: NDArray[np.float64]
    digest: bytes


Each = tuple[int, Made | UserError]


def stored(pictures: Pictures, shape: Shape, fit: str, form: Form, red_first: bool = False) -> Callable[[int], Made]:
    """What makes a picture of that number, of that ``shape``. UserError for one that cannot be read."""
    import cv2

    channels, height, width = shape

    def make(number: int) -> Made:
        pixels, facts = pictures.read(number, form)
        pixels = fitted(pixels, (width, height), fit, pictures.name(number)).reshape(height, width, channels)
        if red_first:
            pixels = np.ascontiguousarray(pixels[:, :, ::-1])
        return made(b"", image_datum.value(cv2.split(pixels), int(pictures.labels[number])), pixels, facts)

    return make


def made(key: bytes, value: bytes, pixels: NDArray[Any], facts: Facts) -> Made:
    """A picture and what is counted of it."""
    mean, deviation = _moments(pixels)
    return Made(key, value, pixels, facts, mean, deviation**2, hashlib.sha256(pixels.data).digest())


def each(rows: NDArray[np.int64], make: Callable[[int], Made], record: int) -> Generator[Each, None, None]:
    """Every row's number and what ``make`` gives or raises, in the order of ``rows``; ``record`` bytes are stored."""
    threads = processors.usable()
    size = min(_MOST, max(1, _PIECE // (2 * record)))
    waiting: deque[Future[list[Each]]] = deque()
    with image_file.unwarned(), ThreadPoolExecutor(threads) as pool:
        try:
            for start in range(0, len(rows), size):
                waiting.append(pool.submit(_some, rows[start : start + size].tolist(), make))
                if len(waiting) >= _AHEAD * threads:
                    yield from waiting.popleft().result()
            while waiting:
                yield from waiting.popleft().result()
        finally:
            pool.shutdown(wait=False, cancel_futures=True)


def _some(numbers: list[int], make: Callable[[int], Made]) -> list[Each]:
    made: list[Each] = []
    for number in numbers:
        try:
            made.append((number, make(number)))
        except UserError as error:
            made.append((number, error))
    return made


def _moments(pixels: NDArray[Any]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Mean and standard deviation of each channel."""
    channels = pixels.shape[2]
    if channels <= 4:
        import cv2

        mean, deviation = cv2.meanStdDev(pixels)
        return mean.ravel(), deviation.ravel()
    flat = pixels.reshape(-1, channels).astype(np.float64)
    return flat.mean(axis=0), flat.std(axis=0)
