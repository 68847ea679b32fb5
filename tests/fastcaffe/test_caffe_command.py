"""Programs that know nothing of the fast layers get them by LD_PRELOAD: here one that does what `caffe train` does."""

from __future__ import annotations

import importlib.util
import os
import subprocess
import sysconfig
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.compiled_once import compiled_once

Told = Callable[..., Any]
Train = Callable[..., tuple[str, bytes]]
NEEDED = ("caffe", "glog", "protobuf", "boost_thread")

# Trains as a solver says, and lists the layers that were replaced.
PROGRAM = """
#include <dlfcn.h>
#include <cstdio>
#include "caffe/caffe.hpp"
#include "caffe/util/upgrade_proto.hpp"
int main(int, char** arguments) {
  caffe::SolverParameter parameter;
  caffe::ReadSolverParamsFromTextFileOrDie(arguments[1], &parameter);
  const boost::shared_ptr<caffe::Solver<float>> solver(caffe::SolverRegistry<float>::CreateSolver(parameter));
  solver->Solve();
  const auto layers = reinterpret_cast<const char* (*)()>(dlsym(RTLD_DEFAULT, "fastcaffe_layers"));
  std::printf("%s", layers ? layers() : "stock");
}
"""
SOLVER = """
net: "net.prototxt" max_iter: 5 base_lr: 0.01 momentum: 0.9 lr_policy: "fixed" random_seed: 3 display: 0
snapshot_prefix: "trained" solver_mode: CPU
"""
NET = """
layer { name: "d" type: "DummyData" top: "d" top: "l" dummy_data_param {
  shape { dim: 20 dim: 3 dim: 12 dim: 12 } data_filler { type: "gaussian" }
  shape { dim: 20 } data_filler { value: 1 } } }
layer { name: "c" type: "Convolution" bottom: "d" top: "c"
        convolution_param { num_output: 7 kernel_size: 3 weight_filler { type: "xavier" } } }
layer { name: "r" type: "ReLU" bottom: "c" top: "c" }
layer { name: "p" type: "Pooling" bottom: "c" top: "p" pooling_param { kernel_size: 2 stride: 2 } }
layer { name: "i" type: "InnerProduct" bottom: "p" top: "i"
        inner_product_param { num_output: 4 weight_filler { type: "xavier" } } }
layer { name: "loss" type: "SoftmaxWithLoss" bottom: "i" bottom: "l" }
"""


@pytest.fixture(scope="module")
def train(built: Path, tmp_path_factory: pytest.TempPathFactory) -> Train:
    """Trains in the program, with more environment variables; returns what it prints, and the caffemodel."""
    # libcaffe has Python layers, so a program needs libpython too, as the `caffe` command does.
    libpython = Path(sysconfig.get_config_var("LIBDIR") or "/", sysconfig.get_config_var("LDLIBRARY") or "none")
    if libpython.suffix != ".so" or not libpython.exists():
        pytest.skip("no shared libpython")
    folder, found = tmp_path_factory.mktemp("command"), importlib.util.find_spec("caffe")
    assert found and found.origin
    caffe, source, program = Path(found.origin).parent, folder / "program.cpp", folder / "program"
    source.write_text(PROGRAM)
    libraries = [*(str(next(caffe.glob(f"lib{name}.so*"))) for name in NEEDED), str(libpython)]
    folders = [f"-Wl,-rpath,{folder}" for folder in (caffe, libpython.parent)]
    includes = ["-isystem", str(caffe / "include"), "-isystem", sysconfig.get_path("include")]
    options = ["-O0", "-w", "-DCPU_ONLY", *includes, "-Wl,--no-as-needed", "-ldl", *folders]
    headers = sorted((caffe / "include").rglob("*.hpp"))
    compiled_once(["g++", str(source), *libraries, *options, "-o", str(program)], [source, *headers], program)
    (folder / "solver.prototxt").write_text(SOLVER)
    (folder / "net.prototxt").write_text(NET)

    def run(**variables: str) -> tuple[str, bytes]:
        env = {**os.environ, "GLOG_minloglevel": "2", "OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "2", **variables}
        done = subprocess.run([str(program), "solver.prototxt"], env=env, cwd=folder, capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
        return done.stdout, (folder / "trained_iter_5.caffemodel").read_bytes()

    return run


def test_preloaded_it_trains_to_the_bits_of_pycaffe(train: Train, built: Path, told: Told, tmp_path: Path) -> None:
    layers, trained = train(LD_PRELOAD=str(built))
    assert [line.split("\t")[:3] for line in layers.splitlines()] == [
        ["Convolution", "c", "backward weights=lanes"],
        ["ReLU", "r", "backward=simd"],
        ["Pooling", "p", "backward=along the mask"],
        ["InnerProduct", "i", "backward data=stock: many synapses, or few images"],
    ]
    (tmp_path / "solver.prototxt").write_text(SOLVER)
    (tmp_path / "net.prototxt").write_text(NET)
    lines = f"""
        import os
        os.chdir({str(tmp_path)!r})
        fastcaffe.enable()
        solver = caffe.get_solver("solver.prototxt")
        solver.solve()
        tell(len(fastcaffe.layers()))
    """
    assert told(lines, OMP_NUM_THREADS="2") == 4
    assert trained == (tmp_path / "trained_iter_5.caffemodel").read_bytes()


def test_only_types_that_are_named_are_replaced(train: Train, built: Path) -> None:
    nothing, stock = train()
    assert nothing == "stock"
    layers, trained = train(LD_PRELOAD=str(built), FASTCAFFE_TYPES="Pooling,ReLU")
    assert [line.split("\t")[1] for line in layers.splitlines()] == ["r", "p"]
    assert trained == stock  # these have Caffe's bits
