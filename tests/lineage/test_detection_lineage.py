"""A network that finds boxes evolves on drawn streets, with real Caffe, from nothing to offspring."""

import contextlib
import csv
import shutil
from pathlib import Path

import pytest
import small_detectnet

from evolve import generation, lineage, paths
from evolve.errors import UserError
from evolve.network import text, weights
from evolve.network.caffe_proto import caffe_pb2
from evolve.training import caffe_process

SCORES = ("precision", "recall", "map", "ap")


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return evolve(tmp_path_factory.mktemp("detection"))


def evolve(folder: Path, generations: int = 0) -> Path:
    if not (folder / "small").exists():
        small_detectnet.write(folder / "small")
    with contextlib.chdir(folder):
        return lineage.evolve("small", generations)


def net(run: Path, number: int, name: str) -> caffe_pb2.NetParameter:
    return text.read(paths.generation(run, number) / name, caffe_pb2.NetParameter())


def test_every_generation_is_scored(run: Path) -> None:
    for number in (1, 2, 3):
        made = generation.metrics(paths.generation(run, number))
        assert all(0 <= made[name] <= 1 for name in SCORES)
        assert set(made["classes"]) == {"pedestrian"} and set(made["classes"]["pedestrian"]) == set(SCORES)
        assert made["dataset"]["name"] == "streets"
        assert "drawn, not photographed" in made["dataset"]["notice"]


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
    first, *_, last = (generation.metrics(paths.generation(run, number)) for number in (1, 2, 3))
    assert last["synapses"] < 0.6 * first["synapses"] and last["macs"] < 0.7 * first["macs"]
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


def test_a_line_a_generation_tells_the_scores(run: Path) -> None:
    made = generation.metrics(paths.generation(run, 2))
    line = lineage.describe(made)
    assert f"precision {made['precision']:.4f}  recall {made['recall']:.4f}  ap {made['ap']:.4f}  " in line


def test_nothing_of_training_stays(run: Path) -> None:
    assert not list(run.glob(".gen*"))


@pytest.mark.parametrize(("part", "at", "resumed"), [(1, 17, (16, 0)), (2, 9, (24, 8))])
def test_a_killed_ancestor_goes_on_with_the_same_bytes(
    run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, part: int, at: int, resumed: tuple[int, int]
) -> None:
    """In the form that it begins in, and in its own: what was done before is not done again."""
    shutil.copytree(run.parents[2] / "data", tmp_path / "data")
    call = caffe_process.CaffeProcess.call

    parts: list[str] = []

    def killed(self, task, report=lambda progress: None, **arguments):  # type: ignore[no-untyped-def]
        def look(progress: dict) -> None:
            if len(parts) == part and progress.get("iteration", 0) >= at:
                self._process.kill()

        parts.extend([task] * (task == "train"))
        return call(self, task, look if task == "train" else report, **arguments)

    with monkeypatch.context() as patch:
        patch.setattr(caffe_process.CaffeProcess, "call", killed)
        with pytest.raises(UserError, match="killed"):
            evolve(tmp_path, 1)
    again = evolve(tmp_path, 1)
    made = generation.metrics(paths.generation(again, 1))
    assert (made["training"]["scratch"]["resumed"], made["training"]["resumed"]) == resumed
    assert generation.sha256(paths.generation(again, 1) / paths.WEIGHTS) == generation.sha256(
        paths.generation(run, 1) / paths.WEIGHTS
    )
