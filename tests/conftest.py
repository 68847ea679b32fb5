"""Hypothesis tries the same few examples wherever tests run, however long each takes there.

`make test PYTEST=--hypothesis-profile=search` tries many others: what it finds is mended, and becomes an example.
"""

import gc
import os
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

from evolve.base import child, processors
from tests.forks import FORKS

# The words of the `make test` that this may run under are not those of a make or a build that a test calls.
for name in "MAKEFLAGS MFLAGS MAKEOVERRIDES MAKELEVEL CAFFE_ROOT CAFFE_SRC CAFFE_WHEEL CAFFE_CUDA".split():
    os.environ.pop(name, None)

# Threads that wait for one another sleep: beside other processes, turning meanwhile took most of a training's time.
os.environ.setdefault("OMP_WAIT_POLICY", "passive")

# Tests run what they compile and write; on a hardened machine no program runs from where temporary files are.
if os.statvfs(tempfile.gettempdir()).f_flag & os.ST_NOEXEC:
    tempfile.tempdir = os.environ["TMPDIR"] = str(Path(__file__).resolve().parents[1] / "build/tmp")
    Path(tempfile.tempdir).mkdir(parents=True, exist_ok=True)

_SLOW = [HealthCheck.too_slow]  # a machine with other things to do

settings.register_profile(
    "usual", max_examples=40, derandomize=True, deadline=None, database=None, suppress_health_check=_SLOW
)
settings.register_profile("search", max_examples=1000, deadline=None, suppress_health_check=_SLOW)
settings.load_profile("usual")


def pytest_collection_finish() -> None:
    """What was imported and collected stays until the end: no search for garbage goes through it again."""
    gc.collect()
    gc.freeze()


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_auto_num_workers(config: pytest.Config) -> int | None:
    """With -n auto as many as there are cores to use, of which xdist asks no container; its variable comes first."""
    return None if "PYTEST_XDIST_AUTO_NUM_WORKERS" in os.environ else processors.usable()


@pytest.fixture(scope="session", autouse=True)
def _forked_workers() -> Iterator[None]:
    """Caffe's workers are forked from one that has imported Caffe, where a test does not say otherwise."""
    with FORKS.at_work():
        yield
    FORKS.end()


@pytest.fixture
def started_anew(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every process is started as a user's is: for tests of that."""
    monkeypatch.setattr(child, "subprocess", subprocess)
