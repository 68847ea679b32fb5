"""The layers inside real Caffe, in TRAIN and TEST."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from detectnet_examples import python, rows_of, street
from detectnet_nets import GEOMETRY, data, layer

from evolve.detectnet import batches, coverage, labels
from evolve.detectnet.batches import Shapes
from evolve.network.layers import detectnet_parameters as parameters
from evolve.training.caffe_process import CaffeError, CaffeProcess

Pair = Callable[[int], tuple[Path, Path]]

RUN = """
import sys, json, caffe, numpy
for phase in ("TRAIN", "TEST"):
    net = caffe.Net("net.prototxt", getattr(caffe, phase))
    made = {name: [] for name in net.blobs}
    for _ in range(int(sys.argv[1])):
        net.forward()
        for name, blob in net.blobs.items():
            made[name].append(blob.data.copy())
    numpy.savez(phase + ".npz", **{name: numpy.array(blobs) for name, blobs in made.items()})
"""


def test_transformation_of_caffes_own_data_and_the_data_layer_make_the_same_bits(tmp_path: Path, pair: Pair) -> None:
    images, boxes = pair(5)
    net = [
        f'layer {{ name: "{name}" type: "Data" top: "{name}" data_param {{ source: "{source}" backend: LMDB '
        "batch_size: 3 } }\n"
        for name, source in (("images", images), ("labels", boxes))
    ]
    net.append(layer("transform", "DetectNetTransformation", "images labels", "pixels truth moved", GEOMETRY))
    net += [data(images, boxes, 0, "here"), data(images, boxes, 2, "ahead")]
    (tmp_path / "net.prototxt").write_text("".join(net))
    python(tmp_path, RUN, ("4",))
    for phase in ("TRAIN", "TEST"):
        made = np.load(tmp_path / f"{phase}.npz")
        for one, other in (("pixels", ""), ("truth", "-truth"), ("moved", "-labels")):
            assert np.array_equal(made[one], made["here" + other]) and np.array_equal(made[one], made["ahead" + other])
        expected = in_python(images, boxes, phase == "TRAIN", 4)
        for name, parts in zip(("pixels", "truth", "moved"), zip(*expected, strict=True), strict=True):
            assert np.array_equal(made[name], np.array(parts)), f"{phase} {name}"


def in_python(images: Path, boxes: Path, train: bool, count: int) -> list[batches.Batch]:
    where = f'data_param {{ source: "{images}" label_source: "{boxes}" batch_size: 3 }}'
    given = parameters.parse(f"{GEOMETRY} {where}")
    assert given.data
    examples = batches.open_examples(given.data)
    shapes = Shapes.of(given, 3, examples.max_boxes)
    made = [shapes.views(np.full(shapes.count, 777, np.float32)) for _ in range(count)]
    for number, batch in enumerate(made):
        batches.make(number, examples, given, train, batch)
    return made


def test_test_resizes_and_takes_the_examples_in_turn(tmp_path: Path, pair: Pair) -> None:
    images, boxes = pair(5)
    (tmp_path / "net.prototxt").write_text(data(images, boxes, 1))
    python(tmp_path, RUN, ("2",))
    made = np.load(tmp_path / "TEST.npz")
    for number in range(6):
        image, objects = street(number % 5)
        place = divmod(number, 3)
        assert np.array_equal(made["data"][place], image.astype(np.float32) - 127)
        assert np.array_equal(labels.unpack(made["data-labels"][place], "here"), rows_of(objects))
        truth = coverage.generate(rows_of(objects), parameters.parse(GEOMETRY).ground_truth, clip=False)
        assert np.array_equal(made["data-truth"][place], truth)


def test_what_is_right_scores_a_hundred_and_what_is_missing_less(tmp_path: Path, pair: Pair) -> None:
    images, boxes = pair(5)
    size = "160,96,16"
    slices = (
        'layer { name: "slice" type: "Slice" bottom: "data-truth" top: "f" top: "corners" top: "s" top: "n" '
        'top: "maps" slice_param { slice_point: 1 slice_point: 5 slice_point: 7 slice_point: 8 } }\n'
        'layer { name: "half" type: "Power" bottom: "maps" top: "half" power_param { scale: 0.5 } }\n'
    )
    net = data(images, boxes, 0) + slices
    net += layer("gt", "ClusterGroundtruth", "maps corners", "gt0 gt1", f"{size},2")
    for name, blob in (("right", "maps"), ("blind", "half")):
        tops = f"{name}0 {name}1"
        net += layer(name, "ClusterDetections", f"{blob} corners", tops, f"{size},0.6,1,0.02,22,2")
        net += layer(f"score-{name}", "ScoreDetections", f"gt0 {name}0", f"counts-{name}")
        net += layer(f"map-{name}", "mAP", f"counts-{name}", f"map-{name} precision-{name} recall-{name}")
    (tmp_path / "net.prototxt").write_text(net)
    python(tmp_path, RUN, ("1",))
    made = np.load(tmp_path / "TEST.npz")
    assert made["gt0"].shape == (1, 3, 50, 5) and made["counts-right"].shape == (1, 3, 3)
    objects = [[each for each in street(number)[1] if each[4] == 1] for number in range(3)]
    assert made["counts-right"][0, :, 0].sum() == sum(map(len, objects))
    assert [float(made[f"{score}-right"][0, 0]) for score in ("map", "precision", "recall")] == [100, 100, 100]
    assert [float(made[f"{score}-blind"][0, 0]) for score in ("map", "precision", "recall")] == [0, 0, 0]


def refusal(tmp_path: Path, net: str) -> str:
    (tmp_path / "net.prototxt").write_text(net)
    with CaffeProcess(tmp_path, tmp_path / "log", tmp_path / "net.prototxt") as caffe:
        with pytest.raises(CaffeError) as error:
            caffe.call("load", net="net.prototxt", phase="TRAIN")
    return str(error.value)


def test_a_mistake_in_a_layer_is_a_sentence(tmp_path: Path, pair: Pair) -> None:
    images, boxes = pair(2)
    shapes = "shape { dim: 2 dim: 4 dim: 96 dim: 160 } shape { dim: 2 dim: 1 dim: 9 dim: 16 }"
    source = f'layer {{ name: "in" type: "Input" top: "images" top: "labels" input_param {{ {shapes} }} }}\n'
    transform = layer("transform", "DetectNetTransformation", "images labels", "pixels truth", GEOMETRY)
    assert "images: expected N x 3 x H x W, got 2 x 4 x 96 x 160" in refusal(tmp_path, source + transform)
    assert "labels: expected 2 x 1 x (max_boxes + 1) x 16, got 2 x 1 x 9 x 15" in refusal(
        tmp_path, (source + transform).replace("dim: 4", "dim: 3").replace("dim: 16 ", "dim: 15 ")
    )
    assert "DetectNetGroundTruthParameter has no 'strid'; did you mean stride?" in refusal(
        tmp_path, data(images, boxes, 0).replace("stride:", "strid:")
    )
    shapes = "shape { dim: 1 dim: 1 dim: 6 dim: 9 } shape { dim: 1 dim: 4 dim: 6 dim: 10 }"
    maps = f'layer {{ name: "in" type: "Input" top: "maps" top: "corners" input_param {{ {shapes} }} }}\n'
    clusters = layer("cluster", "ClusterDetections", "maps corners", "list", "160,96,16,0.6,1,0.02,22")
    assert "coverage: expected 1 x 1 x 6 x 10 by param_str, got 1 x 1 x 6 x 9" in refusal(tmp_path, maps + clusters)
    assert "expected one top for each of 2 classes, got 1" in refusal(tmp_path, maps + clusters.replace("22'", "22,2'"))
