"""Caffe's process: what it refuses is said with its place, and its end is nobody else's."""

import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest

from evolve.base import prototxt_text
from evolve.base.caffe_messages import caffe_pb2
from evolve.base.errors import MachineError
from evolve.network import weights
from evolve.training.caffe_process import CaffeError, CaffeProcess

ROOT = Path(__file__).resolve().parents[2]

INPUT = 'layer { name: "data" type: "Input" top: "data" input_param { shape { dim: 1 dim: 1 dim: 4 dim: 4 } } }\n'
IP = 'layer {\n  name: "ip" type: "InnerProduct" bottom: "data" top: "ip"\n  inner_product_param { num_output: 2 }\n}\n'

REFUSED = {
    "unknown type": (
        INPUT + 'layer {\n  name: "odd" type: "Oddity"\n  bottom: "data" top: "odd"\n}\n',
        r"{net}:3: layer 'odd': Caffe: Check failed: registry\.count\(type\) == 1 \(0 vs\. 1\) "
        r"Unknown layer type: Oddity \(known types: AbsVal, .*\) \(layer_factory\.hpp:\d+\)",
    ),
    "kernel larger than the image": (
        INPUT + IP + '\n\nlayer {\n  type: "Convolution" bottom: "data" top: "big"\n  name: "big"\n'
        "  convolution_param { num_output: 2 kernel_size: 9 }\n}\n",
        r"{net}:10: layer 'big': Caffe: Check failed: shape\[i\] >= 0 \(-4 vs\. 0\)\s* \(blob\.cpp:\d+\)",
    ),
    "a layer whose name has a blank": (
        INPUT + '\nlayer {\n  name: "my big" type: "Convolution" bottom: "data" top: "big"\n'
        "  convolution_param { num_output: 2 kernel_size: 9 }\n}\n",
        r"{net}:4: layer 'my big': Caffe: Check failed: shape\[i\] >= 0 \(-4 vs\. 0\)\s* \(blob\.cpp:\d+\)",
    ),
    "one that Caffe names": (
        INPUT + IP.replace('"data"', '"dta"').replace('"ip"', '"my ip"'),
        r"{net}:3: layer 'my ip': Caffe: Unknown bottom blob 'dta' \(layer 'my ip', bottom index 0\) "
        r"\(insert_splits\.cpp:\d+\)",
    ),
    "shapes that differ": (
        INPUT + IP + 'layer { name: "sum" type: "Eltwise" bottom: "data" bottom: "ip" top: "sum" }\n',
        r"{net}:6: layer 'sum': Caffe: Check failed: bottom\[0\]->shape\(\) == bottom\[i\]->shape\(\) "
        r"bottom\[0\]: 1 1 4 4 \(16\), bottom\[1\]: 1 2 \(2\)\s* \(eltwise_layer\.cpp:\d+\)",
    ),
    "unknown bottom": (
        INPUT + IP.replace('"data"', '"dta"'),
        r"{net}:3: layer 'ip': Caffe: Unknown bottom blob 'dta' \(layer 'ip', bottom index 0\) "
        r"\(insert_splits\.cpp:\d+\)",
    ),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_caffe_refuses_is_said_with_file_line_and_layer(case: str, tmp_path: Path, caffe: CaffeProcess) -> None:
    words, message = REFUSED[case]
    net = tmp_path / "net.prototxt"
    net.write_text(words)
    with pytest.raises(CaffeError) as refused:
        caffe.call("load", net="net.prototxt", phase="TEST")
    assert re.fullmatch(message.format(net=re.escape(str(net))), str(refused.value)), refused.value
    # The parent lives on, and so does the next Caffe.
    net.write_text(INPUT + IP)
    with CaffeProcess(tmp_path, tmp_path / "log", net) as another:
        assert another.call("load", net="net.prototxt", phase="TEST")["blobs"] == {"data": [1, 1, 4, 4], "ip": [1, 2]}


def test_only_this_process_is_blamed_for_what_the_log_says(tmp_path: Path) -> None:
    """The log goes on from an earlier Caffe's; its failure is not this one's."""
    net, log = tmp_path / "net.prototxt", tmp_path / "log"
    net.write_text(REFUSED["unknown type"][0])
    with CaffeProcess(tmp_path, log, net) as first, pytest.raises(CaffeError, match="Unknown layer type: Oddity"):
        first.call("load", net="net.prototxt", phase="TEST")
    with CaffeProcess(tmp_path, log, net) as second:
        second.call("versions")
        os.kill(_pid(second), signal.SIGKILL)
        with pytest.raises(CaffeError) as killed:
            second.call("versions")
    assert str(killed.value) == "Caffe's process was killed; most often because memory ran out"


OF_THE_MACHINE = [
    "Check failed: error == cudaSuccess (2 vs. 0)  out of memory",
    "Check failed: *ptr host allocation of size 68719476736 failed",
    "Check failed: mdb_status == 0 (12 vs. 0) Cannot allocate memory",
    "Check failed: mdb_status == 0 (24 vs. 0) Too many open files",
    "Check failed: mdb_status == 0 (5 vs. 0) Input/output error",
]


@pytest.mark.parametrize(
    ("words", "of_machine"),
    [*((words, True) for words in OF_THE_MACHINE), ("Check failed: mdb_status == 0 (2 vs. 0) No such file", False)],
)
def test_what_the_machine_refuses_is_no_fault_of_the_network(words: str, of_machine: bool, tmp_path: Path) -> None:
    """An offspring whose Caffe ends so is not unfit: another time it may live."""
    with CaffeProcess(tmp_path, tmp_path / "log", tmp_path / "net.prototxt") as caffe:
        caffe.call("versions")
        with (tmp_path / "log").open("a") as log:
            log.write(f"F20261130 13:00:00.000000    42 db_lmdb.hpp:15] {words}\n")
        os.kill(_pid(caffe), signal.SIGKILL)
        with pytest.raises(CaffeError) as refused:
            caffe.call("versions")
    assert f"Caffe: {words} (db_lmdb.hpp:15)" in str(refused.value)
    assert isinstance(refused.value, MachineError) is of_machine


def test_weights_of_another_shape(tmp_path: Path, caffe: CaffeProcess) -> None:
    net = tmp_path / "net.prototxt"
    net.write_text(INPUT + IP)
    message = prototxt_text.parse(INPUT + IP.replace("2", "3"), caffe_pb2.NetParameter(), net)
    weights.write(tmp_path / "other.caffemodel", message, {"ip": _zeros(3, 16)})
    with pytest.raises(CaffeError) as refused:
        caffe.call("score", net="net.prototxt", weights="other.caffemodel", iterations=1)
    assert str(refused.value).startswith(
        f"{net}:3: layer 'ip': Caffe: Cannot copy param 0 weights from layer 'ip'; shape mismatch.  "
        "Source param shape is 3 16 (48); target param shape is 2 16 (32)."
    )


@pytest.mark.parametrize("name", ["ip", "my ip"])
def test_weights_with_other_blobs(tmp_path: Path, caffe: CaffeProcess, name: str) -> None:
    layer = IP.replace('name: "ip"', f'name: "{name}"')
    net = tmp_path / "net.prototxt"
    net.write_text(INPUT + layer)
    message = prototxt_text.parse(layer, caffe_pb2.NetParameter(), net)
    weights.write(tmp_path / "other.caffemodel", message, {name: _zeros(2, 16)[:1]})
    with pytest.raises(CaffeError) as refused:
        caffe.call("score", net="net.prototxt", weights="other.caffemodel", iterations=1)
    assert str(refused.value).startswith(
        f"{net}:3: layer '{name}': Caffe: Check failed: target_blobs.size() == source_layer.blobs_size() (2 vs. 1) "
        f"Incompatible number of blobs for layer {name} (net.cpp:"
    )


def test_no_layer_is_blamed_for_what_fails_later(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The log names layers while a net is set up; a failure after that is not the last one's."""
    (tmp_path / "growing_layer.py").write_text(GROWING)
    monkeypatch.syspath_prepend(tmp_path)
    grown = INPUT + PYTHON.format(module="growing_layer", layer="Growing") + IP.replace('"data"', '"made"')
    (tmp_path / "net.prototxt").write_text(grown + 'layer { name: "end" type: "ReLU" bottom: "ip" top: "end" }')
    weights.write(
        tmp_path / "ip.caffemodel", prototxt_text.parse(IP, caffe_pb2.NetParameter(), "net"), {"ip": _zeros(2, 1)}
    )
    with CaffeProcess(tmp_path, tmp_path / "log", tmp_path / "net.prototxt") as caffe:
        with pytest.raises(CaffeError) as refused:
            caffe.call("score", net="net.prototxt", weights="ip.caffemodel", iterations=5)
    assert str(refused.value).startswith("Caffe: Check failed: K_ == new_K (1 vs. 2) Input size incompatible with ")


def test_a_missing_caffemodel_is_named_and_caffe_goes_on(tmp_path: Path, caffe: CaffeProcess) -> None:
    (tmp_path / "net.prototxt").write_text(INPUT + IP)
    with pytest.raises(CaffeError) as refused:
        caffe.call("score", net="net.prototxt", weights="none.caffemodel", iterations=1)
    assert str(refused.value) == "Could not open file none.caffemodel"
    assert caffe.call("load", net="net.prototxt", phase="TEST")["blobs"]["ip"] == [1, 2]


def test_the_log_is_caffes(tmp_path: Path, caffe: CaffeProcess) -> None:
    (tmp_path / "net.prototxt").write_text(INPUT + IP)
    caffe.call("load", net="net.prototxt", phase="TEST")
    log = (tmp_path / "log").read_text()
    assert "Creating Layer ip" in log and "Network initialization done." in log


def test_killed_between_two_calls(tmp_path: Path, caffe: CaffeProcess) -> None:
    pid = _pid(caffe)
    caffe.call("versions")
    os.kill(pid, signal.SIGKILL)
    _wait(lambda: not _alive(pid), "the killed worker's end")
    with pytest.raises(CaffeError) as killed:
        caffe.call("versions")
    assert str(killed.value) == "Caffe's process was killed; most often because memory ran out"


def test_killed_in_the_middle_of_a_call(tmp_path: Path, caffe: CaffeProcess) -> None:
    _write_endless_training(tmp_path)

    def kill(progress: dict[str, float]) -> None:
        os.kill(_pid(caffe), signal.SIGKILL)

    with pytest.raises(CaffeError) as killed:
        caffe.call("train", kill, solver="solver.prototxt", output="trained")
    assert str(killed.value) == "Caffe's process was killed; most often because memory ran out"


def test_ended_by_another_signal(tmp_path: Path, caffe: CaffeProcess) -> None:
    caffe.call("versions")
    os.kill(_pid(caffe), signal.SIGTERM)
    with pytest.raises(CaffeError) as ended:
        caffe.call("versions")
    assert str(ended.value).startswith("Caffe's process ended with status -15; it last said: ")


def test_leaving_the_context_ends_it_whatever_it_does(tmp_path: Path) -> None:
    _write_endless_training(tmp_path)

    def stop(progress: dict[str, float]) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt), CaffeProcess(tmp_path, tmp_path / "log", tmp_path / "net.prototxt") as caffe:
        caffe.call("train", stop, solver="solver.prototxt", output="trained")
    assert not _alive(_pid(caffe))


PARENT = """
import signal, sys, time
from pathlib import Path
from evolve.training.caffe_process import CaffeProcess
folder = Path(sys.argv[1])
with CaffeProcess(folder, folder / "log", folder / "net.prototxt") as caffe:
    caffe.call("versions")
    print(caffe.pid, flush=True)
    {what}
"""


def _parent(folder: Path, what: str) -> tuple[subprocess.Popen[str], int]:
    """A process with a Caffe of its own, in a process group of its own, and that Caffe's pid."""
    command = [sys.executable, "-c", PARENT.format(what=what), str(folder)]
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    parent = subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True, start_new_session=True)
    assert parent.stdout
    return parent, int(parent.stdout.readline())


