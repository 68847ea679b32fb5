"""What Caffe saves and a disk cuts off is not relied on: every cut is found, wherever it is."""

import errno
from pathlib import Path

import pytest

caffe = pytest.importorskip("caffe")

from evolve.training import snapshots  # noqa: E402

NET = """
layer { name: "data" type: "DummyData" top: "data" top: "label" dummy_data_param {
  shape { dim: 2 dim: 3 } shape { dim: 2 } } }
layer { name: "ip" type: "InnerProduct" bottom: "data" top: "ip" inner_product_param { num_output: 2 } }
layer { name: "loss" type: "SoftmaxWithLoss" bottom: "ip" bottom: "label" top: "loss" }
"""


@pytest.fixture
def solver(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> object:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "net.prototxt").write_text(NET)
    (tmp_path / "solver.prototxt").write_text(
        'net: "net.prototxt" base_lr: 0.1 momentum: 0.9 lr_policy: "fixed" max_iter: 9 snapshot_prefix: "state"\n'
        "snapshot_after_train: false solver_mode: CPU\n"
    )
    made = caffe.get_solver("solver.prototxt")
    made.step(1)
    return made


def test_every_cut_of_a_caffemodel_is_found(solver: object, tmp_path: Path) -> None:
    net = solver.net  # type: ignore[attr-defined]
    path = tmp_path / "saved.caffemodel"
    snapshots.save_net(net, path)
    whole = path.read_bytes()
    for length in range(len(whole)):
        path.write_bytes(whole[:length])
        with pytest.raises(OSError) as cut:
            snapshots.check_caffemodel(path, layers=len(net.layers))
        assert (cut.value.errno, cut.value.filename) == (errno.EIO, str(path))
    path.write_bytes(whole)
    snapshots.check_caffemodel(path, layers=len(net.layers))


def test_every_cut_of_a_solverstate_is_found(solver: object, tmp_path: Path) -> None:
    solver.snapshot()  # type: ignore[attr-defined]
    path = tmp_path / "state_iter_1.solverstate"
    whole = path.read_bytes()
    snapshots.check_solverstate(path)
    for length in range(len(whole)):
        path.write_bytes(whole[:length])
        with pytest.raises(OSError) as cut:
            snapshots.check_solverstate(path)
        assert (cut.value.errno, cut.value.strerror) == (errno.EIO, "cut off while it was written")
