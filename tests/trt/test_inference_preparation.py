"""One's own image is for the net what the data set and Caffe's data layer make of it: real Caffe is the oracle."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from evolve.base import prototxt_text
from evolve.base.caffe_messages import caffe_pb2
from evolve.base.errors import UserError
from evolve.datasets.image_write import write
from evolve.datasets.own import mean_image
from evolve.datasets.source import Split
from evolve.runs.metrics import Data
from evolve.training.caffe_process import CaffeProcess
from tests.runs import made_up
from trt.inference import preparation
from trt.inference.preparation import Stored

RANDOM = np.random.default_rng(1)
SIDES = {1: 12, 3: 14}


def generation(folder: Path, transform: str, channels: int = 3, said: Data | None = None) -> Path:
    """A generation whose net reads images of SIDES[channels] pixels with `transform`, from an LMDB that is there."""
    side = SIDES[channels]
    images = RANDOM.integers(0, 256, (5, channels, side - 4, side - 4), np.uint8)
    write(folder / "data" / "test", Split(images, np.arange(5), margin=2), np.arange(5), lambda stored: None)
    (folder / "train_val.prototxt").write_text(
        'name: "net" layer { name: "data" type: "Data" top: "data" top: "label" include { phase: TEST } '
        f"transform_param {{ {transform} }} "
        f'data_param {{ source: "{folder}/data/test" backend: LMDB batch_size: 5 }} }}'
        'layer { name: "pool" type: "Pooling" bottom: "data" top: "pool" pooling_param { kernel_size: 1 } }'
    )
    (folder / "deploy.prototxt").write_text(
        'layer { name: "data" type: "Input" top: "data" input_param { shape { dim: 1 dim: 3 dim: 8 dim: 8 } } }'
    )
    said = said or Data("own", shape=[channels, side, side], margin=2, colours="RGB")
    replace(made_up.metrics(), dataset=said).write(folder)
    np.save(folder / "images.npy", images)
    return folder


def blue_first(image: np.ndarray) -> np.ndarray:
    """(channels, H, W), red first, as a picture (H, W, 3), or grey, comes from a file."""
    if len(image) == 1:
        return image[0]
    return np.ascontiguousarray(np.broadcast_to(image, (3, *image.shape[1:])).transpose(1, 2, 0)[:, :, ::-1])


TRANSFORMS = (
    "",
    "scale: 0.00390625 crop_size: 9",
    "crop_size: 8 mean_value: 127.5",
    'scale: 0.017 mean_file: "mean.binaryproto" crop_size: 7',
    "mean_value: 104 mean_value: 117 mean_value: 123.7 scale: 0.3",
)


@pytest.mark.parametrize("channels", [1, 3])
def test_the_very_bits_that_caffe_reads(tmp_path: Path, channels: int) -> None:
    side = SIDES[channels]
    mean = caffe_pb2.BlobProto(data=RANDOM.random(channels * side * side) * 200)
    mean.shape.dim.extend([1, channels, side, side])
    with CaffeProcess(tmp_path, tmp_path / "log", tmp_path / "none") as caffe:
        for number, transform in enumerate(TRANSFORMS):
            if channels < transform.count("mean_value"):
                transform = "mean_value: 33.3 scale: 0.3"
            (tmp_path / "mean.binaryproto").write_bytes(mean.SerializeToString())
            folder = generation(tmp_path / str(number), transform, channels)
            (folder / "mean.binaryproto").write_bytes(mean.SerializeToString())
            caffe.call("examples", net=f"{folder}/train_val.prototxt", blobs=["data"], count=5, output="seen.npz")
            prepared = preparation.of_generation(folder)
            images = np.load(folder / "images.npy")
            made = np.stack([prepared(blue_first(image)) for image in images])
            assert np.array_equal(made, np.load(tmp_path / "seen.npz")["data"]), transform
            # As large as what is stored: it has its margin already.
            whole = np.pad(images[0], ((0, 0), (2, 2), (2, 2)))
            assert np.array_equal(prepared(blue_first(whole)), made[0])


def test_the_order_of_colours_is_the_data_sets() -> None:
    pixels = RANDOM.integers(0, 256, (6, 6, 3), np.uint8)
    assert np.array_equal(Stored((3, 6, 6), 0, "BGR").image(pixels), pixels.transpose(2, 0, 1))
    assert np.array_equal(Stored((3, 6, 6), 0, "RGB").image(pixels), pixels.transpose(2, 0, 1)[::-1])


@pytest.mark.parametrize("size", [(40, 60), (60, 40), (5, 5), (1, 300), (300, 1), (9, 8), (200, 200), (1, 1)])
@pytest.mark.parametrize("fit", preparation.FITS)
def test_any_size_becomes_that_of_the_data_set(size: tuple[int, int], fit: str) -> None:
    pixels = np.full((*size, 3), 200, np.uint8)
    stored = Stored((3, 14, 12), 2, "RGB")
    if fit == "pad" and (size[0] > 10 or size[1] > 8):
        with pytest.raises(UserError, match="^a.png: expected an image of at most 8x10 to pad, got"):
            stored.image(pixels, fit, "a.png")
        return
    made = stored.image(pixels, fit)
    assert made.shape == (3, 14, 12)
    inside = made[:, 2:-2, 2:-2]
    assert (made.sum() == inside.sum()) and (fit in ("letterbox", "pad") or (inside == 200).all())
    assert inside.max() == 200


def test_where_the_margin_is_not_known_small_images_stand_in_the_middle_of_zeros() -> None:
    stored = Stored((1, 34, 34), None, "")
    digit = RANDOM.integers(0, 256, (28, 28), np.uint8)
    assert np.array_equal(stored.image(digit)[0], np.pad(digit, 3))
    assert stored.image(np.full((100, 100), 7, np.uint8)).min() == 7


def test_a_run_that_does_not_say_has_its_data_set_or_its_input_asked(tmp_path: Path) -> None:
    folder = generation(tmp_path, "scale: 0.5", said=Data("own"))
    assert preparation.of_generation(folder).stored == Stored((3, 8, 8), None, "")


@pytest.mark.parametrize(
    ("transform", "message"),
    [
        ('mean_file: "none.binaryproto"', "none.binaryproto: expected a mean_file, got: "),
        ('mean_file: "deploy.prototxt"', "deploy.prototxt: expected a BlobProto, got something else"),
    ],
)
def test_a_mean_that_cannot_be_had_is_named(tmp_path: Path, transform: str, message: str) -> None:
    with pytest.raises(UserError) as error:
        preparation.of_generation(generation(tmp_path, transform))
    assert str(error.value).startswith(f"{tmp_path}/{message}")


def test_the_mean_that_a_generation_keeps_is_its_own(tmp_path: Path) -> None:
    """What its data layer names is the data set's, which may be made anew, or go."""
    folder = generation(tmp_path, f'mean_file: "{tmp_path}/data/mean.binaryproto"')
    for place, value in ((tmp_path / "data", 7.5), (folder, 3.5)):
        mean_image.write(place, np.full((3, 14, 14), value))
    assert (np.asarray(preparation.of_generation(folder).mean) == 3.5).all()
    (tmp_path / "data" / "mean.binaryproto").unlink()
    assert preparation.said(folder)["mean"] == np.full((3, 14, 14), 3.5).tolist()
    (folder / "mean.binaryproto").unlink()
    mean_image.write(tmp_path / "data", np.full((3, 14, 14), 7.5))
    assert (np.asarray(preparation.of_generation(folder).mean) == 7.5).all()  # of earlier versions


def test_prototxt_of_a_detector_is_no_classifiers(tmp_path: Path) -> None:
    folder = generation(tmp_path, "")
    net = prototxt_text.read(folder / "train_val.prototxt", caffe_pb2.NetParameter())
    net.layer[0].type = "Python"
    net.layer[0].python_param.module, net.layer[0].python_param.layer = "evolve.detectnet.layers", "DetectNetData"
    prototxt_text.write(net, folder / "train_val.prototxt")
    with pytest.raises(UserError, match="expected a network that tells classes; `make detect` is for one that finds"):
        preparation.of_generation(folder)
