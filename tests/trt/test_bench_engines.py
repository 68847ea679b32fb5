"""`make bench` on real engines: they compute what pycaffe does, or are not timed; what is missing is said."""

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from both import filled

from evolve.base import prototxt_text, pulse
from evolve.base.caffe_messages import caffe_pb2
from evolve.base.errors import UserError
from evolve.base.machine import Machine
from evolve.network import weights
from evolve.runs import generation, load, paths, run_folder
from tests.runs.made_up import metrics
from trt.onnx import export
from trt.speed import bench, comparison, engines, prepared, tables
from trt.speed.process import EngineProcess

ROOT = Path(__file__).resolve().parents[2]
WIDTHS = (12, 5)  # of the first layer, a generation each

NET = """
name: "tiny"
layer {{ name: "data" type: "Input" top: "data" input_param {{ shape {{ dim: 1 dim: 3 dim: 16 dim: 16 }} }} }}
layer {{ name: "conv1" type: "Convolution" bottom: "data" top: "conv1"
  convolution_param {{ num_output: {width} kernel_size: 3 pad: 1 }} }}
layer {{ name: "relu1" type: "ReLU" bottom: "conv1" top: "conv1" }}
layer {{ name: "norm1" type: "LRN" bottom: "conv1" top: "norm1" }}
layer {{ name: "pool1" type: "Pooling" bottom: "norm1" top: "pool1" pooling_param {{ kernel_size: 3 stride: 2 }} }}
layer {{ name: "score" type: "Convolution" bottom: "pool1" top: "score"
  convolution_param {{ num_output: 4 kernel_size: 1 }} }}
layer {{ name: "coverage" type: "Sigmoid" bottom: "score" top: "coverage" }}
layer {{ name: "boxes" type: "Convolution" bottom: "pool1" top: "boxes"
  convolution_param {{ num_output: 4 kernel_size: 1 }} }}
"""


