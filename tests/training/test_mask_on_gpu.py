"""Masks on the device, by a device that is this processor: the same numbers as on the host, no gradient copied."""

import ctypes
from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest

from evolve.training import mask_on_gpu
from evolve.training.mask import Mask

NAMES, KINDS = ("conv", "relu", "fc"), ("Convolution", "ReLU", "InnerProduct")


class HostsMemory:
    """A device whose memory is this process's."""

    def __init__(self) -> None:
        self.kept: list[np.ndarray] = []

    def keep(self, arrays: Sequence[np.ndarray]) -> list[int]:
        self.kept = [array.copy() for array in arrays]
        return [array.ctypes.data for array in self.kept]

    def multiply(self, count: int, mask: int, gradient: int) -> None:
        exists, values = (np.ctypeslib.as_array((ctypes.c_float * count).from_address(at)) for at in (mask, gradient))
        values *= exists


class Blob:
    """A blob whose gradient may be asked for by its address, or on the host, and says which was."""

    def __init__(self, values: np.ndarray) -> None:
        self.data, self.gradient, self.on_host = values.copy(), np.ones_like(values) * np.float32(0.5), 0

    @property
    def _gpu_diff_ptr(self) -> int:
        return self.gradient.ctypes.data

    @property
    def diff(self) -> np.ndarray:
        self.on_host += 1
        return self.gradient


class Net:
    """Two weighted layers, as a mask asks about them."""

    def __init__(self, genome: dict[str, list[np.ndarray]]) -> None:
        self._layer_names = list(NAMES)
        self.layers = [type("Layer", (), {"type": kind}) for kind in KINDS]
        self.params = {name: [Blob(blob) for blob in blobs] for name, blobs in genome.items()}

    def blobs(self) -> list[Any]:
        return [blob for blobs in self.params.values() for blob in blobs]


@pytest.fixture
def genome() -> dict[str, list[np.ndarray]]:
    random = np.random.default_rng(3)
    shapes: dict[str, list[tuple[int, ...]]] = {"conv": [(5, 3, 3, 3), (5,)], "fc": [(7, 20), (7,)]}
    drawn = {name: [random.random(shape).astype(np.float32) + 1 for shape in of] for name, of in shapes.items()}
    drawn["conv"][0][random.random((5, 3)) < 0.4] = 0
    drawn["conv"][0][2] = drawn["conv"][1][2] = 0
    drawn["fc"][0][random.random((7, 20)) < 0.7] = 0
    return drawn


def test_the_device_multiplies_what_the_host_does(genome: dict[str, list[np.ndarray]]) -> None:
    on_host, on_device = Net(genome), Net(genome)
    Mask(on_host, genome).on_gradients()
    masked = mask_on_gpu.on_gradients(Mask(on_device, genome), HostsMemory())
    for _ in range(2):  # the second time, on what the first one left
        masked()
    for here, there in zip(on_host.blobs(), on_device.blobs(), strict=True):
        assert np.array_equal(here.gradient, there.gradient) and there.on_host == 0
    zeros = [int(np.sum(blob.gradient == 0)) for blob in on_device.blobs()]
    assert zeros[0] == np.sum(genome["conv"][0] == 0) > 0 and zeros[2] == np.sum(genome["fc"][0] == 0) > 0
    assert zeros[1:] == [1, zeros[2], 0]  # the bias of the neuron that has no synapse


def test_masks_lie_in_the_blobs_of_a_net_of_caffes(genome: dict[str, list[np.ndarray]]) -> None:
    import caffe

    masks = [exists for _, exists in Mask(Net(genome), genome).blobs]
    assert len(masks) == 3
    held = mask_on_gpu.holding(caffe, masks).blobs.values()
    assert all(np.array_equal(blob.data, mask.ravel()) for blob, mask in zip(held, masks, strict=True))


def test_a_caffe_for_cpus_has_neither_addresses_nor_the_kernel() -> None:
    import caffe

    assert not mask_on_gpu.available(caffe)
