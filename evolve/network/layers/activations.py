"""Layers that compute each value from that value alone: ReLU and its kin, Power, Exp, Log, Dropout."""

import numpy as np

from evolve.network.axes import Layer, Shapes, expect_axes
from evolve.network.layers.constants import Constants, Values, carried, elementwise
from evolve.network.layers.layer_type import LayerType
from evolve.network.layers.learned import LearnedBlob


def _prelu_shapes(layer: Layer, bottoms: Shapes) -> Shapes:
    expect_axes(layer, bottoms[0], 2, 4)
    return bottoms


def _slopes(layer: Layer, bottoms: Shapes, tops: Shapes) -> list[LearnedBlob]:
    shared = layer.prelu_param.channel_shared
    return [LearnedBlob(()) if shared else LearnedBlob((bottoms[0][1],), 0)]


def _leaky(value: np.ndarray, slope: float | np.ndarray) -> Values:
    return [np.maximum(value, 0) + slope * np.minimum(value, 0)]


def _powered(given: Constants) -> Values:
    parameter = given.layer.power_param
    value = np.zeros(len(given.first)) if parameter.scale == 0 else given.first * parameter.scale
    return [np.ones(len(value)) if parameter.power == 0 else (value + parameter.shift) ** parameter.power]


def _exponential(given: Constants) -> Values:
    parameter = given.layer.exp_param
    base = np.e if parameter.base == -1 else parameter.base
    return [base ** (parameter.shift + parameter.scale * given.first)]


def _logarithm(given: Constants) -> Values:
    parameter = given.layer.log_param
    base = 1.0 if parameter.base == -1 else np.log(parameter.base)
    return [np.log(parameter.shift + parameter.scale * given.first) / base]


def _elu(given: Constants) -> Values:
    return [np.where(given.first > 0, given.first, given.layer.elu_param.alpha * np.expm1(given.first))]


def _threshold(given: Constants) -> Values:
    above = given.first > given.layer.threshold_param.threshold
    return [np.where(np.isnan(given.first), np.nan, above)]


def _swish(given: Constants) -> Values:
    return [given.first / (1 + np.exp(-given.layer.swish_param.beta * given.first))]


def _clipped(given: Constants) -> Values:
    parameter = given.layer.clip_param
    return [np.clip(given.first, parameter.min, parameter.max)]


TYPES = (
    # Caffe computes its gradient from what was there before.
    LayerType("AbsVal", in_place=False, constant=elementwise(np.abs)),
    LayerType("BNLL", constant=elementwise(lambda value: np.logaddexp(0, value))),
    LayerType("Clip", constant=_clipped),
    LayerType("Dropout", constant=carried, free=True),
    LayerType("ELU", constant=_elu),
    LayerType("Exp", constant=_exponential),
    LayerType("Log", constant=_logarithm),
    LayerType("Power", constant=_powered),
    LayerType(
        "PReLU", shapes=_prelu_shapes, learned=_slopes, constant=lambda given: _leaky(given.first, given.blob(0))
    ),
    LayerType(
        "ReLU", constant=lambda given: _leaky(given.first, given.layer.relu_param.negative_slope), free=True
    ),
    LayerType("Sigmoid", constant=elementwise(lambda value: 1 / (1 + np.exp(-value)))),
    LayerType("Swish", constant=_swish),
    LayerType("TanH", constant=elementwise(np.tanh)),
    LayerType("Threshold", constant=_threshold),
)
