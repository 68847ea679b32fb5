"""Every network in prototxt/: nothing would stop its run, real Caffe takes it, and it has the synapses it should."""

import json
import runpy
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from evolve.base import prototxt_text
from evolve.lineage import check, experiment, problems
from evolve.network import phases
from evolve.settings import changes, networks
from tests.datasets import drawn
from tests.forks import FORKS

# Weights and biases. LeNet-5's are what [Cluster16]'s Table 1 gives away; ResNet-56 has no biases but the last one;
# DetectNet's are those of NVIDIA's prototxt, 1,024 + 1 more for each further class.
SYNAPSES = {
    "lenet": 143_978,
    "lenet_bvlc": 431_080,
    "lenet_stl10": 145_578,
    "alexnet_cifar10": 3_985_034,
    "resnet56_cifar10": 851_514,
    "detectnet": 5_978_677,
    "detectnet_kitti": 5_978_677,
    "detectnet_bccd": 5_980_727,
    # On drawn pictures of three classes: 3x3 convolutions without biases, then 96 channels and a bias for each class.
    "starter": 9 * (3 * 16 + 16 * 24 + 24 * 32 + 32 * 48 + 48 * 64 + 64 * 64 + 64 * 96 + 96 * 96) + 3 * 97,
    "detectnet_people": 5_978_677,
}
# And how many classes of them.
FIND_BOXES = {"detectnet": 1, "detectnet_kitti": 1, "detectnet_bccd": 3, "detectnet_people": 1}
SCHEDULES = {
    "lenet": ["dense", "gradual", "long"], "lenet_bvlc": ["gradual", "long"],
    "alexnet_cifar10": ["dense", "short"], "resnet56_cifar10": ["short", "spared"], "detectnet": ["short"],
}  # fmt: skip
COUNT = """
import json, sys, caffe
found = {}
for phase in ("TRAIN", "TEST"):
    net = caffe.Net(f"{phase}.prototxt", getattr(caffe, phase))
    types = dict(zip(net._layer_names, (layer.type for layer in net.layers)))
    found[phase] = {
        "sizes": [[types[name], [int(blob.count) for blob in blobs]] for name, blobs in net.params.items()],
        "outputs": {name: list(net.blobs[name].data.shape) for name in net.outputs},
    }
json.dump(found, open("found.json", "w"))
"""


@cache
def _changed(name: str, folder: Path) -> changes.Changes:
    """What a network needs to be told: the starter's pictures are the user's own."""
    return changes.single(f"dataset.folder={drawn.folders(folder / 'pictures', 2)}") if name == "starter" else ()


def test_every_folder_is_listed_here() -> None:
    folders = {path.name for path in networks.defaults().parent.iterdir() if (path / networks.EVOLUTION).exists()}
    assert folders == set(SYNAPSES)
    for name in SYNAPSES:
        files = networks.find(name).glob("evolution.*.prototxt")
        assert sorted(path.name.split(".")[1] for path in files) == SCHEDULES.get(name, [])


@pytest.mark.parametrize("name", SYNAPSES)
def test_nothing_would_stop_a_run(tmp_path_factory: pytest.TempPathFactory, name: str) -> None:
    """What prototxts tell; one of them is tried below, and Caffe sets up all of them."""
    changed = _changed(name, tmp_path_factory.getbasetemp())
    for schedule in ("", *SCHEDULES.get(name, [])):
        assert problems.of(experiment.load(name, schedule, changed)) == []


