"""`make engine` as its user meets it: of a generation on real images, of a pair, and where something is missing."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import onnx
import pytest
from both import filled, images
from google.protobuf import text_format

from evolve.base import prototxt_text
from evolve.base.caffe_messages import caffe_pb2
from evolve.network import weights
from tests.forks import FORKS
from trt.tensorrt import gpu

ROOT = Path(__file__).resolve().parents[2]
TRAIN_VAL = """
name: "tiny"
layer { name: "data" type: "Data" top: "data" top: "label" include { phase: TRAIN }
  data_param { source: "$DATA/train" backend: LMDB batch_size: 32 } }
layer { name: "data" type: "Data" top: "data" top: "label" include { phase: TEST }
  data_param { source: "$DATA/test" backend: LMDB batch_size: 7 } }
layer { name: "pool" type: "Pooling" bottom: "data" top: "pool"
  pooling_param { pool: AVE kernel_size: 4 stride: 4 } }
layer { name: "loud" type: "Power" bottom: "pool" top: "loud" power_param { scale: 1000 } }
layer { name: "ip" type: "InnerProduct" bottom: "loud" top: "ip"
  inner_product_param { num_output: 10 weight_filler { type: "gaussian" std: 1e-5 } } }
layer { name: "accuracy" type: "Accuracy" bottom: "ip" bottom: "label" top: "accuracy" include { phase: TEST } }
layer { name: "loss" type: "SoftmaxWithLoss" bottom: "ip" bottom: "label" top: "loss" }
"""
SOLVER = 'type: "SGD" base_lr: 1e-12 lr_policy: "fixed" solver_mode: CPU\n'
EVOLUTION = 'dataset { name: "digits" image_size: 28 }\ngenerations: 1\nancestor_training: "5it"\n'
PAIR = """
name: "pair"
layer { name: "in" type: "Input" top: "data" input_param { shape { dim: 1 dim: 2 dim: 8 dim: 8 } } }
layer { name: "conv" type: "Convolution" bottom: "data" top: "conv" convolution_param { num_output: 4 kernel_size: 3 } }
layer { name: "relu" type: "ReLU" bottom: "conv" top: "conv" }
"""
without_gpu = pytest.mark.skipif(gpu.name() != gpu.NONE, reason="about a machine without a GPU")


@pytest.fixture(scope="module")
def rtx() -> str:
    module = pytest.importorskip("tensorrt_rtx", reason="TensorRT-RTX is not installed: pip install tensorrt-rtx")
    return f"TensorRT-RTX {module.__version__}, {gpu.name()}"


@pytest.fixture(scope="module")
def evolved(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a run of one generation, runs/tiny/seed1, on the digits that are always there."""
    place = tmp_path_factory.mktemp("evolved")
    (place / "tiny").mkdir()
    for name, words in (("train_val", TRAIN_VAL), ("solver", SOLVER), ("evolution", EVOLUTION)):
        (place / "tiny" / f"{name}.prototxt").write_text(words)
    done = cavefish(place, "evolve", "NET=tiny")
    # It learns nothing, which is said, and is kept: its activations are what is looked at.
    assert (place / "runs/tiny/seed1/gen001/DONE.json").exists(), done.stderr
    return place


@pytest.fixture
def pair(tmp_path: Path) -> tuple[str, str]:
    net = text_format.Parse(PAIR, caffe_pb2.NetParameter())
    prototxt_text.write(net, tmp_path / "net.prototxt")
    weights.write(tmp_path / "net.caffemodel", net, filled(net, np.random.default_rng(0)))
    np.save(tmp_path / "images.npy", images(net, np.random.default_rng(1))["data"])
    return "MODEL=net.prototxt", "WEIGHTS=net.caffemodel"


def cavefish(folder: Path, *words: str, path: str = "") -> subprocess.CompletedProcess[str]:
    """The command in `folder`; modules in the folder `path` come first."""
    known = {name: value for name, value in os.environ.items() if name not in ("CAVEFISH_DATA", "CAVEFISH_RUNS")}
    environment = known | {"PYTHONPATH": os.pathsep.join(filter(None, [path, str(ROOT)])), "CAVEFISH_OFFLINE": "1"}
    return FORKS.command(*words, folder=folder, environment=environment)


