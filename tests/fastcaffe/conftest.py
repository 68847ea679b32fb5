"""The built library, and a child process to compare layers in."""

from __future__ import annotations

import importlib.util
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from comparison import Child, Compare

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="session")
def built() -> Path:
    """The library for this Python's Caffe; found in the cache as a rule, else built."""
    if not importlib.util.find_spec("caffe"):
        pytest.skip("no Caffe in this Python")
    command = [sys.executable, str(ROOT / "fastcaffe/build.py"), "--python", sys.executable]
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode == 2:
        pytest.skip(done.stderr)
    assert done.returncode == 0, done.stderr
    return Path(done.stdout.strip())


@pytest.fixture(scope="session")
def compare(built: Path) -> Iterator[Compare]:
    """Runs a case (comparison_child.py says what that is) and returns the Comparison."""
    child = Child()
    yield child.compare
    child.end()
