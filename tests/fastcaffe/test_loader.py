"""Enabling: which library is taken, and what is said when there is none."""

from __future__ import annotations

import os
import subprocess
import sys
import sysconfig
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

Told = Callable[..., Any]
ROOT = Path(__file__).resolve().parents[2]
NEEDED = ("caffe", "glog", "protobuf", "boost_thread")
BUILD = [sys.executable, str(ROOT / "fastcaffe/build.py")]


def python(lines: str, **variables: str) -> subprocess.CompletedProcess[str]:
    env = {**os.environ, "PYTHONPATH": str(ROOT), "GLOG_minloglevel": "2", **variables}
    return subprocess.run([sys.executable, "-c", lines], capture_output=True, text=True, env=env)


def test_caffe_has_to_be_there_first() -> None:
    done = python("import fastcaffe\nfastcaffe.enable()")
    assert "NotAvailable: the fast layers go into a Caffe that is there: import caffe first" in done.stderr


def test_what_is_not_built_is_told_with_the_command(built: Path, tmp_path: Path) -> None:
    done = python("import caffe, fastcaffe\nfastcaffe.enable()", XDG_CACHE_HOME=str(tmp_path), FASTCAFFE_LIBRARY="")
    assert f"python fastcaffe/build.py --python {sys.executable}" in done.stderr


def test_a_library_that_is_none_is_told(built: Path, tmp_path: Path) -> None:
    wrong = tmp_path / "libfastcaffe.so"
    wrong.write_text("no library")
    done = python("import caffe, fastcaffe\nfastcaffe.enable()", FASTCAFFE_LIBRARY=str(wrong))
    assert "NotAvailable: the fast layers cannot be loaded" in done.stderr


def test_unknown_types_are_refused(told: Told) -> None:
    lines = """
        try:
            fastcaffe.enable(["Pooling", "Dropout"])
        except ValueError as error:
            tell(str(error))
    """
    assert told(lines).startswith("no fast Dropout; there are BatchNorm, Convolution, ")


def test_what_bits_depend_on_is_told(told: Told) -> None:
    machine = told("fastcaffe.enable(threads=3); tell(fastcaffe.machine())", FASTCAFFE_SIMD="v2")
    assert machine["threads"] == "3"
    assert set(machine) == {"simd", "onednn", "onednn_isa", "threads"}


def test_nothing_is_listed_before_the_library_is_loaded(told: Told) -> None:
    assert told("tell([fastcaffe.layers(), fastcaffe.machine()])") == [[], {}]


def test_the_cache_is_found_again(built: Path) -> None:
    done = subprocess.run([*BUILD, "--python", sys.executable, "--print-key"], capture_output=True, text=True)
    key, path = done.stdout.split()
    assert Path(path) == built and built.parent.name == key and len(key) == 64
    assert not done.stderr


def test_a_python_without_caffe_is_told(tmp_path: Path) -> None:
    bare = tmp_path / "python"
    bare.write_text(f'#!/bin/sh\nexec {sys.executable} -I -S "$@"\n')
    bare.chmod(0o755)
    done = subprocess.run([*BUILD, "--python", str(bare)], capture_output=True, text=True)
    assert done.returncode == 2
    assert done.stderr == f"fastcaffe: '{bare}' cannot import caffe: ModuleNotFoundError: No module named 'caffe'\n"


PROGRAM = """
#include <dlfcn.h>
#include <cstdio>
#include "caffe/net.hpp"
int main(int, char** arguments) {
  caffe::Net<float> net(arguments[1], caffe::TEST);
  net.Forward();
  const auto layers = reinterpret_cast<const char* (*)()>(dlsym(RTLD_DEFAULT, "fastcaffe_layers"));
  std::printf("%s", layers ? layers() : "stock");
}
"""


def test_programs_that_know_nothing_of_it_get_it_preloaded(built: Path, tmp_path: Path) -> None:
    # libcaffe has Python layers, so a program needs libpython too, as the `caffe` command does.
    libpython = Path(sysconfig.get_config_var("LIBDIR") or "/", sysconfig.get_config_var("LDLIBRARY") or "none")
    if libpython.suffix != ".so" or not libpython.exists():
        pytest.skip("no shared libpython")
    caffe = Path(python("import importlib.util\nprint(importlib.util.find_spec('caffe').origin)").stdout).parent
    source, program, net = tmp_path / "program.cpp", tmp_path / "program", tmp_path / "net.prototxt"
    source.write_text(PROGRAM)
    shape = "input_param { shape { dim: 1 dim: 2 } }"
    net.write_text(
        f'layer {{ name: "d" type: "Input" top: "d" {shape} }} layer {{ name: "r" type: "ReLU" bottom: "d" top: "r" }}'
    )
    libraries = [*(str(next(caffe.glob(f"lib{name}.so*"))) for name in NEEDED), str(libpython)]
    folders = [f"-Wl,-rpath,{folder}" for folder in (caffe, libpython.parent)]
    options = ["-O0", "-DCPU_ONLY", "-isystem", str(caffe / "include"), "-Wl,--no-as-needed", "-ldl", *folders]
    subprocess.run(["g++", str(source), *libraries, *options, "-o", str(program)], check=True)
    for variables, answer in (({}, "stock"), ({"LD_PRELOAD": str(built)}, "ReLU\tr\tforward=simd\n")):
        env = {**os.environ, "GLOG_minloglevel": "2", **variables}
        assert subprocess.run([str(program), str(net)], env=env, capture_output=True, text=True).stdout == answer