def test_a_generation_on_its_own_images(evolved: Path, rtx: str) -> None:
    """Pixels up to 255 fit half precision, a thousandfold they do not: what Caffe's own data layer yields tells."""
    run = evolved / "runs" / "tiny" / "seed1"
    done = cavefish(evolved, "engine", "TENSORRT=rtx")
    assert (done.returncode, done.stderr) == (0, "")
    report, loud, flattened, translated, engine = done.stdout.splitlines()
    assert report.startswith("range report, 32 test images of digits: 3 of 5 values fit half precision whole, ")
    assert re.fullmatch(
        r"  layer 'loud': \d\d\.\d\d% of its activations overflow \(up to 2\.\d+e\+05\) in half precision; in 32 bits: "
        "loud, ip",
        loud,
    )
    assert flattened.startswith("  inside layer 'ip': ")
    assert translated.startswith(f"{run}/gen001.half.engine.onnx: data 1x1x28x28, prob 1x10; ")
    assert engine.startswith(f"{run}/gen001.half.engine: {rtx}, 16 bits (loud, ip, prob in 32), ")
    assert ", built in " in engine
    assert {path.name for path in run.glob("gen001.*")} == {
        "gen001.half.engine", "gen001.half.engine.json", "gen001.half.engine.onnx"
    }  # fmt: skip
    again = cavefish(evolved, "engine", "TENSORRT=rtx", "GEN=1", "RUN=seed1")
    assert again.stdout == engine.replace(", built in ", ", built before in ") + "\n"


def test_the_folder_for_a_tx1(evolved: Path) -> None:
    """Needs no TensorRT; what overflows keeps 32 bits there too."""
    run = evolved / "runs" / "tiny" / "seed1"
    done = cavefish(evolved, "tx1")
    assert (done.returncode, done.stderr) == (0, "")
    first, report, *_, last = done.stdout.splitlines()
    assert first == "generation 1" and report.startswith("range report, 32 test images of digits: 3 of 5 values fit ")
    assert re.fullmatch(
        rf"{run}/tx1: 1 generation, 0\.\d MB; copy it to the device, where README\.md goes on", last
    )
    made = onnx.load(run / "tx1" / "generations" / "gen001.half.onnx")
    words = {each.key: each.value for each in made.metadata_props}
    assert words["layers_in_32_bits"] == "loud, ip, prob"
    done = cavefish(evolved, "tx1", "GEN=1", "INPUTS=none", "OUT=elsewhere")
    assert done.stdout.splitlines()[1].startswith("range report: no real inputs to look at")
    assert cavefish(evolved, "tx1", "GEN=2").stderr == (
        f"cavefish: GEN=2: expected a generation of {run}, 1; without GEN= the last is taken\n"
    )


def test_a_run_whose_data_is_gone(evolved: Path, rtx: str) -> None:
    (evolved / "data").rename(evolved / "moved")
    try:
        done = cavefish(evolved, "engine", "TENSORRT=rtx", "OUT=a.engine")
        assert done.returncode == 2 and done.stdout == ""
        assert done.stderr.startswith("cavefish: the range report found no images of digits: ")
        assert done.stderr.endswith("; INPUTS=file.npy gives others, INPUTS=none builds without looking at any\n")
        done = cavefish(evolved, "engine", "TENSORRT=rtx", "OUT=a.engine", "INPUTS=none")
        assert done.returncode == 0 and done.stdout.startswith("range report: no real inputs to look at (INPUTS=")
        assert cavefish(evolved, "engine", "TENSORRT=rtx", "OUT=b.engine", "HALF=0").returncode == 0
    finally:
        (evolved / "moved").rename(evolved / "data")


def test_a_pair(tmp_path: Path, pair: tuple[str, str], rtx: str) -> None:
    done = cavefish(tmp_path, "engine", *pair, "TENSORRT=rtx", "INPUTS=images.npy", "WIDE=conv")
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith("range report, 1 image of images.npy: 3 of 3 values fit half precision whole")
    assert f"\nnet.half.engine: {rtx}, 16 bits (conv in 32), 4 layers, " in done.stdout
    (tmp_path / "wide.onnx").write_text("the user's")
    done = cavefish(tmp_path, "engine", *pair, "TENSORRT=rtx", "HALF=0", "SHAPE=2x12x20", "OUT=wide.engine")
    lines = done.stdout.splitlines()
    assert (tmp_path / "wide.onnx").read_text() == "the user's"
    assert lines[0].startswith("wide.engine.onnx: data 1x2x12x20, conv 1x4x10x18; ")
    assert lines[1].startswith(f"wide.engine: {rtx}, 32 bits, 2 layers, ")


