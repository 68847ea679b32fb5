"""An image becomes what the net saw in training: stored as the data set does, then read as the data layer does.

The data layer's part is Caffe's DataTransformer in TEST: the central crop, minus the mean, times the scale.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from evolve.base import prototxt_text
from evolve.base.caffe_messages import caffe_pb2
from evolve.base.errors import UserError
from evolve.datasets.dataset import finished
from evolve.datasets.image_form import Form, Levels
from evolve.datasets.own import mean_image
from evolve.datasets.own.picture_fit import fitted, least
from evolve.network import judging, phases
from evolve.network.axes import ImageShape
from evolve.network.layers import detectnet
from evolve.runs import made_from, paths, state
from evolve.runs.metrics import Data, Metrics
from evolve.settings.settings import Settings
from trt.inference import names
from trt.inference.pictures import Bytes

FITS = ("crop", "resize", "letterbox", "pad")  # as evolve.datasets.own.picture_fit has them


@dataclass(frozen=True)
class Stored:
    """How a data set stores an image: `shape` (channels, height, width), `margin` zeros on each side among it.

    Where the margin is not known (None), an image that is no larger stands in the middle of zeros. `fit` is how others
    become as large, `levels` are grey's with more than 8 bits; `own` images of somebody were read as `form` says.
    """

    shape: ImageShape
    margin: int | None
    colours: str
    fit: str = FITS[0]
    levels: Levels | None = None
    own: bool = False

    @property
    def form(self) -> Form:
        """What an image file is read as."""
        channels, height, width = self.shape
        smallest = least((width, height), self.fit) if self.own else None
        return Form(grey=channels == 1, levels=self.levels, least=smallest)

    def expect_pictures(self) -> None:
        """UserError for images that no file of a picture is read as."""
        if self.shape[0] not in (1, 3):
            raise UserError(
                f"expected a net that looks at images of 1 or 3 channels, got one of {self.shape[0]}; give what it "
                "looks at to an engine (make onnx)"
            )

    def image(self, pixels: Bytes, fit: str = "", name: str = "image") -> Bytes:
        """(channels, height, width) of an image (H, W), or (H, W, 3), blue first, of whatever size.

        One that is as large as what is stored stays as it is. Others become as large as what is inside the margin, by
        `fit` or as the data set does. UserError, beginning with `name`, where that cannot be.
        """
        channels, height, width = self.shape
        own, zeros = (pixels.shape[1], pixels.shape[0]), 2 * (self.margin or 0)
        kept = own == (width, height) or self.margin is None and own[0] <= width and own[1] <= height
        if not kept:
            pixels = fitted(pixels, (width - zeros, height - zeros), fit or self.fit, name)
        pixels = fitted(pixels, (width, height), "pad", name).reshape(height, width, channels)
        return (pixels if self.colours == "BGR" else pixels[:, :, ::-1]).transpose(2, 0, 1)


@dataclass(frozen=True)
class Preparation:
    """What becomes of an image on its way to the net; `mean` is of each pixel, of each channel, or 0."""

    stored: Stored
    crop: int
    mean: NDArray[np.float32]
    scale: float

    def __call__(self, pixels: Bytes, fit: str = "", name: str = "image") -> NDArray[np.float32]:
        """(channels, height, width) for the net, of an image as `Stored.image` takes it. UserError."""
        return self.read(self.stored.image(pixels, fit, name))

    def read(self, image: Bytes) -> NDArray[np.float32]:
        """What the data layer makes of a stored image (channels, height, width)."""
        _, height, width = image.shape
        values = (image.astype(np.float32) - self.mean) * np.float32(self.scale)
        if not self.crop:
            return values
        top, left = (height - self.crop) // 2, (width - self.crop) // 2
        return values[:, top : top + self.crop, left : left + self.crop]


def of_generation(folder: Path) -> Preparation:
    """That of a committed generation. UserError for a data layer that Caffe's transform_param says nothing of."""
    net = prototxt_text.read(folder / paths.TRAIN_VAL, caffe_pb2.NetParameter())
    layer = phases.data_layer(net, "TEST")
    if detectnet.feeds(layer):
        raise UserError(f"{folder}: expected a network that tells classes; `make detect` is for one that finds boxes")
    given = layer.transform_param
    deploy = prototxt_text.read(folder / paths.DEPLOY, caffe_pb2.NetParameter())
    stored = _stored(Metrics.read(folder).dataset, layer, _input_shape(deploy, folder))
    stored = _of_own_images(stored, state.wanted_settings(folder.parent))
    mean = np.array(list(given.mean_value) or [0], np.float32).reshape(-1, 1, 1)
    if given.mean_file:
        mean = mean_image.read(made_from.mean_file(folder, given.mean_file), stored.shape)
    return Preparation(stored, given.crop_size, mean, given.scale)


def _stored(said: Data, layer: Any, shape: ImageShape) -> Stored:
    """As the run says it, else the data set where it lies, else as large as the net's input."""
    if len(said.shape) == 3:
        channels, height, width = said.shape
        return Stored((channels, height, width), said.margin, said.colours)
    there = finished(Path(layer.data_param.source).parent, said.name)
    return Stored(there.shape, there.margin, there.colours) if there else Stored(shape, None, "")


def _of_own_images(stored: Stored, kept: Settings | None) -> Stored:
    """The same where images are somebody's own: in the settings' order of channels, size and way to it."""
    if kept is None or not (kept.dataset.folder or kept.dataset.train):
        return stored
    asked = kept.dataset
    levels = (asked.darkest, asked.brightest) if asked.darkest != asked.brightest else None
    colours = asked.ChannelOrder.Name(asked.channel_order)
    return Stored(stored.shape, 0, colours, asked.Fit.Name(asked.fit).lower(), levels, own=True)


def _input_shape(deploy: Any, folder: Path) -> ImageShape:
    shapes = [layer.input_param.shape[0].dim for layer in deploy.layer if layer.type == "Input"]
    if len(shapes) != 1 or len(shapes[0]) != 4:
        raise UserError(f"{folder / paths.DEPLOY}: expected one Input, an image, got {len(shapes)} of other shapes")
    _, channels, height, width = shapes[0]
    return channels, height, width


def judged(folder: Path) -> str:
    """The output of a committed generation that its accuracy is of; "" where it has none."""
    net, deployed = (prototxt_text.read(folder / name, caffe_pb2.NetParameter())
                     for name in (paths.TRAIN_VAL, paths.DEPLOY))  # fmt: skip
    return judging.output(net, deployed)


def said(folder: Path) -> dict[str, object]:
    """The same for programs elsewhere, as JSON has it, with the names of the output and of the classes.

    UserError as `of_generation`.
    """
    made = of_generation(folder)
    (channels, height, width), stored = made.stored.shape, made.stored
    return {
        "channels": channels, "height": height, "width": width, "margin": stored.margin, "colours": stored.colours,
        "fit": stored.fit, "crop": made.crop, "mean": made.mean.tolist(), "scale": made.scale,
        "output": judged(folder), "names": names.known(folder),
    }  # fmt: skip
