"""Calibration: ranges and errors against plain loops, what stays in 32 bits for its error, and what is kept on disk."""

import errno
import math
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from both import filled, gap, runtime
from google.protobuf import text_format

from evolve.base import files, prototxt_text, records
from evolve.base.caffe_messages import caffe_pb2
from evolve.base.errors import UserError
from evolve.network import weights
from tests.runs.test_made_from import data_set, generation
from trt import calibration, eight_bits, inputs, training_images
from trt.onnx import arranged, eight, eight_places, export, target

NET = """
name: "three"
layer { name: "in" type: "Input" top: "data" input_param { shape { dim: 1 dim: 3 } } }
layer { name: "a" type: "InnerProduct" bottom: "data" top: "a" inner_product_param { num_output: 4 } }
layer { name: "r" type: "ReLU" bottom: "a" top: "r" }
layer { name: "b" type: "InnerProduct" bottom: "r" top: "b" inner_product_param { num_output: 2 bias_term: false } }
"""
IMAGES = np.random.default_rng(5).normal(size=(20, 3)).astype(np.float32)


def pair(folder: Path, learned: Any = None) -> export.Pair:
    net = text_format.Parse(NET, caffe_pb2.NetParameter())
    prototxt_text.write(net, folder / "net.prototxt")
    weights.write(folder / "net.caffemodel", net, learned or filled(net, np.random.default_rng(0)))
    return export.read(folder / "net.prototxt", folder / "net.caffemodel")


def shown(images: np.ndarray = IMAGES) -> inputs.Inputs:
    return inputs.Inputs(f"{len(images)} images", [{"data": image[np.newaxis]} for image in images])


def quantised(values: np.ndarray) -> np.ndarray:
    """By the least and greatest of all of them, in 255 steps, zero exactly."""
    low, high = min(0.0, float(values.min())), max(0.0, float(values.max()))
    scale = (high - low) / 255
    zero = round(-low / scale)
    return np.clip(np.rint(values / scale) + zero, 0, 255) * scale - zero * scale


def on_grid(blob: np.ndarray) -> np.ndarray:
    scale = np.abs(blob).max(axis=1, keepdims=True) / 127
    return np.asarray(np.rint(blob / scale) * scale)


def test_ranges_and_errors(tmp_path: Path) -> None:
    made = pair(tmp_path)
    found = calibration.calibrate(made, shown(), "these")
    a, bias, b = made.weights["a"][0], made.weights["a"][1], made.weights["b"][0]
    r = np.maximum(IMAGES @ a.T + bias, 0)
    for name, values in (("data", IMAGES), ("r", r)):
        assert found.ranges[name] == pytest.approx([values.min(), values.max()], rel=1e-5)
    # Of what is not quantised too.
    assert sorted(found.ranges) == ["a", "b", "data", "r"]
    # On the first sixteen images; biases are next to exact.
    for name, values, blob, term in (("a", IMAGES, a, bias), ("b", r, b, 0.0)):
        exact, eight = values @ blob.T + term, quantised(values) @ on_grid(blob).T + term
        expected = np.sqrt(np.square(eight - exact)[:16].sum() / np.square(exact)[:16].sum())
        assert found.errors[name] == pytest.approx(expected, rel=0.02)
    assert found.in_32_bits() == frozenset()
    assert found.lines() == [
        f"calibration (minmax), 20 images: 4 values, the largest error of a layer "
        f"{max(found.errors.values()):.2%} ({max(found.errors, key=lambda name: found.errors[name])})"
    ]


def test_a_layer_that_loses_too_much_stays_in_32_bits(tmp_path: Path) -> None:
    """One value a thousand times as large as the others: 255 steps leave nothing of these."""
    images = IMAGES.copy()
    images[-1, 0] = 4000
    made = pair(tmp_path)
    found = calibration.calibrate(made, shown(images), "these")
    assert found.errors["a"] > 0.5 and "a" in found.in_32_bits()
    assert f"  layer 'a': eight bits change its output by {found.errors['a']:.2%}, more than 10%; in 32 bits" in (
        found.lines()
    )
    model = eight_bits.model(made, found, target.OPENVINO)
    said = {each.key: each.value for each in model.metadata_props}
    assert "a" in said["layers_in_32_bits"].split(", ") and said["calibration"] == "minmax, 20 images"
    names = {each.name for each in model.graph.initializer}
    assert "a/weights" in names and "a/weights/eight" not in names
    named = eight_bits.model(made, replace(found, errors={}), target.OPENVINO, frozenset({"b"}))
    assert {"a/weights/eight", "b/weights"} <= {each.name for each in named.graph.initializer}


