"""Pairs of bars as two channels of an image, and whether they lie the same way: what a siamese network is fed."""

import numpy as np

from evolve.datasets import Samples, Source, Split


def load(*, image_size, seed, raw, report):
    """Few pairs; label 1 where both are alike."""
    random = np.random.default_rng(seed)
    return Samples(pairs(300, image_size, random), pairs(100, image_size, random), classes=2)


def pairs(count, side, random):
    """As many of each class."""
    labels, first = np.arange(count) % 2, random.integers(0, 2, count)
    images = random.integers(0, 80, (count, 2, side, side), np.uint8)
    for channel, lies in enumerate((first, np.where(labels == 1, first, 1 - first))):
        images[lies == 0, channel, ::4], images[lies == 1, channel, :, ::4] = 255, 255
    return Split(images, labels)


SOURCE = Source("pairs of bars", 2, load)
