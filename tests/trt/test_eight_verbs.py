"""INT8=1 as its user meets it: ONNX files, engines and scores in eight bits of a run or a pair; what is refused."""

import json
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import onnx
import pytest
from PIL import Image
from test_engine_verb import cavefish, evolved, pair, rtx

from evolve.runs import device_table

__all__ = ["evolved", "pair", "rtx"]  # fixtures


def test_a_generation_on_its_own_training_images(evolved: Path) -> None:
    run = evolved / "runs" / "tiny" / "seed1"
    done = cavefish(evolved, "onnx", "INT8=1", "IMAGES=30")
    assert (done.returncode, done.stderr) == (0, "")
    said, written = done.stdout.splitlines()
    assert re.fullmatch(
        r"calibration \(minmax\), 30 training images of digits \(seed 1\): \d values, the largest error of a layer "
        r"\d+\.\d\d% \(ip\)", said,
    )  # fmt: skip
    assert written.startswith(f"{run}/gen001.int8.onnx: data 1x1x28x28, prob 1x10; ")
    kept = json.loads((run / "gen001.calibration.json").read_text())
    assert kept["seen_on"] == "30 training images of digits (seed 1)" and kept["ranges"]["ip/reshape"][1] > 1000
    again = cavefish(evolved, "onnx", "INT8=1", "IMAGES=30", "FOR=tensorrt", "GEN=1")
    (line,) = again.stdout.splitlines()
    assert line.startswith(f"{run}/gen001.int8.tensorrt.onnx: ")
    words = {each.key: each.value for each in onnx.load(run / "gen001.int8.tensorrt.onnx").metadata_props}
    assert words["precision"] == "8 bits" and words["calibration"] == "minmax, 30 training images of digits (seed 1)"
    assert words["layers_in_32_bits"] == "pool, loud, prob"
    # Other images: the calibration is made anew.
    assert "calibration (minmax), 31 training images" in cavefish(evolved, "onnx", "INT8=1", "IMAGES=31").stdout


def test_scores_through_engines(evolved: Path) -> None:
    """Caffe as an engine says what its TEST net did, to the image; eight bits lose next to nothing."""
    run = evolved / "runs" / "tiny" / "seed1"
    done = cavefish(evolved, "bench", "ENGINE=caffe,openvino,openvino-int8,onnxruntime-int8", "SCORES=1", "RUNS=1")
    assert (done.returncode, done.stderr) == (0, ""), done.stdout
    rows = json.loads((run / "fps.json").read_text())["frames"]
    frames = {(each["engine"], each["precision"]): each for each in rows}
    accuracy = json.loads((run / "gen001" / "metrics.json").read_text())["score"]["accuracy"]
    assert {key: row["scores"]["accuracy"] == accuracy for key, row in frames.items() if key[1] == "f32"} == {
        ("caffe", "f32"): True, ("openvino", "f32"): True,
    }  # fmt: skip
    for engine in ("openvino", "onnxruntime"):
        eight = frames[engine, "int8"]
        assert abs(eight["scores"]["accuracy"] - accuracy) <= 0.05
        assert 0 < eight["model_bytes"] < frames["openvino", "f32"]["model_bytes"]
    assert re.search("tiny, seed1: openvino int8 1 thread( under load)?, 1x28x28, batch 1", done.stdout)
    assert re.search(r"× generation 1 +MB +accuracy", done.stdout)
    refused = cavefish(evolved, "bench", "SCORES=1", "SHAPE=1x28x28", "ENGINE=caffe")
    assert (refused.returncode, refused.stderr) == (
        2, "cavefish: SCORES=1: expected no SHAPE beside it: test images have the run's own size\n"
    )  # fmt: skip


def test_folders_of_devices(evolved: Path) -> None:
    """What computes in eight bits there has a file in its engine's own form, calibrated as that of `make onnx` is."""
    run = evolved / "runs" / "tiny" / "seed1"
    for device, form in (("orin", "tensorrt"), ("pi5", "onnxruntime")):
        done = cavefish(evolved, "device", f"DEVICE={device}")
        assert done.returncode == 0, done.stderr
        cavefish(evolved, "onnx", "INT8=1", f"FOR={form}", "OUT=own.onnx")
        place = run / device / "generations"
        assert (place / "gen001.int8.onnx").read_bytes() == (evolved / "own.onnx").read_bytes()
        assert (place / "gen001.half.onnx").exists() == (device == "orin")
    (run / "pi5" / "generations" / "gen001.half.onnx").write_text("of a former release")
    done = cavefish(evolved, "device", "DEVICE=pi5", "INPUTS=none")
    assert "no gen001.int8.onnx: eight bits are calibrated on the run's training images (INPUTS=none)" in done.stdout
    assert not list((run / "pi5" / "generations").glob("*.*.onnx"))
    cavefish(evolved, "device", "DEVICE=pi5")
    command = [sys.executable, "bench.py", "--precision", "int8", "--runs", "5", "--warm-up", "1", "--threads", "1"]
    said = subprocess.run(command, cwd=run / "pi5", capture_output=True, text=True, check=True).stdout
    (evolved / "pi5.csv").write_text(said)
    (taken,) = device_table.read(evolved / "pi5.csv", run)
    assert (taken.precision, taken.runs, taken.engine.split()[0]) == ("int8", 5, "onnxruntime")


