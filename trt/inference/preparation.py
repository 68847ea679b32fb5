"""An image becomes what the net saw in training: stored as the data set does, then read as the data layer does.

The data layer's part is Caffe's DataTransformer in TEST: the central crop, minus the mean, times the scale.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from google.protobuf.message import DecodeError
from numpy.typing import NDArray

from evolve.base import prototxt_text
from evolve.base.caffe_messages import caffe_pb2
from evolve.base.errors import UserError
from evolve.datasets.dataset import finished
from evolve.network import phases
from evolve.network.layers import detectnet
from evolve.runs import paths
from evolve.runs.metrics import Data, Metrics
from trt.inference.pictures import Bytes

FITS = ("crop", "resize", "letterbox")  # the first is what is done without a wish

Size = tuple[int, int]  # width, height


@dataclass(frozen=True)
class Stored:
    """How a data set stores an image: `shape` (channels, height, width), `margin` zeros on each side among it.

    Where the margin is not known (None), an image that is no larger stands in the middle of zeros.
    """

    shape: tuple[int, int, int]
    margin: int | None
    colours: str

    def image(self, pixels: Bytes, fit: str = FITS[0]) -> Bytes:
        """(channels, height, width) of an image (H, W, 3), blue first, of whatever size.

        One that is as large as what is stored stays as it is. Others become as large as what is inside the margin:
        `crop` cuts the middle out in that shape, `resize` stretches, `letterbox` puts zeros beside it.
        """
        channels, height, width = self.shape
        coloured = self._coloured(pixels)
        if self.margin is None and coloured.shape[0] <= height and coloured.shape[1] <= width:
            inside = (coloured.shape[1], coloured.shape[0])
        else:
            zeros = 2 * (self.margin or 0)
            inside = (width - zeros, height - zeros)
        if coloured.shape[:2] != (height, width):
            coloured = fitted(coloured, inside, fit)
        return _centred(coloured, (width, height)).transpose(2, 0, 1)

    def _coloured(self, pixels: Bytes) -> Bytes:
        """(H, W, channels)."""
        if self.shape[0] == 1:
            return np.asarray(cv2.cvtColor(pixels, cv2.COLOR_BGR2GRAY), np.uint8)[:, :, None]
        if self.shape[0] != 3:
            raise UserError(f"expected a net that looks at images of 1 or 3 channels, got one of {self.shape[0]}")
        return pixels if self.colours == "BGR" else pixels[:, :, ::-1]


@dataclass(frozen=True)
class Preparation:
    """What becomes of an image on its way to the net; `mean` is of each pixel, of each channel, or 0."""

    stored: Stored
    crop: int
    mean: NDArray[np.float32]
    scale: float

    def __call__(self, pixels: Bytes, fit: str = FITS[0]) -> NDArray[np.float32]:
        """(channels, height, width) for the net, of an image (H, W, 3), blue first."""
        return self.read(self.stored.image(pixels, fit))

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
    mean = np.array(list(given.mean_value) or [0], np.float32).reshape(-1, 1, 1)
    if given.mean_file:
        mean = _mean_of(folder / given.mean_file, stored.shape)
    return Preparation(stored, given.crop_size, mean, given.scale)


def _stored(said: Data, layer: Any, shape: tuple[int, int, int]) -> Stored:
    """As the run says it, else the data set where it lies, else as large as the net's input."""
    if len(said.shape) == 3:
        channels, height, width = said.shape
        return Stored((channels, height, width), said.margin, said.colours)
    there = finished(Path(layer.data_param.source).parent, said.name)
    return Stored(there.shape, there.margin, there.colours) if there else Stored(shape, None, "")


def _input_shape(deploy: Any, folder: Path) -> tuple[int, int, int]:
    shapes = [layer.input_param.shape[0].dim for layer in deploy.layer if layer.type == "Input"]
    if len(shapes) != 1 or len(shapes[0]) != 4:
        raise UserError(f"{folder / paths.DEPLOY}: expected one Input, an image, got {len(shapes)} of other shapes")
    _, channels, height, width = shapes[0]
    return channels, height, width


def _mean_of(file: Path, shape: tuple[int, int, int]) -> NDArray[np.float32]:
    """The mean image of a mean_file, Caffe's BlobProto. UserError where it is none of that shape."""
    try:
        blob = caffe_pb2.BlobProto.FromString(file.read_bytes())
    except (OSError, DecodeError) as error:
        raise UserError(f"{file}: expected the mean_file that the net was trained with, got: {error}") from None
    if len(blob.data) != int(np.prod(shape)):
        wanted = " x ".join(map(str, shape))
        raise UserError(f"{file}: expected a mean image of {wanted}, got {len(blob.data)} numbers")
    return np.array(blob.data, np.float32).reshape(shape)


def fitted(pixels: Bytes, size: Size, fit: str) -> Bytes:
    """An image (H, W, channels) as `size` (width, height): averaged where it shrinks, bilinear where it grows."""
    height, width = pixels.shape[:2]
    if (width, height) == size:
        return pixels
    if fit == "crop":
        scale = max(size[0] / width, size[1] / height)
        across, down = min(width, max(1, round(size[0] / scale))), min(height, max(1, round(size[1] / scale)))
        left, top = (width - across) // 2, (height - down) // 2
        pixels = pixels[top : top + down, left : left + across]
    inner = size
    if fit == "letterbox":
        scale = min(size[0] / width, size[1] / height)
        inner = max(1, round(width * scale)), max(1, round(height * scale))
    shrinks = inner[0] < pixels.shape[1] or inner[1] < pixels.shape[0]
    how = cv2.INTER_AREA if shrinks else cv2.INTER_LINEAR
    scaled = np.asarray(cv2.resize(np.ascontiguousarray(pixels), inner, interpolation=how), np.uint8)
    return _centred(scaled.reshape(inner[1], inner[0], -1), size)


def _centred(pixels: Bytes, size: Size) -> Bytes:
    """The image in the middle of zeros."""
    down, across = size[1] - pixels.shape[0], size[0] - pixels.shape[1]
    return np.pad(pixels, ((down // 2, down - down // 2), (across // 2, across - across // 2), (0, 0)))
