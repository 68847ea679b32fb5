"""The command as its user meets it: words, exit statuses, signals, resuming. Real Caffe, a LeNet-5 on digits."""

import os
import re
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from evolve import __version__
from evolve.base import prototxt_text, pulse
from evolve.base.caffe_messages import caffe_pb2
from evolve.network import weights
from tests.forks import FORKS, environment

ROOT = Path(__file__).resolve().parents[2]
COMMAND = [sys.executable, "-m", "evolve.command.command"]
LENET = ROOT / "prototxt" / "lenet" / "train_val.prototxt"
LONG = "1000000it"  # far more than a test waits for
SECONDS = 900.0  # far more than anything here takes, on a machine with other things to do


def run(folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
    return FORKS.command(*words, folder=folder, environment=environment())


def network(folder: Path, ancestor: str = "8it", offspring: str = "4it") -> Path:
    """The shipped LeNet-5 with short trainings."""
    copy = folder / "net"
    shutil.copytree(ROOT / "prototxt" / "lenet", copy)
    settings = copy / "evolution.prototxt"
    text = re.sub(r'(ancestor_training: )"\w+"', rf'\1"{ancestor}"', settings.read_text())
    settings.write_text(re.sub(r'(offspring_training: )"\w+"', rf'\1"{offspring}"', text))
    return copy


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["evolve"], "evolve: expected NET=, a folder under prototxt/ or one of yours; for instance NET=lenet"),
        (["evolve", "NTE=lenet"], "NTE=lenet: expected a word that evolve knows; did you mean NET=?"),
        (["doctor", "GEN=3"], "GEN=3: doctor has no use for it; doctor knows none"),
        (["count"], "count: expected MODEL=, a prototxt; for instance MODEL=deploy.prototxt"),
        (
            ["count", "MODEL=x.prototxt", "SHAPE=32x32"],
            "SHAPE=32x32: expected channels x height x width; for instance SHAPE=3x32x32",
        ),
        (
            ["count", f"MODEL={LENET}"],
            f"{LENET}:5: layer 'data': expected a type whose prototxt tells the shape of its tops, got Data; put an "
            "Input layer in its place, or give an image's shape (SHAPE=3x32x32)",
        ),
        (["evolve", "lenet"], "lenet: expected NAME=value; did you mean NET=?"),
        (["evolve", "NET=lenet", "GEN=0"], "GEN=0: expected a whole number of 1 or more"),
        (["evolve", "NET=lenet", "SEED=-1"], "SEED=-1: expected a whole number of 0 or more"),
        (
            ["check", "NET=lennet"],
            "NET=lennet: expected a folder with train_val.prototxt, or a name under prototxt/; did you mean lenet?",
        ),
    ],
)
def test_a_mistyped_word_is_said_and_the_status_is_2(tmp_path: Path, words: list[str], message: str) -> None:
    result = run(tmp_path, *words)
    assert (result.returncode, result.stderr.strip()) == (2, f"cavefish: {message}")


def columns(line: str) -> list[str]:
    return re.split(r"  +", line.strip())


