"""Caffe compares two networks that should compute the same, on random numbers."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from evolve.base import prototxt_text
from evolve.base.errors import UserError
from evolve.training.caffe_process import CaffeProcess

# The sums of fewer numbers, or of scaled ones, run in another order.
TOLERANCE = 1e-5
# Of numbers that cancel, up to some ten thousand times as large as what they leave. What differs by more is wrong.
CANCELLING = 1e-3

Pair = tuple[Any, Path]  # a NetParameter that begins with Input layers, and its caffemodel


def differences(
    folder: Path, before: Pair, others: Sequence[Pair], blobs: list[str], model: Path
) -> list[tuple[float, str]]:
    """The largest difference of any of `blobs`, relative to its largest value, and its blob; one for each of `others`.

    `folder` takes what Caffe is given to read; `model` is the user's own prototxt, which errors name.
    """
    worst = []
    prototxt_text.write(before[0], folder / "before.prototxt")
    with CaffeProcess(folder, folder / "caffe.log", model) as caffe:
        for net, caffemodel in others:
            prototxt_text.write(net, folder / "after.prototxt")
            answer = caffe.call(
                "agree",
                net="before.prototxt",
                weights=str(before[1].resolve()),
                blobs=blobs,
                other_net="after.prototxt",
                other_weights=str(caffemodel.resolve()),
                seed=1,
            )
            found = answer["differences"]
            blob = max(found, key=found.get)
            worst.append((float(found[blob]), blob))
    return worst


def expect(difference: float, blob: str, model: Path) -> float:
    """`difference`, of `blob` as `differences` has it, of what was made of `model`, where it is no more than rounding.

    UserError where it may be that of numbers that cancel, AssertionError if it is more.
    """
    if difference <= TOLERANCE:
        return difference
    if difference <= CANCELLING:
        raise UserError(
            f"{model}: expected a network that computes the same to a relative {TOLERANCE:g}, got one whose '{blob}' "
            f"differs by {difference:.1e}: large numbers that cancel are rounded in 32 bits; nothing was written, use "
            "it as it is"
        )
    raise AssertionError(f"what was made of {model} differs in '{blob}' by {difference:g}; nothing was written")
