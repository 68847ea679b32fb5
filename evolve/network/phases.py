"""One train_val.prototxt gives the nets of both phases: which layers each of them has, and what feeds it."""

from collections.abc import Container, Iterable
from copy import deepcopy

from evolve.base.caffe_messages import caffe_pb2
from evolve.base.errors import UserError
from evolve.network import layers
from evolve.network.axes import ImageShape, Layer, Net, Shapes
from evolve.network.layers import detectnet, sources

PREPROCESSING = "input: "  # stands before what `preprocessing` says in the heading of a deploy net's prototxt
PIXELS = "pixels 0..255"


def for_phase(net: Net, phase: str) -> Net:
    """The layers that `phase` ("TRAIN" or "TEST") includes, by Caffe's rules (Net::FilterNet), level 0."""
    filtered = deepcopy(net)
    del filtered.layer[:]
    filtered.layer.extend(layer for layer in net.layer if includes(layer, phase))
    return filtered


def includes(layer: Layer, phase: str, stages: Container[str] = ()) -> bool:
    """Whether `phase` ("TRAIN" or "TEST") has that layer, where `stages` are set."""
    number = getattr(caffe_pb2, phase)
    if layer.include:
        return any(_meets(rule, number, stages) for rule in layer.include)
    return not any(_meets(rule, number, stages) for rule in layer.exclude)


def fed_by_inputs(net: Net, phase: str, shape: ImageShape) -> Net:
    """The net of `phase` with Input layers in place of its data: Caffe can set it up where there is no data yet."""
    result = for_phase(net, phase)
    images = {layer.name for layer in image_layers(net, phase)}
    fed = [each for each in feeding(result.layer) if reads_data(each) or each.name in images]
    for number, layer in enumerate(fed):
        batch, tops = batch_size(layer) or 1, list(layer.top)
        labels = ((batch,),) * len(tops)
        shapes = ((batch, *shape), *labels[1:]) if layer.name in images else told_shapes(layer) or labels
        if detectnet.feeds(layer):
            shapes = detectnet.shapes(layer)
        layer.Clear()
        layer.name, layer.type = "inputs" if not number else f"inputs{number + 1}", "Input"
        layer.top.extend(tops)
        for each in shapes[: len(tops)]:
            layer.input_param.shape.add(dim=each)
    return result


def fed_as_stored(net: Net, phase: str, stored: ImageShape) -> Net:
    """The same for examples `stored` as (channels, height, width)."""
    return fed_by_inputs(net, phase, example_shape(data_layer(net, phase), stored))


def feeding(every: Iterable[Layer]) -> list[Layer]:
    """The layers among `every` that bring examples, or inputs.

    What gives constants beside them, as a mask or an LSTM's `cont`, is none of them: it is a part of the network.
    """
    first = [layer for layer in every if not layer.bottom and layer.type != "Parameter"]
    if all(layer.type == "DummyData" for layer in first):
        return first
    return [layer for layer in first if not sources.gives_constants(layer)]


def data_layers(net: Net, phase: str) -> list[Layer]:
    """The layers of `phase` that read examples; none in a net that begins with inputs."""
    return [layer for layer in feeding(for_phase(net, phase).layer) if layer.top and reads_data(layer)]


def image_layers(net: Net, phase: str) -> list[Layer]:
    """The data layers of `phase` that yield images: of several, those from which a way leads to synapses.

    The others yield labels. UserError where there is none.
    """
    found = data_layers(net, phase)
    if len(found) < 2:
        return [data_layer(net, phase)]
    read = needed(list(for_phase(net, phase).layer))
    return [layer for layer in found if layer.top[0] in read] or found[:1]


def needed(every: list[Layer]) -> set[str]:
    """The blobs from which a way leads to synapses, or to a layer of unknown type."""
    found: set[str] = set()
    for layer in reversed(every):
        known = layers.of(layer)
        if known is None or known.connects or found & set(layer.top):
            found.update(layer.bottom)
    return found


def data_layer(net: Net, phase: str) -> Layer:
    """The layer that feeds `phase`. UserError unless there is exactly one."""
    found = feeding(for_phase(net, phase).layer)
    if len(found) != 1 or not found[0].top:
        names = ", ".join(f"'{layer.name}'" for layer in found) or "none"
        raise UserError(f"net '{net.name}': expected one data layer in phase {phase}, got {names}")
    return found[0]


def reading(net: Net, phase: str, source: str, images: int) -> Net:
    """The net of `phase`, its Data layer reading the LMDB `source` of so many `images` in whole batches."""
    result = for_phase(net, phase)
    parameter = next(iter(feeding(result.layer))).data_param
    parameter.source, parameter.batch_size = source, whole_batch(images, parameter.batch_size)
    return result


