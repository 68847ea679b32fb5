"""The script for a machine with a GPU, on one without: of a pack alone, each step up to where it needs the driver."""

import json
import os
import re
import subprocess
from importlib.util import find_spec
from pathlib import Path

import lmdb
import numpy as np
import pytest

from evolve.base import machine
from evolve.base.caffe_messages import caffe_pb2
from evolve.base.machine import Machine
from evolve.training import gpu
from tests.gpu import caffes_tests, engines, pack, packed_data, run
from tests.gpu.session import NeedsGpu, Session

ENGINES = find_spec("tensorrt_rtx") is not None


def _samples(channels: int, side: int, count: int = 120) -> dict[str, tuple[np.ndarray, np.ndarray]]:
    """Squares at places that follow the label, so that a mosaic's order would show."""
    random = np.random.default_rng(5)
    labels = random.integers(0, 10, count)
    images = random.integers(0, 60, (count, channels, side, side)).astype(np.uint8)
    for image, label in zip(images, labels, strict=True):
        image[:, 2 * label : 2 * label + 8, 8:20] = 250
    return {"train": (images, labels), "test": (images[::-1], labels[::-1])}


@pytest.fixture(scope="module")
def packed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("of a gpu") / "pack"
    # TensorRT's wheels are for x86-64 alone: elsewhere the tests go without.
    pack.fill(folder, [*pack.PACKAGES, *(pack.FOR_ENGINES if ENGINES else pack.FOR_PICTURES)], link=True)
    if ENGINES:
        (folder / engines.FOLDER / "gen001").mkdir(parents=True)
    packed_data.pack("mnist", _samples(1, 28), folder / "data/mnist", None)
    packed_data.pack("cifar10", _samples(3, 32), folder / "data/cifar10", 90)
    return folder


def test_each_step_comes_to_where_it_needs_a_driver(packed: Path) -> None:
    steps = [name for name in run.STEPS if name != "alexnet"]  # as LeNet's, on more
    command = ["/bin/sh", str(packed / "run.sh"), "--dry", "--only", ",".join(steps)]
    one_thread = {"OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1"}
    surroundings = {"PATH": os.environ["PATH"], "HOME": str(packed), **one_thread}
    done = subprocess.run(command, env=surroundings, cwd="/", capture_output=True, text=True, timeout=600)
    said = dict(line.split(": ", 1) for line in done.stdout.splitlines())
    assert done.returncode == 0, done.stdout + done.stderr
    results = {name: json.loads(result) for name, result in said.items()}
    stopped = {name for name, result in results.items() if "needs a GPU" in result}
    assert stopped == {"facts", "agree", "masks", "lenet", "steps", *(["engines"] if ENGINES else [])}, results
    assert all("skipped" in result for name, result in results.items() if name not in stopped)


def test_pictures_come_back_in_order_and_nearly_as_they_were(packed: Path, tmp_path: Path) -> None:
    images, labels = packed_data.unpacked(packed / "data/cifar10", "train")
    made, wanted = _samples(3, 32)["train"]
    assert np.array_equal(labels, wanted) and images.shape == made.shape
    difference = np.abs(images.astype(int) - made).mean(axis=(1, 2, 3))
    assert 0 < difference.max() < 15
    exact, _ = packed_data.unpacked(packed / "data/mnist", "test")
    assert np.array_equal(exact, _samples(1, 28)["test"][0])


def test_an_lmdb_has_the_margin_that_the_network_expects(packed: Path, tmp_path: Path) -> None:
    folder, counts = packed_data.lmdbs("cifar10", packed / "data", tmp_path, most=30)
    assert counts == {"train": 30, "test": 30}
    with lmdb.open(str(folder / "train"), readonly=True) as store, store.begin() as transaction:
        datums = [caffe_pb2.Datum.FromString(bytes(value)) for _, value in transaction.cursor()]
    assert [datum.label for datum in datums] == packed_data.unpacked(packed / "data/cifar10", "train")[1][:30].tolist()
    stored = np.stack([np.frombuffer(datum.data, np.uint8).reshape(3, 40, 40) for datum in datums])
    assert stored.shape == (30, 3, 40, 40) and not stored[:, :, :4].any() and not stored[..., -4:].any()
    assert np.array_equal(stored[:, :, 4:-4, 4:-4], packed_data.unpacked(packed / "data/cifar10", "train")[0][:30])


