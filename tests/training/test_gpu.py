"""A GPU: who asks for one gets it or a word why not, never the CPU in silence. No device is needed here."""

import ctypes
import subprocess
import sys
import types
from pathlib import Path
from typing import Any

import pytest

from evolve.base.caffe_messages import caffe_pb2
from evolve.base.errors import UserError
from evolve.base.machine import Machine
from evolve.command.command import main
from evolve.training import gpu
from evolve.training.caffe_process import CaffeProcess

OTHERWISE = "or train on the CPU: no GPU=, and solver_mode: CPU"
ON_CPUS = f"expected a Caffe with CUDA, got one for CPUs alone; `make setup GPU=1` builds one, {OTHERWISE}"
NO_BLAS = "libcublas.so.13: cannot open shared object file"


@pytest.mark.parametrize(
    ("device", "cuda", "devices", "libraries", "why"),
    [
        (0, False, ["H200"], "", ON_CPUS),
        (0, True, [], NO_BLAS, f"expected a GPU, got none (no driver); see whether nvidia-smi lists it, {OTHERWISE}"),
        (2, True, ["H200", "T4"], "", "expected a number below 2, there are H200, T4"),
        (1, True, ["H200"] * 2, NO_BLAS, f"expected cuBLAS and cuRAND: {NO_BLAS}; {gpu._INSTALL}, {OTHERWISE}"),
        (1, True, ["H200", "T4"], "", ""),
    ],
)
def test_what_is_missing_is_said(device: int, cuda: bool, devices: list[str], libraries: str, why: str) -> None:
    assert gpu.missing(device, cuda, "no driver", devices, libraries) == why


def test_a_caffe_that_looks_for_its_libraries_late_says_what_it_does_not_find(tmp_path: Path) -> None:
    source, library = tmp_path / "late.c", tmp_path / "late.so"
    source.write_text(f'const char* caffe_without_cuda_libraries(void) {{ return "{NO_BLAS}"; }}\n')
    subprocess.run(["gcc", "-shared", "-fPIC", str(source), "-o", str(library)], check=True)
    assert gpu._lacking(ctypes.CDLL(str(library))) == NO_BLAS
    assert gpu._lacking(ctypes.CDLL(None)) == ""


@pytest.mark.parametrize(
    ("text", "given", "wanted"),
    [("", None, None), ("solver_mode: CPU", None, None), ("solver_mode: GPU", None, 0),
     ("solver_mode: GPU device_id: 3", None, 3), ("solver_mode: GPU device_id: 3", 1, 1), ("solver_mode: CPU", 1, 1)],
)  # fmt: skip
def test_a_solver_may_ask_for_one(text: str, given: int | None, wanted: int | None) -> None:
    from google.protobuf import text_format

    solver = text_format.Parse(text, caffe_pb2.SolverParameter())
    assert gpu.of_solver(Machine(gpu=given), solver).gpu == wanted


def test_caffe_is_told_the_device_before_the_mode(monkeypatch: pytest.MonkeyPatch) -> None:
    told: list[Any] = []
    caffe = types.SimpleNamespace(set_device=told.append, set_mode_gpu=lambda: told.append("GPU"))
    monkeypatch.setitem(sys.modules, "caffe", caffe)
    monkeypatch.setattr(gpu, "_driver", lambda: ("CUDA 13.0", ["T4", "H200"]))
    assert gpu.begin(Machine()) == "" and told == []
    assert gpu.begin(Machine(gpu=1)) == "H200, CUDA 13.0" and told == [1, "GPU"]


def test_fast_layers_are_for_cpus(monkeypatch: pytest.MonkeyPatch) -> None:
    from evolve.training import versions

    monkeypatch.setattr(versions, "_enabled", {"layers": "fast"})
    versions.enable(Machine(gpu=0))
    assert versions.which() == {
        "layers": "stock", "why": "on a GPU there are no fast layers, which are for CPUs",
    }  # fmt: skip


def test_this_caffe_is_asked(tmp_path: Path) -> None:
    with CaffeProcess(tmp_path, tmp_path / "log", tmp_path) as caffe:
        known = caffe.call("gpu")
    assert not known["cuda"] and known["driver"] and known["libraries"] == ""
    gpu.refuse(Machine())
    with pytest.raises(UserError) as refused:
        gpu.refuse(Machine(gpu=0))
    assert str(refused.value) == f"GPU=0: {ON_CPUS}"


@pytest.mark.parametrize("words", [["GPU=0"], ["SEED=2"]], ids=["the word", "the solver"])
def test_evolve_never_trains_on_the_cpu_instead(
    words: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    root = Path(__file__).resolve().parents[2]
    network = tmp_path / "net"
    network.mkdir()
    for file in (root / "prototxt/lenet").iterdir():
        text = file.read_text()
        by_solver = file.name == "solver.prototxt" and not words[0].startswith("GPU")
        (network / file.name).write_text(text.replace("solver_mode: CPU", "solver_mode: GPU") if by_solver else text)
    monkeypatch.chdir(tmp_path)
    assert main(["evolve", f"NET={network}", "GEN=1", *words]) == 2
    assert capsys.readouterr().err == f"cavefish: GPU=0: {ON_CPUS}\n"
    assert not (tmp_path / "runs").exists() and not (tmp_path / "data").exists()


def test_a_sweep_shares_devices_out() -> None:
    from evolve.sweep import local

    at_work = [types.SimpleNamespace(gpu=name) for name in ("0", "1", "0")]
    assert local._free(("0", "1"), at_work) == "1" and local._free((), at_work) == ""  # type: ignore[arg-type]


@pytest.mark.parametrize("given", ["x", "0,0", "0,,1", "-1"])
def test_what_is_no_device(given: str, capsys: pytest.CaptureFixture[str]) -> None:
    from evolve.command import arguments

    with pytest.raises(UserError) as refused:
        arguments.gpus({"GPU": given})
    assert str(refused.value) == f"GPU={given}: expected numbers of devices, each once, like 0 or 0,1"
