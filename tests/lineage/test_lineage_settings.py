"""What settings and a caffemodel of the user's own make of a generation, on real Caffe."""

import json
import os
import re
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from evolve.base import prototxt_text
from evolve.base.caffe_messages import caffe_pb2
from evolve.base.errors import UserError
from evolve.base.machine import Machine
from evolve.lineage import check, lineage
from evolve.network import weights
from evolve.runs import generation, paths, run_folder
from evolve.runs.metrics import Metrics


def test_a_trained_caffemodel_is_generation_1(place: Any, reference: Any) -> None:
    trained = place.folder / "mine.caffemodel"
    trained.write_bytes(reference.caffemodel(1))
    place.evolve(2, pretrained=trained)
    assert (place.run / "gen001" / "weights.caffemodel").read_bytes() == reference.caffemodel(1)
    first, theirs = Metrics.read(place.run / "gen001"), Metrics.read(reference.run / "gen001")
    assert first.training.iterations == 0 and first.score == theirs.score
    # The same parent, the same seed: the same offspring.
    assert (place.run / "gen002" / "weights.caffemodel").read_bytes() == reference.caffemodel(2)


def test_a_caffemodel_is_named_from_this_folder(
    place: Any, reference: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever folder Caffe works in."""
    (place.folder / "mine.caffemodel").write_bytes(reference.caffemodel(1))
    monkeypatch.chdir(place.folder)
    assert "sound" in check.check("tiny", Path("mine.caffemodel"))
    place.evolve(1, pretrained=Path("mine.caffemodel"))
    assert (place.run / "gen001" / "weights.caffemodel").read_bytes() == reference.caffemodel(1)


def test_or_is_what_training_begins_with(place: Any, reference: Any, capsys: pytest.CaptureFixture[str]) -> None:
    trained = place.folder / "mine.caffemodel"
    trained.write_bytes(reference.caffemodel(1))
    place.set("train_weights: true")
    place.evolve(1, pretrained=trained)
    assert f"{trained}: 4 of 4 layers with weights start from it\n" in capsys.readouterr().out
    made = Metrics.read(place.run / "gen001").training
    assert (made.iterations, made.from_fillers, made.pretrained) == (100, [], generation.sha256(trained))
    before, after = (weights.read(path)["ip1"][0] for path in (trained, place.run / "gen001" / "weights.caffemodel"))
    assert not np.array_equal(before, after) and np.corrcoef(before.ravel(), after.ravel())[0, 1] > 0.5


def test_a_spared_layer_stays_whole(place: Any, reference: Any) -> None:
    trained = place.folder / "mine.caffemodel"
    trained.write_bytes(reference.caffemodel(1))
    place.set('environment { spared { layer: "conv1" times: 1e9 } }')
    place.evolve(2, pretrained=trained)
    synapses = [
        np.count_nonzero(weights.read(run / name / "weights.caffemodel")["conv1"][0])
        for run, name in ((place.run, "gen001"), (place.run, "gen002"), (reference.run, "gen002"))
    ]
    assert synapses[0] == synapses[1] == 8 * 5 * 5 > synapses[2]
    made = [Metrics.read(run / "gen002").synapses for run in (place.run, reference.run)]
    assert made[0] == pytest.approx(made[1], rel=0.05)  # others paid for it


def test_dead_neurons_go(place: Any) -> None:
    """Those of ip1 whose bias begins so low that no image moves them; nobody reads them afterwards."""
    file = place.folder / "tiny" / "train_val.prototxt"
    usual = 'num_output: 24 weight_filler { type: "xavier" }'
    file.write_text(file.read_text().replace(usual, f'{usual} bias_filler {{ type: "uniform" min: -12 max: 4 }}'))
    solver = place.folder / "tiny" / "solver.prototxt"
    solver.write_text(solver.read_text().replace("base_lr: 0.05", "base_lr: 0.005"))
    place.set("dead_neurons_go: true")
    place.evolve(2)
    first = Metrics.read(place.run / "gen001")
    learned = weights.read(place.run / "gen001" / "weights.caffemodel")
    dead = ~learned["ip1"][0].any(axis=1)
    assert first.dead_neurons == dead.sum() > 2
    assert first.dead_synapses == dead.sum() * (learned["ip1"][0].shape[1] + 10)
    assert not learned["ip1"][1][dead].any() and not learned["ip2"][0][:, dead].any()
    assert learned["ip2"][0][:, ~dead].all()
    assert weights.read(place.run / "gen002" / "weights.caffemodel")["ip1"][0].shape[0] <= (~dead).sum()


def test_two_of_four(place: Any) -> None:
    """What is taken off before training stays off, and the generation says in which layers it holds."""
    place.set("two_of_four: 0.5 environment { type: CONSTANT cluster_factor: 1.2 synapse_factor: 1.2 }")
    place.evolve(2)
    made = Metrics.read(place.run / "gen002")
    learned = weights.read(place.run / "gen002" / "weights.caffemodel")
    for name in ("conv2", "ip1", "ip2"):
        rows = learned[name][0].reshape(len(learned[name][0]), -1) if "ip" in name else learned[name][0]
        groups = [np.count_nonzero(rows[:, begin : begin + 4], axis=1) for begin in range(0, rows.shape[1], 4)]
        assert (name in made.two_of_four) == (max(map(np.max, groups)) <= 2 and rows.shape[1] % 4 == 0)
    assert made.two_of_four and made.synthesis.two_of_four_synapses > 0 and made.training.revived == 0
    assert Metrics.read(place.run / "gen001").two_of_four == []


def test_so_is_one_in_the_form_of_2013(place: Any, reference: Any) -> None:
    path = place.folder / "old.caffemodel"
    path.write_bytes(_in_v1_form(weights.read(reference.run / "gen001" / "weights.caffemodel")))
    place.evolve(1, pretrained=path)
    assert (place.run / "gen001" / "weights.caffemodel").read_bytes() == reference.caffemodel(1)


def test_so_is_one_with_blobs_of_16_bits(place: Any, reference: Any) -> None:
    path = place.folder / "half.caffemodel"
    learned = weights.read(reference.run / "gen001" / "weights.caffemodel")
    weights.write(path, _net(learned), learned, half_blobs=True)
    place.evolve(1, pretrained=path)
    assert (place.run / "gen001" / "weights.caffemodel").read_bytes() == reference.caffemodel(1)
    assert not list(place.run.rglob("plain.caffemodel"))


def test_one_of_another_network_is_refused(place: Any) -> None:
    path = place.folder / "other.caffemodel"
    other = {"conv1": [np.ones((8, 3, 5, 5), np.float32), np.ones(8, np.float32)]}
    weights.write(path, _net(other), other)
    with pytest.raises(UserError) as refused:
        place.evolve(1, pretrained=path)
    assert str(refused.value) == (
        f"{path}: layer 'conv1': expected 8 x 1 x 5 x 5 = 200 and 8 = 8, got 8 x 3 x 5 x 5 = 600 and 8 = 8; "
        "the prototxt and the caffemodel belong to different networks"
    )
    assert not place.run.exists()


def test_one_of_another_network_is_what_training_begins_with(
    place: Any, reference: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    """Layers are matched by name; what has no match is said and starts from its filler."""
    path = place.folder / "renamed.caffemodel"
    genome = weights.read(reference.run / "gen001" / "weights.caffemodel")
    renamed = {{"ip1": "fc1"}.get(name, name): blobs for name, blobs in genome.items()}
    weights.write(path, _net(renamed), renamed)
    run = place.evolve(1, pretrained=path)
    said = capsys.readouterr().out
    assert f"{path}: 3 of 4 layers with weights start from it\n" in said
    assert f"layer 'ip1': no weights of that name in {path}: from its filler\n" in said
    training = Metrics.read(run / "gen001").training
    assert (training.from_fillers, training.iterations) == (["ip1"], 100)


def test_one_of_nothing_alike_is_refused(place: Any, reference: Any) -> None:
    path = place.folder / "renamed.caffemodel"
    genome = weights.read(reference.run / "gen001" / "weights.caffemodel")
    renamed = {f"other_{name}": blobs for name, blobs in genome.items()}
    weights.write(path, _net(renamed), renamed)
    with pytest.raises(UserError) as refused:
        place.evolve(1, pretrained=path)
    assert str(refused.value) == (
        f"{path}: layer 'conv1': expected its weights, got none; layers with weights there: other_conv1, other_conv2, "
        "other_ip1, other_ip2; name the layer as the trained one is named"
    )


def test_another_caffemodel_is_refused_on_a_run_that_has_its_own(begun: Callable[[int], Any], reference: Any) -> None:
    place = begun(1)
    trained = place.folder / "mine.caffemodel"
    trained.write_bytes(reference.caffemodel(1))
    with pytest.raises(UserError) as refused:
        place.evolve(2, pretrained=trained)
    assert str(refused.value) == (
        f"{place.run}/gen001: is not WEIGHTS={trained}; take WEIGHTS= back, or begin another run with RUN="
    )


def test_half_blobs_are_half_the_size_and_read_back_equal(begun: Callable[[int], Any], reference: Any) -> None:
    place = begun(1)
    place.evolve(2, half_blobs=True)
    folder = place.run / "gen002"
    whole, half = folder / "weights.caffemodel", folder / "weights.half.caffemodel"
    assert whole.read_bytes() == reference.caffemodel(2)
    numbers = weights.read(whole)
    values = sum(blob.size for blobs in numbers.values() for blob in blobs)
    saved = whole.stat().st_size - half.stat().st_size
    # Two bytes a value, and a few for each of the eight blobs.
    assert 2 * values - 8 * 8 <= saved <= 2 * values
    for name, blobs in weights.read(half).items():
        assert all(np.array_equal(a, b) for a, b in zip(blobs, numbers[name], strict=True)), name
    assert "weights.half.caffemodel" in json.loads((folder / "DONE.json").read_text())["sha256"]


@pytest.mark.parametrize("precision", ["HALF", "BFLOAT16", "FLOAT"])
def test_precision(precision: str, place: Any) -> None:
    place.set(f"precision: {precision}")
    place.evolve(2)
    for number in (1, 2):
        folder = place.run / f"gen{number:03d}"
        blobs = [blob for each in weights.read(folder / "weights.caffemodel").values() for blob in each]
        significant = np.concatenate([_significant_bits(blob) for blob in blobs])
        assert significant.max() == {"HALF": 11, "BFLOAT16": 8, "FLOAT": 24}[precision]
        assert Metrics.read(folder).number_format == precision


def test_synapse_encoding(begun: Callable[[int], Any]) -> None:
    """[Darwin16]: no cluster dies as one, so far more of them keep a synapse than CLUSTER leaves."""
    place = begun(1)
    place.set("encoding: SYNAPSE")
    place.evolve(2)
    made = Metrics.read(place.run / "gen002")
    parent = Metrics.read(place.run / "gen001")
    assert made.synapses / parent.synapses == pytest.approx(0.67, abs=0.03)
    # ip1: 24 x 12 patches of 16 synapses; by chance alone hardly one loses all.
    assert made.layers[2].kernels > 0.98 * parent.layers[2].kernels


def test_cluster_encoding_loses_whole_clusters(reference: Any) -> None:
    """What the test above is compared with."""
    parent, made = (Metrics.read(reference.run / f"gen00{number}").layers[2] for number in (1, 2))
    assert made.kernels < 0.9 * parent.kernels


def test_constant_environment(begun: Callable[[int], Any]) -> None:
    """Equation (3) with F given: a probability above 1 is certain, and every cluster is at least 1/e."""
    place = begun(1)
    place.set("environment { type: CONSTANT cluster_factor: 2.8 synapse_factor: 0.7 }")
    place.evolve(2)
    made = Metrics.read(place.run / "gen002")
    assert made.synthesis.cluster_factor == pytest.approx(2.8)
    assert made.synthesis.synapse_factor == pytest.approx(0.7)
    # All clusters come; a synapse comes with 0.7 / e to 0.7.
    assert 0.7 / np.e < made.synapses / Metrics.read(place.run / "gen001").synapses < 0.7


@pytest.mark.parametrize("budget", [0.3, 0.6])
def test_synapse_budget(budget: float, begun: Callable[[int], Any]) -> None:
    place = begun(1)
    place.set(f"environment {{ type: SYNAPSE_BUDGET synapse_budget: {budget} }}")
    place.evolve(2)
    made, parent = Metrics.read(place.run / "gen002"), Metrics.read(place.run / "gen001")
    assert made.synapses / parent.synapses == pytest.approx(budget, abs=0.05)


def test_pace(begun: Callable[[int], Any]) -> None:
    place = begun(1)
    place.set(
        "environment { type: PACE waypoint { generation: 1 architectural_efficiency: 1 }\n"
        "  waypoint { generation: 3 architectural_efficiency: 4 } }"
    )
    place.evolve(3)
    # Geometric between the waypoints: 2, then 4.
    assert Metrics.read(place.run / "gen002").architectural_efficiency == pytest.approx(2, rel=0.1)
    assert Metrics.read(place.run / "gen003").architectural_efficiency == pytest.approx(4, rel=0.1)


def test_a_pace_that_not_even_biases_could_keep(begun: Callable[[int], Any]) -> None:
    place = begun(1)
    place.set("environment { type: SYNAPSE_BUDGET synapse_budget: 0.005 }")
    with pytest.raises(UserError) as refused:
        place.evolve(2)
    assert str(refused.value) == (
        "generation 2: a budget of 30 synapses, but the neurons' biases alone are 54; "
        "give the environment a milder pace"
    )


def test_reinitialised_offspring_keep_what_is_absent_absent(begun: Callable[[int], Any], reference: Any) -> None:
    place = begun(1)
    place.set("inherit_weights: false")
    place.evolve(2)
    ours = weights.read(place.run / "gen002" / "weights.caffemodel")
    theirs = weights.read(reference.run / "gen002" / "weights.caffemodel")
    for name, (genome, _) in reference.genomes[2].items():
        assert np.all(ours[name][0][genome == 0] == 0)
        assert not np.array_equal(ours[name][0], theirs[name][0])


def test_divergence_is_said_and_its_log_stays(begun: Callable[[int], Any]) -> None:
    place = begun(1)
    solver = place.folder / "tiny" / "retraining.prototxt"
    solver.write_text("\n" + (place.folder / "tiny" / "solver.prototxt").read_text().replace("0.05", "1e30"))
    place.set('offspring_solver: "retraining.prototxt"')
    with pytest.raises(UserError) as refused:
        place.evolve(2)
    log = place.run / "gen002.failed.log"
    assert re.fullmatch(
        rf"the loss is (nan|inf) at iteration \d+: training diverged; lower {re.escape(str(solver))}:2: "
        rf"base_lr: 1e\+30; then begin another run with RUN= \(log: {re.escape(str(log))}\)",
        str(refused.value),
    )
    assert "Creating Layer conv1" in log.read_text()
    assert not (place.run / "gen002").exists() and not (place.run / ".gen002.unfinished").exists()


def test_a_run_that_diverged_before_anything_was_made_takes_another_solver(place: Any) -> None:
    """Where a snapshot was made, another one would be refused."""
    solver = place.folder / "tiny" / "solver.prototxt"
    sound = solver.read_text()
    solver.write_text(sound.replace("0.05", "1e30"))
    lower = f"; lower {solver}:1: base_lr: 1e+30"
    for remedy in (lower, f"{lower}; then begin another run with RUN="):
        with pytest.raises(UserError) as refused:
            place.evolve(1)
        assert str(refused.value).endswith(f"training diverged{remedy} (log: {place.run / 'gen001.failed.log'})")
        kept = place.run / paths.snapshots(1)
        kept.mkdir(exist_ok=True)
        (kept / "state_iter_1.solverstate").touch()
    shutil.rmtree(kept)
    solver.write_text(sound)
    place.evolve(1)
    assert run_folder.committed(place.run) == [1]


def test_what_caffe_refuses_is_said_with_the_users_own_file(place: Any) -> None:
    train_val = place.folder / "tiny" / "train_val.prototxt"
    train_val.write_text(train_val.read_text().replace('{ type: "xavier" }', '{ type: "x" }', 1))
    with pytest.raises(UserError) as refused:
        place.evolve(1)
    line = 1 + next(k for k, line in enumerate(train_val.read_text().splitlines()) if 'name: "conv1"' in line)
    assert str(refused.value).startswith(f"{train_val}:{line}: layer 'conv1': Caffe: Check failed: ")
    assert "Unknown filler name: x" in str(refused.value)


def _significant_bits(blob: np.ndarray) -> np.ndarray:
    """Of each float32 that is not zero: bits of its mantissa, the hidden one included, without zeros at the end."""
    mantissa = np.frexp(blob[blob != 0])[0].astype(np.float64) * 2**24
    lowest = mantissa.astype(np.int64) & -mantissa.astype(np.int64)
    return 24 - np.log2(lowest).astype(int)


def _net(genome: weights.Weights) -> Any:
    net = caffe_pb2.NetParameter(name="other")
    for name in genome:
        net.layer.add(name=name, type="InnerProduct")
    return net


def _in_v1_form(genome: weights.Weights) -> bytes:
    """As Caffe wrote caffemodels in 2013: `layers`, their types numbers, every blob of four dimensions."""
    model = caffe_pb2.NetParameter(name="old")
    kinds = caffe_pb2.V1LayerParameter
    for name, blobs in genome.items():
        layer = model.layers.add(name=name, type=kinds.CONVOLUTION if name.startswith("conv") else kinds.INNER_PRODUCT)
        for blob in blobs:
            num, channels, height, width = (1, 1, 1, 1, *blob.shape)[-4:]
            layer.blobs.add(num=num, channels=channels, height=height, width=width, data=blob.ravel().tolist())
    return bytes(model.SerializeToString())


def test_without_the_fast_layers_the_run_says_so_in_one_line_and_goes_on(
    place: Any, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("FASTCAFFE_LIBRARY", str(place.folder / "nowhere.so"))
    run = place.evolve(2)
    said = [line for line in capsys.readouterr().out.splitlines() if line.startswith("NOTE: on stock Caffe's layers")]
    assert len(said) == 1 and "nowhere.so" in said[0]
    assert (run / "gen002" / "DONE.json").is_file()


def test_a_run_on_stock_layers_by_the_users_wish_says_nothing(
    place: Any, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    place.evolve(1, machine=Machine(fast=False))
    assert "NOTE" not in capsys.readouterr().out


def test_a_library_asks_nobody_but_its_caller(place: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """What the environment has of the same names is somebody else's: a variable called FAST or THREADS is no wish."""
    monkeypatch.setenv("FAST", "0")
    monkeypatch.setenv("THREADS", "many")
    monkeypatch.setenv("OPENBLAS_NUM_THREADS", "7")
    run = place.evolve(1, machine=Machine(threads=1))
    versions = Metrics.read(run / "gen001").versions
    assert (versions.layers, versions.threads, versions.blas_threads) == ("fast", "1", 1)
    assert os.environ["THREADS"] == "many"


def test_a_pruned_caffemodel_is_a_parent_as_it_is(place: Any, reference: Any) -> None:
    """Zeros in dense blobs, as pruning tools publish them: no synapses, neither counted nor inherited nor trained."""
    net = prototxt_text.read(reference.run / "gen001" / "deploy.prototxt", caffe_pb2.NetParameter())
    pruned = weights.read(reference.run / "gen001" / "weights.caffemodel")
    absent = np.random.default_rng(1).random(pruned["conv2"][0].shape) < 0.7
    absent[3] = True
    pruned["conv2"][0][absent] = 0
    weights.write(place.folder / "pruned.caffemodel", net, pruned)
    run = place.evolve(2, pretrained=place.folder / "pruned.caffemodel")
    first, second = (Metrics.read(run / f"gen00{number}") for number in (1, 2))
    conv2 = {layer.name: layer for layer in first.layers}["conv2"]
    # Filter 3 does not exist: neither does its bias, nor what read it.
    assert conv2.synapses == np.count_nonzero(~absent) + 11 and conv2.neurons == 11
    assert np.array_equal(weights.read(run / "gen001" / "weights.caffemodel")["conv2"][0] == 0, absent)
    assert second.training.revived == 0 and vars(second.synthesis)["difference"] <= 1e-5
    assert weights.read(run / "gen002" / "weights.caffemodel")["conv2"][0].shape[0] <= 11


def test_a_caffemodel_with_masks_beside_its_weights_is_refused(place: Any, reference: Any) -> None:
    net = prototxt_text.read(reference.run / "gen001" / "deploy.prototxt", caffe_pb2.NetParameter())
    masked = weights.read(reference.run / "gen001" / "weights.caffemodel")
    masked["conv2"] += [np.ones_like(blob) for blob in masked["conv2"]]
    weights.write(place.folder / "masked.caffemodel", net, masked)
    with pytest.raises(UserError, match="layer 'conv2': expected 2 blobs, got 4 .*multiply each mask into its weights"):
        place.evolve(1, pretrained=place.folder / "masked.caffemodel")


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ({"generations": -1}, "GEN=-1: expected 1 or more, or 0 for as many as the settings say"),
        ({"run": "../x"}, "RUN=../x: expected a name for the run's folder, without / and no dot before it"),
        ({"run": 200 * "x"}, f"RUN={20 * 'x'}…: expected a name of at most 100 letters, got 200"),
        ({"run": ".x"}, "RUN=.x: expected a name for the run's folder, without / and no dot before it"),
    ],
)
def test_what_python_asks_for_is_looked_at_too(place: Any, words: dict[str, Any], said: str) -> None:
    with pytest.raises(UserError) as error:
        lineage.evolve("tiny", **words)
    assert str(error.value) == said


def test_a_network_may_be_a_path(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=f"^NET={tmp_path}: expected a folder with train_val.prototxt, or a name "):
        lineage.evolve(tmp_path)