@pytest.fixture(autouse=True)
def busy(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """How many cores others keep busy, whatever is at work beside these tests: the first value, then the next."""
    cores = [0.0]
    monkeypatch.setattr(load, "busy_cores", lambda: cores.pop(0) if len(cores) > 1 else cores[0])
    return cores


@pytest.fixture
def run(tmp_path: Path) -> Path:
    """Two committed generations with random weights."""
    folder = tmp_path / "runs" / "tiny" / "seed1"
    for number, width in enumerate(WIDTHS, start=1):
        net = prototxt_text.parse(NET.format(width=width), caffe_pb2.NetParameter(), "net")
        learned = filled(net, np.random.default_rng(number))
        with generation.writing(paths.generation(folder, number)) as unfinished:
            prototxt_text.write(
                net, unfinished / paths.DEPLOY, "tiny\ninput: pixels 0..255, minus 104, 117, 123, times 0.02"
            )
            weights.write(unfinished / paths.WEIGHTS, net, learned)
            metrics(number, network="tiny", synapses=1000 * width).write(unfinished)
    return folder


def kept(run: Path) -> list[dict[str, Any]]:
    return list(json.loads((run / "fps.json").read_text())["frames"])


def test_every_engine_computes_what_caffe_does_and_is_timed(run: Path) -> None:
    assert bench.bench(run, ["openvino", "onnxruntime", "caffe"], runs=3) == []
    found = kept(run)
    assert sorted((row["engine"], row["generation"]) for row in found) == [
        (engine, number) for engine in ("caffe", "onnxruntime", "openvino") for number in (1, 2)
    ]
    for row in found:
        # Sums in another order; pycaffe itself is the same code.
        assert row["difference"] <= (0 if row["engine"] == "caffe" else 1e-5)
        assert 0 < row["median_ms"] <= row["p95_ms"]
        assert row["fps"] == round(1000 / row["median_ms"], 3)
        assert (row["runs"], row["batch"], row["threads"], row["shape"]) == (3, 1, 1, "3x16x16")
        assert row["precision"] == "f32" and re.match(rf"{row['engine']} \d", row["version"])
        done = json.loads((run / f"gen{row['generation']:03d}" / "DONE.json").read_text())
        assert row["weights_sha256"] == done["sha256"]["weights.caffemodel"]
    assert {row["fps_engine"] for row in run_folder.table(run)} == {"openvino f32 1 thread"}
    assert all(generation.exists(paths.generation(run, number)) for number in (1, 2))


def test_fps_taken_under_load_are_marked(run: Path, busy: list[float], capsys: pytest.CaptureFixture[str]) -> None:
    busy[:] = [1.2, 0.1, 3.4]  # before everything, before and after an engine is timed
    assert bench.bench(run, ["onnxruntime"], runs=1) == []
    assert "NOTE: about 1.2 cores are at work on something else" in capsys.readouterr().out
    assert [row["busy_cores"] for row in kept(run)] == [3.4, 3.4]
    assert {row["fps_engine"] for row in run_folder.table(run)} == {"onnxruntime f32 1 thread under load"}
    tables.show(run)
    said = " ".join(capsys.readouterr().out.split())
    assert "onnxruntime f32 1 thread under load, 3x16x16" in said
    assert "Others kept 3.4 cores busy meanwhile: fps are not this machine's own." in said


def test_another_size_two_threads_and_stock_layers(run: Path) -> None:
    stock = Machine(threads=2, fast=False)
    assert bench.bench(run, ["onnxruntime", "caffe"], stock, runs=1, shape=(3, 24, 20)) == []
    assert {(row["shape"], row["threads"]) for row in kept(run)} == {("3x24x20", 2)}
    assert any(row["version"].endswith("stock layers") for row in kept(run))


def test_caffe_says_that_it_computes_what_exists(run: Path) -> None:
    assert bench.bench(run, ["caffe"], Machine(threads=1), runs=1) == []
    said = r"caffe [\d.]+, fast layers, sparse code below a density of 0\.5, weights stay"
    assert all(re.fullmatch(said, row["version"]) for row in kept(run))


def test_an_engine_that_computes_another_function_is_not_timed(
    run: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    right = export.export

    def wrong(model: Path, caffemodel: Path, out: Path, **others: Any) -> str:
        if caffemodel.parent.name == "gen002":
            net = prototxt_text.read(model, caffe_pb2.NetParameter())
            learned = weights.read(caffemodel)
            learned["boxes"][0][0, 0] *= 1.1
            caffemodel = out.with_name("wrong.caffemodel")
            weights.write(caffemodel, net, learned)
        return right(model, caffemodel, out, **others)

    monkeypatch.setattr(export, "export", wrong)
    assert bench.bench(run, ["openvino", "caffe"], runs=1) == ["openvino"]
    assert {row["engine"] for row in kept(run)} == {"caffe"}
    said = capsys.readouterr().out
    assert re.search(
        r"openvino: outputs differ from pycaffe's by \S+ of the largest value \(generation 2\), more than 0.001: "
        "it computes another function, and is not timed",
        said,
    )


def test_a_damaged_generation_is_refused(run: Path) -> None:
    (run / "gen002" / "weights.caffemodel").write_bytes(b"other")
    with pytest.raises(UserError, match="gen002: is not as it was committed; `make evolve` sets it aside"):
        bench.bench(run, ["caffe"], runs=1)


def test_a_run_without_generations(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="expected a run with generations in it, found none"):
        bench.bench(tmp_path, ["caffe"])


def test_where_nothing_can_be_kept_nothing_is_measured(run: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "access", lambda path, mode: path != run)
    with pytest.raises(UserError) as refused:
        bench.bench(run, ["caffe"], runs=1)
    assert str(refused.value) == (
        f"{run}: expected the right to write there, where what is measured is kept, got none; give it, or copy the run"
    )


def test_differences(tmp_path: Path) -> None:
    wanted, made = tmp_path / "caffe.npz", tmp_path / "x-1.npz"
    np.savez(wanted, a=np.array([1.0, -4.0]), b=np.array([0.0]))
    for a, b, expected in (([1, -4], [0], 0), ([1.02, -4], [0], 0.005), ([1, -4], [0.005], 0.5)):
        np.savez(made, a=np.array(a), b=np.array(b), extra=np.array(9))
        assert comparison.difference(made, wanted) == pytest.approx(expected)
    for a in ([1, float("nan")], [1, -4, 0]):
        np.savez(made, a=np.array(a), b=np.array([0.0]))
        assert not comparison.agrees(comparison.difference(made, wanted), "f16")
    np.savez(made, a=np.array([1.0, -4.0]))
    with pytest.raises(UserError, match="x-1: expected the outputs of pycaffe, got none called b"):
        comparison.difference(made, wanted)
    assert comparison.agrees(1e-3, "f32") and not comparison.agrees(1.01e-3, "f32")
    assert comparison.agrees(0.05, "f16") and not comparison.agrees(0.051, "f16")


def test_the_input_is_pixels_as_the_heading_prepares_them(run: Path, tmp_path: Path) -> None:
    made = run / "gen001"
    prepared.prepare(made / paths.DEPLOY, made / paths.WEIGHTS, tmp_path / "one", onnx=False)
    image = prepared.inputs(tmp_path / "one")["data"]
    assert image.shape == (1, 3, 16, 16) and image.dtype == np.float32
    pixels = image / np.float32(0.02) + np.array([104, 117, 123], np.float32).reshape(-1, 1, 1)
    assert np.allclose(pixels, pixels.round(), atol=1e-3)
    assert -0.001 < pixels.min() < 5 and 250 < pixels.max() < 255.001
    # Every generation sees the same.
    other = run / "gen002"
    prepared.prepare(other / paths.DEPLOY, other / paths.WEIGHTS, tmp_path / "two", onnx=False)
    assert np.array_equal(image, prepared.inputs(tmp_path / "two")["data"])
    assert not (tmp_path / "one" / prepared.ONNX).exists()


def test_without_a_heading_normal_numbers(run: Path, tmp_path: Path) -> None:
    model = tmp_path / "deploy.prototxt"
    model.write_text(NET.format(width=12))
    prepared.prepare(model, run / "gen001" / paths.WEIGHTS, tmp_path / "one", onnx=False)
    image = prepared.inputs(tmp_path / "one")["data"]
    assert abs(image.mean()) < 0.2 and 0.8 < image.std() < 1.2


@pytest.mark.parametrize("package", ["openvino", "onnxruntime"])
def test_an_engine_that_is_not_installed(package: str) -> None:
    program = (
        f"import sys; sys.modules[{package!r}] = None\n"
        f"from trt.speed.engines import ENGINES\nfrom evolve.base.machine import Machine\n"
        f"ENGINES[{package!r}].make(Machine(1))"
    )
    ended = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=False)
    assert f"UserError: {package} is not installed; `make bench` installs it, or pip install {package}" in ended.stderr


def test_no_telemetry_is_loaded() -> None:
    program = "import sys, trt.speed.engines.openvino_; print(sys.modules['openvino_telemetry'])"
    ended = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=True)
    assert ended.stdout == "None\n"


