"""Layers that scale and shift: BatchNorm, Scale and Bias channel by channel; LRN and MVN by what is around."""

import numpy as np

from evolve.base.errors import UserError
from evolve.network.axes import Layer, Shape, Shapes, axis_of, expect_axes, written
from evolve.network.channels import ChannelMap, channels, every, passed_on
from evolve.network.layers.constants import Constants, Values, varies, zero_stays
from evolve.network.layers.layer_type import MANY, LayerType, UnknownLayer
from evolve.network.layers.learned import LearnedBlob


def _batch_norm_shapes(layer: Layer, bottoms: Shapes) -> Shapes:
    expect_axes(layer, bottoms[0], 2, MANY)
    return bottoms


def _statistics(layer: Layer, bottoms: Shapes, tops: Shapes) -> list[LearnedBlob]:
    """The running mean, the variance and the factor that both are to be divided by."""
    of_channels = (bottoms[0][1],)
    return [LearnedBlob(of_channels, 0, shift=True), LearnedBlob(of_channels, 0), LearnedBlob((1,))]


def _normalised(given: Constants) -> Values:
    parameter, blobs = given.layer.batch_norm_param, given.blobs
    if parameter.HasField("use_global_stats") and not parameter.use_global_stats:
        return [given.first * 0]
    factor = float(blobs[2].ravel()[0])
    mean, variance = (blob.reshape(-1).astype(np.float64) * (1 / factor if factor else 0) for blob in blobs[:2])
    return [(given.first - mean) / np.sqrt(variance + parameter.eps)]


def _affine(layer: Layer) -> Layer:
    return layer.scale_param if layer.type == "Scale" else layer.bias_param


def _has_bias(layer: Layer) -> bool:
    return layer.type == "Scale" and bool(layer.scale_param.bias_term)


def _affine_shapes(layer: Layer, bottoms: Shapes) -> Shapes:
    factors = bottoms[1] if len(bottoms) > 1 else _factors(layer, bottoms[0])
    # A scalar fits anywhere, but its bias is a layer of its own, which asks for the axis.
    axis = axis_of(layer, _affine(layer).axis, bottoms[0]) if factors or _has_bias(layer) else 0
    if bottoms[0][axis : axis + len(factors)] != factors:
        raise UserError(
            f"layer '{layer.name}': expected a second bottom like the first from axis {axis} on, "
            f"{written(bottoms[0])}, got {written(factors)}"
        )
    return (bottoms[0],)


def _factors(layer: Layer, bottom: Shape) -> Shape:
    """What a Scale or Bias layer learns for `bottom`: the shape of its num_axes axes from `axis` on."""
    parameter = _affine(layer)
    axis = axis_of(layer, parameter.axis, bottom)
    end = len(bottom) if parameter.num_axes == -1 else axis + parameter.num_axes
    if not axis <= end <= len(bottom):
        raise UserError(
            f"layer '{layer.name}': expected num_axes of -1 to {len(bottom) - axis} for a bottom of "
            f"{written(bottom)}, got {parameter.num_axes}"
        )
    return bottom[axis:end]


def _affine_blobs(layer: Layer, bottoms: Shapes, tops: Shapes) -> list[LearnedBlob]:
    shapes = [_factors(layer, bottoms[0])] if len(bottoms) == 1 else []
    if _has_bias(layer):
        # ScaleLayer's bias is a Bias layer's, of the same shape as its factors, learned or read.
        shapes.append(shapes[0] if shapes else bottoms[1])
    if not shapes:
        return []
    first = axis_of(layer, _affine(layer).axis, bottoms[0])
    last = len(shapes) - 1 if layer.type == "Bias" or _has_bias(layer) else None
    return [LearnedBlob(shape, 1 - first if first <= 1 < first + len(shape) else None, shift=number == last)
            for number, shape in enumerate(shapes)]  # fmt: skip