def test_a_layer_whose_error_cannot_be_told_stays_in_32_bits(tmp_path: Path) -> None:
    """The squares of so large numbers are none in 32 bits."""
    found = calibration.calibrate(pair(tmp_path), shown(IMAGES * np.float32(1e25)), "these")
    assert found.errors == {"a": math.inf, "b": math.inf} and found.in_32_bits() == {"a", "b"}
    assert "  layer 'a': eight bits change its output by inf%, more than 10%; in 32 bits" in found.lines()


@pytest.mark.parametrize(("given", "got"), [(np.inf, "inf"), (-np.inf, "-inf"), (np.nan, "nan"), (1e39, "inf")])
def test_images_that_are_not_finite(tmp_path: Path, given: float, got: str) -> None:
    """The net was in steps of infinity, and its errors zero. What 32 bits do not hold is an infinity too."""
    made, images = pair(tmp_path), IMAGES.astype(np.float64)
    images[7, 1] = given
    np.save(tmp_path / "a.npy", images)
    source = inputs.of_file(tmp_path / "a.npy", made)
    with pytest.raises(UserError) as error:
        calibration.of(made, source, tmp_path / "a.calibration.json", lambda line: None)
    assert str(error.value) == (
        f"calibration, 20 images of a.npy: input 'data': expected finite numbers in 32 bits, got {got} in image 8; "
        "leave that image out"
    )
    assert not (tmp_path / "a.calibration.json").exists()


@pytest.mark.parametrize(("bad", "got"), [(np.inf, "-inf to inf"), (np.nan, "nan to nan")])
def test_activations_that_are_not_finite(tmp_path: Path, bad: float, got: str) -> None:
    """One image's are enough, whichever it is; who has weights and reads them stays in 32 bits."""
    made = pair(tmp_path)
    for place in (0, 7, -1):
        values = [{"data": image[np.newaxis].copy()} for image in IMAGES]
        values[place]["data"][:] = [bad, -bad, 0]
        graph = arranged.arranged(made.graph())
        found = calibration._ranges(graph, "net", inputs.Inputs("images", values))
        found = {"data": found["data"], "r": (0.0, 1.0)}
        assert np.array_equal(found["data"], (-bad, bad), equal_nan=True)
        places = eight_places.find(graph)
        assert calibration._errors(graph, "net", places, found, shown())["a"] == math.inf
        with pytest.raises(UserError) as error:
            eight.scales(places, found, signed=False)
        assert str(error.value) == (
            f"calibration: expected finite numbers of 'data', got {got}, which no eight bits hold; have it in 32 bits"
        )