BUSY = {
    "idle": "time.sleep(600)",
    "training": 'caffe.call("train", solver="solver.prototxt", output="trained")',
    # Neither reads requests nor writes reports: no broken pipe tells it.
    "scoring": 'caffe.call("score", net="net.prototxt", weights="any.caffemodel", iterations=10**12)',
}


@pytest.mark.parametrize("busy", BUSY)
def test_it_never_outlives_its_parent(tmp_path: Path, busy: str) -> None:
    _write_endless_training(tmp_path)
    weights.write(
        tmp_path / "any.caffemodel", prototxt_text.parse(IP, caffe_pb2.NetParameter(), "net"), {"ip": _zeros(3, 16)}
    )
    parent, pid = _parent(tmp_path, BUSY[busy])
    assert parent.stdout
    if busy != "idle":
        _wait(lambda: "initialization done" in (tmp_path / "log").read_text(), "the net")
    time.sleep(0.2)
    assert _alive(pid)
    parent.kill()
    parent.wait()
    parent.stdout.close()
    _wait(lambda: not _alive(pid), "the worker's end")


def test_an_interrupt_of_the_group_leaves_it_alone(tmp_path: Path) -> None:
    """Ctrl-C reaches the whole group, even a worker that is in it; the parent decides on the worker's end."""
    parent, pid = _parent(
        tmp_path,
        "signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGINT]); print('ready', flush=True); "
        "signal.sigwait([signal.SIGINT]); print(caffe.call('versions')['layer_types'] > 0, flush=True)",
    )
    assert parent.stdout
    assert parent.stdout.readline() == "ready\n"
    os.killpg(parent.pid, signal.SIGINT)
    os.kill(pid, signal.SIGINT)
    assert parent.stdout.read() == "True\n"
    assert parent.wait() == 0


