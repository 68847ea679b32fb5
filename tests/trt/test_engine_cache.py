"""An engine is loaded only if it is whole, ours, and built from and for what is at hand; else it is built again."""

import dataclasses
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import fake_tensorrt
import numpy as np
import pytest
from both import filled, images
from google.protobuf import text_format

from evolve.base import files, prototxt_text
from evolve.base.caffe_messages import caffe_pb2
from evolve.base.errors import UserError
from evolve.network import weights
from trt import inputs
from trt.onnx import export
from trt.tensorrt import cache, engine, gpu, which

NET = """
name: "small"
layer { name: "in" type: "Input" top: "data" input_param { shape { dim: 1 dim: 4 dim: 8 dim: 8 } } }
layer { name: "conv" type: "Convolution" bottom: "data" top: "conv" convolution_param { num_output: 4 kernel_size: 3 } }
layer { name: "relu" type: "ReLU" bottom: "conv" top: "conv" }
"""


class Place:
    """A pair, and the engine that is made of it by a TensorRT that counts what it builds."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.out = folder, folder / "net.half.engine"
        self.module = fake_tensorrt.tensorrt_10()
        self.half, self.inputs = True, "1.npy"
        self.wide: frozenset[str] = frozenset()
        self.net = text_format.Parse(NET, caffe_pb2.NetParameter())
        prototxt_text.write(self.net, folder / "net.prototxt")
        self.learn(seed=0)
        for seed in (1, 2):
            np.save(folder / f"{seed}.npy", images(self.net, np.random.default_rng(seed))["data"])

    def learn(self, seed: int) -> None:
        weights.write(self.folder / "net.caffemodel", self.net, filled(self.net, np.random.default_rng(seed)))

    def make(self) -> list[str]:
        said: list[str] = []
        pair = export.read(self.folder / "net.prototxt", self.folder / "net.caffemodel")
        source = inputs.of_file(self.folder / self.inputs, pair)
        order = engine.Order(pair, self.out, self.half, source, self.wide)
        record = engine.make(order, which.TensorRT("TensorRT", self.module), said.append)
        assert len(self.out.read_bytes()) == record.bytes
        return said

    def built(self) -> int:
        """How many engines were built so far."""
        return len(self.module.seen)


@pytest.fixture
def place(tmp_path: Path) -> Place:
    made = Place(tmp_path)
    said = made.make()
    assert made.built() == 1 and said[-1].startswith(f"{made.out}: TensorRT 10.9.0.34, no GPU, 16 bits, ")
    return made


def test_the_second_time_nothing_is_built(place: Place) -> None:
    before = {path.name: path.read_bytes() for path in place.folder.iterdir()}
    (said,) = place.make()
    assert place.built() == 1 and ", built before in " in said
    assert {path.name: path.read_bytes() for path in place.folder.iterdir()} == before


def other_record(place: Place) -> None:
    record = cache.record_of(place.out)
    record.write_text(record.read_text().replace('"half"', '"float"'))


def commented(place: Place) -> None:
    prototxt_text.write(place.net, place.folder / "net.prototxt", "a comment")


def from_elsewhere(place: Place) -> None:
    """An engine with a record of its own, of another net."""
    pair = Path(place.folder / "elsewhere")
    pair.mkdir()
    other = Place(pair)
    other.learn(seed=9)
    other.make()
    for source, target in ((other.out, place.out), *[map(cache.record_of, (other.out, place.out))]):
        target.write_bytes(source.read_bytes())


@pytest.mark.parametrize(
    ("change", "why"),
    [
        (lambda place: place.out.write_bytes(b""), "it has 0 bytes, expected 12"),
        (lambda place: place.out.write_bytes(place.out.read_bytes()[:-3]), "it has 9 bytes, expected 12"),
        (lambda place: place.out.write_bytes(b"another one."), "its bytes are not those that were written"),
        (lambda place: cache.record_of(place.out).unlink(), "it is not one of ours, or its record is damaged"),
        (lambda place: cache.record_of(place.out).write_text(""),
         "it is not one of ours, or its record is damaged"),
        (lambda place: cache.record_of(place.out).write_text("[]"),
         "it is not one of ours, or its record is damaged"),
        (other_record, "it is of another precision"),
        (from_elsewhere, "the caffemodel changed"),
        (lambda place: place.learn(seed=5), "the caffemodel changed"),
        (commented, "the prototxt changed"),
        (lambda place: setattr(place, "inputs", "2.npy"), "the range report has other inputs"),
        (lambda place: setattr(place, "wide", frozenset({"conv"})), "other layers are wanted in 32 bits"),
        (lambda place: setattr(place, "half", False), "it is of another precision"),
        (lambda place: setattr(place.module, "__version__", "10.9.1"), "it is of another TensorRT"),
    ],
)  # fmt: skip
def test_built_again(place: Place, change: Callable[[Place], Any], why: str) -> None:
    change(place)
    said = place.make()
    assert place.built() == 2 and said[0] == f"{place.out}: built again: {why}"
    assert ", built in " in said[-1]
    assert ", built before in " in place.make()[0] and place.built() == 2


def test_another_gpu(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gpu, "name", lambda: "NVIDIA Tegra X1 (5.3)")
    said = place.make()
    assert said[0] == f"{place.out}: built again: it is for another GPU"
    assert said[-1].startswith(f"{place.out}: TensorRT 10.9.0.34, NVIDIA Tegra X1 (5.3), 16 bits, ")


def test_another_setting_of_the_builder(place: Place) -> None:
    place.module.BuilderFlag = fake_tensorrt.module("", "", "FP16 TF32_TOO").BuilderFlag
    assert place.make()[0] == f"{place.out}: built again: the builder's setting 'cleared' changed"


def test_a_kill_between_the_two_files(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    """The new engine is there with the old record: the next call builds it again."""
    place.learn(seed=5)

    write = files.write_whole

    def killed(path: Path, content: str | bytes) -> None:
        if path.suffix == ".json":
            raise KeyboardInterrupt
        write(path, content)

    with monkeypatch.context() as patch:
        patch.setattr(files, "write_whole", killed)
        place.module.__version__ = "10.9.10.34"
        with pytest.raises(KeyboardInterrupt):
            place.make()
    assert place.make()[0] == f"{place.out}: built again: it has 13 bytes, expected 12"


def test_no_place_to_write(place: Place) -> None:
    place.out = place.folder / "nowhere" / "net.half.engine"
    with pytest.raises(UserError, match="expected to write there, got No such file or directory; name another OUT="):
        place.make()
    place.out = place.folder / "folder.engine"
    place.out.mkdir()
    with pytest.raises(UserError, match="expected an engine, or nothing, got Is a directory; name another OUT="):
        place.make()


def test_a_layer_that_is_not_there(place: Place) -> None:
    place.wide = frozenset({"conv", "cnov"})
    with pytest.raises(UserError) as error:
        place.make()
    assert str(error.value) == (f"WIDE=cnov: expected layers of {place.folder}/net.prototxt, separated by commas")


def test_a_layer_that_tensorrt_refuses_is_named_with_its_line(tmp_path: Path) -> None:
    place = Place(tmp_path)
    place.net.layer.add(name="norm", type="LRN", bottom=["conv"], top=["norm"])
    prototxt_text.write(place.net, tmp_path / "net.prototxt")
    place.module.refuses_lrn = True
    with pytest.raises(UserError) as error:
        place.make()
    line = prototxt_text.line_of((tmp_path / "net.prototxt").read_text(), "norm")
    assert str(error.value) == (
        f"{tmp_path}/net.prototxt:{line}: layer 'norm': TensorRT 10.9.0.34 does not take it: Assertion failed: LRN of "
        "that size"
    )
    assert not place.out.exists()


def test_the_record_says_what_the_engine_is(place: Place) -> None:
    record = json.loads(cache.record_of(place.out).read_text())
    assert set(record) == {field.name for field in dataclasses.fields(cache.Record)}
    assert set(record["key"]) == {
        *("prototxt", "caffemodel", "onnx", "precision", "inputs", "wide", "tensorrt", "gpu"),
        *("network", "flags", "cleared"),
    }
    assert record["ranges"].startswith("range report, 1 image of 1.npy: ")
