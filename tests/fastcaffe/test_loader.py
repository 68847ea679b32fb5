"""Enabling: which library is taken, and what is said when there is none."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from fastcaffe.onednn_wheels import SONAME

Told = Callable[..., Any]
ROOT = Path(__file__).resolve().parents[2]
BUILD = [sys.executable, str(ROOT / "fastcaffe/build.py")]


def python(lines: str, cwd: Path | None = None, **variables: str) -> subprocess.CompletedProcess[str]:
    env = {**os.environ, "PYTHONPATH": str(ROOT), "GLOG_minloglevel": "2", **variables}
    return subprocess.run([sys.executable, "-c", lines], capture_output=True, text=True, env=env, cwd=cwd)


def test_caffe_has_to_be_there_first() -> None:
    done = python("import fastcaffe\nfastcaffe.enable()")
    assert "NotAvailable: the fast layers go into a Caffe that is there: import caffe first" in done.stderr


def test_what_is_not_built_is_told_with_the_command(built: Path, tmp_path: Path) -> None:
    done = python("import caffe, fastcaffe\nfastcaffe.enable()", XDG_CACHE_HOME=str(tmp_path), FASTCAFFE_LIBRARY="")
    assert f"{sys.executable} {ROOT / 'fastcaffe/build.py'} --python {sys.executable}" in done.stderr


def test_a_library_that_is_none_is_told(built: Path, tmp_path: Path) -> None:
    wrong = tmp_path / "libfastcaffe.so"
    wrong.write_text("no library")
    done = python("import caffe, fastcaffe\nfastcaffe.enable()", FASTCAFFE_LIBRARY=str(wrong))
    assert "NotAvailable: the fast layers cannot be loaded" in done.stderr


def test_what_a_tidied_cache_lacks_is_told_with_its_remedy(built: Path, tmp_path: Path) -> None:
    left = tmp_path / "cavefish" / "fastcaffe" / built.parent.name / built.name
    if not (built.parent / SONAME).exists():
        pytest.skip("a library without oneDNN has nothing beside it")
    left.parent.mkdir(parents=True)
    shutil.copy(built, left)
    done = python("import caffe, fastcaffe\nfastcaffe.enable()", XDG_CACHE_HOME=str(tmp_path), FASTCAFFE_LIBRARY="")
    assert done.stderr.endswith(
        f"NotAvailable: the fast layers cannot be loaded: {SONAME}: cannot open shared object file: No such file or "
        f"directory; remove {left.parent}, then {sys.executable} {ROOT / 'fastcaffe/build.py'} --python "
        f"{sys.executable}\n"
    )


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
    kinds = ("", "_few_channels", "_large", "_lanes", "_inner_product", "_few_images")
    limits = {f"sparse{kind}_below" for kind in kinds}
    assert set(machine) == {"simd", "onednn", "onednn_isa", "threads", *limits}
    assert all(0 < float(machine[limit]) < 1 for limit in limits)
    machine = told("fastcaffe.enable(together=True); tell(fastcaffe.machine())")
    assert machine["together"] == "1"


def test_threads_are_those_of_every_thread_of_python(told: Told) -> None:
    lines = """
        import threading
        found = []
        ask = lambda: found.append(fastcaffe.machine()["threads"])
        for number in (7, 5):
            fastcaffe.enable(threads=number)
            other = threading.Thread(target=ask)
            other.start()
            other.join()
            ask()
        tell(found)
    """
    assert told(lines) == ["7", "7", "5", "5"]


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


def test_it_needs_nothing_else_of_this_repository(built: Path, tmp_path: Path) -> None:
    shutil.copytree(ROOT / "fastcaffe", tmp_path / "fastcaffe", ignore=shutil.ignore_patterns("__pycache__"))
    build = [sys.executable, "-I", str(tmp_path / "fastcaffe/build.py"), "--python", sys.executable]
    done = subprocess.run(build, capture_output=True, text=True, cwd=tmp_path)
    assert done.stdout == f"{built}\n"  # the same files, so the cache has it
    lines = "import caffe, fastcaffe\nprint(fastcaffe.__file__, *fastcaffe.enable())"
    done = python(lines, cwd=tmp_path, PYTHONPATH=str(tmp_path))
    assert done.stdout.split() == [
        str(tmp_path / "fastcaffe/__init__.py"),
        *("BatchNorm", "Convolution", "Eltwise", "InnerProduct", "LRN", "Pooling", "ReLU", "Scale", "Split"),
    ]
