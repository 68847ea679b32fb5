"""A worker that was forked is in nothing another than one that was started, and computes the same bytes."""

import os
import re
import select
import signal
import subprocess
import sys
import time
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

import pytest

from evolve.base.machine import Machine
from evolve.training.caffe_process import CaffeError, CaffeProcess
from tests.forked import Forked
from tests.forks import FORKS, Forks

ROOT = Path(__file__).resolve().parents[1]
NET = """
layer { name: "data" type: "DummyData" top: "data" top: "label" dummy_data_param {
  shape { dim: 8 dim: 3 dim: 9 dim: 9 } data_filler { type: "gaussian" }
  shape { dim: 8 } data_filler { type: "constant" value: 1 } } }
layer { name: "conv" type: "Convolution" bottom: "data" top: "conv"
  convolution_param { num_output: 5 kernel_size: 3 weight_filler { type: "xavier" } } }
layer { name: "relu" type: "ReLU" bottom: "conv" top: "conv" }
layer { name: "ip" type: "InnerProduct" bottom: "conv" top: "ip"
  inner_product_param { num_output: 3 weight_filler { type: "xavier" } } }
layer { name: "loss" type: "SoftmaxWithLoss" bottom: "ip" bottom: "label" top: "loss" }
"""
SOLVER = 'net: "net.prototxt" base_lr: 0.01 lr_policy: "fixed" max_iter: 30 random_seed: 1 snapshot_after_train: false'


def _kind(caffe: CaffeProcess) -> type:
    return type(caffe._process)


def _seen(folder: Path, fast: bool) -> dict[str, object]:
    """What a worker is and does, but for its process's number."""
    folder.mkdir(exist_ok=True)
    (folder / "log").unlink(missing_ok=True)
    (folder / "net.prototxt").write_text(NET)
    (folder / "solver.prototxt").write_text(SOLVER)
    with CaffeProcess(folder, folder / "log", folder / "net.prototxt", Machine(threads=1, fast=fast)) as caffe:
        seen: dict[str, object] = {"forked": _kind(caffe) is Forked, "versions": caffe.call("versions")}
        process = Path("/proc") / str(caffe.pid)
        status = dict(line.split(":\t", 1) for line in (process / "status").read_text().splitlines())
        seen |= {name: status[name] for name in ("SigBlk", "SigIgn", "SigCgt", "Threads", "Umask", "PPid")}
        fields = (process / "stat").read_text().rpartition(")")[2].split()
        seen["leads its group and session"] = fields[2] == fields[3] == str(caffe.pid)
        seen["folder"] = (process / "cwd").readlink() == folder
        open_files = [str(each.readlink()) for each in (process / "fd").iterdir()]
        seen["open"] = sorted(re.sub(r"\d+", "", each.replace(str(folder), "")) for each in open_files)
        caffe.call("train", solver="solver.prototxt", output="trained")
        with pytest.raises(CaffeError, match="no such file|No such file|open"):
            caffe.call("score", net="none.prototxt", weights="trained", iterations=1)
    log = (folder / "log").read_text()
    seen |= {"bytes": (folder / "trained").read_bytes(), "end": caffe.status()}
    return seen | {"said": sorted(re.findall(r"\] (Creating .*)$", log, re.MULTILINE))}


@pytest.mark.parametrize("fast", [True, False])
def test_it_is_in_nothing_another(tmp_path: Path, started_anew: None, fast: bool) -> None:
    started = _seen(tmp_path / "a", fast)
    forks = Forks()
    with forks.at_work():
        first, forked = _seen(tmp_path / "a", fast), _seen(tmp_path / "a", fast)
    forks.end()
    assert (started.pop("forked"), first.pop("forked"), forked.pop("forked")) == (False, False, True)
    assert forked == started == first and started["said"]