def test_an_engine_that_dies_says_what_it_was_at(tmp_path: Path) -> None:
    shutil.copy(ROOT / "prototxt/lenet/train_val.prototxt", tmp_path / paths.DEPLOY)
    (tmp_path / paths.WEIGHTS).touch()
    np.savez(tmp_path / prepared.INPUTS)
    with EngineProcess("caffe", Machine(1), tmp_path / "log") as process:
        with pytest.raises(UserError, match="caffe: its process ended with status -?\\d+; it last said: "):
            process.call("load", number=1, folder=str(tmp_path), outputs=str(tmp_path / "out.npz"))
    with EngineProcess("openvino", Machine(1), tmp_path / "log") as process:
        with pytest.raises(UserError, match="openvino: .*net.onnx"):
            process.call("load", number=1, folder=str(tmp_path), outputs=str(tmp_path / "out.npz"))


def test_nothing_chooses_kernels_or_threads_behind_the_users_back(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in {"OPENBLAS_CORETYPE": "Nehalem", "OMP_PLACES": "cores", "OV_X": "1", "THREADS": "7"}.items():
        monkeypatch.setenv(name, value)
    for fast, blas in ((True, "1"), (False, "2")):
        with EngineProcess("caffe", Machine(2, fast), tmp_path / "log") as process:
            # Empty for the moment in which the new program takes the place of the fork.
            while not (said := Path(f"/proc/{process.pid}/environ").read_text()):
                time.sleep(0.01)
            inner = dict(pair.split("=", 1) for pair in said.split("\0") if pair)
        assert not {"OPENBLAS_CORETYPE", "OMP_PLACES", "OV_X"} & inner.keys()
        assert (inner["HOME"], inner["OMP_NUM_THREADS"]) == (os.environ["HOME"], "2")
        assert inner["OPENBLAS_NUM_THREADS"] == blas


@pytest.mark.parametrize("asked", ["before", "in the middle"])
def test_an_engine_that_is_stopped_is_ended_and_said(
    asked: str, run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """`make bench` waited for one for ever."""
    monkeypatch.setattr(pulse, "SECONDS", 0.05)
    monkeypatch.setattr(pulse, "STOPPED", 6)
    made = run / "gen001"
    prepared.prepare(made / paths.DEPLOY, made / paths.WEIGHTS, tmp_path / "one", onnx=False)
    with EngineProcess("caffe", Machine(1), tmp_path / "log") as process:
        process.call("load", number=1, folder=str(tmp_path / "one"), outputs=str(tmp_path / "out.npz"))
        stopping = threading.Timer(0 if asked == "before" else 0.5, os.kill, (process.pid, signal.SIGSTOP))
        stopping.start()
        if asked == "before":
            stopping.join()
        with pytest.raises(UserError) as stopped:
            process.call("time", number=1, calls=10**6, samples=10**6)
    assert str(stopped.value) == (
        "caffe: its process was stopped (SIGSTOP) and did not go on for 0 s; it was ended"
    )


def test_engines_by_name() -> None:
    assert engines.chosen("") == [engines.default()]
    assert engines.chosen("caffe,openvino,caffe") == ["caffe", "openvino"]
    with pytest.raises(UserError, match="ENGINE=caffee: expected one or several of tensorrt, tensorrt-float, tensorr"):
        engines.chosen("caffe,caffee")


def test_the_command_measures_prints_and_ends_well(run: Path, tmp_path: Path) -> None:
    command = [sys.executable, "-m", "evolve.command.command", "bench", "RUN=seed1", "ENGINE=caffe", "RUNS=2"]
    env = os.environ | {"PYTHONPATH": str(ROOT), "CAVEFISH_RUNS": str(tmp_path / "runs")}
    ended = subprocess.run(command, cwd=tmp_path, env=env, capture_output=True, text=True, check=False)
    assert ended.returncode == 0, ended.stderr
    # This process really looks whether others are at work.
    assert re.search("tiny, seed1: caffe f32 1 thread( under load)?, 3x16x16, batch 1", ended.stdout)
    assert re.search(r"^ ?2 +5,000 +[\d.]+ +[\d.]+ +[\d,.]+ +[\d,.]+ +[\d.]+ +0\.00\d *$", ended.stdout, re.MULTILINE)
    assert "tiny, seed1: predicted fps of devices that are not at hand, 3x16x16" in ended.stdout
