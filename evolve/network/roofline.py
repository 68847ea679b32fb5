"""Frames per second of a net on a device that is not at hand: a roofline for each layer, and one efficiency.

A layer takes as long as its arithmetic at the device's peak, or as its bytes at the memory's bandwidth, whichever is
longer. Where 2:4 holds (two_of_four.py) and the device skips zeros so, it has half the weights, each with two bits that
say where it is. A real engine reaches a part of that, one factor for all networks, fitted on one published figure. What
this does not know: how well an engine's kernels suit ragged widths; caches; clocks that fall when the device is warm;
anything outside the engine. Nor does it know what launching a layer's kernel takes: where that would be most of the
time, nothing is predicted.
"""

import math
from collections.abc import Collection

from evolve.network import axes, shapes
from evolve.network.axes import Net
from evolve.network.devices import Device
from evolve.network.shapes import Step

# Seconds, assumed: several microseconds are usual on GPUs.
LAUNCH = 10e-6
_PLACE = 2 / 8  # bytes that say where a weight is in its group of four


def predicted(net: Net, device: Device, bits: int = 16, sparse: Collection[str] = ()) -> float | None:
    """frames_per_second; None where launching its kernels would take more than half of a frame's time. UserError."""
    layers = _layers_seconds(net, device, bits, sparse)
    fps = device.efficiency / math.fsum(layers)
    kernels = sum(each > 0 for each in layers)
    return fps if kernels * LAUNCH * fps <= 0.5 else None


def frames_per_second(net: Net, device: Device, bits: int = 16, sparse: Collection[str] = ()) -> float:
    """Of a deploy net at the size of its Input, in 8, 16 or 32 bits; 2:4 holds in its layers `sparse`.

    UserError where shapes do not fit.
    """
    return device.efficiency / seconds(net, device, bits, sparse)


def seconds(net: Net, device: Device, bits: int = 16, sparse: Collection[str] = ()) -> float:
    """What one run of a deploy net takes at the device's peaks, its layers one after another."""
    return math.fsum(_layers_seconds(net, device, bits, sparse))


def _layers_seconds(net: Net, device: Device, bits: int, sparse: Collection[str]) -> list[float]:
    steps = shapes.infer(net, keep_unknown=True)
    return [layer_seconds(step, device, bits, step.layer.name in sparse) for step in steps]


def layer_seconds(step: Step, device: Device, bits: int = 16, sparse: bool = False) -> float:
    """What one layer takes at the device's peaks; 0 for one that an engine has no kernel for."""
    if step.works_in_place or (step.type and step.type.free):
        return 0.0
    peak, size = device.arithmetic(bits)
    read = float(size * numbers(step))
    if sparse and bits < 32 and device.sparse > 1:
        peak *= device.sparse
        read -= axes.count(step.blob_shapes[0]) * (size - (size + _PLACE) / 2)
    return max(operations(step) / peak, read / (1e9 * device.gbytes_per_second))


def operations(step: Step) -> int:
    """Floating-point operations of a layer: two a multiply-accumulate; what has no weights is bound by its bytes."""
    # Of a batch, for a layer's are one image's.
    return 2 * step.macs * (step.bottoms[0][0] if step.bottoms and step.bottoms[0] else 1)


def numbers(step: Step) -> int:
    """Numbers that a layer reads and writes: bottoms, weights and tops, each once."""
    return sum(axes.count(shape) for shape in (*step.bottoms, *step.blob_shapes, *step.tops))
