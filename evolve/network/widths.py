"""Which channels stay although nothing needs them, so that what is left is a network that Caffe can set up.

A blob keeps its last channel; groups of a convolution stay equally wide, but may go as a whole; and where widths are
to be multiples (of 8, what tensor cores and SIMD like), they stay multiples.
"""

import numpy as np

from evolve.network.stages import Stage
from evolve.network.topology import Graph


def complete(graph: Graph, kept: np.ndarray, multiple: int = 1) -> np.ndarray:
    """bool (classes,): the channels that remain, `kept` and those that must stay with them.

    With `multiple`, a stage whose number of neurons is a multiple of it keeps a multiple of it.
    """
    kept = kept.copy()
    before = -1
    while before != (now := int(kept.sum())):
        before = now
        for blob in graph.blobs:
            if len(blob.classes) and not kept[blob.classes].any():
                kept[blob.classes[0]] = True
        for stage in graph.stages:
            for use in stage.uses:
                outputs = graph.blobs[use.top].classes
                if stage.group > 1:
                    _even_groups(stage, graph.blobs[use.bottom].classes, outputs, kept)
                if multiple > 1 and stage.outputs % multiple == 0:
                    _round_up(outputs, kept, multiple)
    return kept


def _even_groups(stage: Stage, inputs: np.ndarray, outputs: np.ndarray, kept: np.ndarray) -> None:
    sides = [classes.reshape(stage.group, -1) for classes in (inputs, outputs)]
    stays = np.logical_or.reduce([kept[side].any(axis=1) for side in sides])
    for side in sides:
        most = kept[side].sum(axis=1).max()
        for group in side[stays]:
            _fill(group, kept, int(most - kept[group].sum()))


def _round_up(classes: np.ndarray, kept: np.ndarray, multiple: int) -> None:
    _fill(classes, kept, int(-kept[classes].sum() % multiple))


def _fill(classes: np.ndarray, kept: np.ndarray, missing: int) -> None:
    """Keeps so many more of `classes`, the first ones."""
    if missing > 0:
        kept[classes[~kept[classes]][:missing]] = True
