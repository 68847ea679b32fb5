"""A network that finds boxes evolves on drawn streets, with real Caffe, from nothing to offspring."""

import contextlib
import csv
import shutil
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import small_detectnet

from evolve.base import prototxt_text
from evolve.base.caffe_messages import caffe_pb2
from evolve.base.errors import UserError
from evolve.datasets import lookup
from evolve.lineage import experiment, lineage
from evolve.network import weights
from evolve.network.layers import detectnet_parameters
from evolve.runs import generation, paths
from evolve.runs.metrics import Metrics
from evolve.runs.score import Score
from tests.runs import made_up

SCORES = ("precision", "recall", "map", "ap")


@pytest.fixture(scope="module", autouse=True)
def _small_frames() -> Iterator[None]:
    """Streets are drawn at twice the network's size, instead of four times."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(lookup.module("streets"), "SIZE", (320, 192))
        yield


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return evolve(tmp_path_factory.mktemp("detection"))


def evolve(folder: Path, generations: int = 0) -> Path:
    if not (folder / "small").exists():
        small_detectnet.write(folder / "small")
    with contextlib.chdir(folder):
        return lineage.evolve("small", generations)


def net(run: Path, number: int, name: str) -> caffe_pb2.NetParameter:
    return prototxt_text.read(paths.generation(run, number) / name, caffe_pb2.NetParameter())


def test_every_generation_is_scored(run: Path) -> None:
    for number in (1, 2, 3):
        made = Metrics.read(paths.generation(run, number))
        assert all(0 <= getattr(made.score, name) <= 1 for name in SCORES)
        (found,) = made.score.classes.values()
        assert set(made.score.classes) == {"pedestrian"} and found.ap == made.score.ap and found.map is not None
        assert made.dataset.name == "streets"
        assert "drawn, not photographed" in made.dataset.notice


@pytest.mark.parametrize(("recall", "told"), [(0.0, True), (0.01, False), (None, False)])
def test_a_generation_that_finds_no_object_is_told_of(recall: float | None, told: bool) -> None:
    """A classifier, which has no recall, is none."""
    found = Score(accuracy=0.0) if recall is None else Score(precision=recall, recall=recall, map=recall, ap=recall)
    assert ("(finds none of the objects)" in lineage.described(made_up.metrics(2, score=found))) is told


def test_the_ancestor_is_the_plain_net(run: Path) -> None:
    """What BatchNorm and Scale learned is in its convolutions."""
    folder = paths.generation(run, 1)
    kinds = {layer.type for layer in net(run, 1, paths.TRAIN_VAL).layer}
    assert not kinds & {"BatchNorm", "Scale"} and "LRN" in kinds
    learned = weights.read(folder / paths.WEIGHTS)
    assert not any(name.endswith(("/bn", "/scale")) for name in learned)
    # BatchNorm's terms: its fillers leave biases at 0.
    assert all(learned[name][1].any() for name in ("conv1/7x7_s2", "inception_3a/3x3"))
    left = {path.name for path in folder.iterdir()}
    assert left == {paths.TRAIN_VAL, paths.DEPLOY, paths.SOLVER, paths.WEIGHTS, paths.METRICS, paths.TRAIN_LOG,
                    paths.DETECTIONS, paths.DONE}  # fmt: skip


def test_offspring_lose_whole_blocks_of_neurons(run: Path) -> None:
    first, *_, last = (Metrics.read(paths.generation(run, number)) for number in (1, 2, 3))
    assert last.synapses < 0.6 * first.synapses and last.macs < 0.7 * first.macs
    for layer in net(run, 3, paths.DEPLOY).layer:
        outputs = layer.convolution_param.num_output
        assert outputs % 8 == 0 or layer.name in ("cvg/classifier", "bboxes")


def test_a_device_gets_the_net_alone(run: Path) -> None:
    deployed = net(run, 3, paths.DEPLOY)
    assert "Python" not in {layer.type for layer in deployed.layer}
    assert list(deployed.layer[0].input_param.shape[0].dim) == [1, 3, 96, 160]
    tops = {top for layer in deployed.layer for top in layer.top}
    assert {"coverage", "bboxes"} < tops and not tops & {"truth", "labels", "foreground"}
    assert "# input: pixels 0..255, minus 127\n" in (paths.generation(run, 3) / paths.DEPLOY).read_text()


def test_the_lineage_lists_the_scores(run: Path) -> None:
    with open(run / paths.LINEAGE, newline="") as file:
        rows = list(csv.DictReader(file))
    assert [row["generation"] for row in rows] == ["1", "2", "3"]
    for number, row in enumerate(rows, start=1):
        made = Metrics.read(paths.generation(run, number))
        assert {name: float(row[name]) for name in SCORES} == {name: getattr(made.score, name) for name in SCORES}
        assert row["accuracy"] == ""


def test_a_line_a_generation_tells_the_scores(run: Path) -> None:
    made = Metrics.read(paths.generation(run, 2))
    line, score = "  ".join(lineage.described(made)), made.score
    assert f"precision {score.precision:.4f}  recall {score.recall:.4f}  ap {score.ap:.4f}  " in line


def test_every_generation_sees_other_images(run: Path) -> None:
    """Its augmentation is drawn from its own solver's seed; the part from scratch from yet another one."""
    solvers = [prototxt_text.read(paths.generation(run, n) / paths.SOLVER, caffe_pb2.SolverParameter())
               for n in (1, 2, 3)]  # fmt: skip
    seeds = [
        detectnet_parameters.parse(layer.python_param.param_str).seed
        for n in (1, 2, 3) for layer in net(run, n, paths.TRAIN_VAL).layer if layer.name == "data"
    ]  # fmt: skip
    assert seeds[::2] == seeds[1::2] == [solver.random_seed for solver in solvers] == [1001, 1002, 1003]


