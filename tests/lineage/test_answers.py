"""Test images that a generation keeps: as the data set stores them, whatever the data layer did to them."""

from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from PIL import Image

from evolve.base import prototxt_text
from evolve.base.caffe_messages import caffe_pb2
from evolve.datasets import Dataset
from evolve.datasets.own import mean_image
from evolve.lineage import answers

NET = """
layer {{ name: "data" type: "{kind}" top: "data" top: "label" include {{ phase: TEST }}
  transform_param {{ {transform} }} data_param {{ source: "test" backend: LMDB batch_size: 8 }} }}
layer {{ name: "ip" type: "InnerProduct" bottom: "data" top: "ip" inner_product_param {{ num_output: 4 }} }}
"""
SAID = [{"image": 7, "label": "cat", "answer": "dog", "probability": 0.9}] * 2


def workspace(folder: Path, shown: bool = True, **data: Any) -> Any:
    made = replace(Dataset("photos", folder, (3, 6, 8), {"test": 8}, 4, ""), **data)
    settings = SimpleNamespace(dataset=SimpleNamespace(show_images=shown))
    return SimpleNamespace(folder=folder, dataset=made, experiment=SimpleNamespace(settings=settings))


def net(transform: str = "", kind: str = "Data") -> Any:
    return prototxt_text.parse(NET.format(kind=kind, transform=transform), caffe_pb2.NetParameter(), "net")


@pytest.mark.parametrize("colours", ["RGB", "BGR"])
@pytest.mark.parametrize("mean", ["value", "values", "file", "none"])
def test_what_the_data_layer_did_is_undone(tmp_path: Path, colours: str, mean: str) -> None:
    random = np.random.default_rng(5)
    stored = random.integers(0, 256, (2, 3, 6, 8), np.uint8)
    means: dict[str, Any] = {"value": 33.0, "values": np.array([1.5, 2.5, 3.5]).reshape(3, 1, 1), "none": 0.0,
             "file": random.uniform(0, 255, (3, 6, 8)).astype(np.float32)}  # fmt: skip
    mean_image.write(tmp_path, np.broadcast_to(means["file"], (3, 6, 8)))
    words = {"value": "mean_value: 33", "values": "mean_value: 1.5 mean_value: 2.5 mean_value: 3.5", "none": "",
             "file": f'mean_file: "{mean_image.FILE}"'}  # fmt: skip
    transformed = (stored.astype(np.float32) - means[mean]) * np.float32(0.0078125)
    # Caffe's central crop of 4.
    np.savez(tmp_path / "answers.npz", images=transformed[:, :, 1:5, 2:6].astype(np.float32))
    given = net(f"scale: 0.0078125 crop_size: 4 {words[mean]}")
    kept = answers.drawn(workspace(tmp_path, colours=colours), given, {"answers": SAID})
    assert [(each.image, each.label, each.answer, each.right) for each in kept] == [(7, "cat", "dog", False)] * 2
    order = stored if colours == "RGB" else stored[:, ::-1]
    wanted = np.concatenate(list(order[:, :, 1:5, 2:6].transpose(0, 2, 3, 1)), axis=1)
    assert np.array_equal(np.array(Image.open(tmp_path / "answers.png")), wanted)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["answers.png", "mean.binaryproto"]


def test_large_images_become_small_ones(tmp_path: Path) -> None:
    np.savez(tmp_path / "answers.npz", images=np.full((2, 1, 200, 400), 90, np.float32))
    assert answers.drawn(workspace(tmp_path), net(), {"answers": SAID})
    with Image.open(tmp_path / "answers.png") as sheet:
        assert (sheet.size, sheet.mode, sheet.getpixel((40, 20))) == ((192, 48), "L", 90)


def test_what_is_no_picture_is_not_drawn(tmp_path: Path) -> None:
    np.savez(tmp_path / "answers.npz", images=np.zeros((2, 5, 4, 4), np.float32))
    assert answers.drawn(workspace(tmp_path), net(), {"answers": SAID}) == []
    assert not list(tmp_path.iterdir())
    assert answers.drawn(workspace(tmp_path), net(), {"answers": []}) == []


def test_images_are_asked_for_where_they_may_be_kept_and_are_pixels(tmp_path: Path) -> None:
    assert answers.asked(workspace(tmp_path), net()) == {"images": "data", "output": "answers.npz"}
    assert answers.asked(workspace(tmp_path, shown=False), net()) == {}
    assert answers.asked(workspace(tmp_path), net(kind="HDF5Data")) == {}