NOISY = """
import ctypes, os, sys
import caffe

class Noisy(caffe.Layer):
    def setup(self, bottom, top):
        pass
    def reshape(self, bottom, top):
        top[0].reshape(1)
    def forward(self, bottom, top):
        print('{"answer": {"from": "print"}}')
        os.write(1, b"written to 1\\n")
        ctypes.CDLL(None).puts(b"put by C")
        ctypes.CDLL(None).fflush(None)
        top[0].data[...] = 42
    def backward(self, top, propagate_down, bottom):
        pass
"""


GROWING = """
import caffe

class Growing(caffe.Layer):
    forwards = 0
    def setup(self, bottom, top):
        pass
    def reshape(self, bottom, top):
        top[0].reshape(1, 1 if self.forwards < 2 else 2)
    def forward(self, bottom, top):
        self.forwards += 1
    def backward(self, top, propagate_down, bottom):
        pass
"""
PYTHON = (
    'layer {{ name: "made" type: "Python" bottom: "data" top: "made"\n'
    '  python_param {{ module: "{module}" layer: "{layer}" }} }}\n'
)


def test_stray_prints_go_to_the_log(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "noisy_layer.py").write_text(NOISY)
    monkeypatch.syspath_prepend(tmp_path)
    (tmp_path / "net.prototxt").write_text(INPUT + PYTHON.format(module="noisy_layer", layer="Noisy"))
    weights.write(
        tmp_path / "any.caffemodel", prototxt_text.parse(IP, caffe_pb2.NetParameter(), "net"), {"ip": _zeros(1, 1)}
    )
    with CaffeProcess(tmp_path, tmp_path / "log", tmp_path / "net.prototxt") as caffe:
        answer = caffe.call("score", net="net.prototxt", weights="any.caffemodel", iterations=2)
    assert answer == {"outputs": {"made": 42.0}, "labels": [], "accuracies": {}, "confusion": {}, "answers": []}
    log = (tmp_path / "log").read_text()
    for words in ('{"answer": {"from": "print"}}', "written to 1", "put by C"):
        assert log.count(words) == 2