def test_another_environment_is_started_as_ever(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENBLAS_CORETYPE", "Haswell")
    with CaffeProcess(tmp_path, tmp_path / "log", tmp_path / "none") as caffe:
        assert _kind(caffe) is subprocess.Popen and caffe.call("versions")["core"] == "Haswell"


PARENT = """
import os, signal, sys
from pathlib import Path
from evolve.training.caffe_process import CaffeProcess
from tests.forked import Forked
from tests.forks import Forks
forks, folder = Forks(), Path(sys.argv[1])
with forks.at_work():
    one, two = (CaffeProcess(folder, folder / "log", folder / "none") for _ in range(2))
    two.call("versions")
    assert type(two._process) is Forked
    (zygote,) = forks._zygotes.values()
    print(one.pid, two.pid, zygote._process.pid, flush=True)
    os.kill(os.getpid(), signal.SIGKILL)
"""


def test_it_never_outlives_its_parent_and_nor_does_the_zygote(tmp_path: Path) -> None:
    command = [sys.executable, "-c", PARENT, str(tmp_path)]
    parent = subprocess.run(command, cwd=ROOT, stdout=subprocess.PIPE, text=True)
    assert parent.returncode == -signal.SIGKILL
    pids = parent.stdout.split()
    assert len(pids) == 3
    _wait_for_the_end(pids)


def _wait_for_the_end(pids: Iterable[str]) -> None:
    for pid in pids:
        with suppress(ProcessLookupError):
            left, ended = os.pidfd_open(int(pid)), select.poll()
            ended.register(left, select.POLLIN)
            assert ended.poll(300_000)
            os.close(left)


def test_a_script_too(tmp_path: Path) -> None:
    script = (
        "import os, sys, caffe\n"
        "print(sys.argv[1:], os.getcwd(), os.environ['SAID'], __name__, 'Input' in caffe.layer_type_list())\n"
        "print('an error', file=sys.stderr)\nsys.exit(3)\n"
    )
    forks = Forks()
    started, forked = (forks.script(script, "a", "b c", folder=tmp_path, SAID="x") for _ in range(2))
    forks.end()
    assert forked.args != started.args
    for each in (started, forked):
        said = f"['a', 'b c'] {tmp_path} x __main__ True\n"
        assert (each.returncode, each.stdout, each.stderr) == (3, said, "an error\n")


def test_a_script_ends_with_who_waits_for_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    waited = []

    def interrupted(forked: Forked) -> int:
        waited.append(forked)
        monkeypatch.undo()
        raise KeyboardInterrupt

    FORKS.script("", folder=tmp_path)
    monkeypatch.setattr(Forked, "wait", interrupted)
    with pytest.raises(KeyboardInterrupt):
        FORKS.script("import time; time.sleep(300)", folder=tmp_path)
    assert waited[0].poll() == -signal.SIGKILL


def test_a_command_too(tmp_path: Path) -> None:
    """A user's mistake, and what a verb prints: as from a process that was started."""
    environment = {"PATH": os.environ["PATH"], "HOME": str(tmp_path), "COLUMNS": "100"}
    words = ["count", f"MODEL={ROOT / 'prototxt/lenet/train_val.prototxt'}"]
    forks = Forks()
    forks.command("--version", folder=tmp_path, environment=environment)
    for more, status in (([], 2), (["SHAPE=1x32x32"], 0)):
        started, forked = (
            each.command(*words, *more, folder=tmp_path, environment=environment) for each in (Forks(), forks)
        )
        assert (started.returncode, started.stdout, started.stderr) == (status, forked.stdout, forked.stderr)
        assert forked.returncode == status and forked.stdout + forked.stderr
        assert forked.args[0] == "-m" != started.args[0]
    forks.end()


BORROWER = """
import os, sys, time
from pathlib import Path
from evolve.training.caffe_process import CaffeError, CaffeProcess
folder = Path(sys.argv[1])
first, one, two, three = (CaffeProcess(folder, folder / "log", folder / "none") for _ in range(4))
for each in (one, two, three):
    each.call("versions")
two.end()
three.kill()
try:
    three.call("versions")
except CaffeError as error:
    assert "was killed" in str(error)
assert [each.status() for each in (one, two, three)] == [None, -9, -9]
(folder / "begun").write_text(f"{first.pid} {one.pid} {type(first._process).__name__} {type(one._process).__name__}")
(folder / "begun").rename(folder / "said")
time.sleep(300)
"""


def test_a_forked_one_is_lent_its_workers_and_they_do_not_outlive_it(tmp_path: Path) -> None:
    forks, environment = Forks(), {**os.environ, "OPENBLAS_NUM_THREADS": "1", "PYTHONPATH": str(ROOT)}
    forks.begun("", folder=tmp_path, environment=environment).wait()
    borrower = forks.begun(BORROWER, str(tmp_path), folder=tmp_path, environment=environment)
    while not (tmp_path / "said").exists():
        assert borrower.poll() is None
        time.sleep(0.01)
    *pids, first, second = (tmp_path / "said").read_text().split()
    assert (first, second) == ("Popen", "_Lent")
    borrower.kill()
    assert borrower.wait() == -signal.SIGKILL
    _wait_for_the_end(pids)
    forks.end()


@pytest.mark.parametrize("module", ["nosuch", "tests.two_threads"])
def test_where_no_zygote_can_be_processes_are_started(tmp_path: Path, module: str) -> None:
    forks = Forks()
    assert [forks._zygote(os.environ, (module,)) for _ in range(3)] == [None] * 3
    forks.end()
