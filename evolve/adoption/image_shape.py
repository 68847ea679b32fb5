"""The size of an image that a network takes: told, given, or found from what its caffemodel fits."""

from evolve.adoption.data_set import DataSet
from evolve.adoption.feeding import Feeding
from evolve.adoption.given import Given
from evolve.base.errors import UserError
from evolve.network import phases, shapes
from evolve.network.axes import ImageShape, Layer, Net, Shape, count
from evolve.network.weights import Weights

_COLOURS = 3  # channels where a size alone is told
_LARGEST = 320  # pixels on a side that are tried
_USUAL = (28, 32, 64, 96, 128, 224, 227, 256, 299)


def find(given: Given, feeding: Feeding, asked: ImageShape | None, data_set: DataSet) -> tuple[ImageShape, str]:
    """(channels, height, width) as the network sees it, and in words where that is known from.

    `asked` is SHAPE=; `data_set` has its own size and channels where its name tells. UserError where nothing does.
    """
    if asked:
        return asked, "as SHAPE= has it"
    for source in feeding.sources.values():
        if told := _told(source):
            return told, f"as layer '{source.name}' says"
    crop = max(source.transform_param.crop_size for source in feeding.sources.values())
    depth = channels_of(given, feeding) or data_set.channels
    if depth and crop:
        return (depth, crop, crop), "from crop_size"
    if depth and all(data_set.size):
        return (depth, *data_set.size), "as its data set has it"
    if given.weights and depth and (fitting := _fitting(given.net, feeding, given.weights, depth)):
        return (depth, fitting, fitting), "the size that the caffemodel fits"
    if crop:
        return (_COLOURS, crop, crop), f"from crop_size, in colours as nothing tells otherwise (SHAPE=1x{crop}x{crop})"
    error = UserError(
        f"layer '{next(iter(feeding.sources.values())).name}': does not say the shape of an image; give SHAPE=3x32x32"
    )
    raise given.located(error)


def channels_of(given: Given, feeding: Feeding) -> int:
    """Channels of an image, as means or the first layer's weights tell; 0 where they do not."""
    for source in feeding.sources.values():
        if len(source.transform_param.mean_value) > 1:
            return len(source.transform_param.mean_value)
    for layer in given.net.layer:
        if feeding.image in layer.bottom and layer.type == "Convolution" and given.weights:
            blobs = given.weights.get(layer.name)
            return blobs[0].shape[1] * layer.convolution_param.group if blobs and blobs[0].ndim == 4 else 0
    return 0


def _told(source: Layer) -> ImageShape | None:
    if source.type == "Input":
        shape = source.input_param.shape[0].dim if source.input_param.shape else []
        return (shape[1], shape[2], shape[3]) if len(shape) == 4 else None
    try:
        return phases.cropped_shape(source)
    except UserError:
        return None


def _fitting(net: Net, feeding: Feeding, learned: Weights, depth: int) -> int:
    """The side of an image for which what InnerProduct layers read is as their weights have it; 0 for none.

    Of several sizes, whose last pixels no window reaches, a usual one; 0 where any will do, as behind global pooling.
    """
    test = phases.for_phase(net, "TEST")
    wanted = {name: count(blobs[0].shape[-1:]) for name, blobs in learned.items() if blobs}
    if all(_fits(test, feeding, wanted, (depth, side, side)) for side in _USUAL[-3:]):
        return 0
    sides = [side for side in range(4, _LARGEST + 1) if _fits(test, feeding, wanted, (depth, side, side))]
    return next((side for side in sides if side in _USUAL), sides[0] if sides else 0)


def _fits(test: Net, feeding: Feeding, wanted: dict[str, int], image: ImageShape) -> bool:
    blobs: dict[str, Shape] = {feeding.image: (1, *image)}
    compared = False
    for layer in test.layer:
        if not layer.bottom or not all(bottom in blobs for bottom in layer.bottom):
            continue
        part = type(test)(layer=[layer])
        try:
            step = _step(part, blobs)
        except UserError:
            return False
        if layer.type == "InnerProduct" and layer.name in wanted:
            if count(step.bottoms[0], layer.inner_product_param.axis) != wanted[layer.name]:
                return False
            compared = True
        blobs |= dict(zip(layer.top, step.tops, strict=True))
    return compared


def _step(part: Net, blobs: dict[str, Shape]) -> shapes.Step:
    """The one layer of `part`, behind inputs of those shapes."""
    (layer,) = part.layer
    fed = type(part)()
    for bottom in dict.fromkeys(layer.bottom):
        source = fed.layer.add(name=f"input {bottom}", type="Input", top=[bottom])
        source.input_param.shape.add(dim=blobs[bottom])
    fed.layer.add().CopyFrom(layer)
    return shapes.infer(fed, keep_unknown=True)[-1]