def _affine_channels(layer: Layer, bottoms: Shapes, tops: Shapes) -> list[ChannelMap]:
    if len(bottoms) == 1:
        return passed_on(layer, bottoms, tops)
    axis = axis_of(layer, _affine(layer).axis, bottoms[0])
    passed = every(0, 0, channels(bottoms[0]))
    if axis == 0 and len(bottoms[1]) > 1:
        return [passed, every(1, 0, channels(bottoms[1]))]
    if len(bottoms[1]) == 0 or axis > 1 or axis == 0:
        return [passed]  # one factor for every channel
    raise UnknownLayer(
        f"layer '{layer.name}': expected a second bottom with the channels on axis 1 (axis: 0), got axis {axis}; "
        "keep_unknown: true leaves everything that touches it whole"
    )


def _scaled(given: Constants) -> Values:
    value, count = given.first, len(given.first)
    if len(given.bottoms) > 1:
        factor = given.bottoms[1] if len(given.bottoms[1]) == count else np.full(count, np.nan)
    else:
        factor = given.blob(0)
    product = np.where((value == 0) | (factor == 0), 0, value * factor)
    return [product + given.blob(len(given.learned) - 1) if _has_bias(given.layer) else product]


def _shifted(given: Constants) -> Values:
    if len(given.bottoms) == 1:
        return [given.first + given.blob(0)]
    return [given.first + (given.bottoms[1] if len(given.bottoms[1]) == len(given.first) else np.nan)]


def _response_shapes(layer: Layer, bottoms: Shapes) -> Shapes:
    expect_axes(layer, bottoms[0], 4, 4)
    if layer.lrn_param.local_size % 2 == 0:
        raise UserError(f"layer '{layer.name}': expected an odd local_size, got {layer.lrn_param.local_size}")
    return bottoms


def _mean_variance_shapes(layer: Layer, bottoms: Shapes) -> Shapes:
    # MVNLayer sees every blob as one of four axes.
    expect_axes(layer, bottoms[0], 0, 4)
    return ((*bottoms[0], *(1,) * (4 - len(bottoms[0]))),)


def _without_mean(given: Constants) -> Values:
    # Rounding leaves something of another constant less its mean, which is then divided by its own deviation.
    return varies(given) if given.layer.mvn_param.across_channels else zero_stays(given)


def _of_statistics(layer: Layer, blobs: list[np.ndarray]) -> tuple[np.ndarray, np.ndarray]:
    mean, variance, count = (blob.astype(np.float64).reshape(-1) for blob in blobs)
    # BatchNormLayer keeps sums: its third blob is what they are to be divided by; at 0 they count as 0, too.
    part = 1 / count[0] if count[0] else 0.0
    factors = 1 / np.sqrt(variance * part + layer.batch_norm_param.eps)
    return factors, -mean * part * factors


def _factors_and_terms(layer: Layer, blobs: list[np.ndarray]) -> tuple[np.ndarray, np.ndarray]:
    first, *rest = (blob.astype(np.float64).reshape(-1) for blob in blobs)
    if layer.type == "Bias":
        return np.ones(len(first)), first
    return first, rest[0] if rest else np.zeros(len(first))


TYPES = (
    LayerType(
        "BatchNorm", shapes=_batch_norm_shapes, learned=_statistics, statistics=True, affine=_of_statistics,
        constant=_normalised, free=True,
    ),
    LayerType(
        "Scale", bottoms=(1, 2), shapes=_affine_shapes, channels=_affine_channels, learned=_affine_blobs,
        affine=_factors_and_terms, constant=_scaled, free=True,
    ),
    LayerType(
        "Bias", bottoms=(1, 2), shapes=_affine_shapes, channels=_affine_channels, learned=_affine_blobs,
        affine=_factors_and_terms, constant=_shifted, free=True,
    ),
    LayerType(
        "LRN", shapes=_response_shapes, constant=zero_stays,
        mixes=lambda layer: layer.lrn_param.norm_region == layer.lrn_param.ACROSS_CHANNELS,
    ),
    LayerType(
        "MVN", shapes=_mean_variance_shapes, constant=_without_mean,
        mixes=lambda layer: bool(layer.mvn_param.across_channels),
    ),
)  # fmt: skip
