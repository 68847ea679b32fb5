"""The C file as an engine: what it computes is what Caffe does, on the input that it was loaded with and on another."""

from pathlib import Path

import numpy as np
import pytest
from both import Case, caffe, gap
from test_onnx_export import lenet, pair

from evolve.base.errors import UserError
from evolve.base.machine import Machine
from evolve.network import weights
from trt.speed import engines, prepared

LARGEST = 1e-5


def test_it_computes_what_caffe_does(tmp_path: Path) -> None:
    model, trained = pair(tmp_path)
    prepared.prepare(model, trained, tmp_path / "ready", onnx=False)
    engine = engines.ENGINES["c"].make(Machine(threads=1))
    engine.load(tmp_path / "ready")
    shown = [prepared.inputs(tmp_path / "ready")["data"]]
    shown.append(shown[0][..., ::-1].copy())
    cases = [Case(lenet(), weights.read(trained), {"data": image}) for image in shown]
    for case, expected in zip(cases, caffe(tmp_path, cases), strict=True):
        engine.show(case.images)
        engine.run()
        assert engine.outputs().keys() == expected.keys()
        assert gap(expected["prob"], engine.outputs()["prob"]) <= LARGEST
    assert np.abs(shown[0] - shown[1]).max() > 0
    assert engine.describe().startswith("c by cc ")


def test_without_a_compiler(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nowhere")
    with pytest.raises(UserError) as error:
        engines.ENGINES["c"].make(Machine(threads=1))
    assert str(error.value) == "c: expected a C compiler, found no cc; apt-get install gcc, or another ENGINE="


def test_what_does_not_load(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As on a disk that no program runs from; here the compiler makes an empty file."""
    model, trained = pair(tmp_path)
    prepared.prepare(model, trained, tmp_path / "ready", onnx=False)
    (tmp_path / "cc").write_text('#!/bin/sh\nwhile [ $# -gt 1 ]; do shift; done\n: > "$1"\n')
    (tmp_path / "cc").chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    engine = engines.ENGINES["c"].make(Machine(threads=1))
    with pytest.raises(UserError) as error:
        engine.load(tmp_path / "ready")
    library = tmp_path / "ready/net.so"
    assert str(error.value) == f"c: {library}: file too short; give TMPDIR= a folder that libraries load from"
