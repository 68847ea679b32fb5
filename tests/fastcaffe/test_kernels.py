"""The layers' loops beside plain ones, as processors other than x86-64 run them; and on an emulated Arm."""

from __future__ import annotations

import subprocess
from pathlib import Path

import arm
import pytest
from kernels import build_check

KERNELS = 80


def test_loops_for_other_processors(tmp_path: Path) -> None:
    program = build_check(["g++"], ["-DFASTCAFFE_PLAIN"], tmp_path)
    done = subprocess.run([str(program), "50"], capture_output=True, text=True)
    first, *lines = done.stdout.splitlines()
    assert done.returncode == 0, done.stdout
    assert first == "50 cases, plain" and len(lines) == KERNELS


@pytest.mark.skipif(bool(arm.missing()), reason="no cross compiler or no emulator: apt-get install as arm.py says")
def test_64_bit_arm(tmp_path: Path) -> None:
    assert "convolution_lanes.cpp" in arm.compile_all(tmp_path)
    assert len(arm.run_loops(tmp_path, 100).splitlines()) == 1 + KERNELS
