"""`make onnx` as its user meets it: files, what is said of them, what is refused and with which words."""

import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from both import filled
from google.protobuf import text_format

from evolve.base import prototxt_text
from evolve.base.caffe_messages import caffe_pb2
from evolve.base.errors import UserError
from evolve.network import deployment, weights
from evolve.runs.generation import writing
from tests.forks import FORKS
from trt.onnx import export

ROOT = Path(__file__).resolve().parents[2]
LENET = ROOT / "prototxt" / "lenet" / "train_val.prototxt"


def lenet() -> Any:
    return deployment.deploy(prototxt_text.read(LENET, caffe_pb2.NetParameter(), {"DATA": "nowhere"}), (1, 32, 32))


def pair(folder: Path) -> tuple[Path, Path]:
    """A deploy prototxt and its caffemodel."""
    net = lenet()
    model, trained = folder / "deploy.prototxt", folder / "weights.caffemodel"
    prototxt_text.write(net, model, "lenet, generation 13\ninput: pixels 0..255, times 0.5")
    weights.write(trained, net, filled(net, np.random.default_rng(0)))
    return model, trained


def cavefish(folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
    environment = os.environ | {"PYTHONPATH": str(ROOT), "CAVEFISH_RUNS": "runs"}
    return FORKS.command(*words, folder=folder, environment=environment)


def words_of(path: Path) -> dict[str, str]:
    return {each.key: each.value for each in onnx.load(path).metadata_props}


def test_a_pair(tmp_path: Path) -> None:
    model, trained = pair(tmp_path)
    for words, name in (((), "deploy.onnx"), (("HALF=1",), "deploy.half.onnx"), (("OUT=a.onnx",), "a.onnx")):
        done = cavefish(tmp_path, "onnx", f"MODEL={model}", f"WEIGHTS={trained}", *words)
        assert (done.returncode, done.stderr) == (0, "")
        assert done.stdout.startswith(f"{name}: data 1x1x32x32, prob 1x10; ") and "143,978 numbers" in done.stdout
        made = onnx.load(tmp_path / name)
        onnx.checker.check_model(made, full_check=True)
        assert (made.ir_version, [each.version for each in made.opset_import]) == (7, [13])
        assert (made.producer_name, made.graph.name) == ("cavefish", "lenet")
    assert (tmp_path / "a.onnx").read_bytes() == (tmp_path / "deploy.onnx").read_bytes()
    said = words_of(tmp_path / "a.onnx")
    assert said.pop("weights_sha256") and said == {
        "network": "lenet", "precision": "32 bits", "preprocessing": "pixels 0..255, times 0.5"
    }  # fmt: skip
    said = words_of(tmp_path / "deploy.half.onnx")
    assert (said["precision"], said["layers_in_32_bits"]) == ("16 bits", "prob")
    assert list(tmp_path.glob(".*")) == []


def test_a_train_val_and_another_size(tmp_path: Path) -> None:
    _, trained = pair(tmp_path)
    prototxt_text.write(
        prototxt_text.read(LENET, caffe_pb2.NetParameter(), {"DATA": "nowhere"}), tmp_path / "train_val.prototxt"
    )
    done = cavefish(tmp_path, "onnx", "MODEL=train_val.prototxt", f"WEIGHTS={trained}", "SHAPE=1x32x32")
    assert done.stdout.startswith("train_val.onnx: data 1x1x32x32, prob 1x10; "), done.stderr
    assert words_of(tmp_path / "train_val.onnx")["preprocessing"] == (
        "pixels 0..255, the central 32 x 32, times 0.00390625"
    )
    done = cavefish(tmp_path, "onnx", "MODEL=train_val.prototxt", f"WEIGHTS={trained}")
    assert done.returncode == 2 and done.stderr.endswith(
        "layer 'data': expected a type that ONNX can say, got Data; put an Input layer in its place, or give an "
        "image's shape (SHAPE=3x32x32)\n"
    )


def test_a_generation(tmp_path: Path) -> None:
    run = tmp_path / "runs" / "lenet" / "seed1"
    for number in (1, 2):
        with writing(run / f"gen{number:03d}") as folder:
            pair(folder)
    (run / "lineage.csv").write_text("")
    before = sorted((run / "gen002").iterdir())
    done = cavefish(tmp_path, "onnx")
    assert done.stdout.startswith(f"{run}/gen002.onnx: data"), done.stderr
    assert cavefish(tmp_path, "onnx", "GEN=1", "HALF=1", f"OUT={tmp_path}").returncode == 0
    said = words_of(tmp_path / "gen001.half.onnx")
    assert (said["run"], said["generation"]) == ("seed1", "1")
    refused = cavefish(tmp_path, "onnx", "GEN=3")
    assert refused.returncode == 2 and refused.stderr == (
        f"cavefish: GEN=3: expected a generation of {run}, from 1 to 2; without GEN= the last is taken\n"
    )
    inside = cavefish(tmp_path, "onnx", f"OUT={run}/gen002/net.onnx")
    assert inside.stderr == (
        f"cavefish: {run}/gen002/net.onnx: expected a place outside a committed generation; name another OUT=\n"
    )
    assert sorted((run / "gen002").iterdir()) == before
    shutil.rmtree(run / "gen002")
    assert cavefish(tmp_path, "onnx", "GEN=2").returncode == 2


@pytest.mark.parametrize(
    ("kind", "message"),
    [
        ("SoftmaxWithLoss", "got SoftmaxWithLoss; put a Softmax in its place: an engine has no labels"),
        ("HingeLoss", "got HingeLoss; leave it out: an engine has no labels"),
        ("Accuracy", "got Accuracy; leave it out, and what reads labels with it: an engine has none"),
        ("HDF5Output", "got HDF5Output; leave it out: an engine writes no files"),
        (
            "Mine",
            "got Mine; leave it out and compute it outside the engine, or say it in layers of Caffe's own",
        ),
    ],
)
def test_a_layer_that_onnx_cannot_say(tmp_path: Path, kind: str, message: str) -> None:
    model, trained = pair(tmp_path)
    lines = model.read_text().count("\n")
    with open(model, "a") as file:
        file.write(f'layer {{\n  name: "cluster"\n  type: "{kind}"\n  bottom: "prob"\n  top: "boxes"\n}}\n')
    with pytest.raises(UserError) as error:
        export.export(model, trained, tmp_path)
    assert str(error.value) == (f"{model}:{lines + 2}: layer 'cluster': expected a type that ONNX can say, {message}")
    assert not list(tmp_path.glob("*.onnx"))


def test_weights_of_another_network(tmp_path: Path) -> None:
    model, trained = pair(tmp_path)
    model.write_text(model.read_text().replace("num_output: 64", "num_output: 63"))
    with pytest.raises(UserError) as error:
        export.export(model, trained, tmp_path)
    assert str(error.value) == (
        f"{trained}: layer 'conv3': expected 63 x 32 x 5 x 5 = 50400 and 63 = 63, got 64 x 32 x 5 x 5 = 51200 and "
        "64 = 64; the prototxt and the caffemodel belong to different networks"
    )


def test_no_place_to_write(tmp_path: Path) -> None:
    model, trained = pair(tmp_path)
    with pytest.raises(UserError) as error:
        export.export(model, trained, tmp_path / "nowhere" / "a.onnx")
    assert str(error.value) == (
        f"{tmp_path}/nowhere/a.onnx: expected to write there, got No such file or directory; name another OUT="
    )


def test_a_folder_that_is_not_there_is_made(tmp_path: Path) -> None:
    assert export.out_file(tmp_path / "new" / "one", "gen013", "half") == tmp_path / "new/one/gen013.half.onnx"
    assert (tmp_path / "new/one").is_dir()
    assert export.out_file(tmp_path / "other/a.onnx", "gen013", "") == tmp_path / "other/a.onnx"
    (tmp_path / "taken").touch()
    with pytest.raises(UserError, match="taken: expected to write there, got File exists; name another OUT="):
        export.out_file(tmp_path / "taken", "gen013", "")


def test_without_onnx(tmp_path: Path) -> None:
    """One line that says what is missing and which command installs it."""
    model, trained = pair(tmp_path)
    (tmp_path / "onnx.py").write_text("raise ImportError\n")
    code = f"import sys; sys.path.insert(0, {str(tmp_path)!r}); "
    code += "from evolve.command import command; sys.exit(command.main())"
    command = [sys.executable, "-c", code, "onnx", f"MODEL={model}", f"WEIGHTS={trained}"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (
        2, "cavefish: onnx is not installed; `make onnx` installs it, or pip install onnx\n"
    )  # fmt: skip


def test_inputs_that_are_worked_on_in_place_and_outputs_that_vanish() -> None:
    """Values keep their names: an input its own, an output its blob's, though Dropout is nothing in ONNX."""
    net = text_format.Parse(
        'layer { name: "in" type: "Input" top: "data" input_param { shape { dim: 1 dim: 4 } } }'
        'layer { name: "relu" type: "ReLU" bottom: "data" top: "data" }'
        'layer { name: "units" type: "InnerProduct" bottom: "data" top: "units" inner_product_param { num_output: 2 } }'
        'layer { name: "drop" type: "Dropout" bottom: "units" top: "kept" }',
        caffe_pb2.NetParameter(),
    )
    made = export.of_net(net, filled(net, np.random.default_rng(0)))
    assert [each.name for each in made.graph.input] == ["data"]
    assert [each.name for each in made.graph.output] == ["kept"]
    assert [node.output[0] for node in made.graph.node] == ["data/relu", "units", "kept"]
