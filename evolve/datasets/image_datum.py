"""An image is a Datum of bytes, channels x height x width, with a label, as Caffe's Data layer reads it."""

import functools
from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray


def value(channels: Iterable[NDArray[np.uint8]], label: int) -> bytes:
    """The bytes of the Datum of an image's ``channels``, each (H, W) and contiguous, in the order of the fields.

    The same as protobuf makes, with one copy of the pixels instead of three.
    """
    planes = tuple(channels)
    return b"".join((_head(len(planes), *planes[0].shape), *(plane.data for plane in planes), _tail(label)))


@functools.lru_cache(maxsize=64)
def _head(channels: int, height: int, width: int) -> bytes:
    """All that stands before the pixels: the shape, and how many bytes follow."""
    # Imported here: without Caffe its messages raise a UserError, which belongs to the writing alone.
    from evolve.base.caffe_messages import caffe_pb2

    pixels = bytes(channels * height * width)
    whole = caffe_pb2.Datum(channels=channels, height=height, width=width, data=pixels).SerializeToString()
    return bytes(whole[: -len(pixels)])


@functools.lru_cache(maxsize=4096)
def _tail(label: int) -> bytes:
    from evolve.base.caffe_messages import caffe_pb2

    return bytes(caffe_pb2.Datum(label=label).SerializeToString())
