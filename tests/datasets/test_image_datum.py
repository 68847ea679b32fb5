"""An image's Datum is, byte for byte, what protobuf makes of it."""

import numpy as np
import pytest

from evolve.base.caffe_messages import caffe_pb2
from evolve.datasets import image_datum


@pytest.mark.parametrize("label", [0, 7, 300, 999_999])
@pytest.mark.parametrize("shape", [(1, 1, 1), (3, 5, 8), (1, 28, 28), (3, 200, 301)])
def test_the_bytes_are_protobufs(shape: tuple[int, int, int], label: int) -> None:
    image = np.random.default_rng(label).integers(0, 256, shape, np.uint8)
    channels, height, width = shape
    wanted = caffe_pb2.Datum(channels=channels, height=height, width=width, data=image.tobytes(), label=label)
    assert image_datum.value(image, label) == image_datum.value(list(image), label) == wanted.SerializeToString()
