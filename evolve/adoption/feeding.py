"""Whatever feeds a stranger's network is replaced by the two Data layers that read a data set of Cavefish."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from evolve.adoption.given import named
from evolve.base.caffe_messages import caffe_pb2
from evolve.base.counted import counted
from evolve.base.errors import UserError
from evolve.datasets.own import mean_image
from evolve.lineage.data_layers import SOURCES
from evolve.network import phases
from evolve.network.axes import Layer, Net

TRAIN_BATCH, TEST_BATCH = 64, 100  # where the prototxt has none
_MEAN_FILE = "$DATA/mean.binaryproto"
_KEPT = ("scale", "mirror", "crop_size", "mean_value")
_OF_PIXELS = ("Data", "ImageData", "WindowData")  # 0..255 until they are transformed; of others nobody knows
_GREY = 128.0  # the middle of 0..255


@dataclass(frozen=True)
class Feeding:
    """The blobs that a network is fed, and the layer of each phase that does it (an Input of a deploy net)."""

    image: str
    label: str  # "" where the network reads none
    sources: dict[str, Layer]
    gone: set[str]  # names of all layers that are replaced

    @property
    def silent_of_pixels(self) -> str:
        """What feeds it without a word of what is done to pixels: inputs, or data of numbers; "" where one says it."""
        if any(layer.type in _OF_PIXELS or layer.HasField("transform_param") for layer in self.sources.values()):
            return ""
        source = self.sources["TRAIN"]
        return "a deploy net" if source.type == "Input" else f"{source.type} layer '{source.name}'"

    @property
    def resized(self) -> tuple[int, int]:
        """(height, width) to which every image is resized before it is trained on; zeros where it is not."""
        return _resized(self.sources["TRAIN"])

    @property
    def crop(self) -> int:
        """The side of the part of an image that is trained on; 0 where it is all of it."""
        return int(self.sources["TRAIN"].transform_param.crop_size)


def find(net: Net) -> Feeding:
    """How `net` is fed. UserError, naming the layer, for several images or several labels an example."""
    found: dict[str, Layer] = {}
    images, labels, gone = dict[str, None](), dict[str, None](), set[str]()
    for phase in ("TRAIN", "TEST"):
        every = phases.for_phase(net, phase).layer
        fed = [layer for layer in phases.feeding(every) if _feeds(layer)]
        if not fed:
            continue
        tops = [top for layer in fed for top in layer.top]
        mine = [top for top in tops if top in phases.needed(list(every))] or tops[:1]
        if len(mine) > 1:
            _refuse_drawn(fed, mine)
            raise UserError(
                f"layer '{_of(fed, mine[1]).name}': expected one blob of images, got '{mine[0]}' and '{mine[1]}'; a "
                "data set has one image an example: make them channels of one, and take them apart with a Slice layer"
            )
        found[phase] = _of(fed, mine[0])
        images |= dict.fromkeys(mine)
        read = {bottom for layer in every for bottom in layer.bottom}
        labels |= {top: None for top in tops if top not in mine and top in read}
        gone |= {layer.name for layer in fed}
    _refuse_others(images, labels, found)
    both = {phase: found.get(phase, next(iter(found.values()))) for phase in SOURCES}
    return Feeding(next(iter(images)), next(iter(labels), ""), both, gone)


@dataclass(frozen=True)
class Transform:
    """What is done to pixels 0..255 where the network's own layers say nothing of it, or name a file."""

    means: list[float]  # subtracted
    scale: float = 1  # multiplied
    has_mean_file: bool = False  # subtract the data set's own


def replaced(net: Net, feeding: Feeding, label: str, transform: Transform) -> tuple[Net, list[str]]:
    """`net` read from $DATA/train and $DATA/test, and what is said of that."""
    result, notes = caffe_pb2.NetParameter(name=net.name), []
    for phase, source in feeding.sources.items():
        layer = result.layer.add(name=_name(feeding), type="Data", top=[feeding.image, label])
        layer.include.add(phase=getattr(caffe_pb2, phase))
        if phase == "TEST" and source.transform_param.mirror:
            notes.append(f"TEST: mirror of layer '{source.name}' left out, which draws in this phase too")
        for field in _KEPT:
            if field != "mirror" or phase == "TRAIN":
                _copy(source.transform_param, layer.transform_param, field)
        if feeding.crop and not layer.transform_param.crop_size and _resized(source) == (feeding.crop, feeding.crop):
            layer.transform_param.crop_size = feeding.crop
            notes.append(
                f"{phase}: crop_size {feeding.crop} in the place of layer '{source.name}' resizing to that: images are "
                "stored in one size"
            )
        if transform.has_mean_file:
            layer.transform_param.mean_file = _MEAN_FILE
        if transform.means and not layer.transform_param.mean_value:
            layer.transform_param.mean_value.extend(transform.means)
        if transform.scale != 1 and not layer.HasField("transform_param"):
            layer.transform_param.scale = transform.scale
        layer.data_param.source, layer.data_param.backend = SOURCES[phase], layer.data_param.LMDB
        layer.data_param.batch_size = _batch(net, phase, source)
        notes.append(
            f"{phase}: {source.type} layer '{source.name}' is now a Data layer that reads {SOURCES[phase]}, "
            f"{counted(layer.data_param.batch_size, 'image')} at once"
        )
    result.layer.extend(layer for layer in net.layer if layer.name not in feeding.gone or layer.bottom)
    return result, notes


