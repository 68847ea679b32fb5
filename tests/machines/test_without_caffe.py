"""Where there is no Caffe, what needs none works, and one line says what is missing."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from evolve.base import prototxt_text
from evolve.base.caffe_messages import caffe_pb2
from evolve.network import weights
from trt import shrinking

ROOT = Path(__file__).resolve().parents[2]
LENET = ROOT / "prototxt/lenet/train_val.prototxt"
MISSING = "Caffe is not installed for this Python; `make` builds it, or set CAFFE_ROOT to your own build"
NOTICE = f"cavefish: {MISSING}; until then networks are read, nothing is trained or compared"
DEPLOY = """name: "pruned"
layer { name: "data" type: "Input" top: "data" input_param { shape { dim: 1 dim: 3 dim: 8 dim: 8 } } }
layer { name: "conv1" type: "Convolution" bottom: "data" top: "conv1"
  convolution_param { num_output: 6 kernel_size: 3 weight_filler { type: "msra" } } }
layer { name: "norm1" type: "LRN" bottom: "conv1" top: "norm1" lrn_param { norm_region: WITHIN_CHANNEL } }
layer { name: "fc" type: "InnerProduct" bottom: "norm1" top: "fc" inner_product_param { num_output: 4 } }
"""


def cavefish(folder: Path, *words: str, caffe: bool = False) -> subprocess.CompletedProcess[str]:
    """The command in an environment without Caffe; with `caffe`, in the usual one."""
    without = "" if caffe else str(Path(__file__).parent / "without_caffe")
    env = os.environ | {"PYTHONPATH": f"{without}{os.pathsep}{ROOT}", "CAVEFISH_OFFLINE": "1", "COLUMNS": "120"}
    command = [sys.executable, "-m", "evolve.command.command", *words]
    return subprocess.run(command, cwd=folder, env=env, capture_output=True, text=True, check=False)


def test_help(tmp_path: Path) -> None:
    done = cavefish(tmp_path, "--help")
    assert (done.returncode, done.stderr) == (0, "") and "doctor" in done.stdout


def test_doctor_says_what_is_missing(tmp_path: Path) -> None:
    done = cavefish(tmp_path, "doctor")
    assert (done.returncode, done.stderr) == (2, "")
    missing = [line for line in done.stdout.splitlines() if line.startswith("MISSING Caffe")]
    assert missing == ["MISSING Caffe: `make` builds it; or CAFFE_ROOT= your own build, CAFFE_SRC= a source tree"]


def test_count_says_what_it_says_with_caffe(tmp_path: Path) -> None:
    words = ("count", f"MODEL={LENET}", "SHAPE=1x32x32")
    done, usual = cavefish(tmp_path, *words), cavefish(tmp_path, *words, caffe=True)
    assert usual.returncode == 0 and "143,978" in usual.stdout and not usual.stderr
    assert (done.returncode, done.stdout, done.stderr) == (0, usual.stdout, NOTICE + "\n")


def test_a_misspelt_field_is_told_as_with_caffe(tmp_path: Path) -> None:
    (tmp_path / "net.prototxt").write_text(DEPLOY.replace("num_output", "num_outputs", 1))
    done, usual = (cavefish(tmp_path, "count", "MODEL=net.prototxt", caffe=caffe) for caffe in (False, True))
    assert done.returncode == usual.returncode == 2
    assert usual.stderr.startswith("cavefish: net.prototxt:4: ConvolutionParameter has no 'num_outputs'; did you mean")
    assert done.stderr == f"{NOTICE}\n{usual.stderr}"


def test_shrink_writes_the_same_files_and_says_that_nothing_was_compared(tmp_path: Path) -> None:
    model, caffemodel = tmp_path / "deploy.prototxt", tmp_path / "w.caffemodel"
    model.write_text(DEPLOY)
    net = prototxt_text.read(model, caffe_pb2.NetParameter())
    random = np.random.default_rng(1)
    shapes = {"conv1": [(6, 3, 3, 3), (6,)], "fc": [(4, 6 * 36), (4,)]}
    blobs = {name: [random.normal(size=each).astype(np.float32) for each in both] for name, both in shapes.items()}
    blobs["conv1"][0][2] = 0
    weights.write(caffemodel, net, blobs)
    done = cavefish(tmp_path, "shrink", f"MODEL={model}", f"WEIGHTS={caffemodel}", "OUT=out")
    assert (done.returncode, done.stderr) == (0, NOTICE + "\n")
    table = shrinking.shrink(model, caffemodel, tmp_path / "usual").splitlines()
    assert done.stdout.splitlines()[:-1] == table[:-1]
    assert done.stdout.endswith(" bytes; outputs not compared: no Caffe\n") and "outputs as before" in table[-1]
    for file in (model.name, caffemodel.name):
        assert (tmp_path / "out" / file).read_bytes() == (tmp_path / "usual" / file).read_bytes()


@pytest.mark.parametrize("verb", ["evolve", "check"])
def test_what_needs_caffe_is_refused_before_anything_is_made(tmp_path: Path, verb: str) -> None:
    shutil.copytree(LENET.parent, tmp_path / "net")
    done = cavefish(tmp_path, verb, "NET=net")
    assert (done.returncode, done.stdout) == (2, "")
    # Data that this machine lacks may be named too.
    assert done.stderr.startswith(f"{NOTICE}\ncavefish: ") and MISSING in done.stderr
    assert [path.name for path in tmp_path.iterdir()] == ["net"]
