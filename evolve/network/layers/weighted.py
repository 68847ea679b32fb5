"""Layers whose weights connect channels: Convolution, Deconvolution, InnerProduct; and Embed, which looks up rows."""

from evolve.base.counted import counted
from evolve.base.errors import UserError
from evolve.network.axes import Layer, Shapes, axis_of, count, written
from evolve.network.channels import none
from evolve.network.layers import windows
from evolve.network.layers.layer_type import MANY, LayerType, Resizing
from evolve.network.layers.learned import LearnedBlob
from evolve.network.weighted import WeightedLayer


def parameter_of(layer: Layer) -> Layer:
    """The message in a Convolution, Deconvolution or InnerProduct that says how many outputs it has."""
    return layer.inner_product_param if layer.type == "InnerProduct" else layer.convolution_param


def _convolution(layer: Layer, bottoms: Shapes) -> Shapes:
    parameter = layer.convolution_param
    axis = axis_of(layer, parameter.axis, bottoms[0])
    channels, size = bottoms[0][axis], bottoms[0][axis + 1 :]
    window = windows.convolution(layer, len(size))
    if not parameter.num_output:
        raise UserError(f"layer '{layer.name}': expected a num_output of 1 and more, got 0")
    if not parameter.group or channels % parameter.group or parameter.num_output % parameter.group:
        raise UserError(
            f"layer '{layer.name}': expected a group that divides its {counted(channels, 'input')} and "
            f"{counted(parameter.num_output, 'output')}, got {parameter.group}"
        )
    if len(bottoms) != len(layer.top) or any(shape != bottoms[0] for shape in bottoms):
        raise UserError(
            f"layer '{layer.name}': expected bottoms of one shape and a top each, got "
            f"{', '.join(map(written, bottoms))} and {counted(len(layer.top), 'top')}"
        )
    places = windows.deconvolved if layer.type == "Deconvolution" else windows.convolved
    return ((*bottoms[0][:axis], parameter.num_output, *places(window, size)),) * len(layer.top)


def _convolving(layer: Layer, bottoms: Shapes, tops: Shapes) -> WeightedLayer:
    parameter, bottom = layer.convolution_param, bottoms[0]
    axis = axis_of(layer, parameter.axis, bottom)
    window = windows.convolution(layer, len(bottom) - axis - 1)
    placed = bottom if layer.type == "Deconvolution" else tops[0]
    return WeightedLayer(
        name=layer.name,
        type=layer.type,
        outputs=parameter.num_output,
        inputs=bottom[axis],
        patch=count(window.kernel),
        has_bias=parameter.bias_term,
        group=parameter.group,
        window=window.kernel,
        padded=any(window.pad),
        axis=axis,
        positions=count(placed, 1, axis) * count(placed, axis + 1) * len(tops),
    )


def _inner_product(layer: Layer, bottoms: Shapes) -> Shapes:
    parameter = layer.inner_product_param
    if not parameter.num_output:
        raise UserError(f"layer '{layer.name}': expected a num_output of 1 and more, got 0")
    return ((*bottoms[0][: axis_of(layer, parameter.axis, bottoms[0])], parameter.num_output),)


def _multiplying(layer: Layer, bottoms: Shapes, tops: Shapes) -> WeightedLayer:
    """Its inputs are the channels along its `axis`; its patch is what lies behind them."""
    parameter, bottom = layer.inner_product_param, bottoms[0]
    axis = axis_of(layer, parameter.axis, bottom)
    return WeightedLayer(
        name=layer.name,
        type=layer.type,
        outputs=parameter.num_output,
        inputs=bottom[axis],
        patch=count(bottom, axis + 1),
        has_bias=parameter.bias_term,
        axis=axis,
        transpose=parameter.transpose,
        positions=count(bottom, 1, axis),
    )


def _resize(layer: Layer, left: Resizing) -> None:
    """num_output, the groups that are left, and a bias that a constant went into."""
    weighted, outputs = left.weighted, left.written[0]
    assert weighted, f"{layer.type} has synapses"
    parameter = parameter_of(layer)
    parameter.num_output = int(outputs.sum())
    if weighted.has_bias and not parameter.bias_term:
        parameter.bias_term = True
    if weighted.group > 1:
        parameter.group = int(outputs.reshape(weighted.group, -1).any(axis=1).sum())


def _embed(layer: Layer, bottoms: Shapes) -> Shapes:
    parameter = layer.embed_param
    if not parameter.num_output or not parameter.input_dim:
        got = f"{parameter.num_output} and {parameter.input_dim}"
        raise UserError(f"layer '{layer.name}': expected a num_output and an input_dim of 1 and more, got {got}")
    return ((*bottoms[0], parameter.num_output),)


def _rows(layer: Layer, bottoms: Shapes, tops: Shapes) -> list[LearnedBlob]:
    parameter = layer.embed_param
    shapes = [(parameter.input_dim, parameter.num_output), (parameter.num_output,)]
    return [LearnedBlob(shape) for shape in shapes[: 1 + parameter.bias_term]]


TYPES = (
    LayerType(
        "Convolution", bottoms=(1, MANY), tops=(1, MANY), shapes=_convolution, channels=none, connects=_convolving,
        resize=_resize,
    ),
    LayerType(
        "Deconvolution", bottoms=(1, MANY), tops=(1, MANY), shapes=_convolution, channels=none, connects=_convolving,
        resize=_resize,
    ),
    LayerType("InnerProduct", shapes=_inner_product, channels=none, connects=_multiplying, resize=_resize),
    LayerType(
        "Embed", shapes=_embed, learned=_rows, not_evolving="as its rows are looked up by number and no channel goes on"
    ),
)  # fmt: skip
