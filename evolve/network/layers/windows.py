"""Windows that slide over a blob: at how many places Convolution, Deconvolution and Pooling apply theirs."""

from dataclasses import dataclass

from evolve.base.errors import UserError
from evolve.network.axes import Layer, written

Sizes = tuple[int, ...]  # one number a spatial axis: (height, width) as a rule

_DEFAULTS = {"kernel": 0, "stride": 1, "pad": 0, "dilation": 1}
_CEIL = 0  # PoolingParameter.RoundMode
MAX, AVE, STOCHASTIC = 0, 1, 2  # PoolingParameter.PoolMethod, SPPParameter.PoolMethod


@dataclass(frozen=True)
class Window:
    """A layer's kernel, and how it moves."""

    kernel: Sizes
    stride: Sizes
    pad: Sizes  # on both sides
    dilation: Sizes

    @property
    def extent(self) -> Sizes:
        """What the kernel spans, the holes of dilation counted."""
        return tuple(d * (k - 1) + 1 for k, d in zip(self.kernel, self.dilation, strict=True))


def convolution(layer: Layer, axes: int = 2) -> Window:
    """The window of a Convolution, Deconvolution or Im2col layer over `axes` spatial axes.

    UserError for a kernel, stride or dilation of nothing, and for as many numbers as fit neither one nor `axes`.
    """
    kernel, stride, pad, dilation = (_along(layer, layer.convolution_param, what, axes) for what in _DEFAULTS)
    return _checked(layer, Window(kernel, stride, pad, dilation))


def pooling(layer: Layer, size: Sizes) -> Window:
    """The window of a Pooling layer over a blob of `size` (height, width). UserError as Caffe refuses it."""
    parameter = layer.pooling_param
    kernel, stride, pad = (_along(layer, parameter, what, 2) for what in ("kernel", "stride", "pad"))
    if parameter.global_pooling:
        if any(kernel) or stride != (1, 1) or any(pad):
            raise UserError(f"layer '{layer.name}': expected global_pooling, or a kernel, stride and pad, got both")
        kernel = size
    return _padded_below_its_kernel(layer, _checked(layer, Window(kernel, stride, pad, (1, 1))))


def convolved(window: Window, size: Sizes) -> Sizes:
    """Places along each axis (ConvolutionLayer::compute_output_shape); below 1 where the kernel does not fit."""
    axes = zip(size, window.extent, window.stride, window.pad, strict=True)
    return tuple((length + 2 * pad - extent) // stride + 1 for length, extent, stride, pad in axes)


def deconvolved(window: Window, size: Sizes) -> Sizes:
    """The inverse of `convolved`: the smallest size that a convolution would turn into `size`."""
    axes = zip(size, window.extent, window.stride, window.pad, strict=True)
    return tuple(stride * (length - 1) + extent - 2 * pad for length, extent, stride, pad in axes)


def pooled(layer: Layer, size: Sizes) -> Sizes:
    """Places along height and width (PoolingLayer::Reshape); below 1 where the kernel does not fit."""
    # NVIDIA Caffe and older ones have no round_mode.
    whole_only = getattr(layer.pooling_param, "round_mode", _CEIL) != _CEIL
    return places(pooling(layer, size), size, whole_only)


def pyramid(layer: Layer, size: Sizes) -> list[Window]:
    """The window on each level of an SPP layer: on level l, 2^l of it side by side cover all."""
    if not layer.spp_param.pyramid_height:
        raise UserError(f"layer '{layer.name}': expected a pyramid_height of 1 and more, got 0")
    levels = []
    for level in range(layer.spp_param.pyramid_height):
        kernel = tuple(-(-length // 2**level) for length in size)
        pad = tuple((k * 2**level - length + 1) // 2 for k, length in zip(kernel, size, strict=True))
        levels.append(_padded_below_its_kernel(layer, Window(kernel, kernel, pad, (1, 1))))
    return levels


def places(window: Window, size: Sizes, whole_only: bool = False) -> Sizes:
    """How often a pooling window fits; a last one that only partly does counts too, unless `whole_only`."""
    counts = []
    for length, kernel, stride, pad in zip(size, window.kernel, window.stride, window.pad, strict=True):
        room = length + 2 * pad - kernel
        count = (room if whole_only else room + stride - 1) // stride + 1
        # With padding on either axis, a last window that would start beyond the image is dropped.
        if any(window.pad) and (count - 1) * stride >= length + pad:
            count -= 1
        counts.append(count)
    return tuple(counts)


def _along(layer: Layer, parameter: Layer, what: str, axes: int) -> Sizes:
    """Kernel, stride, pad or dilation, one number an axis: Caffe has one field for all, and one for h and w each."""
    square = "kernel_size" if what == "kernel" else what
    values = getattr(parameter, square)
    # PoolingParameter has one number, with a default of its own; ConvolutionParameter a list.
    given = parameter.HasField(square) if isinstance(values, int) else bool(values)
    if what != "dilation" and (parameter.HasField(f"{what}_h") or parameter.HasField(f"{what}_w")):
        if given or axes != 2:
            got = f"{square} too" if given else f"{axes} spatial axes"
            raise UserError(
                f"layer '{layer.name}': expected {what}_h and {what}_w alone, for height and width, got {got}"
            )
        return getattr(parameter, f"{what}_h"), getattr(parameter, f"{what}_w")
    if isinstance(values, int):
        return (values,) * axes
    numbers = tuple(values) or (_DEFAULTS[what],)
    if len(numbers) not in (1, axes):
        raise UserError(f"layer '{layer.name}': expected one {square}, or {axes}, one a spatial axis, got {numbers}")
    return numbers * axes if len(numbers) == 1 else numbers


def _checked(layer: Layer, window: Window) -> Window:
    for what in ("kernel", "stride", "dilation"):
        if not all(getattr(window, what)):
            raise UserError(
                f"layer '{layer.name}': expected a {what} of 1 and more, got {written(getattr(window, what))}"
            )
    return window


def _padded_below_its_kernel(layer: Layer, window: Window) -> Window:
    if any(pad >= kernel for pad, kernel in zip(window.pad, window.kernel, strict=True)):
        kernel, pad = written(window.kernel), written(window.pad)
        raise UserError(f"layer '{layer.name}': expected a pad below its kernel, {kernel}, got {pad}")
    return window