def test_two_generations_of_one_are_made(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """With noise for its images, as its data set is not at hand; tests/lineage/test_rehearsal.py tries others."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("CAVEFISH_OFFLINE", "1")
    monkeypatch.delenv("CAVEFISH_DATA", raising=False)
    said = check.check("lenet_stl10")
    assert said.startswith("lenet_stl10: 145,578 synapses")
    assert "sound, as far as can be told without its data set: data set 'stl10': " in said


@pytest.mark.parametrize("name", SYNAPSES)
@pytest.mark.parametrize("phase", ["TRAIN", "TEST"])
def test_caffe_takes_it_with_these_synapses(tmp_path_factory: pytest.TempPathFactory, name: str, phase: str) -> None:
    found = _loaded(name, tmp_path_factory.getbasetemp())[phase]
    weights = sum(sum(sizes) for kind, sizes in found["sizes"] if kind in ("Convolution", "InnerProduct"))
    assert weights == SYNAPSES[name]
    assert sorted(found["outputs"]) == sorted(_outputs(name, phase))
    # Losses and scores are single numbers.
    boxes = name in FIND_BOXES and phase == "TEST"
    assert boxes or all(shape == [] for shape in found["outputs"].values())


def _outputs(name: str, phase: str) -> list[str]:
    if name not in FIND_BOXES:
        return ["loss"] if phase == "TRAIN" else ["accuracy", "loss"]
    if phase == "TRAIN":
        return ["loss_bbox", "loss_coverage"]
    # What scores are made of: the labels come with the images.
    return ["truth", "labels", *(f"detections-{number + 1}" for number in range(FIND_BOXES[name]))]


@cache
def _loaded(name: str, folder: Path) -> dict[str, Any]:
    """What Caffe says of both phases' nets, with Input layers for their data."""
    chosen = experiment.load(name, changed=_changed(name, folder))
    folder = folder / f"network_{name}"
    folder.mkdir()
    net = chosen.net(Path("/data-set"))
    for phase in ("TRAIN", "TEST"):
        shape = phases.example_shape(phases.data_layer(net, phase), chosen.stored_shape())
        prototxt_text.write(phases.fed_by_inputs(net, phase, shape), folder / f"{phase}.prototxt")
    ours = {"PYTHONPATH": str(networks.defaults().parents[1])}  # layers of Python are found there
    child = FORKS.script(COUNT, folder=folder, GLOG_minloglevel="2", **ours)
    assert child.returncode == 0, child.stderr
    found: dict[str, Any] = json.loads((folder / "found.json").read_text())
    return found


def test_resnet56_has_the_papers_parameters(tmp_path_factory: pytest.TempPathFactory) -> None:
    """0.85 million in He et al.'s Table 6; each part by hand, two projections with their normalisation included."""
    sizes = _loaded("resnet56_cifar10", tmp_path_factory.getbasetemp())["TRAIN"]["sizes"]
    convolutions = 3 * 3 * (3 * 16 + 18 * 16 * 16 + 16 * 32 + 17 * 32 * 32 + 32 * 64 + 17 * 64 * 64)
    projections = 16 * 32 + 32 * 64
    scales = 2 * (16 + 18 * 16 + 18 * 32 + 18 * 64 + 32 + 64)
    classifier = 64 * 10 + 10
    assert sum(sum(each) for kind, each in sizes if kind == "Convolution") == convolutions + projections
    assert sum(sum(each) for kind, each in sizes if kind == "Scale") == scales
    trained = sum(sum(each) for kind, each in sizes if kind != "BatchNorm")
    assert trained == convolutions + projections + scales + classifier == 855_770
    # Convolutions of 3x3 in a row, and the classifier: what a ResNet counts as its depth.
    assert sum(kind in ("Convolution", "InnerProduct") for kind, _ in sizes) - 2 == 56


def test_resnet56_is_as_its_generator_writes_it() -> None:
    folder = networks.find("resnet56_cifar10")
    written = runpy.run_path(str(folder / "write_train_val.py"))["train_val"]()
    assert written == (folder / "train_val.prototxt").read_text(encoding="utf-8")


@pytest.mark.parametrize("form", ["train_val", "scratch_train_val"])
def test_detectnet_is_as_its_generator_writes_it(form: str) -> None:
    folder = networks.find("detectnet")
    written = runpy.run_path(str(folder / "write_train_val.py"))["train_val"](form == "scratch_train_val")
    assert written == (folder / f"{form}.prototxt").read_text(encoding="utf-8")


@pytest.mark.parametrize("name", FIND_BOXES)
def test_detectnet_has_nvidias_parameters(tmp_path_factory: pytest.TempPathFactory, name: str) -> None:
    """59 convolutions; of one class 5,971,392 weights and 7,285 biases, and a row of 1,024 weights for each more."""
    sizes = _loaded(name, tmp_path_factory.getbasetemp())["TRAIN"]["sizes"]
    assert [kind for kind, _ in sizes] == ["Convolution"] * 59
    more = FIND_BOXES[name] - 1
    assert [sum(part) for part in zip(*(each for _, each in sizes), strict=True)] == [
        5_971_392 + 1024 * more, 7_285 + more
    ]  # fmt: skip
