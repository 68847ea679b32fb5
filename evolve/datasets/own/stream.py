"""Pictures are read side by side and handed on in their order, a few at a time: they may be more than memory holds."""

import hashlib
import os
from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from evolve.base.errors import UserError
from evolve.datasets.image_form import Facts, Form
from evolve.datasets.own.picture_fit import fitted
from evolve.datasets.own.pictures import Pictures

_AHEAD = 4  # pictures that are read for each thread before the first of them is taken

Shape = tuple[int, int, int]  # channels, height, width


@dataclass(frozen=True)
class Made:
    """A picture as it is stored: ``pixels`` (H, W, channels), the Datum's bytes, and what is counted of it.

    ``key`` is the record's own where it lies in a database already, else empty. ``digest`` tells contents apart.
    """

    key: bytes
    value: bytes
    pixels: NDArray[Any]
    facts: Facts
    mean: NDArray[np.float64]  # by channel
    variance: NDArray[np.float64]
    digest: bytes


def stored(pictures: Pictures, shape: Shape, fit: str, form: Form) -> Callable[[int], Made]:
    """What makes a picture of that number, of that ``shape``. UserError for one that cannot be read."""
    channels, height, width = shape

    def make(number: int) -> Made:
        pixels, facts = pictures.read(number, form)
        pixels = fitted(pixels, (width, height), fit, pictures.name(number)).reshape(height, width, channels)
        return made(b"", _datum(pixels, int(pictures.labels[number])), pixels, facts)

    return make


def made(key: bytes, value: bytes, pixels: NDArray[Any], facts: Facts) -> Made:
    """A picture and what is counted of it."""
    mean, deviation = _moments(pixels)
    return Made(key, value, pixels, facts, mean, deviation**2, hashlib.sha256(pixels.data).digest()[:16])


def each(rows: NDArray[np.int64], make: Callable[[int], Made]) -> Iterator[tuple[int, Made | UserError]]:
    """Every row's number and what ``make`` gives or raises, in the order of ``rows``."""
    threads = len(os.sched_getaffinity(0))
    waiting: deque[tuple[int, Future[Made]]] = deque()
    with ThreadPoolExecutor(threads) as pool:
        try:
            for number in map(int, rows):
                waiting.append((number, pool.submit(make, number)))
                if len(waiting) >= _AHEAD * threads:
                    yield _taken(*waiting.popleft())
            while waiting:
                yield _taken(*waiting.popleft())
        finally:
            pool.shutdown(wait=False, cancel_futures=True)


def _taken(number: int, future: "Future[Made]") -> tuple[int, Made | UserError]:
    try:
        return number, future.result()
    except UserError as error:
        return number, error


def _datum(pixels: NDArray[np.uint8], label: int) -> bytes:
    from evolve.base.caffe_messages import caffe_pb2

    height, width, channels = pixels.shape
    data = pixels.transpose(2, 0, 1).tobytes()
    return bytes(
        caffe_pb2.Datum(channels=channels, height=height, width=width, data=data, label=label).SerializeToString()
    )


def _moments(pixels: NDArray[Any]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Mean and standard deviation of each channel."""
    channels = pixels.shape[2]
    if channels <= 4:
        mean, deviation = cv2.meanStdDev(pixels)
        return mean.ravel(), deviation.ravel()
    flat = pixels.reshape(-1, channels).astype(np.float64)
    return flat.mean(axis=0), flat.std(axis=0)