def means(feeding: Feeding, folder: Path, kept: str) -> tuple[list[float], list[str]]:
    """What to subtract in place of a mean_file, and what is said of it; nothing where the data set has it, `kept`."""
    if kept:
        return [], [f"mean_file {kept} is the data set's, {_MEAN_FILE}"]
    names = dict.fromkeys(source.transform_param.mean_file for source in feeding.sources.values())
    names.pop("", None)
    if not names:
        return [], []
    name = next(iter(names))
    instead = f"mean_value {_GREY:g} instead, write your data set's own"
    path = named(name, [folder])
    if path is None:
        return [_GREY], [f"mean_file {name}: not here; {instead}"]
    try:
        mean = mean_image.any_shape(path)
    except UserError as error:
        return [_GREY], [f"mean_file {error}; {instead}"]
    found = [round(float(each.mean(dtype=np.float64)), 3) for each in mean]
    listed = ", ".join(f"{value:g}" for value in found)
    return found, [f"mean_file {path}: its mean of each channel instead, mean_value {listed}"]


def missing_mean(feeding: Feeding, folder: Path) -> str:
    """The mean_file that the network reads, where there is no such file; "" else. One's own images get one anyway."""
    names = dict.fromkeys(source.transform_param.mean_file for source in feeding.sources.values())
    return next((name for name in names if name and named(name, [folder]) is None), "")


def _feeds(layer: Layer) -> bool:
    """Whether a layer brings examples: inputs, data of any type, Python that is not known."""
    return len(layer.top) > 0 and (layer.type == "Input" or phases.reads_data(layer))


def _refuse_drawn(fed: list[Layer], mine: list[str]) -> None:
    """UserError for numbers that are drawn beside images: no image, so that other words would be wrong of it."""
    for layer in fed:
        if layer.type == "DummyData" and not set(mine).isdisjoint(layer.top):
            drawn = next(filler.type for filler in layer.dummy_data_param.data_filler if filler.type != "constant")
            raise UserError(
                f"layer '{layer.name}': expected a data_filler of type constant beside images, got {drawn}, which is "
                "drawn anew each time; fill it with a constant, or leave it out"
            )


def _batch(net: Net, phase: str, source: Layer) -> int:
    """Images at once: as `source` has it, or as is usual; constants beside an Input may count on its."""
    shape = source.input_param.shape
    if shape and shape[0].dim and any(layer.type == "DummyData" for layer in net.layer):
        return int(shape[0].dim[0])
    return phases.batch_size(source) or (TRAIN_BATCH if phase == "TRAIN" else TEST_BATCH)


def _resized(layer: Layer) -> tuple[int, int]:
    return int(layer.image_data_param.new_height), int(layer.image_data_param.new_width)


def _copy(source: Any, target: Any, field: str) -> None:
    # Not even an empty list is extended where there is nothing: the message would be there then.
    if field == "mean_value" and source.mean_value:
        target.mean_value.extend(source.mean_value)
    elif field != "mean_value" and source.HasField(field):
        setattr(target, field, getattr(source, field))


def _name(feeding: Feeding) -> str:
    return next((each.name for each in feeding.sources.values() if each.name and each.type != "Input"), "data")


def _of(fed: list[Layer], top: str) -> Layer:
    return next(layer for layer in fed if top in layer.top)


def _refuse_others(images: dict[str, None], labels: dict[str, None], found: dict[str, Layer]) -> None:
    if not found:
        raise UserError("expected a data layer or an Input, got none; give the prototxt of a whole network")
    for what, names in (("images", images), ("labels", labels)):
        if len(names) > 1:
            listed = " and ".join(f"'{name}'" for name in names)
            raise UserError(
                f"layer '{next(iter(found.values())).name}': expected one blob of {what} in both phases, got {listed}; "
                "a data set has one image and one label an example"
            )
