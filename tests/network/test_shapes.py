"""Shapes, and what weights connect: as real Caffe makes them, of layers that fit and of layers that do not."""

from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import random_nets
import shapes_child

from evolve.base.errors import UserError
from evolve.network import layers, shapes

# tests/detectnet has the Python layers. HDF5Output writes a file as soon as it is set up.
KINDS = sorted(name for name, kind in layers.known().items() if not kind.module and kind.bottoms[1])
# A file to write; and test_recurrent.py has the two that read sequences.
for each in ("HDF5Output", "LSTM", "RNN"):
    KINDS.remove(each)
# Refused here, while Caffe has blobs of nothing, or rounds the quotient of a negative number up.
STRICTER = ("is too small for it", "rising slice_points")


def grown(random: np.random.Generator, kinds: list[str]) -> tuple[Any, list[tuple[Any, str]]]:
    """A net with one more layer of each of `kinds`, as far as it fits, and what came of those that did not."""
    net = random_nets.inputs(random)
    refused = []
    for number, kind in enumerate(kinds):
        blobs = {top: s for step in shapes.infer(net) for top, s in zip(step.layer.top, step.tops, strict=True)}
        for attempt in range(10):
            tried = type(net)()
            tried.CopyFrom(net)
            tried.layer.add().CopyFrom(random_nets.layer(random, kind, number, blobs))
            try:
                shapes.infer(tried)
                net = tried
                break
            except UserError as error:
                if attempt < 1 and random.random() < 0.6:
                    refused.append((tried, str(error)))
    return net, refused


def test_random_layers_as_caffe_makes_them(tmp_path: Path) -> None:
    random = np.random.default_rng(17)
    nets, refused = [], []
    for _ in range(50):
        net, without = grown(random, [str(kind) for kind in random.permutation(KINDS)[:14]])
        nets.append(net)
        refused += without
    made = shapes_child.load(tmp_path, [*nets, *(net for net, _ in refused)])
    for net, found in zip(nets, made, strict=False):
        assert found is not None, net
        for step in shapes.infer(net):
            assert [found[0][top] for top in step.layer.top] == [list(shape) for shape in step.tops], step.layer
            assert found[1].get(step.layer.name, []) == [list(s) for s in step.blob_shapes], step.layer
    seen = Counter(layer.type for net in nets for layer in net.layer)
    assert min(seen[kind] for kind in KINDS) >= 3, seen
    for (net, message), found in zip(refused, made[len(nets) :], strict=True):
        assert found is None or any(words in message for words in STRICTER), f"{message}\n{net.layer[-1]}"
    assert sum(found is None for found in made) > 100