def reading_training(net: Net) -> Net:
    """The TEST net reading the examples that TRAIN reads, prepared as in TEST. UserError unless both read some."""
    result, training = for_phase(net, "TEST"), data_layer(net, "TRAIN")
    layer = next(each for each in result.layer if each.name == data_layer(net, "TEST").name)
    if detectnet.feeds(layer):
        detectnet.read_from(layer, training)
    else:
        layer.data_param.source = training.data_param.source
    return result


def source(layer: Layer) -> str:
    """The LMDB of images that a data layer reads; "" if it reads none."""
    return detectnet.source(layer) if detectnet.feeds(layer) else str(layer.data_param.source)


def whole_batch(images: int, wanted: int) -> int:
    """The largest divisor of `images` up to `wanted`, so that whole batches score every image once."""
    return max(size for size in range(1, max(1, wanted) + 1) if images % size == 0)


def batch_size(layer: Layer) -> int:
    """Images an iteration of a data layer reads; 0 where the type does not say."""
    known = layers.of(layer)
    return known.batch_size(layer) if known else 0


def limit_batch(layer: Layer, most: int) -> None:
    """Has a data layer read at most so many images an iteration."""
    if detectnet.feeds(layer):
        detectnet.limit_batch(layer, most)
    elif layer.data_param.batch_size > most:
        layer.data_param.batch_size = most


def reads_data(layer: Layer) -> bool:
    """Whether the layer reads examples from a file or from memory; of unknown types one that has no bottoms does."""
    known = layers.of(layer)
    return known.data if known else not layer.bottom and bool(layer.top)


def example_shape(layer: Layer, stored: ImageShape) -> ImageShape:
    """(channels, height, width) that a data layer yields for examples `stored` so: its crop_size applies.

    A DetectNetData's image size does, whatever is stored.
    """
    if detectnet.feeds(layer):
        _, channels, height, width = detectnet.shapes(layer)[0]
        return channels, height, width
    crop = layer.transform_param.crop_size
    channels, height, width = stored
    return (channels, crop, crop) if crop else (channels, height, width)


def cropped_shape(layer: Layer) -> ImageShape:
    """(channels, height, width) as far as a data layer tells it. UserError where it does not."""
    if detectnet.feeds(layer):
        return example_shape(layer, (0, 0, 0))
    images = next(iter(told_shapes(layer)), ())
    if len(images) != 4:
        raise UserError(f"layer '{layer.name}': does not say the shape of an image; give SHAPE=3x32x32")
    return images[1:]


def told_image(net: Net) -> ImageShape | None:
    """(channels, height, width) of what the TEST net's data layer yields, where there is one and it tells."""
    if not data_layers(net, "TEST"):
        return None
    try:
        return cropped_shape(image_layers(net, "TEST")[0])
    except UserError:
        return None


def told_shapes(layer: Layer) -> Shapes:
    """The shapes of a data layer's tops as far as its prototxt tells them; none where it does not."""
    known = layers.of(layer)
    try:
        return known.infer(layer, ()) if known else ()
    except UserError:
        return ()


def preprocessing(layer: Layer, red_first: bool = False) -> str:
    """What a data layer does to pixels 0..255, in words: a deploy net's user must do the same.

    `red_first` is said of images that have red first against Caffe's habit.
    """
    transform = layer.transform_param
    steps = []
    if detectnet.feeds(layer) and (mean := detectnet.mean(layer)):
        steps.append("minus " + ", ".join(f"{value:g}" for value in mean))
    if transform.crop_size:
        steps.append(f"the central {transform.crop_size} x {transform.crop_size}")
    if transform.mean_value:
        steps.append("minus " + ", ".join(f"{value:g}" for value in transform.mean_value))
    if transform.mean_file:
        steps.append(f"minus {transform.mean_file}")
    if transform.scale != 1:
        steps.append(f"times {transform.scale:.9g}")
    if red_first:
        steps.insert(0, "red first")
    return PIXELS + "".join(f", {step}" for step in steps)


def told_preprocessing(text: str) -> str:
    """The `preprocessing` that the heading of a deploy net's prototxt says; "" where it says none."""
    lines = (line for line in text.splitlines() if line.startswith(f"# {PREPROCESSING}"))
    return next(lines, "").removeprefix(f"# {PREPROCESSING}")


def with_data_of(net: Net, template: Net) -> Net:
    """`net` reading the data that `template` reads: a run survives a move of its data."""
    result = caffe_pb2.NetParameter(name=net.name)
    replaced = feeding(net.layer)
    result.layer.extend(feeding(template.layer))
    result.layer.extend(layer for layer in net.layer if layer not in replaced)
    return result


def _meets(rule: Layer, phase: int, stages: Container[str]) -> bool:
    """As Net::StateMeetsRule, at level 0: no solver sets another one."""
    if rule.HasField("phase") and rule.phase != phase:
        return False
    if rule.HasField("min_level") and rule.min_level > 0 or rule.HasField("max_level") and rule.max_level < 0:
        return False
    return all(stage in stages for stage in rule.stage) and not any(stage in stages for stage in rule.not_stage)
