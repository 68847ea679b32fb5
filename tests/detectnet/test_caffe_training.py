"""Caffe's own solver trains on the data layer, in the project's child process."""

import time
from collections.abc import Callable
from pathlib import Path

import pytest
from detectnet_examples import python, store
from detectnet_nets import LOSSES, data

from evolve.training.caffe_process import CaffeError, CaffeProcess

Pair = Callable[[int], tuple[Path, Path]]

SOLVE = """
import caffe
solver = caffe.get_solver("solver.prototxt")
before = after = 0.0
solver.step(1)
before = float(solver.net.blobs["bbox_loss"].data)
solver.step(60)
print(before, float(solver.net.blobs["bbox_loss"].data))
"""


def write_training(folder: Path, images: Path, boxes: Path) -> None:
    head = """
layer { name: "conv" type: "Convolution" bottom: "data" top: "conv" convolution_param { num_output: 8 kernel_size: 16
  stride: 16 weight_filler { type: "xavier" } } }
layer { name: "relu" type: "ReLU" bottom: "conv" top: "conv" }
layer { name: "raw" type: "Convolution" bottom: "conv" top: "raw" convolution_param { num_output: 2 kernel_size: 1
  weight_filler { type: "xavier" } } }
layer { name: "boxes" type: "Convolution" bottom: "conv" top: "boxes" convolution_param { num_output: 4 kernel_size: 1
  weight_filler { type: "xavier" } } }
"""
    losses = LOSSES[LOSSES.index('layer { name: "slice"') :].replace('bottom: "truth"', 'bottom: "data-truth"')
    (folder / "net.prototxt").write_text(data(images, boxes, 1) + head + losses.replace("STOCK", ""))
    (folder / "solver.prototxt").write_text(
        'net: "net.prototxt" type: "Adam" base_lr: 0.003 lr_policy: "fixed" momentum: 0.9 momentum2: 0.999 '
        "random_seed: 1 max_iter: 61"
    )


def test_a_solver_trains_on_it_and_leaves_no_process_behind(tmp_path: Path, pair: Pair) -> None:
    write_training(tmp_path, *pair(5))
    before, after = map(float, python(tmp_path, SOLVE).stdout.split())
    assert 0 < after < before
    assert not left_behind(tmp_path)


def test_a_training_is_the_same_again(tmp_path: Path, pair: Pair) -> None:
    write_training(tmp_path, *pair(5))
    models = []
    for number in range(2):
        with CaffeProcess(tmp_path, tmp_path / "log", tmp_path / "net.prototxt") as caffe:
            caffe.call("train", solver="solver.prototxt", output="trained.caffemodel")
        models.append((tmp_path / "trained.caffemodel").read_bytes())
        (tmp_path / "trained.caffemodel").rename(tmp_path / f"trained{number}.caffemodel")
    assert models[0] == models[1]


def test_an_example_that_cannot_be_read_ends_the_training_with_its_key(tmp_path: Path, pair: Pair) -> None:
    images, boxes = pair(5)
    store(images, {"00000004": b"\xff\xff"})
    write_training(tmp_path, images, boxes)
    with CaffeProcess(tmp_path, tmp_path / "log", tmp_path / "net.prototxt") as caffe:
        with pytest.raises(CaffeError, match=f"{images}: record '00000004': expected a Datum, got "):
            caffe.call("train", solver="solver.prototxt", output="trained.caffemodel")
    assert not left_behind(tmp_path) and not (tmp_path / "trained.caffemodel").exists()


def left_behind(folder: Path, seconds: float = 300) -> list[str]:
    """Processes that make batches and work in `folder`, after some patience with those that are about to end."""
    end = time.monotonic() + seconds
    while (found := [each.name for each in Path("/proc").iterdir() if makes_batches(each, folder)]) and (
        time.monotonic() < end
    ):
        time.sleep(0.05)
    return found


def makes_batches(process: Path, folder: Path) -> bool:
    try:
        return b"evolve.detectnet.prefetch" in (process / "cmdline").read_bytes() and (
            (process / "cwd").resolve() == folder
        )
    except OSError:
        return False
