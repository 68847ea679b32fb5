"""Retraining on real Caffe: what is absent stays absent, looked at after every single iteration."""

import contextlib
import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from evolve.base import prototxt_text
from evolve.base.caffe_messages import caffe_pb2
from evolve.base.machine import Machine
from evolve.network import weights
from evolve.training.caffe_process import CaffeProcess

ROOT = Path(__file__).resolve().parents[2]
STEPS = 30

NET = """
layer { name: "data" type: "DummyData" top: "data" top: "label" dummy_data_param {
  shape { dim: 8 dim: 1 dim: 8 dim: 8 } data_filler { type: "gaussian" std: 1 }
  shape { dim: 8 } data_filler { type: "uniform" min: 0 max: 4.99 } } }
layer { name: "conv1" type: "Convolution" bottom: "data" top: "conv1"
  convolution_param { num_output: 4 kernel_size: 3 weight_filler { type: "constant" value: 0.5 }
    bias_filler { type: "constant" value: 0.25 } } }
layer { name: "relu1" type: "ReLU" bottom: "conv1" top: "conv1" }
layer { name: "pool1" type: "Pooling" bottom: "conv1" top: "pool1"
  pooling_param { pool: AVE kernel_size: 2 stride: 2 } }
layer { name: "ip1" type: "InnerProduct" bottom: "pool1" top: "ip1"
  inner_product_param { num_output: 8 weight_filler { type: "constant" value: 0.5 } } }
layer { name: "relu2" type: "ReLU" bottom: "ip1" top: "ip1" }
layer { name: "ip2" type: "InnerProduct" bottom: "ip1" top: "ip2"
  inner_product_param { num_output: 5 weight_filler { type: "constant" value: 0.5 } } }
layer { name: "loss" type: "SoftmaxWithLoss" bottom: "ip2" bottom: "label" top: "loss" }
"""
SHAPES = {"conv1": (4, 1, 3, 3), "ip1": (8, 36), "ip2": (5, 8)}
SYNAPSES = {name: int(np.prod(shape)) for name, shape in SHAPES.items()}

SOLVERS = {
    "SGD": "base_lr: 0.05 momentum: 0.9",
    "Nesterov": "base_lr: 0.05 momentum: 0.9",
    "AdaGrad": "base_lr: 0.05",
    "RMSProp": "base_lr: 0.01 rms_decay: 0.9",
    "AdaDelta": "base_lr: 1 momentum: 0.95 delta: 1e-6",
    "Adam": "base_lr: 0.01 momentum: 0.9 momentum2: 0.999",
}
CASES = {f"{kind} {decay}": f'type: "{kind}" {rest} weight_decay: 0.01 regularization_type: "{decay}"'
         for kind, rest in SOLVERS.items() for decay in ("L2", "L1")}  # fmt: skip
CASES |= {
    "SGD debug_info": f"{CASES['SGD L2']} debug_info: true",
    "SGD clipped": f"{CASES['SGD L2']} clip_gradients: 0.1",
    "SGD iter_size 2": f"{CASES['SGD L2']} iter_size: 2",
    "Adam clipped, iter_size 2": f"{CASES['Adam L2']} clip_gradients: 0.1 iter_size: 2",
}

FILLER = 'weight_filler { type: "constant" value: 0.5 }'
SPARSE = {FILLER: 'weight_filler { type: "gaussian" std: 1 sparse: 2 }'}
HEAD = {'name: "ip2"': 'name: "head"'}  # which the genome has not
UNFILLED = {FILLER: ""}  # Caffe's own filler: 0
# What is other in the net, whether it inherits weights, and whether only absent ones are zero as training begins.
BEGINNINGS: dict[str, tuple[dict[str, str], bool, bool]] = {
    "inherited": (UNFILLED, True, True),
    "inherited, but for a head that is filled": (HEAD, True, True),
    "inherited, but for a head without a filler": (HEAD | UNFILLED, True, False),
    "filled": ({}, False, True),
    "filled with zeros among others": (SPARSE, False, False),
}


