"""Caffe's layers as PyTorch's own modules, written as a PyTorch user would, with Caffe's rules where they differ."""

from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

Blobs = list[np.ndarray]


def module_of(layer: Any, blobs: Blobs) -> nn.Module:
    """The module for one layer, with the caffemodel's weights. ValueError for what is not covered."""
    make = _MAKERS.get(layer.type)
    if make is None:
        raise ValueError(f"layer '{layer.name}': no PyTorch module for type {layer.type}")
    return make(layer, blobs)


class BatchNorm(nn.BatchNorm2d):
    """PyTorch's, behind an InnerProduct too, where there are no planes."""

    def _check_input_dim(self, x: Tensor) -> None:
        assert x.ndim in (2, 4)


def batch_norm(layer: Any, blobs: Blobs, scale: Blobs) -> nn.Module:
    """Caffe's BatchNorm and the Scale after it: one BatchNorm2d. Caffe keeps sums and how many they are of."""
    mean, variance, count = blobs
    parameter = layer.batch_norm_param
    module = BatchNorm(mean.size, eps=parameter.eps, momentum=1 - parameter.moving_average_fraction)
    _set(module.running_mean, mean / count)
    _set(module.running_var, variance / count)
    _set(module.weight, scale[0])
    _set(module.bias, scale[1])
    return module


class LRN(nn.LocalResponseNorm):
    """PyTorch's, except that an ONNX file gets the one node that ONNX has for it instead of a dozen."""

    def forward(self, x: Tensor) -> Tensor:
        if torch.onnx.is_in_onnx_export():
            return _OnnxLRN.apply(x, self.size, self.alpha, self.beta, self.k)
        return super().forward(x)


class _OnnxLRN(torch.autograd.Function):
    @staticmethod
    def forward(context: Any, x: Tensor, size: int, alpha: float, beta: float, k: float) -> Tensor:
        return functional.local_response_norm(x, size, alpha, beta, k)

    @staticmethod
    def symbolic(graph: Any, x: Any, size: int, alpha: float, beta: float, k: float) -> Any:
        return graph.op("LRN", x, size_i=size, alpha_f=alpha, beta_f=beta, bias_f=k)


class Calling(nn.Module):
    """A function as a module."""

    def __init__(self, function: Callable[..., Tensor]) -> None:
        super().__init__()
        self._function = function

    def forward(self, *bottoms: Tensor) -> Tensor:
        return self._function(*bottoms)


def _convolution(layer: Any, blobs: Blobs) -> nn.Module:
    parameter, (outputs, inputs, *kernel) = layer.convolution_param, blobs[0].shape
    module = nn.Conv2d(
        inputs * parameter.group,
        outputs,
        tuple(kernel),
        _pair(parameter, "stride", 1),
        _pair(parameter, "pad", 0),
        tuple((list(parameter.dilation) or [1]) * 2)[:2],
        parameter.group,
        bias=parameter.bias_term,
    )
    return _with_weights(module, blobs)


def _inner_product(layer: Any, blobs: Blobs) -> nn.Module:
    outputs, inputs = blobs[0].shape
    linear = nn.Linear(inputs, outputs, bias=layer.inner_product_param.bias_term)
    return nn.Sequential(nn.Flatten(), _with_weights(linear, blobs))


def _pooling(layer: Any, blobs: Blobs) -> nn.Module:
    parameter = layer.pooling_param
    average = parameter.pool == parameter.AVE
    if parameter.global_pooling:
        return nn.AdaptiveAvgPool2d(1) if average else nn.AdaptiveMaxPool2d(1)
    window = (_pair(parameter, "kernel_size", 0), _pair(parameter, "stride", 1), _pair(parameter, "pad", 0))
    # Caffe rounds the number of windows up, and an average counts padding, as far as it is padded.
    if average:
        return nn.AvgPool2d(*window, ceil_mode=True, count_include_pad=True)
    return nn.MaxPool2d(*window, ceil_mode=True)


def _lrn(layer: Any, blobs: Blobs) -> nn.Module:
    parameter = layer.lrn_param
    if parameter.norm_region != parameter.ACROSS_CHANNELS:
        raise ValueError(f"layer '{layer.name}': no PyTorch module for LRN within channels")
    return LRN(parameter.local_size, parameter.alpha, parameter.beta, parameter.k)


def _eltwise(layer: Any, blobs: Blobs) -> nn.Module:
    parameter = layer.eltwise_param
    if any(coefficient != 1 for coefficient in parameter.coeff):
        raise ValueError(f"layer '{layer.name}': no PyTorch module for Eltwise with coefficients")
    function = {parameter.SUM: torch.add, parameter.PROD: torch.mul, parameter.MAX: torch.maximum}
    return Calling(function[parameter.operation])


def _concat(layer: Any, blobs: Blobs) -> nn.Module:
    axis = layer.concat_param.axis
    return Calling(lambda *bottoms: torch.cat(bottoms, axis))


def _power(layer: Any, blobs: Blobs) -> nn.Module:
    p = layer.power_param
    if p.power == 1:
        return Calling(lambda x: x * p.scale + p.shift)
    return Calling(lambda x: (x * p.scale + p.shift) ** p.power)


def _euclidean_loss(output: Tensor, target: Tensor) -> Tensor:
    return functional.mse_loss(output, target, reduction="sum") / (2 * len(output))


def _set(tensor: Tensor, values: np.ndarray) -> None:
    with torch.no_grad():
        tensor.copy_(torch.from_numpy(values).reshape(tensor.shape))


def _with_weights(module: nn.Module, blobs: Blobs) -> nn.Module:
    for parameter, values in zip(module.parameters(), blobs, strict=True):
        _set(parameter, values)
    return module


def _pair(parameter: Any, name: str, default: int) -> tuple[int, int]:
    """(vertical, horizontal): from name_h and name_w, or from `name`, which may be repeated."""
    stem = name.removesuffix("_size")
    if parameter.HasField(f"{stem}_h") or parameter.HasField(f"{stem}_w"):
        return getattr(parameter, f"{stem}_h"), getattr(parameter, f"{stem}_w")
    given = getattr(parameter, name)
    values = [given] if isinstance(given, int) else list(given) or [default]
    return values[0], values[-1]


_MAKERS: dict[str, Callable[[Any, Blobs], nn.Module]] = {
    "Convolution": _convolution,
    "InnerProduct": _inner_product,
    "Pooling": _pooling,
    "LRN": _lrn,
    "Eltwise": _eltwise,
    "Concat": _concat,
    "Power": _power,
    "ReLU": lambda layer, blobs: nn.ReLU(inplace=layer.bottom[0] == layer.top[0]),
    "Sigmoid": lambda layer, blobs: nn.Sigmoid(),
    "Dropout": lambda layer, blobs: nn.Dropout(layer.dropout_param.dropout_ratio),
    "Flatten": lambda layer, blobs: nn.Flatten(),
    "Softmax": lambda layer, blobs: nn.Softmax(dim=layer.softmax_param.axis),
    "SoftmaxWithLoss": lambda layer, blobs: nn.CrossEntropyLoss(),
    "EuclideanLoss": lambda layer, blobs: Calling(_euclidean_loss),
}
