"""What a net begins with: inputs, and data layers as far as the prototxt tells their shapes."""

from evolve.base.errors import UserError
from evolve.network.axes import Layer, Net, Shape, Shapes
from evolve.network.channels import none
from evolve.network.layers.layer_type import MANY, LayerType
from evolve.network.layers.learned import LearnedBlob

_NONE = (0, 0)


def old_inputs(net: Net) -> list[Layer]:
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


def gives_constants(layer: Layer) -> bool:
    """Whether a layer reads no examples: DummyData that draws nothing, or Parameter, which gives what it learns."""
    drawn = any(filler.type != "constant" for filler in layer.dummy_data_param.data_filler)
    return layer.type == "Parameter" or layer.type == "DummyData" and not drawn


def untold(layer: Layer, bottoms: Shapes) -> Shapes:
    """No shapes: UserError, as only the layer's data could tell."""
    raise UserError(
        f"layer '{layer.name}': expected a type whose prototxt tells the shape of its tops, got {layer.type}; put an "
        "Input layer in its place, or give an image's shape (SHAPE=3x32x32)"
    )


def _stored(layer: Layer, bottoms: Shapes) -> Shapes:
    """Images of a Data layer: cropped, and as many channels as there are means; UserError where either is missing.

    One mean is every channel's, however many there are.
    """
    size, channels = layer.transform_param.crop_size, len(layer.transform_param.mean_value)
    if not size or channels < 2:
        return untold(layer, bottoms)
    batch = layer.data_param.batch_size
    return (batch, channels, size, size), (batch,)


def _files(layer: Layer, bottoms: Shapes) -> Shapes:
    """Images of an ImageData layer: resized or cropped, grey or not."""
    parameter, size = layer.image_data_param, layer.transform_param.crop_size
    height, width = (size, size) if size else (parameter.new_height, parameter.new_width)
    if not height or not width:
        return untold(layer, bottoms)
    return (parameter.batch_size, 3 if parameter.is_color else 1, height, width), (parameter.batch_size,)


def _windows(layer: Layer, bottoms: Shapes) -> Shapes:
    """Parts of images, cropped, in color."""
    size, batch = layer.transform_param.crop_size, layer.window_data_param.batch_size
    return ((batch, 3, size, size), (batch,)) if size else untold(layer, bottoms)


def _input(layer: Layer, bottoms: Shapes) -> Shapes:
    return _one_each(layer, [tuple(shape.dim) for shape in layer.input_param.shape])


def _dummy(layer: Layer, bottoms: Shapes) -> Shapes:
    parameter = layer.dummy_data_param
    old = [list(getattr(parameter, name)) for name in ("num", "channels", "height", "width")]
    if not any(old):
        return _one_each(layer, [tuple(shape.dim) for shape in parameter.shape])
    if not all(len(values) in (1, len(layer.top)) for values in old):
        raise UserError(
            f"layer '{layer.name}': expected num, channels, height and width once each, or once a top, got {old}"
        )
    return tuple(tuple(values[min(k, len(values) - 1)] for values in old) for k in range(len(layer.top)))


def _one_each(layer: Layer, shapes: list[Shape]) -> Shapes:
    tops = len(layer.top)
    if len(shapes) not in (1, tops):
        remedy = "; say it in input_param, or give SHAPE=3x32x32" if layer.type == "Input" and not shapes else ""
        raise UserError(f"layer '{layer.name}': expected one shape, or {tops}, one a top, got {len(shapes)}{remedy}")
    return tuple(shapes * tops if len(shapes) == 1 else shapes)


def _memory(layer: Layer, bottoms: Shapes) -> Shapes:
    data = layer.memory_data_param
    return (data.batch_size, data.channels, data.height, data.width), (data.batch_size,)


def _parameter(layer: Layer, bottoms: Shapes) -> Shapes:
    return (tuple(layer.parameter_param.shape.dim),)


def _own_values(layer: Layer, bottoms: Shapes, tops: Shapes) -> list[LearnedBlob]:
    return [LearnedBlob(tops[0])]


TYPES = (
    LayerType("Input", bottoms=_NONE, tops=(1, MANY), shapes=_input, channels=none, source=True, free=True),
    LayerType("DummyData", bottoms=_NONE, tops=(1, MANY), shapes=_dummy, channels=none, source=True, data=True),
    LayerType(
        "MemoryData", bottoms=_NONE, tops=(1, 2), shapes=_memory, channels=none, source=True, data=True,
        batch_size=lambda layer: int(layer.memory_data_param.batch_size),
    ),
    LayerType(
        "Data", bottoms=_NONE, tops=(1, 2), shapes=_stored, channels=none, source=True, data=True,
        batch_size=lambda layer: int(layer.data_param.batch_size),
    ),
    LayerType(
        "ImageData", bottoms=_NONE, tops=(1, 2), shapes=_files, channels=none, source=True, data=True,
        batch_size=lambda layer: int(layer.image_data_param.batch_size),
    ),
    LayerType(
        "HDF5Data", bottoms=_NONE, tops=(1, MANY), shapes=untold, channels=none, source=True, data=True,
        batch_size=lambda layer: int(layer.hdf5_data_param.batch_size),
    ),
    LayerType(
        "WindowData", bottoms=_NONE, tops=(1, 2), shapes=_windows, channels=none, source=True, data=True,
        batch_size=lambda layer: int(layer.window_data_param.batch_size),
    ),
    LayerType(
        "Parameter", bottoms=_NONE, shapes=_parameter, learned=_own_values,
        not_evolving="as no neuron stands behind what it learns",
    ),
)  # fmt: skip
