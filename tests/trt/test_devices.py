"""Folders for devices other than the TX1: what is in them, and the Raspberry Pi's program, run here."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import onnx
import pytest
from test_onnx_export import cavefish, pair
from test_tx1 import rows

from evolve.runs import device_table
from evolve.runs.generation import writing
from trt import device_folder

JETSONS = ("nano", "xavier", "orin")


@pytest.fixture
def run(tmp_path: Path) -> Path:
    """runs/lenet/seed1 with a generation."""
    folder = tmp_path / "runs" / "lenet" / "seed1"
    with writing(folder / "gen001") as place:
        pair(place)
    (folder / "lineage.csv").write_text("")
    return folder


def test_every_device_has_a_page() -> None:
    assert set(device_folder.DEVICES) == {"tx1", "pi5", *JETSONS}
    for device in device_folder.DEVICES:
        page = device_folder.programs_of(device)["README.md"].read_text(encoding="utf-8")
        assert f"make {device}" in page if device == "tx1" else f"DEVICE={device}" in page
        assert "None of this has run on" in page and f"FPS={device}.csv" in page


@pytest.mark.parametrize("device", JETSONS)
def test_a_jetsons_programs_are_the_tx1s(device: str) -> None:
    own, tx1 = device_folder.programs_of(device), device_folder.programs_of("tx1")
    assert own.keys() == tx1.keys() and [name for name in own if own[name] != tx1[name]] == ["README.md"]


def test_every_page_says_which_files_there_are() -> None:
    for device in device_folder.DEVICES:
        page = device_folder.programs_of(device)["README.md"].read_text(encoding="utf-8")
        kit = device_folder.kit(device)
        assert (".half.onnx" in page, ".int8.onnx" in page) == (kit.half, kit.eight)
        assert ("int8" in page) == kit.eight


def test_a_raspberry_pis_folder(run: Path, tmp_path: Path) -> None:
    """The verb fills it, its program measures in it, and the table is taken back."""
    done = cavefish(tmp_path, "device", "DEVICE=pi5", "INPUTS=none", "SHAPE=1x36x36")
    assert done.returncode == 0 and done.stdout.splitlines()[-1].startswith(f"{run}/pi5: 1 generation, "), done.stderr
    assert {path.name for path in (run / "pi5").iterdir()} == {
        "README.md", "bench.py", "table.py", "columns.csv", "generations"
    }  # fmt: skip
    command = [sys.executable, "bench.py", "--runs", "5", "--warm-up", "1", "--threads", "1"]
    said = subprocess.run(command, cwd=run / "pi5", capture_output=True, text=True, check=True).stdout
    (found,) = rows(said)
    assert (found["generation"], found["precision"], found["runs"]) == ("1", "f32", "5")
    (tmp_path / "pi5.csv").write_text(said)
    (taken,) = device_table.read(tmp_path / "pi5.csv", run)
    assert taken.device == "pi5" and taken.engine.startswith("onnxruntime ")
    assert taken.shape == "1x36x36"
    done = subprocess.run([*command, "001", "--precision", "int8"], cwd=run / "pi5", capture_output=True, text=True)
    assert done.returncode == 2 and not rows(done.stdout)
    place = run / "pi5" / "generations" / "gen001.int8.onnx"
    assert done.stderr == (
        f"bench.py: generation 1: {place}: is not there; README.md says which files this device has\n"
    )
    done = subprocess.run([*command, "13"], cwd=run / "pi5", capture_output=True, text=True)
    said = "bench.py: expected a generation of this folder, 1, got 13; leave it out, or fill the folder with it\n"
    assert (done.returncode, done.stdout, done.stderr) == (2, "", said)


def test_a_folder_that_is_in_use_is_left_alone(run: Path, tmp_path: Path) -> None:
    """Nothing of somebody else's is overwritten; what an earlier call filled is, and one that was cut short."""
    (used := tmp_path / "used").mkdir()
    (used / "README.md").write_text("mine")
    words = ("device", "DEVICE=pi5", "INPUTS=none", "OUT=used")
    done = cavefish(tmp_path, *words)
    assert (done.returncode, done.stderr) == (
        2,
        "cavefish: OUT=used: expected a folder that is new, empty or a device's, got one with something else in it; "
        "name another OUT=\n",
    )
    assert [path.name for path in used.iterdir()] == ["README.md"] and (used / "README.md").read_text() == "mine"
    (used / "README.md").unlink()
    weights = run / "gen001" / "weights.caffemodel"
    content = weights.read_bytes()
    weights.write_bytes(b"damaged")
    assert cavefish(tmp_path, *words).returncode == 2 and (used / "README.md").exists()
    weights.write_bytes(content)
    for _ in range(2):
        done = cavefish(tmp_path, *words)
        assert done.returncode == 0, done.stderr


def test_inputs_of_a_file(run: Path, tmp_path: Path) -> None:
    """They decide what stays in 32 bits, and eight bits are calibrated on them: the run's images are not here."""
    np.save(tmp_path / "loud.npy", np.full((2, 1, 32, 32), 1e5, np.float32))
    done = cavefish(tmp_path, "device", "DEVICE=orin", "INPUTS=loud.npy")
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[1].startswith("range report, 2 images of loud.npy: ")
    place = run / "orin" / "generations"
    words = {each.key: each.value for each in onnx.load(place / "gen001.half.onnx").metadata_props}
    assert "conv1" in words["layers_in_32_bits"].split(", ")
    words = {each.key: each.value for each in onnx.load(place / "gen001.int8.onnx").metadata_props}
    assert words["calibration"] == "minmax, 2 images of loud.npy"
    done = cavefish(tmp_path, "tx1", "INPUTS=none.npy")
    assert (done.returncode, done.stderr) == (
        2, "cavefish: INPUTS=none.npy: expected a .npy or .npz file, got No such file or directory\n"
    )  # fmt: skip


@pytest.mark.parametrize(
    "words, message",
    [
        ((), "device: expected DEVICE=, tx1, nano, xavier, orin or pi5; for instance DEVICE=orin"),
        (("DEVICE=oryn",), "DEVICE=oryn: expected one of tx1, nano, orin, pi5, xavier; did you mean orin?"),
    ],
)
def test_refused(tmp_path: Path, words: tuple[str, ...], message: str) -> None:
    done = cavefish(tmp_path, "device", *words)
    assert (done.returncode, done.stderr) == (2, f"cavefish: {message}\n")