FAILING = """
import caffe
import numpy as np

class Failing(caffe.Layer):
    def setup(self, bottom, top):
        {setup}
    def reshape(self, bottom, top):
        top[0].reshape(1)
    def forward(self, bottom, top):
        {forward}
    def backward(self, top, propagate_down, bottom):
        pass

class Inheriting(Failing):
    pass
"""


@pytest.mark.parametrize(
    ("module", "layer", "code", "words"),
    [
        ("failing", "Failing", {"setup": 'raise Exception("need two\\nbottoms")'},
         "Python's failing.Failing: need two bottoms (failing.py:7)"),
        ("failing", "Inheriting", {"forward": "np.zeros(4).reshape(3)"},
         "Python's failing.Inheriting: ValueError: cannot reshape array of size 4 into shape (3,) (failing.py:11)"),
        ("failing", "Failing", {"forward": "{}[7]"}, "Python's failing.Failing: KeyError: 7 (failing.py:11)"),
        ("failing", "Absent", {}, "Python: AttributeError: module 'failing' has no attribute 'Absent'"),
        ("absent", "Failing", {}, "Python: ModuleNotFoundError: No module named 'absent'"),
        ("failing", "Failing", {"setup": "+"}, "Python: SyntaxError: invalid syntax (failing.py:7)"),
    ],
)  # fmt: skip
def test_what_fails_in_a_python_layer_is_said_with_layer_and_line(
    module: str, layer: str, code: dict[str, str], words: str, tmp_path: Path
) -> None:
    """Its module lies beside the prototxt, as Caffe's users have it, who run it there."""
    (beside := tmp_path / "net").mkdir()
    code = {"setup": "pass", "forward": "pass"} | code
    (beside / "failing.py").write_text(FAILING.format(**code))
    end = 'layer { name: "end" type: "ReLU" bottom: "made" top: "end" }\n'
    for folder in (beside, tmp_path):
        (folder / "net.prototxt").write_text(INPUT + PYTHON.format(module=module, layer=layer) + end)
    weights.write(
        tmp_path / "any.caffemodel", prototxt_text.parse(IP, caffe_pb2.NetParameter(), "net"), {"ip": _zeros(1, 1)}
    )
    with CaffeProcess(tmp_path, tmp_path / "log", beside / "net.prototxt") as caffe:
        with pytest.raises(CaffeError) as refused:
            caffe.call("score", net="net.prototxt", weights="any.caffemodel", iterations=2)
    assert str(refused.value) == f"{beside / 'net.prototxt'}:2: layer 'made': {words}"