def test_every_verb_that_calibrates_takes_images(evolved: Path) -> None:
    """So that another count of images than the usual one is not calibrated anew for each."""
    Image.new("L", (28, 28)).save(evolved / "black.png")
    cavefish(evolved, "onnx", "INT8=1", "IMAGES=30")
    kept = evolved / "runs" / "tiny" / "seed1" / "gen001.calibration.json"
    before = kept.read_bytes()
    for words in (
        ["device", "DEVICE=pi5"],
        ["classify", "IMAGE=black.png", "ENGINE=openvino-int8", "OUT=seen.json"],
        ["bench", "ENGINE=onnxruntime-int8", "RUNS=1"],
    ):
        done = cavefish(evolved, *words, "IMAGES=30")
        assert done.returncode == 0 and "calibration (minmax)" not in done.stdout + done.stderr, done.stderr
        assert kept.read_bytes() == before
    assert json.loads((evolved / "seen.json").read_text())["command"].endswith(" ENGINE=openvino-int8 IMAGES=30")
    done = cavefish(evolved, "classify", "IMAGE=black.png", "ENGINE=openvino-int8", "IMAGES=31")
    assert "calibration (minmax), 31 training images" in done.stdout + done.stderr


@pytest.mark.parametrize(
    ("words", "expected", "got"),
    [
        (("classify", "IMAGE=a.png"), "ENGINE=tensorrt-int8, openvino-int8, onnxruntime-int8", ", got caffe"),
        (("detect", "IMAGE=a.png", "ENGINE=c"), "ENGINE=tensorrt-int8, openvino-int8, onnxruntime-int8", ", got c"),
        (("bench", "ENGINE=caffe,c"), "ENGINE=tensorrt-int8, openvino-int8, onnxruntime-int8", ", got caffe, c"),
        (("bench", "FPS=orin.csv"), "ENGINE=tensorrt-int8, openvino-int8, onnxruntime-int8", ", got none"),
        (("device", "DEVICE=nano"), "DEVICE=xavier or DEVICE=orin or DEVICE=pi5 and no INPUTS=", ""),
        (("device", "DEVICE=pi5", "INPUTS=none"), "DEVICE=xavier or DEVICE=orin or DEVICE=pi5 and no INPUTS=", ""),
        (("engine", "HALF=1"), "INT8=1 and no INPUTS=", ""),
    ],
)
def test_images_that_calibrate_nothing(evolved: Path, words: tuple[str, ...], expected: str, got: str) -> None:
    done = cavefish(evolved, *words, "IMAGES=30")
    assert (done.returncode, done.stderr) == (
        2, f"cavefish: {words[0]}: expected {expected} beside IMAGES=, how many of the run's training images calibrate "
        f"eight bits{got}; leave it out\n"
    )  # fmt: skip


def test_an_engine(evolved: Path, rtx: str) -> None:
    run = evolved / "runs" / "tiny" / "seed1"
    cavefish(evolved, "onnx", "INT8=1", "IMAGES=30")
    for_all = (run / "gen001.int8.onnx").read_bytes()
    done = cavefish(evolved, "engine", "INT8=1", "TENSORRT=rtx", "IMAGES=30")
    # Whose form OpenVINO is never to be given.
    assert (run / "gen001.int8.onnx").read_bytes() == for_all != (run / "gen001.int8.engine.onnx").read_bytes()
    assert (done.returncode, done.stderr) == (0, "")
    assert f"{run}/gen001.int8.engine: {rtx}, 8 bits (pool, loud, prob in 32), " in done.stdout
    again = cavefish(evolved, "engine", "INT8=1", "TENSORRT=rtx", "IMAGES=30")
    assert ", built before in " in again.stdout and len(again.stdout.splitlines()) == 1
    other = cavefish(evolved, "engine", "INT8=1", "TENSORRT=rtx", "IMAGES=31")
    assert f"{run}/gen001.int8.engine: built again: its calibration is another" in other.stdout


