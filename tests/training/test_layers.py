"""Fast layers where they can be had, stock Caffe's where not or where the user says so."""

from pathlib import Path
from typing import Any

import pytest

from evolve.base.machine import USUAL, Machine
from evolve.training.caffe_process import CaffeProcess


def versions(folder: Path, machine: Machine = USUAL) -> dict[str, Any]:
    with CaffeProcess(folder, folder / "log", folder / "none.prototxt", machine) as caffe:
        return caffe.call("versions")


def test_fast_layers_are_the_default(tmp_path: Path) -> None:
    found = versions(tmp_path)
    assert found["layers"] == "fast", found.get("why")
    assert found["threads"] == "1" and found["onednn"] and found["simd"]


def test_threads_are_what_the_user_says(tmp_path: Path) -> None:
    assert versions(tmp_path, Machine(threads=2))["threads"] == "2"


def test_stock_layers_when_asked_for(tmp_path: Path) -> None:
    found = versions(tmp_path, Machine(fast=False))
    assert found["layers"] == "stock"
    assert "why" not in found and "onednn" not in found


def test_stock_layers_and_the_reason_where_there_are_no_fast_ones(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FASTCAFFE_LIBRARY", str(tmp_path / "nowhere.so"))
    found = versions(tmp_path)
    assert found["layers"] == "stock"
    assert "nowhere.so" in found["why"]