@pytest.fixture(scope="module")
def watched(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """Every case trained with and without the mask by one child process, which looks after each iteration."""
    folder = tmp_path_factory.mktemp("retrain")
    _write_genome(folder)
    for name, words in CASES.items():
        _write_solver(folder, f"{words} max_iter: {STEPS}", f"{name}.prototxt")
    child = subprocess.run(
        [sys.executable, __file__, *CASES],
        cwd=folder,
        env=os.environ | {"PYTHONPATH": str(ROOT), "OPENBLAS_NUM_THREADS": "1", "GLOG_minloglevel": "2"},
        capture_output=True,
        text=True,
    )
    assert child.returncode == 0, child.stderr
    return json.loads((folder / "watched.json").read_text())


@pytest.mark.parametrize("case", CASES)
def test_no_absent_synapse_ever_revives(case: str, watched: dict[str, Any]) -> None:
    seen = watched[case]["kept"]
    assert len(seen["revived"]) == STEPS and set(seen["revived"]) == {0}
    assert seen["answer"]["revived"] == 0 and seen["answer"]["iterations"] == STEPS


@pytest.mark.parametrize("case", CASES)
def test_without_the_mask_they_do(case: str, watched: dict[str, Any]) -> None:
    """So the test above can fail, with each solver."""
    seen = watched[case]["alone"]
    assert len(seen["revived"]) == STEPS and min(seen["revived"]) > 0.5 * watched["absent"]
    assert seen["answer"]["revived"] == seen["revived"][-1]


@pytest.mark.parametrize("case", CASES)
def test_fast_layers_are_told_whether_absent_stays_absent(case: str, watched: dict[str, Any]) -> None:
    assert watched[case]["kept"]["promised"] == [True] and watched[case]["alone"]["promised"] == [False]


@pytest.mark.parametrize("case", CASES)
def test_only_the_net_that_retraining_makes_has_blobs_that_nobody_reads(case: str, watched: dict[str, Any]) -> None:
    told = "debug_info" in case  # where Caffe reads them all
    assert watched[case]["kept"]["unread"] == [not told, False]
    assert watched[case]["alone"]["unread"] == [False, False]


@pytest.mark.parametrize("begun", BEGINNINGS)
def test_fast_layers_are_told_so_where_only_absent_weights_begin_with_zero(begun: str, watched: dict[str, Any]) -> None:
    assert watched["begun"][begun] == [BEGINNINGS[begun][-1]]


@pytest.mark.parametrize("begun", ["inherited, but for a head without a filler", "filled with zeros among others"])
def test_weights_that_begin_with_zero_learn_on_fast_layers_too(begun: str, tmp_path: Path) -> None:
    """Also those that get no gradient at first: of ip1's outputs, few images reach one."""
    other, inherit, _ = BEGINNINGS[begun]
    genome = _write_genome(tmp_path)
    genome["ip1"][1][:] = -1
    weights.write(tmp_path / "genome.caffemodel", prototxt_text.parse(NET, caffe_pb2.NetParameter(), "net"), genome)
    # As many images as fill the lanes of a vector.
    _write_net(tmp_path, {"dim: 8 dim: 1 ": "dim: 32 dim: 1 ", "shape { dim: 8 }": "shape { dim: 32 }"} | other)
    _write_solver(tmp_path, 'type: "SGD" base_lr: 0.01 max_iter: 100')
    learned = []
    for fast in (True, False):
        with CaffeProcess(tmp_path, tmp_path / "log", tmp_path / "net.prototxt", Machine(fast=fast)) as caffe:
            caffe.call("train", solver="solver.prototxt", output="trained", genome="genome.caffemodel",
                       inherit=inherit)  # fmt: skip
        trained = weights.read(tmp_path / "trained")
        learned.append({name: (blobs[0] != 0).tolist() for name, blobs in trained.items()})
    on_fast, on_stock = learned
    assert on_fast == on_stock


def test_the_promise_ends_with_a_solver_that_cannot_be_made_too(watched: dict[str, Any]) -> None:
    """The same process does other tasks after one that failed."""
    assert watched["unread, refused"] == [True, False]


@pytest.mark.parametrize("case", CASES)
def test_existing_synapses_learn(case: str, watched: dict[str, Any]) -> None:
    seen = watched[case]["kept"]
    assert min(seen["changed"].values()) > 0.9, seen["changed"]


def test_a_layer_of_which_all_exists_is_left_to_the_solver(tmp_path: Path, caffe: CaffeProcess) -> None:
    """Trained with and without the mask, a whole genome comes to the same bits."""
    _write_genome(tmp_path, present=1.0)
    _write_solver(tmp_path, f"{CASES['SGD L2']} max_iter: 5")
    for output, keep in (("with", True), ("without", False)):
        caffe.call("train", solver="solver.prototxt", output=output, genome="genome.caffemodel",
                   keep_absent=keep)  # fmt: skip
    assert (tmp_path / "with").read_bytes() == (tmp_path / "without").read_bytes()


def test_without_inheritance_the_fillers_fill_what_exists(tmp_path: Path, caffe: CaffeProcess) -> None:
    genome = _write_genome(tmp_path)
    # A learning rate of nothing shows what training started from.
    _write_solver(tmp_path, 'type: "SGD" base_lr: 0 max_iter: 1')
    caffe.call("train", solver="solver.prototxt", output="fresh.caffemodel",
               genome="genome.caffemodel", inherit=False)  # fmt: skip
    fresh = weights.read(tmp_path / "fresh.caffemodel")
    for name, (matrix, _) in genome.items():
        assert np.array_equal(fresh[name][0], np.where(matrix != 0, np.float32(0.5), np.float32(0))), name
    assert np.array_equal(fresh["conv1"][1], np.full(4, 0.25, np.float32))


def test_with_inheritance_training_starts_from_the_genome(tmp_path: Path, caffe: CaffeProcess) -> None:
    genome = _write_genome(tmp_path)
    _write_solver(tmp_path, 'type: "SGD" base_lr: 0 max_iter: 1')
    caffe.call("train", solver="solver.prototxt", output="same.caffemodel",
               genome="genome.caffemodel")  # fmt: skip
    same = weights.read(tmp_path / "same.caffemodel")
    for name, blobs in genome.items():
        assert all(np.array_equal(a, b) for a, b in zip(blobs, same[name], strict=True)), name


def test_the_loss_is_reported_on_the_way(tmp_path: Path, caffe: CaffeProcess) -> None:
    _write_genome(tmp_path)
    _write_solver(tmp_path, f"{CASES['SGD L2']} max_iter: 20")
    seen: list[dict[str, Any]] = []
    answer = caffe.call("train", seen.append, solver="solver.prototxt", output="trained")
    assert [each["iteration"] for each in seen][-1] == 20 and {each["of"] for each in seen} == {20}
    assert [each["iteration"] for each in seen] == sorted({each["iteration"] for each in seen})
    assert seen[-1]["loss"] == answer["loss"] > 0


@pytest.mark.parametrize(
    ("solver", "words"),
    [
        ("momentum: 0.9 max_iter: 50", r"the loss is (nan|inf)"),
        # Its only loss is that of the genome, which is sound.
        ("weight_decay: 1e10 max_iter: 1", r"layer '\w+' has weights that are no finite numbers"),
    ],
)
def test_divergence_is_the_answer(tmp_path: Path, caffe: CaffeProcess, solver: str, words: str) -> None:
    _write_genome(tmp_path)
    _write_solver(tmp_path, f'type: "SGD" base_lr: 1e30 {solver}')
    answer = caffe.call("train", solver="solver.prototxt", output="trained", genome="genome.caffemodel")
    assert answer.keys() == {"diverged"}
    assert re.fullmatch(rf"{words} at iteration \d+: training diverged", answer["diverged"])
    assert not (tmp_path / "trained").exists()


def _write_net(folder: Path, other: dict[str, str]) -> None:
    """net.prototxt in `folder`: NET, with other words for some."""
    text = NET
    for old, new in other.items():
        assert old in text
        text = text.replace(old, new)
    (folder / "net.prototxt").write_text(text)


def _write_genome(folder: Path, present: float = 0.4) -> weights.Weights:
    """net.prototxt and genome.caffemodel in `folder`: weights of which a part exists, and their biases."""
    random = np.random.default_rng(3)
    _write_net(folder, {})
    genome: weights.Weights = {}
    for name, shape in SHAPES.items():
        matrix = random.uniform(0.1, 0.5, shape) * random.choice([-1, 1], shape) * (random.random(shape) < present)
        genome[name] = [matrix.astype(np.float32), random.uniform(0.1, 0.3, shape[0]).astype(np.float32)]
    weights.write(folder / "genome.caffemodel", prototxt_text.parse(NET, caffe_pb2.NetParameter(), "net"), genome)
    return genome


def _write_solver(folder: Path, words: str, name: str = "solver.prototxt") -> None:
    fixed = 'net: "net.prototxt" lr_policy: "fixed" random_seed: 1 snapshot_after_train: false solver_mode: CPU'
    (folder / name).write_text(f"{fixed} {words}\n")


class _Watch:
    """In the child: the solver that train.train makes, and what its net has after each iteration."""

    def __init__(self, genome: weights.Weights) -> None:
        self._genome = genome
        self.revived: list[int] = []
        self.solver: Any = None

    def get_solver(self, path: str) -> Any:
        self.solver = _get_solver(path)
        return self.solver

    def look(self, progress: dict[str, Any]) -> None:
        assert progress["iteration"] == len(self.revived) + 1
        self.revived.append(sum(int(np.count_nonzero(self._matrix(n)[g[0] == 0])) for n, g in self._genome.items()))

    def changed(self) -> dict[str, float]:
        """The part of each layer's existing synapses that are no more what they were."""
        genome = {name: blobs[0] for name, blobs in self._genome.items()}
        return {n: float((self._matrix(n)[g != 0] != g[g != 0]).mean()) for n, g in genome.items()}

    def _matrix(self, layer: str) -> np.ndarray:
        return self.solver.net.params[layer][0].data


def _train_watched(case: str, keep_absent: bool, genome: weights.Weights) -> dict[str, Any]:
    watch = _Watch(genome)
    promised: list[bool] = []
    unread: list[bool] = []
    train.caffe.get_solver = watch.get_solver
    train.fastcaffe.absent_stays_absent = promised.append  # type: ignore[assignment]
    train.fastcaffe.blobs_between_unread = unread.append  # type: ignore[assignment]
    answer = train.train(
        solver=f"{case}.prototxt",
        output="trained.caffemodel",
        genome="genome.caffemodel",
        keep_absent=keep_absent,
        report=watch.look,
    )
    seen = {"revived": watch.revived, "changed": watch.changed(), "answer": answer}
    return seen | {"promised": promised, "unread": unread}


def _promised_where_no_solver_is_made(case: str, inherit: bool = True) -> tuple[list[bool], list[bool]]:
    """What was promised of absent weights, and of blobs in between."""

    def refuse(path: str) -> Any:
        raise RuntimeError("no such layer")

    promised: list[bool] = []
    unread: list[bool] = []
    train.caffe.get_solver = refuse
    train.fastcaffe.absent_stays_absent = promised.append  # type: ignore[assignment]
    train.fastcaffe.blobs_between_unread = unread.append  # type: ignore[assignment]
    with contextlib.suppress(RuntimeError):
        train.train(solver=f"{case}.prototxt", output="none.caffemodel", genome="genome.caffemodel", inherit=inherit)
    return promised, unread


if __name__ == "__main__":
    from evolve.training import train

    _get_solver = train.caffe.get_solver
    train._SECONDS_BETWEEN_REPORTS = 0  # a report after every iteration
    _genome = weights.read(Path("genome.caffemodel"))
    _seen: dict[str, Any] = {"absent": sum(int(np.count_nonzero(blobs[0] == 0)) for blobs in _genome.values())}
    for _case in sys.argv[1:]:
        _seen[_case] = {key: _train_watched(_case, key == "kept", _genome) for key in ("kept", "alone")}
    _seen["unread, refused"] = _promised_where_no_solver_is_made("SGD L2")[1]
    _seen["begun"] = {}
    for _begun, (_other, _inherit, _) in BEGINNINGS.items():
        _write_net(Path(), _other)
        _seen["begun"][_begun] = _promised_where_no_solver_is_made("SGD L2", _inherit)[0]
    Path("watched.json").write_text(json.dumps(_seen))