def test_count_of_a_train_val_and_of_its_deploy_form_with_weights(tmp_path: Path) -> None:
    dense = run(tmp_path, "count", f"MODEL={LENET}", "SHAPE=1x32x32")
    assert dense.returncode == 0, dense.stderr
    lines = dense.stdout.splitlines()
    assert lines[0] == "lenet on 1 x 32 x 32, no weight taken for zero"
    heading, conv2, total = (
        columns(next(line for line in lines if line.strip().startswith(first))) for first in ("layer", "conv2", "total")
    )
    assert heading == "layer type output weights biases others synapses clusters MACs bytes".split()
    # No others: that cell is blank.
    assert conv2 == "conv2|Convolution|32 x 16 x 16|25,600|32|25,632|1,024|6,553,600|102,528".split("|")
    assert total == "total|143,776|202|0|143,978|7,840|10,715,776|575,912".split("|")
    assert "143,978 parameters: weights, biases and others (of Scale, PReLU and the like)." in lines

    (tmp_path / "deploy.prototxt").write_text(
        'layer { name: "data" type: "Input" top: "data" input_param { shape { dim: 1 dim: 2 dim: 4 dim: 4 } } }'
        'layer { name: "conv" type: "Convolution" bottom: "data" top: "conv" '
        "convolution_param { num_output: 3 kernel_size: 3 } }"
    )
    pruned = np.zeros((3, 2, 3, 3), np.float32)
    pruned[0, 0, 0, :2] = pruned[2, 1] = 1
    net = prototxt_text.read(tmp_path / "deploy.prototxt", caffe_pb2.NetParameter())
    weights.write(tmp_path / "w.caffemodel", net, {"conv": [pruned, np.ones(3, np.float32)]})
    sparse = run(tmp_path, "count", "MODEL=deploy.prototxt", "WEIGHTS=w.caffemodel", "SHAPE=2x5x6")
    assert sparse.returncode == 0, sparse.stderr
    # 11 weights and the biases of two neurons; two kernels; 3 x 4 places; no four inputs, so 2:4 holds of all.
    (conv,) = (columns(line) for line in sparse.stdout.splitlines() if line.strip().startswith("conv"))
    assert conv == "conv|Convolution|3 x 3 x 4|54|3|13|2|648|228|100.0%".split("|")


def test_evolve_ends_with_the_table_and_the_same_again_changes_nothing(tmp_path: Path) -> None:
    net = network(tmp_path)
    first = run(tmp_path, "evolve", f"NET={net}", "GEN=2")
    assert first.returncode == 0, first.stderr
    assert "NOTE: MNIST could not be had" in first.stdout
    assert re.search(r"generation  1  accuracy 0\.\d+  synapses 143,9\d\d  A-E 1\.00", first.stdout)
    assert "paper A-E" not in first.stdout  # these are no MNIST
    gained = r"^(no offspring is within .*; the last is )?generation 2: \d+ % fewer synapses, .* MACs, .* accuracy$"
    assert re.search(gained, first.stdout, re.MULTILINE)
    assert first.stdout.endswith("\nreport: runs/net/seed1/report.html\n")
    files = {path: path.stat().st_mtime_ns for path in (tmp_path / "runs").rglob("gen*/*")}
    again = run(tmp_path, "evolve", f"NET={net}", "GEN=2")
    assert again.returncode == 0
    assert "all 2 generations are there; GEN=3 goes on" in again.stdout
    assert files == {path: path.stat().st_mtime_ns for path in (tmp_path / "runs").rglob("gen*/*")}
    assert "digits" in run(tmp_path, "table").stdout
    pictures = run(tmp_path, "plot", "OUT=pictures")
    assert [Path(line).name for line in pictures.stdout.split()] == ["curves.png", "curves.svg"], pictures.stderr


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_within_ten_seconds_and_the_same_command_resumes(tmp_path: Path, number: signal.Signals) -> None:
    net = network(tmp_path, offspring=LONG)
    running = start(tmp_path, net)
    wait_for_training(tmp_path, running, generation=2)
    errors = ended_soon(running, number)
    assert running.returncode == 128 + number
    assert errors.strip() == "cavefish: stopped; what is committed stays, and the same command resumes"
    assert not list((tmp_path / "runs").rglob("*unfinished*"))
    kept = (tmp_path / "runs/net/seed1/gen001/DONE.json").stat().st_mtime_ns
    resumed = start(tmp_path, net)
    wait_for_training(tmp_path, resumed, generation=2)
    resumed.kill()
    resumed.communicate()
    assert (tmp_path / "runs/net/seed1/gen001/DONE.json").stat().st_mtime_ns == kept


def test_a_signal_ends_siblings_side_by_side_too(tmp_path: Path) -> None:
    net = network(tmp_path, offspring=LONG)
    with open(net / "evolution.prototxt", "a") as settings:
        settings.write("offspring_per_generation: 2\n")
    running = start(tmp_path, net, "THREADS=2")
    for sibling in (1, 2):
        wait_for_training(tmp_path, running, generation=2, place=f".gen002.siblings/.{sibling}.unfinished")
    threads = Path(f"/proc/{running.pid}/task").glob("*/children")
    children = [pid for thread in threads for pid in thread.read_text().split()]
    assert len(children) >= 2
    errors = ended_soon(running, signal.SIGTERM)
    assert running.returncode == 128 + signal.SIGTERM
    assert errors.strip() == "cavefish: stopped; what is committed stays, and the same command resumes"
    assert not list((tmp_path / "runs").rglob("*unfinished*"))
    assert not [pid for pid in children if Path(f"/proc/{pid}").exists()]