def test_a_step_that_breaks_leaves_its_last_words(packed: Path, tmp_path: Path) -> None:
    died = run._child("--no-such-word", packed, tmp_path, 30)
    assert died["broken"] == "ended with status 2" and "expected one argument" in died["log"][-1]
    raised = run._outcome("no such step", Session(packed, tmp_path, 30))
    assert raised["broken"] == "KeyError: 'no such step'" and "STEPS[name]" in "".join(raised["log"])
    assert run._child("lenet", packed, tmp_path, 1) == {"skipped": "no time was left"}


def test_behind_the_gate_a_process_computes_on_the_gpu(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    begun: list[Machine] = []

    def begin(machine: Machine) -> str:
        begun.append(machine)
        return "H200"

    monkeypatch.setattr(gpu, "facts", lambda: {"cuda": True, "driver": "", "devices": ["H200"], "libraries": ""})
    monkeypatch.setattr(gpu, "begin", begin)
    monkeypatch.setattr(os, "environ", dict(os.environ))
    with pytest.raises(NeedsGpu, match="this is a dry run"):
        Session(tmp_path, tmp_path, 1, dry=True).gpu()
    assert machine.of_this_process().gpu is None and begun == []
    assert Session(tmp_path, tmp_path, 1).gpu() == "H200"
    assert machine.of_this_process().gpu == begun[0].gpu == 0


@pytest.mark.parametrize(
    ("results", "dry", "status"),
    [
        ({"a": {"passed": True}, "b": {"skipped": "x"}}, False, 0),
        ({"a": {"passed": False}}, False, 1),
        ({"a": {"broken": "x"}}, True, 1),
        ({"a": {"needs a GPU": "x"}}, True, 0),
        ({"a": {"needs a GPU": "x"}}, False, 3),
    ],
)
def test_the_exit_status(results: dict[str, dict], dry: bool, status: int) -> None:
    assert run._status(results, dry) == status


PROGRAM = """#!/bin/sh
case $1 in
--gtest_list_tests) printf 'SyncedMemoryTest.\\n  TestAllocationCPU\\n  TestGPURead\\n' ;;
*) echo '[  PASSED  ] 1 test.'; echo '[  FAILED  ] SyncedMemoryTest.TestGPURead (3 ms)' ;;
esac
"""


def test_caffes_tests_are_counted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    program = tmp_path / caffes_tests.FOLDER / "test_syncedmem.testbin"
    program.parent.mkdir()
    program.write_text(PROGRAM)
    program.chmod(0o755)
    monkeypatch.setattr(Session, "gpu", lambda session: "H200")
    assert caffes_tests.run(Session(tmp_path, tmp_path, 60)) == {
        "device": "H200", "tests": {"test_syncedmem": 2}, "passed in": {"test_syncedmem": 1},
        "failed": ["SyncedMemoryTest.TestGPURead"], "passed": False,
    }  # fmt: skip


def test_the_pages_commands_are_understood() -> None:
    page = (pack.ROOT / "docs/gpu.md").read_text()
    shown = re.findall(r"python -m tests\.gpu\.(pack|run) ([^#\n]+)", page)
    assert len(shown) == 4
    for name, words in shown:
        (pack if name == "pack" else run).parser().parse_args(words.split())
    assert set(re.findall(r"^\| ([a-z' ]+) \|", page, re.M)) - {"step"} == set(run.STEPS)
