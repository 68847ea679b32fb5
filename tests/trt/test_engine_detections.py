"""Boxes behind an engine: evolve/detectnet clusters what it gives outside of it, to the boxes that pycaffe's give."""

import sys
from pathlib import Path

import numpy as np
import pytest
from both import Case, Images, caffe, filled, images, runtime

from evolve.detectnet import clustering
from evolve.network.layers import detectnet_clustering
from trt.onnx import export

sys.path.append(str(Path(__file__).resolve().parents[1] / "network"))

import famous_nets  # noqa: E402

HEIGHT, WIDTH = 96, 320
LARGEST = {False: 1.0, True: 2.0}  # pixels: votes are rounded to whole ones before they are joined


@pytest.fixture(scope="module")
def seen(tmp_path_factory: pytest.TempPathFactory) -> tuple[list[Case], list[Images]]:
    """DetectNet on four images, its boxes some 48 pixels wide around their cells; what stock Caffe makes of each."""
    net = famous_nets.detectnet(HEIGHT, WIDTH)
    learned = filled(net, np.random.default_rng(7))
    learned["bboxes"][1][:] = -16, -16, 32, 32
    cases = [Case(net, learned, images(net, np.random.default_rng(seed))) for seed in range(4)]
    return cases, caffe(tmp_path_factory.mktemp("caffe"), cases)


def detections(blobs: Images, threshold: float) -> np.ndarray:
    given = detectnet_clustering.parse(f"{WIDTH}, {HEIGHT}, 16, {threshold}, 1, 0.4, 8")
    return clustering.cluster(blobs["coverage"][0, 0], blobs["bboxes"][0], given)


def between(coverage: np.ndarray) -> float:
    """A threshold in a wide gap, above nine tenths of the cells or so: no rounding carries a cell over it."""
    values = np.sort(coverage, axis=None)[17 * coverage.size // 20 : 19 * coverage.size // 20]
    widest = int(np.argmax(np.diff(values)))
    return float(values[widest] + values[widest + 1]) / 2


@pytest.mark.parametrize("half", [False, True])
def test_the_boxes_of_pycaffe(seen: tuple[list[Case], list[Images]], half: bool) -> None:
    found = 0
    for case, blobs in zip(*seen, strict=True):
        threshold = between(blobs["coverage"])
        expected = detections(blobs, threshold)
        boxes = detections(runtime(export.of_net(case.net, case.weights, half=half), case.images), threshold)
        print("half" if half else "float", boxes.round(2).tolist(), expected.round(2).tolist())
        assert boxes.shape == expected.shape and np.abs(boxes - expected).max(initial=0) <= LARGEST[half]
        found += len(expected)
    assert found >= 8
