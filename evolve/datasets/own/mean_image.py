"""The mean of the images that are trained on, as Caffe's transform_param { mean_file: … } reads it: a BlobProto."""

import math
from pathlib import Path

import numpy as np
from google.protobuf.message import DecodeError
from numpy.typing import NDArray

from evolve.base.counted import counted
from evolve.base.errors import UserError
from evolve.base.files import write_whole

FILE = "mean.binaryproto"


def write(folder: Path, mean: NDArray[np.floating]) -> None:
    """Writes ``mean`` (channels, height, width) into ``folder``."""
    from evolve.base.caffe_messages import caffe_pb2

    channels, height, width = mean.shape
    blob = caffe_pb2.BlobProto(num=1, channels=channels, height=height, width=width, data=mean.ravel().tolist())
    write_whole(folder / FILE, blob.SerializeToString())


def read(file: Path, shape: tuple[int, int, int]) -> NDArray[np.float32]:
    """The mean (channels, height, width) in a file; UserError unless it is one for images of ``shape``."""
    mean = any_shape(file)
    if mean.shape != shape:
        got = "x".join(map(str, mean.shape))
        raise UserError(
            f"{file}: expected the mean of images of {'x'.join(map(str, shape))}, got one of {got}; compute_image_mean "
            "makes it from the database that is trained on"
        )
    return mean


def any_shape(file: Path) -> NDArray[np.float32]:
    """The mean (channels, height, width) in a file, of images of any shape; UserError for what is no mean."""
    from evolve.base.caffe_messages import caffe_pb2

    try:
        blob = caffe_pb2.BlobProto.FromString(file.read_bytes())
    except OSError as error:
        raise UserError(f"{file}: expected a mean_file, got: {error.strerror}; correct the path") from None
    except DecodeError:
        raise UserError(f"{file}: expected a BlobProto, got something else; compute_image_mean makes one") from None
    dims = list(blob.shape.dim) or [blob.num, blob.channels, blob.height, blob.width]
    values = np.array(blob.data or blob.double_data, np.float32)
    whole = [1] * (4 - len(dims)) + dims
    if len(whole) != 4 or whole[0] != 1 or values.size != math.prod(whole) or not np.isfinite(values).all():
        got = f"{'x'.join(map(str, dims))} and {counted(values.size, 'value')}"
        raise UserError(
            f"{file}: expected the mean of one image, all of it numbers, got {got}; compute_image_mean makes it from "
            "the database that is trained on"
        )
    return values.reshape(whole[1:])
