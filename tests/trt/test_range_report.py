"""The range report: what it counts by hand, what it keeps in 32 bits, and that the net computes right for it."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from both import gap
from google.protobuf import text_format
from onnx.reference import ReferenceEvaluator

from evolve.base import prototxt_text
from evolve.base.caffe_messages import caffe_pb2
from evolve.base.errors import UserError
from evolve.network import weights
from trt import inputs, range_report
from trt.onnx import export
from trt.range_report import Range

# 1 x 1 convolutions of one number each, and no bias: a factor.
NET = """
name: "factors"
layer { name: "in" type: "Input" top: "data" input_param { shape { dim: 1 dim: 1 dim: 2 dim: 2 } } }
layer { name: "up" type: "Convolution" bottom: "data" top: "up"
  convolution_param { num_output: 1 kernel_size: 1 bias_term: false } }
layer { name: "relu" type: "ReLU" bottom: "up" top: "up" }
layer { name: "down" type: "Convolution" bottom: "up" top: "down"
  convolution_param { num_output: 1 kernel_size: 1 bias_term: false } }
layer { name: "tiny" type: "Convolution" bottom: "down" top: "tiny"
  convolution_param { num_output: 1 kernel_size: 1 bias_term: false } }
layer { name: "back" type: "Convolution" bottom: "tiny" top: "back"
  convolution_param { num_output: 1 kernel_size: 1 bias_term: false } }
"""
IMAGES = np.array([[1, 2, 3, 4], [-5, 6, 0, 100]], np.float32).reshape(2, 1, 2, 2)


def pair(folder: Path, **factors: float) -> export.Pair:
    net = text_format.Parse(NET, caffe_pb2.NetParameter())
    prototxt_text.write(net, folder / "net.prototxt")
    learned: weights.Weights = {name: [np.full((1, 1, 1, 1), factor, np.float32)] for name, factor in factors.items()}
    weights.write(folder / "net.caffemodel", net, learned)
    return export.read(folder / "net.prototxt", folder / "net.caffemodel")


def report(made: export.Pair, images: np.ndarray = IMAGES) -> range_report.Report:
    batches = [{"data": images[k : k + 1]} for k in range(len(images))]
    return range_report.report(made, inputs.Inputs(f"{len(images)} images", batches))


def in_its_types(model: Any, image: np.ndarray) -> np.ndarray:
    """The output of a model computed in 16 bits where it says so: ONNX Runtime's CPU takes 32 bits for all."""
    return np.asarray(list(ReferenceEvaluator(model).run(["back"], {"data": image}))[0])


def test_all_fits(tmp_path: Path) -> None:
    found = report(pair(tmp_path, up=2, down=0.5, tiny=0.5, back=2))
    assert found.lines() == ["range report, 2 images: 6 of 6 values fit half precision whole, the largest 200 (up)"]
    assert found.in_32_bits() == frozenset()


@pytest.mark.filterwarnings("ignore:overflow encountered")  # which is what it is about
def test_overflow(tmp_path: Path) -> None:
    """100 x 1000 is beyond 65504, so it is in `up`, before ReLU and behind it; who reads it keeps 32 bits too."""
    made = pair(tmp_path, up=1000, down=0.001, tiny=1, back=1)
    found = report(made)
    assert found.lines() == [
        "range report, 2 images: 4 of 6 values fit half precision whole, the largest 1e+05 (up)",
        "  layer 'up': 14.29% of its activations overflow (up to 1e+05) in half precision; in 32 bits: up, relu",
        "  layer 'relu': 16.67% of its activations overflow (up to 1e+05) in half precision; in 32 bits: relu, down",
    ]
    assert found.in_32_bits() == {"up", "relu", "down"}
    exact, naive, mended = (
        in_its_types(model, IMAGES[1:])
        for model in (made.onnx(), made.onnx(half=True), made.onnx(half=True, in_32_bits=found.in_32_bits()))
    )
    assert not np.isfinite(naive).all() and gap(exact, mended) < 1e-3


def test_what_vanishes(tmp_path: Path) -> None:
    """2^-25 rounds to zero, and so does all below; the layers that write and read it keep 32 bits."""
    made = pair(tmp_path, up=1, down=2.0**-13, tiny=2.0**-13, back=2.0**15)
    found = report(made)
    # Of 1, 2, 3, 4, 6 and 100: 1 and 2, once ReLU has taken -5.
    assert found.lines()[1:] == [
        "  layer 'tiny': 33.33% of its activations vanish in half precision; in 32 bits: tiny, back"
    ]
    assert found.in_32_bits() == {"tiny", "back"}
    exact, naive, mended = (
        in_its_types(model, IMAGES[:1])
        for model in (made.onnx(), made.onnx(half=True), made.onnx(half=True, in_32_bits=found.in_32_bits()))
    )
    assert gap(exact * 2**11, naive * 2**11) > 0.2 and gap(exact * 2**11, mended * 2**11) < 1e-3


@pytest.mark.parametrize(
    ("factor", "lost"), [(1e-7, "19.21% of a neuron's weights is rounded off"), (1e6, "weights overflow")]
)
def test_weights_that_half_precision_cannot_hold(tmp_path: Path, factor: float, lost: str) -> None:
    """All activations fit: what enters the layer is as large as its weights are small, or the other way round."""
    made = pair(tmp_path, up=600 if factor < 1 else 1e-4, down=factor, tiny=1, back=1)
    found = report(made)
    assert found.lines()[0].startswith("range report, 2 images: 6 of 6 values fit half precision whole, ")
    assert found.lines()[1:] == [f"  layer 'down': {lost} in half precision; in 32 bits: down"]
    exact, mended = (in_its_types(model, IMAGES[1:]) for model in (made.onnx(), made.onnx(half=True)))
    assert gap(exact / exact.max(), mended / exact.max()) < 1e-3