def test_it_is_kept_and_made_anew_where_it_is_of_something_else(tmp_path: Path) -> None:
    looked: list[int] = []

    def source(digest: str) -> inputs.Source:
        def read() -> inputs.Inputs:
            looked.append(1)
            return shown()

        return inputs.Source(digest, read)

    path, lines = tmp_path / "gen001.calibration.json", list[str]()
    made = pair(tmp_path)
    first = calibration.of(made, source("one"), path, lines.append)
    assert calibration.of(made, source("one"), path, lines.append) == first == calibration.kept(path)
    assert (len(looked), len(lines)) == (1, 1)
    calibration.of(made, source("two"), path, lines.append)
    other = pair(tmp_path, filled(made.net, np.random.default_rng(9)))
    calibration.of(other, source("two"), path, lines.append)
    whole = path.read_bytes()
    for damaged in (whole[: len(whole) // 2], b"{}", b"[1]", whole.replace(b'"ranges": {', b'"ranges": 3, "x": {')):
        path.write_bytes(damaged)
        assert calibration.kept(path) is None
        calibration.of(other, source("two"), path, lines.append)
    assert len(looked) == 7 and path.read_bytes() == whole


def test_images_that_a_generation_was_not_made_from_are_not_shown_to_it(tmp_path: Path) -> None:
    """Its calibration is called after what it was made from."""
    data = data_set(tmp_path / "data")
    generation(tmp_path / "run", data / "test")
    data_set(data, "fedcba9876543210")
    for read, begins in ((training_images.of_generation, "calibration found no "), (inputs.of_generation, "the range")):
        with pytest.raises(UserError, match=f"^{begins}.*got another one .*; bring that data back; "):
            read(tmp_path / "run", 1, pair(tmp_path)).read()


def test_it_is_made_anew_where_the_prototxt_is_another(tmp_path: Path) -> None:
    """Which other values may have the same names, and the same weights; a file that does not say its net is one too."""
    path, made = tmp_path / "gen001.calibration.json", pair(tmp_path)
    source = inputs.Source("one", shown)
    first = calibration.of(made, source, path, lambda line: None)
    net = (tmp_path / "net.prototxt").read_text()
    (tmp_path / "net.prototxt").write_text(net.replace('type: "ReLU"', 'type: "ReLU" relu_param { negative_slope: 1 }'))
    other = export.read(tmp_path / "net.prototxt", tmp_path / "net.caffemodel")
    second = calibration.of(other, source, path, lambda line: None)
    assert first.ranges["r"][0] == 0 > second.ranges["r"][0]
    path.write_text(records.text(replace(first, graph="")))
    assert calibration.of(made, source, path, lambda line: None) == first == calibration.kept(path)


def test_it_holds_for_any_size_of_image(tmp_path: Path) -> None:
    """Where a padded average overhangs at one size alone, what it reads is quantised at the other, or its output."""
    conv = (
        'layer {{ name: "{0}" type: "Convolution" bottom: "{1}" top: "{0}" '
        "convolution_param {{ num_output: 4 kernel_size: 1 }} }}"
    )
    net = text_format.Parse(
        'layer { name: "in" type: "Input" top: "data" input_param { shape { dim: 1 dim: 3 dim: 8 dim: 8 } } }'
        + conv.format("a", "data") + conv.format("b", "data")
        + 'layer { name: "joined" type: "Concat" bottom: "a" bottom: "b" top: "joined" }'
        'layer { name: "mean" type: "Pooling" bottom: "joined" top: "mean" '
        "pooling_param { pool: AVE kernel_size: 3 stride: 2 pad: 1 } }" + conv.format("c", "mean"),
        caffe_pb2.NetParameter(),
    )  # fmt: skip
    prototxt_text.write(net, tmp_path / "net.prototxt")
    weights.write(tmp_path / "net.caffemodel", net, filled(net, np.random.default_rng(0)))
    pairs = {size: export.read(tmp_path / "net.prototxt", tmp_path / "net.caffemodel", (3, size, size))
             for size in (8, 9)}  # fmt: skip
    quantised = [set(eight_places.find(arranged.arranged(each.graph())).groups) for each in pairs.values()]
    assert quantised[0] != quantised[1]
    for size, other in ((8, 9), (9, 8)):
        drawn = np.random.default_rng(size).normal(size=(20, 1, 3, size, size)).astype(np.float32)
        found = calibration.calibrate(pairs[size], inputs.Inputs("images", [{"data": each} for each in drawn]), "these")
        image = np.random.default_rng(other).normal(size=(1, 3, other, other)).astype(np.float32)
        exact, eight_bit = (runtime(model, {"data": image})["c"] for model in (
            pairs[other].onnx(), eight_bits.model(pairs[other], found, target.OPENVINO)))  # fmt: skip
        assert gap(exact, eight_bit) < 0.1


def test_of_a_run_that_nobody_may_write_to(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is kept beside what is made of it, and found there."""
    writes, made = files.write_whole, pair(tmp_path)

    def refused(path: Path, content: str) -> None:
        if path.parent.name == "run":
            raise OSError(errno.EROFS, "Read-only file system", str(path))
        writes(path, content)

    monkeypatch.setattr(files, "write_whole", refused)
    places, lines = (tmp_path / "run" / "gen001.json", tmp_path / "gen001.json"), list[str]()
    for place in places:
        place.parent.mkdir(exist_ok=True)
    source = inputs.Source("one", shown)
    first = calibration.of(made, source, places[0], lines.append, places[1])
    assert calibration.of(made, source, places[0], lines.append, places[1]) == first == calibration.kept(places[1])
    assert len(lines) == 1 and not places[0].exists()
    with pytest.raises(UserError, match=f"{places[0]}: expected to write there, got Read-only file system"):
        calibration.of(made, inputs.Source("two", shown), places[0], lines.append)


def test_which_images_are_drawn() -> None:
    assert training_images.drawn(5, 9, seed=1) == [0, 1, 2, 3, 4]
    first, again, other = (training_images.drawn(2000, 200, seed) for seed in (1, 1, 2))
    assert first == again != other and len(set(first)) == 200 and first == sorted(first) and max(first) < 2000
