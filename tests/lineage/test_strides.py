"""A network's grid may have cells of any size: check, data, census and layers have the same."""

import math
from pathlib import Path

import caffe
import numpy as np
import pytest
import small_detectnet

from evolve.base import prototxt_text
from evolve.datasets import census
from evolve.lineage import data_wishes, experiment, problems
from evolve.network import phases
from tests.datasets import miniatures

WIDTH, HEIGHT = 128, 96
POOL = 'bottom: "pool3/3x3_s2"'
ANOTHER = """layer {
  name: "pool4/3x3_s2" type: "Pooling" bottom: "pool3/3x3_s2" top: "pool4/3x3_s2"
  pooling_param { pool: MAX kernel_size: 3 stride: 2 }
}
"""
# Of 96x64 pixels, the first of which is 1; stored, they are 0 to 16 by 0 to 60 and 38.7 to 120 by 28.5 to 90.
CATS = [("cat", (1.0, 1.0, 12.0, 40.0)), ("cat", (30.0, 20.0, 90.0, 60.0))]

# Around their middles, four tenths of their sides, but not below the shorter of 20 pixels and the side.
COVERED = [(0, 18, 16, 42), (63.07, 46.95, 95.6, 71.55)]


def network(folder: Path, stride: int, says: int) -> experiment.Experiment:
    """A small network of that `stride`, in whose settings stands `says`, and three images for it."""
    small_detectnet.write(folder / "net", f"""ancestor_training: "1it" offspring_training: "1it" lrn: RETRAIN dataset {{
      name: "voc" detection {{ width: {WIDTH} height: {HEIGHT} stride: {says} folder: "pets" class_name: "cat" }} }}""")
    file = folder / "net" / "train_val.prototxt"
    text = file.read_text()
    if stride == 8:
        text = text.replace(POOL, 'bottom: "inception_3a/output"')
    if stride == 32:
        before, drop, after = text.partition('layer {\n  name: "pool5/drop_s1"')
        text = before + ANOTHER + drop + after.replace(POOL, 'bottom: "pool4/3x3_s2"')
    file.write_text(text)
    miniatures.voc(folder / "data" / "raw" / "pets", {"train": ["a", "b"], "val": ["c"]}, dict.fromkeys("abc", CATS))
    return experiment.load(str(folder / "net"))


@pytest.mark.parametrize("stride", [8, 16, 32])
def test_everything_agrees(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, stride: int) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("CAVEFISH_DATA", raising=False)
    made = network(tmp_path, stride, stride)
    assert problems.of(made) == []
    dataset = experiment.prepare(made, seed=1)
    grid = HEIGHT // stride, WIDTH // stride
    said = census.text(dataset)
    assert said.splitlines()[0] == f"voc: 128x96 pixels, a grid of {grid[1]}x{grid[0]} cells of {stride}"
    small = f"warning: train: 2 boxes are under a cell of {stride} pixels wide or high: too small for the grid"
    assert (small in said.splitlines()) == (stride == 32)
    prototxt_text.write(phases.for_phase(made.net(dataset.folder), "TEST"), tmp_path / "test.prototxt")
    net = caffe.Net(str(tmp_path / "test.prototxt"), caffe.TEST)
    net.forward()
    assert {net.blobs[name].data.shape[2:] for name in ("truth", "coverage", "bboxes")} == {grid}
    covered = set(zip(*map(np.ndarray.tolist, net.blobs["truth"].data[0, 8].nonzero()), strict=True))
    assert covered == {
        (row, column)
        for left, top, right, bottom in COVERED
        for row in range(int(top // stride), math.ceil(bottom / stride))
        for column in range(int(left // stride), math.ceil(right / stride))
    }


@pytest.mark.parametrize(("stride", "says"), [(16, 8), (8, 16), (32, 16)])
def test_another_stride_than_the_network_has(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, stride: int, says: int
) -> None:
    monkeypatch.chdir(tmp_path)
    found = problems.of(network(tmp_path, stride, says))
    assert found
    assert all("make the strides and the outputs of the net those of the ground truth" in each for each in found)


def test_a_size_between_the_cells(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """600 pixels are 75 cells of 8."""
    monkeypatch.chdir(tmp_path)
    made = network(tmp_path, 8, 8)
    made.settings.dataset.detection.width = 600
    assert data_wishes.grid_of(made.settings).grid == (12, 75)  # type: ignore[union-attr]
    assert experiment.prepare(made, seed=1).shape == (3, 96, 600)