def test_nothing_of_training_stays(run: Path) -> None:
    assert not list(run.glob(".gen*"))


# A worker that ends itself as it is about to report: a signal from outside may come too late.
KILLED = """
import json, os, signal, sys

def dumps(message, said=json.dumps):
    progress = message.get("progress", {{}})
    if progress.get("of") == {of} and progress["iteration"] >= {at}:
        os.kill(os.getpid(), signal.SIGKILL)
    return said(message)

if "evolve.training.worker" in sys.orig_argv:
    json.dumps = dumps
"""


@pytest.mark.parametrize(("of", "at", "resumed"), [(10, 9, (8, 0)), (6, 5, (10, 4))])
def test_a_killed_ancestor_goes_on_with_the_same_bytes(
    run: Path, tmp_path: Path, started_anew: None, of: int, at: int, resumed: tuple[int, int]
) -> None:
    """In the form that it begins in, and in its own: what was done before is not done again."""
    shutil.copytree(run.parents[2] / "data", tmp_path / "data")
    (tmp_path / "killed").mkdir()
    (tmp_path / "killed" / "sitecustomize.py").write_text(KILLED.format(of=of, at=at))
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(tmp_path / "killed")
        with pytest.raises(UserError, match="killed"):
            evolve(tmp_path, 1)
    again = evolve(tmp_path, 1)
    made = Metrics.read(paths.generation(again, 1))
    scratch = made.training.scratch
    assert scratch and (scratch.resumed, made.training.resumed) == resumed
    assert generation.sha256(paths.generation(again, 1) / paths.WEIGHTS) == generation.sha256(
        paths.generation(run, 1) / paths.WEIGHTS
    )


def test_another_networks_weights_are_a_start(
    run: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """As bvlc_googlenet's: the trunk's layers by name, a classifier of its own, no coverage and no boxes."""
    shutil.copytree(run.parents[2] / "data", tmp_path / "data")
    small_detectnet.write(tmp_path / "small")
    chosen = experiment.load(str(tmp_path / "small"))
    shapes = chosen.graph(chosen.net(tmp_path), chosen.stored_shape()).blob_shapes()
    random, given = np.random.default_rng(7), {}
    for name, blobs in shapes.items():
        if name not in ("cvg/classifier", "bboxes"):
            spread = (2 / np.prod(blobs[0][1:])) ** 0.5
            given[name] = [random.normal(0, spread, shape).astype(np.float32) for shape in blobs]
    given["loss3/classifier"] = [np.ones((1000, 1024), np.float32), np.zeros(1000, np.float32)]
    googlenet = caffe_pb2.NetParameter()
    for name in given:
        googlenet.layer.add(name=name, type="InnerProduct" if name.startswith("loss") else "Convolution")
    weights.write(tmp_path / "googlenet.caffemodel", googlenet, given)
    with contextlib.chdir(tmp_path):
        begun = lineage.evolve("small", 1, pretrained=tmp_path / "googlenet.caffemodel")
    said, source = capsys.readouterr().out.splitlines(), tmp_path / "googlenet.caffemodel"
    wanted = [
        f"{source}: {len(given) - 1} of {len(given) + 1} layers with weights start from it",
        f"layer 'cvg/classifier': no weights of that name in {source}: from its filler",
        f"layer 'bboxes': no weights of that name in {source}: from its filler",
        f"{source}: not used, the net has no such layers: loss3/classifier",
    ]
    assert [line for line in said if "googlenet.caffemodel" in line] == wanted
    made = Metrics.read(paths.generation(begun, 1)).training
    assert made.from_fillers == ["cvg/classifier", "bboxes"] and made.iterations == 6
    # Without the part that makes a start from nothing.
    assert made.scratch is None and made.pretrained == generation.sha256(source)
    learned = weights.read(paths.generation(begun, 1) / paths.WEIGHTS)["conv1/7x7_s2"][0]
    assert 0.8 < np.corrcoef(learned.ravel(), given["conv1/7x7_s2"][0].ravel())[0, 1] < 1
