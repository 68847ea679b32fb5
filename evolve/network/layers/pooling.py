"""Layers that look through windows and learn nothing: Pooling, SPP and Im2col."""

import numpy as np

from evolve.base.errors import UserError
from evolve.network.axes import Layer, Shape, Shapes, axis_of, count, expect_axes, written
from evolve.network.channels import ChannelMap, every, to_each_top
from evolve.network.layers import windows
from evolve.network.layers.constants import Constants, Values, carried, only_zero, varies
from evolve.network.layers.layer_type import LayerType, UnknownLayer


def _pooling(layer: Layer, bottoms: Shapes) -> Shapes:
    expect_axes(layer, bottoms[0], 4, 4)
    if len(layer.top) > 1 and layer.pooling_param.pool != windows.MAX:
        raise UserError(f"layer '{layer.name}': expected a second top, for the maxima's places, with pool MAX only")
    return ((*bottoms[0][:2], *windows.pooled(layer, bottoms[0][2:])),) * 2


def _pooled(given: Constants) -> Values:
    # The maxima's places are others in each window, those of zeros too.
    return [*_largest_or_mean(given), *varies(given)[1:]]


def _largest_or_mean(given: Constants) -> Values:
    parameter = given.layer.pooling_param
    if parameter.pool == windows.STOCHASTIC:
        return varies(given)
    if parameter.global_pooling:
        return [given.first]
    kernels = [parameter.kernel_h or parameter.kernel_size, parameter.kernel_w or parameter.kernel_size]
    strides = [parameter.stride_h or parameter.stride, parameter.stride_w or parameter.stride]
    # A window beyond the image has no largest value and no mean.
    if any(stride > kernel for stride, kernel in zip(strides, kernels, strict=True)):
        return varies(given)
    padded = parameter.pad or parameter.pad_h or parameter.pad_w
    return only_zero([given.first]) if padded and parameter.pool == windows.AVE else [given.first]


def _pyramid(layer: Layer, bottoms: Shapes) -> Shapes:
    """SPPLayer: what the levels give is laid out in one row; one level alone keeps its form."""
    expect_axes(layer, bottoms[0], 4, 4)
    images, channels, *_ = bottoms[0]
    levels = _places(layer, bottoms[0])
    if len(levels) == 1:
        return ((images, channels, *levels[0]),)
    return ((images, channels * sum(map(count, levels))),)


def _places(layer: Layer, bottom: Shape) -> list[windows.Sizes]:
    """Along height and width, on each level."""
    return [windows.places(window, bottom[2:]) for window in windows.pyramid(layer, bottom[2:])]


def _levels(layer: Layer, bottoms: Shapes, tops: Shapes) -> list[ChannelMap]:
    """Level after level, and in each channel after channel, all places of a channel one behind the other."""
    channels = bottoms[0][1]
    levels = _places(layer, bottoms[0])
    if len(levels) == 1:
        return [every(0, 0, channels)]
    sources = np.concatenate([np.repeat(np.arange(channels), count(level)) for level in levels])
    return [ChannelMap(0, 0, sources, np.arange(len(sources)))]


def _pyramid_of_constants(given: Constants) -> Values:
    if given.layer.spp_param.pool == windows.STOCHASTIC:
        return varies(given)
    # A mean counts the padding, of which some level has some.
    return only_zero(carried(given)) if given.layer.spp_param.pool == windows.AVE else carried(given)


def _im2col(layer: Layer, bottoms: Shapes) -> Shapes:
    axis = axis_of(layer, layer.convolution_param.axis, bottoms[0])
    size = bottoms[0][axis + 1 :]
    if not size:
        raise UserError(f"layer '{layer.name}': expected axes behind axis {axis}, got {written(bottoms[0])}")
    window = windows.convolution(layer, len(size))
    return ((*bottoms[0][:axis], bottoms[0][axis] * count(window.kernel), *windows.convolved(window, size)),)


def _gathered(layer: Layer, bottoms: Shapes, tops: Shapes) -> list[ChannelMap]:
    """A channel for each place of the kernel, those of one channel one behind the other."""
    if axis_of(layer, layer.convolution_param.axis, bottoms[0]) != 1:
        raise UnknownLayer(f"layer '{layer.name}': expected its channels on axis 1; keep_unknown: true leaves it whole")
    targets = np.arange(tops[0][1])
    return [ChannelMap(0, 0, targets // (tops[0][1] // bottoms[0][1]), targets)]


def _gathered_constants(given: Constants) -> Values:
    window = windows.convolution(given.layer, len(given.shapes[0]) - 2)
    return only_zero(carried(given)) if any(window.pad) else carried(given)


TYPES = (
    LayerType("Pooling", tops=(1, 2), shapes=_pooling, channels=to_each_top, constant=_pooled),
    LayerType("SPP", shapes=_pyramid, channels=_levels, constant=_pyramid_of_constants),
    LayerType("Im2col", shapes=_im2col, channels=_gathered, constant=_gathered_constants),
)