def test_a_pair(tmp_path: Path, pair: tuple[str, str]) -> None:
    done = cavefish(tmp_path, "onnx", *pair, "INT8=1", "INPUTS=images.npy", "FOR=onnxruntime", "OUT=net.onnx")
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith("calibration (minmax), 1 image of images.npy: 3 values, ")
    assert (tmp_path / "net.calibration.json").exists() and (tmp_path / "net.onnx").exists()


def test_half_precision_looks_at_inputs(tmp_path: Path, pair: tuple[str, str]) -> None:
    """As `make engine` does: what 16 bits cannot hold of them stays in 32; without them the weights alone tell."""
    np.save(tmp_path / "loud.npy", np.full((2, 2, 8, 8), 7e4, np.float32))
    for given, wide in (("loud.npy", "conv, relu"), ("images.npy", "none"), ("none", "none"), ("", "none")):
        words = [f"INPUTS={given}"] if given else []
        done = cavefish(tmp_path, "onnx", *pair, "HALF=1", "FOR=onnxruntime", *words)
        said = {"none": "range report: no real inputs", "": "net.half.onnxruntime.onnx: "}
        assert done.returncode == 0 and done.stdout.startswith(said.get(given, "range report, ")), done.stderr
        made = {each.key: each.value for each in onnx.load(tmp_path / "net.half.onnxruntime.onnx").metadata_props}
        assert made["layers_in_32_bits"] == wide


def test_who_calibrates_without_inputs_is_told_of_none(evolved: Path) -> None:
    """`make bench` and `classify` refuse INPUTS=."""
    (evolved / "data").rename(evolved / "moved")
    (evolved / "runs/tiny/seed1/gen001.calibration.json").unlink(missing_ok=True)
    try:
        for verb, remedy in (
            (["bench", "ENGINE=openvino-int8"], "make the data set again, or choose an engine in 32 bits"),
            (["onnx", "INT8=1"], "INPUTS=file.npy gives others"),
            (["device", "DEVICE=pi5"], "INPUTS=file.npy gives others, INPUTS=none builds without looking at any"),
        ):
            done = cavefish(evolved, *verb)
            assert done.returncode == 2 and done.stderr.endswith(f"; {remedy}\n"), done.stderr
            assert "calibration found no training images of digits (seed 1): " in done.stderr
    finally:
        (evolved / "moved").rename(evolved / "data")


@pytest.mark.parametrize("verb", ["onnx", "c", "fold"])
def test_weights_without_their_model(tmp_path: Path, verb: str) -> None:
    """They are no run's, and no generation is taken for them."""
    done = cavefish(tmp_path, verb, "WEIGHTS=net.caffemodel")
    said = f"cavefish: {verb}: expected MODEL=, the deploy prototxt of that WEIGHTS; see `cavefish --help`\n"
    assert (done.returncode, done.stderr) == (2, said)


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("INT8=1",), "INT8: expected INPUTS=file.npy, real images as the net sees them, got none"),
        (("INT8=1", "HALF=1"), "onnx: expected HALF=1 or INT8=1, got both; leave one out"),
        (("INT8=1", "INPUTS=a.npy"), "INPUTS=a.npy: expected a .npy or .npz file, got No such file or directory"),
        (("HALF=1", "IMAGES=7"), "onnx: expected INT8=1 and no INPUTS= beside IMAGES=, how many of the run's training "
         "images calibrate eight bits; leave it out"),
        (("INPUTS=images.npy",), "onnx: expected HALF=1 or INT8=1 beside INPUTS=, got neither; 32 bits hold whatever "
         "is seen"),
        (("HALF=1", "INPUTS=a.npy"), "INPUTS=a.npy: expected a .npy or .npz file, got No such file or directory"),
        (("INT8=1", "INPUTS=wide.npy"), "INPUTS=wide.npy: input 'data': expected 1x2x8x8 or more images, got 1x2x9x9; "
         "INPUTS=file.npy gives others"),
        (("FOR=opencv",), "FOR=opencv: expected one of openvino, onnxruntime, tensorrt"),
        (("WIDE=conv",), "onnx: expected HALF=1 or INT8=1 beside WIDE=, got neither; all layers are in 32 bits"),
        (("HALF=1", "WIDE=cnov"), "WIDE=cnov: expected layers of net.prototxt, separated by commas"),
    ],
)  # fmt: skip
def test_mistakes(tmp_path: Path, pair: tuple[str, str], words: tuple[str, ...], message: str) -> None:
    np.save(tmp_path / "wide.npy", np.zeros((1, 2, 9, 9), np.float32))
    done = cavefish(tmp_path, "onnx", *pair, *words)
    assert (done.returncode, done.stderr) == (2, f"cavefish: {message}\n")
