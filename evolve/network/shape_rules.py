"""For each type of layer, the shapes of its tops from those of its bottoms, as its Reshape in Caffe sets them.

What a rule refuses, Caffe aborts on (or would compute nonsense with).
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from evolve.base.errors import UserError
from evolve.detectnet import inputs
from evolve.network import axis_rules, detection_rules, loss_rules, windows
from evolve.network.axes import Shape, axis_of, count, expect_axes, written

Shapes = tuple[Shape, ...]
_MANY = 1000
_MAX = 0  # PoolingParameter.PoolMethod


@dataclass(frozen=True)
class Rule:
    """How many bottoms and tops a type has, and what shapes come of it: at least as many as it has tops."""

    shapes: Callable[[Any, Shapes], Shapes]
    bottoms: tuple[int, int] = (1, 1)
    tops: tuple[int, int] = (1, 1)


def tops(layer: Any, bottoms: Shapes) -> Shapes:
    """The shapes of the tops of a layer whose kind is in RULES. UserError naming the layer if they do not fit."""
    rule = RULES[inputs.kind(layer)]
    for what, blobs, (least, most) in (("bottom", layer.bottom, rule.bottoms), ("top", layer.top, rule.tops)):
        if not least <= len(blobs) <= most:
            wanted = f"{least}" if least == most else f"{least} or more" if most == _MANY else f"{least} to {most}"
            plural = "" if least == most == 1 else "s"
            raise UserError(f"layer '{layer.name}': expected {wanted} {what}{plural}, got {len(blobs)}")
    return rule.shapes(layer, bottoms)[: len(layer.top)]


def _same(layer: Any, bottoms: Shapes) -> Shapes:
    return (bottoms[0],) * len(layer.top)


def _nothing(layer: Any, bottoms: Shapes) -> Shapes:
    return ()


def _convolution(layer: Any, bottoms: Shapes) -> Shapes:
    parameter = layer.convolution_param
    axis = axis_of(layer, parameter.axis, bottoms[0])
    channels, size = bottoms[0][axis], bottoms[0][axis + 1 :]
    window = windows.convolution(layer, len(size))
    if not parameter.num_output:
        raise UserError(f"layer '{layer.name}': expected a num_output of 1 and more, got 0")
    if not parameter.group or channels % parameter.group or parameter.num_output % parameter.group:
        raise UserError(
            f"layer '{layer.name}': expected a group that divides its {channels} inputs and "
            f"{parameter.num_output} outputs, got {parameter.group}"
        )
    if len(bottoms) != len(layer.top) or any(shape != bottoms[0] for shape in bottoms):
        raise UserError(
            f"layer '{layer.name}': expected bottoms of one shape and a top each, got "
            f"{', '.join(map(written, bottoms))} and {len(layer.top)} tops"
        )
    places = windows.deconvolved if layer.type == "Deconvolution" else windows.convolved
    return ((*bottoms[0][:axis], parameter.num_output, *places(window, size)),) * len(layer.top)


def _inner_product(layer: Any, bottoms: Shapes) -> Shapes:
    parameter = layer.inner_product_param
    if not parameter.num_output:
        raise UserError(f"layer '{layer.name}': expected a num_output of 1 and more, got 0")
    return ((*bottoms[0][: axis_of(layer, parameter.axis, bottoms[0])], parameter.num_output),)


def _embed(layer: Any, bottoms: Shapes) -> Shapes:
    parameter = layer.embed_param
    if not parameter.num_output or not parameter.input_dim:
        got = f"{parameter.num_output} and {parameter.input_dim}"
        raise UserError(f"layer '{layer.name}': expected a num_output and an input_dim of 1 and more, got {got}")
    return ((*bottoms[0], parameter.num_output),)


def _pooling(layer: Any, bottoms: Shapes) -> Shapes:
    expect_axes(layer, bottoms[0], 4, 4)
    if len(layer.top) > 1 and layer.pooling_param.pool != _MAX:
        raise UserError(f"layer '{layer.name}': expected a second top, for the maxima's places, with pool MAX only")
    return ((*bottoms[0][:2], *windows.pooled(layer, bottoms[0][2:])),) * 2


def _im2col(layer: Any, bottoms: Shapes) -> Shapes:
    axis = axis_of(layer, layer.convolution_param.axis, bottoms[0])
    size = bottoms[0][axis + 1 :]
    if not size:
        raise UserError(f"layer '{layer.name}': expected axes behind axis {axis}, got {written(bottoms[0])}")
    window = windows.convolution(layer, len(size))
    return ((*bottoms[0][:axis], bottoms[0][axis] * count(window.kernel), *windows.convolved(window, size)),)


def _spatial_pyramid(layer: Any, bottoms: Shapes) -> Shapes:
    """SPPLayer: what the levels give is laid out in one row; one level alone keeps its form."""
    expect_axes(layer, bottoms[0], 4, 4)
    images, channels, *size = bottoms[0]
    levels = windows.pyramid(layer, tuple(size))
    if len(levels) == 1:
        return ((images, channels, *levels[0]),)
    return ((images, channels * sum(map(count, levels))),)


def _four_axes(layer: Any, bottoms: Shapes) -> Shapes:
    expect_axes(layer, bottoms[0], 4, 4)
    if layer.type == "LRN" and layer.lrn_param.local_size % 2 == 0:
        raise UserError(f"layer '{layer.name}': expected an odd local_size, got {layer.lrn_param.local_size}")
    return bottoms


def _mean_variance(layer: Any, bottoms: Shapes) -> Shapes:
    # MVNLayer sees every blob as one of four axes.
    expect_axes(layer, bottoms[0], 0, 4)
    return ((*bottoms[0], *(1,) * (4 - len(bottoms[0]))),)


def _channels(layer: Any, bottoms: Shapes) -> Shapes:
    expect_axes(layer, bottoms[0], 2, 4 if layer.type == "PReLU" else _MANY)
    return bottoms


def _scale(layer: Any, bottoms: Shapes) -> Shapes:
    parameter = layer.scale_param if layer.type == "Scale" else layer.bias_param
    factors = bottoms[1] if len(bottoms) > 1 else scale_shape(layer, bottoms[0])
    has_bias = layer.type == "Scale" and parameter.bias_term
    # A scalar fits anywhere, but its bias is a layer of its own, which asks for the axis.
    axis = axis_of(layer, parameter.axis, bottoms[0]) if factors or has_bias else 0
    if bottoms[0][axis : axis + len(factors)] != factors:
        raise UserError(
            f"layer '{layer.name}': expected a second bottom like the first from axis {axis} on, "
            f"{written(bottoms[0])}, got {written(factors)}"
        )
    return (bottoms[0],)


def scale_shape(layer: Any, bottom: Shape) -> Shape:
    """What a Scale or Bias layer learns for `bottom`: the shape of its num_axes axes from `axis` on."""
    parameter = layer.scale_param if layer.type == "Scale" else layer.bias_param
    axis = axis_of(layer, parameter.axis, bottom)
    end = len(bottom) if parameter.num_axes == -1 else axis + parameter.num_axes
    if not axis <= end <= len(bottom):
        raise UserError(
            f"layer '{layer.name}': expected num_axes of -1 to {len(bottom) - axis} for a bottom of "
            f"{written(bottom)}, got {parameter.num_axes}"
        )
    return bottom[axis:end]


_UNCHANGED = "AbsVal BNLL Clip Dropout ELU Exp Log Power ReLU Sigmoid Swish TanH Threshold"

RULES: dict[str, Rule] = {
    **{kind: Rule(_same) for kind in _UNCHANGED.split()},
    "PReLU": Rule(_channels),
    "BatchNorm": Rule(_channels),
    "Scale": Rule(_scale, bottoms=(1, 2)),
    "Bias": Rule(_scale, bottoms=(1, 2)),
    "LRN": Rule(_four_axes),
    "MVN": Rule(_mean_variance),
    "Convolution": Rule(_convolution, bottoms=(1, _MANY), tops=(1, _MANY)),
    "Deconvolution": Rule(_convolution, bottoms=(1, _MANY), tops=(1, _MANY)),
    "InnerProduct": Rule(_inner_product),
    "Embed": Rule(_embed),
    "Pooling": Rule(_pooling, tops=(1, 2)),
    "SPP": Rule(_spatial_pyramid),
    "Im2col": Rule(_im2col),
    "Split": Rule(_same, tops=(1, _MANY)),
    "Silence": Rule(_nothing, bottoms=(1, _MANY), tops=(0, 0)),
    "HDF5Output": Rule(_nothing, bottoms=(2, 2), tops=(0, 0)),
    "Concat": Rule(axis_rules.concat, bottoms=(1, _MANY)),
    "Slice": Rule(axis_rules.slice_, tops=(1, _MANY)),
    "Eltwise": Rule(axis_rules.eltwise, bottoms=(2, _MANY)),
    "Crop": Rule(axis_rules.crop, bottoms=(2, 2)),
    "Reshape": Rule(axis_rules.reshape),
    "Flatten": Rule(axis_rules.flatten),
    "Tile": Rule(axis_rules.tile),
    "Reduction": Rule(axis_rules.reduction),
    "ArgMax": Rule(axis_rules.arg_max),
    "Softmax": Rule(axis_rules.softmax),
    "BatchReindex": Rule(axis_rules.batch_reindex, bottoms=(2, 2)),
    # A loss without a top gets one, which no other layer can read (Net::AppendTop).
    "SoftmaxWithLoss": Rule(loss_rules.softmax_loss, bottoms=(2, 2), tops=(0, 2)),
    "InfogainLoss": Rule(loss_rules.softmax_loss, bottoms=(2, 3), tops=(0, 2)),
    "EuclideanLoss": Rule(loss_rules.euclidean_loss, bottoms=(2, 2), tops=(0, 1)),
    "SigmoidCrossEntropyLoss": Rule(loss_rules.same_count_loss, bottoms=(2, 2), tops=(0, 1)),
    "HingeLoss": Rule(loss_rules.loss, bottoms=(2, 2), tops=(0, 1)),
    "MultinomialLogisticLoss": Rule(loss_rules.one_label_loss, bottoms=(2, 2), tops=(0, 1)),
    "ContrastiveLoss": Rule(loss_rules.contrastive_loss, bottoms=(3, 3), tops=(0, 1)),
    "Accuracy": Rule(loss_rules.accuracy, bottoms=(2, 2), tops=(1, 2)),
    # Python layers of evolve.detectnet.layers.
    "L1Loss": Rule(loss_rules.same_count_loss, bottoms=(2, 2)),
    "ClusterDetections": Rule(detection_rules.detections, bottoms=(2, 2), tops=(1, _MANY)),
    "ClusterGroundtruth": Rule(detection_rules.objects, bottoms=(2, 2), tops=(1, _MANY)),
    "ScoreDetections": Rule(detection_rules.counts, bottoms=(2, 2)),
    "mAP": Rule(detection_rules.three_numbers, tops=(3, 3)),
}