def test_two_of_four(tmp_path: Path, rtx: str) -> None:
    """TensorRT is told to look for sparse weights where there are any: in 16 and 8 bits."""
    net = text_format.Parse(PAIR.replace("dim: 2 dim: 8", "dim: 4 dim: 8"), caffe_pb2.NetParameter())
    learned = filled(net, np.random.default_rng(0))
    learned["conv"][0][:, 1:3] = 0
    prototxt_text.write(net, tmp_path / "net.prototxt")
    weights.write(tmp_path / "net.caffemodel", net, learned)
    for words, flags in (("HALF=1", "SPARSE_WEIGHTS"), ("HALF=0", "none")):
        done = cavefish(tmp_path, "engine", "MODEL=net.prototxt", "WEIGHTS=net.caffemodel", "TENSORRT=rtx", words,
                        "INPUTS=none", "OUT=net.engine")  # fmt: skip
        assert done.returncode == 0, done.stderr
        assert ("2:4 in conv: TensorRT may use sparse tensor cores, where a GPU has them" in done.stdout) == (
            flags == "SPARSE_WEIGHTS"
        )
        assert json.loads((tmp_path / "net.engine.json").read_text())["key"]["flags"] == flags


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("TENSORRT=trt",), "TENSORRT=trt: expected tensorrt or rtx"),
        (("TENSORRT=rtx", "WIDE=cnov"), "WIDE=cnov: expected layers of net.prototxt, separated by commas"),
        (("TENSORRT=rtx", "INPUTS=a.npy"), "INPUTS=a.npy: expected a .npy or .npz file, got No such file or directory"),
    ],
)
def test_mistakes(tmp_path: Path, pair: tuple[str, str], rtx: str, words: tuple[str, ...], message: str) -> None:
    done = cavefish(tmp_path, "engine", *pair, *words)
    assert (done.returncode, done.stderr) == (2, f"cavefish: {message}\n")


def test_a_model_without_weights(tmp_path: Path, pair: tuple[str, str], rtx: str) -> None:
    done = cavefish(tmp_path, "engine", pair[0])
    assert (done.returncode, done.stderr) == (
        2, "cavefish: engine: expected WEIGHTS=, the caffemodel of that MODEL; see `cavefish --help`\n"
    )  # fmt: skip


REMEDY = (
    "`make engine TENSORRT=rtx` installs TensorRT-RTX, which builds without a GPU (pip install tensorrt-rtx, 96 MB); "
    "TensorRT itself, for a GPU that is here: pip install tensorrt"
)


def test_without_tensorrt(tmp_path: Path, pair: tuple[str, str]) -> None:
    """One line: what is missing, and which command installs it."""
    code = (
        "import sys, importlib.util as u; find = u.find_spec; "
        "u.find_spec = lambda name, *rest: None if name.startswith('tensorrt') else find(name, *rest); "
        "from evolve.command import command; sys.exit(command.main())"
    )
    command = [sys.executable, "-c", code, "engine", *pair]
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False)
    modules = "tensorrt_rtx or tensorrt" if gpu.name() == gpu.NONE else "tensorrt or tensorrt_rtx"
    assert (done.returncode, done.stderr) == (
        2, f"cavefish: engine: expected the Python module {modules}, found none; {REMEDY}\n"
    )  # fmt: skip


@pytest.mark.parametrize(
    ("module", "why"),
    [
        ("raise ImportError('libnvinfer.so.10: cannot open shared object file')\n",
         "libnvinfer.so.10: cannot open shared object file"),
        ("", "it has no Builder"),
    ],
)  # fmt: skip
def test_a_tensorrt_that_does_not_load(tmp_path: Path, pair: tuple[str, str], module: str, why: str) -> None:
    broken = tmp_path / "broken"
    broken.mkdir()
    (broken / "tensorrt.py").write_text(module)
    done = cavefish(tmp_path, "engine", *pair, "TENSORRT=tensorrt", path=str(broken))
    assert (done.returncode, done.stderr) == (
        2, f"cavefish: engine: the Python module tensorrt does not load: {why}; {REMEDY}\n"
    )  # fmt: skip


@without_gpu
def test_without_a_gpu_tensorrt_rtx_is_taken(tmp_path: Path, pair: tuple[str, str], rtx: str) -> None:
    there = tmp_path / "there"
    there.mkdir()
    (there / "tensorrt.py").write_text("Builder, __version__ = None, '10.9'\n")
    done = cavefish(tmp_path, "engine", *pair, "HALF=0", path=str(there))
    assert f"net.engine: {rtx}, " in done.stdout, done.stderr


DRIVER = """
#include <cstring>
extern "C" {
int cuInit(unsigned) { return STATUS; }
int cuDeviceGet(int* device, int number) { *device = 40 + number; return 0; }
int cuDeviceGetName(char* name, int length, int device) {
  std::strncpy(name, "NVIDIA Tegra X1", length);
  return device - 40;
}
int cuDeviceGetAttribute(int* value, int which, int device) {
  *value = which == 75 ? 5 : which == 76 ? 3 : device;
  return 0;
}
}
"""


@pytest.mark.parametrize(("status", "name"), [(0, "NVIDIA Tegra X1 (5.3)"), (100, "no GPU")])
def test_the_gpus_name(tmp_path: Path, status: int, name: str) -> None:
    """From a driver that is written here, and says what a Jetson TX1's does, or that there is none."""
    (tmp_path / "driver.cpp").write_text(DRIVER)
    library = tmp_path / "libcuda.so.1"
    command = ["g++", "-shared", "-fPIC", f"-DSTATUS={status}", "-o", str(library), str(tmp_path / "driver.cpp")]
    subprocess.run(command, check=True)
    assert gpu.name(str(library)) == name
    assert gpu.name(str(tmp_path / "nothing.so")) == gpu.NONE
