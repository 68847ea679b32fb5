"""The shapes of what a net begins with: inputs, and data layers as far as the prototxt tells."""

from typing import Any

from evolve.base.errors import UserError
from evolve.network.axes import Shape

# Types without bottoms whose prototxt tells their shapes.
SOURCES = ("Input", "DummyData", "MemoryData", "Parameter")


def old_inputs(net: Any) -> list[Any]:
    """The Input layer that stands for inputs named outside any layer (UpgradeNetInput); none if there are none."""
    if not net.input:
        return []
    layer = type(net)().layer.add(name="input", type="Input", top=list(net.input))
    if net.input_shape:
        layer.input_param.shape.extend(net.input_shape)
    else:
        dims = list(net.input_dim)
        for start in range(0, len(dims), 4):
            layer.input_param.shape.add(dim=dims[start : start + 4])
    return [layer]


def tops(layer: Any) -> tuple[Shape, ...]:
    """The shapes of a layer without bottoms. UserError where only its data could tell."""
    if layer.type == "Input":
        return _one_each(layer, [tuple(shape.dim) for shape in layer.input_param.shape])
    if layer.type == "DummyData":
        return _one_each(layer, _dummy_shapes(layer))
    if layer.type == "MemoryData":
        data = layer.memory_data_param
        images = (data.batch_size, data.channels, data.height, data.width)
        return (images, (data.batch_size,))[: len(layer.top)]
    if layer.type == "Parameter":
        return (tuple(layer.parameter_param.shape.dim),)
    raise UserError(
        f"layer '{layer.name}': expected a type whose prototxt tells the shape of its tops, got {layer.type}; put an "
        "Input layer in its place, or give an image's shape (SHAPE=3x32x32)"
    )


def _one_each(layer: Any, shapes: list[Shape]) -> tuple[Shape, ...]:
    tops = len(layer.top)
    if len(shapes) not in (1, tops):
        raise UserError(f"layer '{layer.name}': expected one shape, or {tops}, one a top, got {len(shapes)}")
    return tuple(shapes * tops if len(shapes) == 1 else shapes)


def _dummy_shapes(layer: Any) -> list[Shape]:
    parameter = layer.dummy_data_param
    old = [list(getattr(parameter, name)) for name in ("num", "channels", "height", "width")]
    if not any(old):
        return [tuple(shape.dim) for shape in parameter.shape]
    if not all(len(values) in (1, len(layer.top)) for values in old):
        raise UserError(
            f"layer '{layer.name}': expected num, channels, height and width once each, or once a top, got {old}"
        )
    return [tuple(values[min(k, len(values) - 1)] for values in old) for k in range(len(layer.top))]