def test_two_side_by_side(tmp_path: Path) -> None:
    """Both train at once, and come to the same bits: neither disturbs the other."""
    folders = [tmp_path / "first", tmp_path / "second"]
    reported: set[int] = set()

    def train(folder: Path) -> bytes:
        folder.mkdir()
        _write_endless_training(folder, iterations=400)
        with CaffeProcess(folder, folder / "log", folder / "net.prototxt") as caffe:

            def report(progress: dict[str, int]) -> None:
                reported.add(_pid(caffe))
                # The first one that reports waits for the other's first report.
                _wait(lambda: len(reported) == 2, "the other Caffe's report")

            caffe.call("train", report, solver="solver.prototxt", output="trained")
        return (folder / "trained").read_bytes()

    with ThreadPoolExecutor(2) as pool:
        first, second = pool.map(train, folders)
    assert first == second and len(reported) == 2


def _write_endless_training(folder: Path, iterations: int = 1_000_000_000) -> None:
    (folder / "net.prototxt").write_text(
        'layer { name: "data" type: "DummyData" top: "data" top: "label" dummy_data_param {\n'
        '  shape { dim: 4 dim: 16 } data_filler { type: "gaussian" }\n'
        '  shape { dim: 4 } data_filler { type: "constant" value: 1 } } }\n'
        'layer { name: "ip" type: "InnerProduct" bottom: "data" top: "ip"\n'
        '  inner_product_param { num_output: 3 weight_filler { type: "xavier" } } }\n'
        'layer { name: "loss" type: "SoftmaxWithLoss" bottom: "ip" bottom: "label" top: "loss" }\n'
    )
    (folder / "solver.prototxt").write_text(
        f'net: "net.prototxt" base_lr: 0.01 lr_policy: "fixed" max_iter: {iterations} random_seed: 1\n'
        "snapshot_after_train: false solver_mode: CPU\n"
    )


def _zeros(outputs: int, inputs: int) -> list[np.ndarray]:
    return [np.zeros((outputs, inputs), np.float32), np.zeros(outputs, np.float32)]


def _pid(caffe: CaffeProcess) -> int:
    return caffe.pid


def _alive(pid: int) -> bool:
    """Whether a process of that number runs; a zombie does not."""
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0]
    except (FileNotFoundError, ProcessLookupError):
        return False
    return state not in "ZX"


def _wait(condition: Callable[[], bool], what: str, seconds: float = 300) -> None:
    until = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < until, f"waited {seconds} s for {what}"
        time.sleep(0.01)
