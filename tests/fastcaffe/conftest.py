"""The built library, and processes to use it in."""

from __future__ import annotations

import json
import subprocess
import sys
import textwrap
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from comparison import Child, Compare

from tests.forks import FORKS

ROOT = Path(__file__).resolve().parents[2]
BEFORE = """
import json, sys, tempfile
sys.path.insert(0, "ROOT")
import caffe, numpy as np, fastcaffe

def tell(answer):
    print(json.dumps(answer))

def net(text, phase=caffe.TRAIN):
    with tempfile.NamedTemporaryFile("w", suffix=".prototxt") as file:
        file.write(text)
        file.flush()
        return caffe.Net(file.name, phase)

"""


@pytest.fixture(scope="session")
def built() -> Path:
    """The library for this Python's Caffe; found in the cache as a rule, else built."""
    command = [sys.executable, str(ROOT / "fastcaffe/build.py"), "--python", sys.executable]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return Path(done.stdout.strip())


@pytest.fixture(scope="session")
def told(built: Path) -> Callable[..., Any]:
    """Runs Python lines in a process that has imported caffe, numpy and fastcaffe; returns what `tell(...)` got."""

    def run(lines: str, **variables: str) -> Any:
        script = BEFORE.replace("ROOT", str(ROOT)) + textwrap.dedent(lines)
        done = FORKS.script(script, folder=Path.cwd(), GLOG_minloglevel="2", **variables)
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)

    return run


@pytest.fixture(scope="session")
def compare(built: Path) -> Iterator[Compare]:
    """Runs a case (comparison_child.py says what that is) and returns the Comparison."""
    child = Child()
    yield child.compare
    child.end()