def test_a_second_signal_ends_at_once(tmp_path: Path) -> None:
    # The first signal's way out is held up, as a slow disk would: what ends the process is the second one.
    script = (
        "import evolve.command.command as command, signal, time\n"
        "def slow(words):\n"
        "    try:\n        print('ready', flush=True); time.sleep(3600)\n"
        "    finally:\n        print('clearing', flush=True); time.sleep(3600)\n"
        "command.VERBS['doctor'].run = slow\n"
        "raise SystemExit(command.main(['doctor']))\n"
    )
    process = subprocess.Popen(
        [sys.executable, "-c", script], env=environment(), cwd=tmp_path, stdout=subprocess.PIPE, text=True
    )
    assert process.stdout
    assert process.stdout.readline() == "ready\n"
    process.send_signal(signal.SIGTERM)
    assert process.stdout.readline() == "clearing\n"
    process.send_signal(signal.SIGINT)
    assert process.wait(SECONDS) == 130
    process.stdout.close()


def test_a_signal_where_python_lets_no_exception_out_ends_it_all_the_same(tmp_path: Path) -> None:
    script = (
        "import evolve.command.command as command, os, signal, time\n"
        "class Ends:\n    def __del__(self):\n        os.kill(os.getpid(), signal.SIGTERM); time.sleep(3600)\n"
        "def work(words):\n    Ends(); time.sleep(3600)\n"
        "command.VERBS['doctor'].run = work\n"
        "raise SystemExit(command.main(['doctor']))\n"
    )
    command = [sys.executable, "-c", script]
    ended = subprocess.run(command, env=environment(), cwd=tmp_path, capture_output=True, text=True)
    assert ended.returncode == 143
    assert ended.stderr == "cavefish: stopped; what is committed stays, and the same command resumes\n"


def test_our_own_fault_is_status_1_with_a_traceback(tmp_path: Path) -> None:
    script = (
        "import evolve.command.command as command\n"
        "command.VERBS['doctor'].run = lambda words: 1 // 0\n"
        "raise SystemExit(command.main(['doctor']))\n"
    )
    command = [sys.executable, "-c", script]
    result = subprocess.run(command, env=environment(), capture_output=True, text=True, check=False)
    assert result.returncode == 1
    assert "ZeroDivisionError" in result.stderr
    assert "a fault of Cavefish, not yours" in result.stderr


@pytest.mark.parametrize(
    ("file", "old", "new", "message"),
    [
        (
            "train_val.prototxt",
            "num_output: 64",
            "num_outputs: 64",
            ":{line}: ConvolutionParameter has no 'num_outputs'; did you mean num_output?",
        ),
        (
            "train_val.prototxt",
            "$DATA/test",
            "$DATE/test",
            ":{line}: $DATE has no value (known here: $CLASSES, $DATA, $HEIGHT, $NET, $WIDTH); write the value itself",
        ),
        (
            "train_val.prototxt",
            'bottom: "pool1" top: "conv2"',
            'bottom: "pol1" top: "conv2"',
            ":{line}: layer 'conv2': its bottom 'pol1' is the top of no layer before it",
        ),
        (
            "train_val.prototxt",
            "xavier",
            "xavir",
            ":17: layer 'conv1': Caffe: Check failed: false Unknown filler name: xavir",
        ),
        ("train_val.prototxt", 'type: "ReLU"', 'type: "Sine"', ":{line}: layer 'relu1': type Sine is not known here"),
        ("solver.prototxt", "power", "powre", ":{line}: SolverParameter has no 'powre'; did you mean power?"),
        ("evolution.prototxt", "type: PACE", "type: PASE", ":{line}: Type has no 'PASE'; did you mean PACE?"),
        (
            "evolution.prototxt",
            '"mnist"',
            '"minst"',
            ": data set 'minst': expected one of cifar10, coco, digits, images, kitti, kitti_text, lmdb, mnist, "
            "parse27k, stl10, streets, voc, yolo; write 'mnist'",
        ),
    ],
)
def test_check_names_file_line_and_remedy(tmp_path: Path, file: str, old: str, new: str, message: str) -> None:
    path = network(tmp_path) / file
    text = path.read_text()
    line = text[: text.index(old)].count("\n") + 1
    path.write_text(text.replace(old, new, 1))
    result = run(tmp_path, "check", f"NET={path.parent}")
    assert result.returncode == 2
    assert f"cavefish: {path}{message.replace('{line}', str(line))}" in result.stderr