def test_a_little_may_vanish(tmp_path: Path) -> None:
    """One in 200: said, with what would keep it, and left."""
    images = np.full((200, 1, 2, 2), 0.0, np.float32)
    images[:, 0, 0, 0] = 1
    images[7, 0, 0, 0] = 1e-6
    found = report(pair(tmp_path, up=1, down=0.01, tiny=1, back=1), images)
    assert found.lines()[1] == (
        "  layer 'down': 0.50% of its activations vanish in half precision; left in 16 bits; WIDE=down,tiny keeps 32"
    )
    assert found.in_32_bits() == frozenset()


def test_inputs_that_overflow(tmp_path: Path) -> None:
    found = report(pair(tmp_path, up=1e-3, down=1, tiny=1, back=1), IMAGES * 1000)
    assert found.lines()[1:] == [
        "  input 'data': 14.29% of its activations overflow (up to 1e+05) in half precision; in 32 bits: up"
    ]
    assert found.in_32_bits() == {"up"}


def test_what_32_bit_layers_pass_on_is_not_asked(tmp_path: Path) -> None:
    """Between LRN and Power nothing is cast: what overflows there does no harm."""
    net = text_format.Parse(
        'layer { name: "in" type: "Input" top: "data" input_param { shape { dim: 1 dim: 1 dim: 2 dim: 2 } } }'
        'layer { name: "square" type: "Power" bottom: "data" top: "square" power_param { power: 4 } }'
        'layer { name: "root" type: "Power" bottom: "square" top: "root" power_param { power: 0.25 } }'
        'layer { name: "up" type: "Convolution" bottom: "root" top: "up" '
        "convolution_param { num_output: 1 kernel_size: 1 bias_term: false } }",
        caffe_pb2.NetParameter(),
    )
    prototxt_text.write(net, tmp_path / "net.prototxt")
    weights.write(tmp_path / "net.caffemodel", net, {"up": [np.ones((1, 1, 1, 1), np.float32)]})
    found = report(export.read(tmp_path / "net.prototxt", tmp_path / "net.caffemodel"))
    assert {each.layer for each in found.ranges} == {"root", "up"} and len(found.lines()) == 1


@pytest.mark.parametrize("seed", range(5))
def test_counts_by_plain_loops(seed: int) -> None:
    random = np.random.default_rng(seed)
    values = (10.0 ** random.uniform(-10, 7, 300) * random.choice([-1, 0, 1], 300)).astype(np.float32)
    values[:4] = [65504, 65505, 2.0**-25, 2.0**-24]
    counted = Range("v", "l", ())
    for part in np.array_split(values, 3):
        counted.add(part)
    numbers = [abs(float(each)) for each in values if each]
    assert counted.numbers == len(numbers) and counted.largest == max(numbers)
    assert counted.overflows == sum(each > 65504 for each in numbers)
    with np.errstate(over="ignore"):
        assert counted.vanishes == sum(np.float16(each) == 0 for each in numbers)


def test_numbers_that_are_none() -> None:
    counted = Range("v", "l", ())
    counted.add(np.array([np.nan, np.inf, 1], np.float32))
    assert counted.overflows == 2 and counted.needs_32_bits


def test_inputs_of_a_file(tmp_path: Path) -> None:
    made = pair(tmp_path, up=1, down=1, tiny=1, back=1)
    np.save(tmp_path / "a.npy", IMAGES)
    np.savez(tmp_path / "a.npz", data=IMAGES, other=IMAGES)
    for name in ("a.npy", "a.npz"):
        found = inputs.of_file(tmp_path / name, made).read()
        assert found.words == f"2 images of {name}" and len(found.batches) == 2
        assert all(list(batch) == ["data"] for batch in found.batches)
        assert np.array_equal(np.concatenate([batch["data"] for batch in found.batches]), IMAGES)


def test_images_are_held_once() -> None:
    arrays = {"data": np.ones((6, 1, 2, 2), np.float32)}
    found = inputs.batched(arrays, {"data": (2, 1, 2, 2)}, "images of it", "it", "")
    assert found.words == "6 images of it" and len(found.batches) == 3
    assert all(np.shares_memory(batch["data"], arrays["data"]) for batch in found.batches)


@pytest.mark.parametrize(
    ("write", "message"),
    [
        (lambda path: None, "expected a .npy or .npz file, got No such file or directory"),
        (lambda path: path.write_text("nothing"), "expected a .npy or .npz file of arrays, got: "),
        (lambda path: np.save(path, IMAGES[:, :, :1]), "input 'data': expected 1x1x2x2 or more images, got 2x1x1x2; "),
        (lambda path: np.save(path, IMAGES[:0]), "input 'data': expected 1x1x2x2 or more images, got 0x1x2x2; "),
    ],
)
def test_files_that_are_none(tmp_path: Path, write: Any, message: str) -> None:
    made = pair(tmp_path, up=1, down=1, tiny=1, back=1)
    path = tmp_path / "a.npy"
    write(path)
    with pytest.raises(UserError) as error:
        inputs.of_file(path, made).read()
    assert str(error.value).startswith(f"INPUTS={path}: {message}")
