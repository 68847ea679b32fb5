"""A layer's blobs, one after the other, and what it expects of them said as a sentence before Caffe would abort."""

from typing import Any

from evolve.base.errors import UserError

Blobs = Any  # what Caffe gives a Python layer for its bottoms and tops


def each(blobs: Blobs) -> list[Any]:
    """The blobs as a list: Caffe's own sequence has a length and an index, but no iterator."""
    return [blobs[number] for number in range(len(blobs))]


def expect(holds: bool, message: str) -> None:
    """UserError `message` unless it `holds`."""
    if not holds:
        raise UserError(message)