def test_check_of_the_shipped_networks(tmp_path: Path) -> None:
    for name, synapses in (("lenet", "143,978"), ("lenet_bvlc", "431,080")):
        result = run(tmp_path, "check", f"NET={name}")
        assert result.returncode == 0, result.stderr
        assert result.stdout.startswith(f"{name}: {synapses} synapses")


def test_tables_of_no_run_and_of_an_unknown_one(tmp_path: Path) -> None:
    none = run(tmp_path, "table")
    assert none.returncode == 2
    assert f"{tmp_path}/runs: expected runs with generations in them, found none" in none.stderr
    unknown = run(tmp_path, "plot", "RUN=seed9")
    assert unknown.stderr.strip() == "cavefish: RUN=seed9: expected one run of that name; there are: none"


def test_a_window_system_of_former_times_is_no_matter(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MPLBACKEND", "Qt4Agg")
    done = run(tmp_path, "frontier", "OUT=out")
    assert done.returncode == 2 and "expected runs with generations in them, found none" in done.stderr


def test_doctor_lists_what_is_used(tmp_path: Path) -> None:
    result = run(tmp_path, "doctor")
    assert result.returncode == 0, result.stdout
    assert re.search(r"ok      Caffe \S+ at .*, \d+ layer types", result.stdout)
    assert re.search(r"ok      BLAS: .*, kernels for \w+, 1 thread", result.stdout)
    types = "BatchNorm, Convolution, Eltwise, InnerProduct, LRN, Pooling, ReLU, Scale, Split"
    assert f"ok      fast layer types: {types}; all others are stock Caffe's\n" in result.stdout
    declared = re.search(r"install_requires=\[(.*?)\]", (ROOT / "setup.py").read_text(), flags=re.DOTALL)
    names = re.findall(r'^ +"([\w-]+)', declared[1], flags=re.MULTILINE) if declared else []
    assert len(names) > 5
    for name in names:
        assert re.search(rf"ok      {name} \d", result.stdout)
    assert f"ok      cavefish {__version__} in {ROOT}\n" in result.stdout


def start(folder: Path, net: Path, *more: str) -> "subprocess.Popen[str]":
    words = ["evolve", f"NET={net}", "GEN=2", *more]
    return subprocess.Popen(
        [*COMMAND, *words], cwd=folder, env=environment(), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )


def ended_soon(process: "subprocess.Popen[str]", number: int) -> str:
    """What it says when it is sent that signal: it ends within ten seconds, but for those that it waited for a core."""
    waited = pulse.kept_waiting(process.pid)
    process.send_signal(number)
    began = time.monotonic()
    while os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOHANG | os.WNOWAIT) is None:
        assert time.monotonic() - began < SECONDS
        time.sleep(0.01)
    assert time.monotonic() - began - (pulse.kept_waiting(process.pid) - waited) < 10
    _, errors = process.communicate()
    return errors


def wait_for_training(folder: Path, process: "subprocess.Popen[str]", generation: int, place: str = "") -> None:
    """Returns once Caffe has begun to train that generation, or the sibling at `place`."""
    log = folder / "runs/net/seed1" / (place or f".gen{generation:03d}.unfinished") / "train.log"
    deadline = time.monotonic() + SECONDS
    while time.monotonic() < deadline:
        assert process.poll() is None, process.communicate()
        if log.exists() and "Iteration 0" in log.read_text(errors="replace"):
            return
        time.sleep(0.05)
    raise AssertionError(f"{log} did not say that training began")
