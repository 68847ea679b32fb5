"""A small evolution on real Caffe, from nothing to its fourth generation, as its files tell it."""

import csv
import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from evolve.base import prototxt_text
from evolve.base.caffe_messages import caffe_pb2
from evolve.base.errors import UserError
from evolve.network import weights
from evolve.runs import generation, state
from evolve.runs.metrics import Metrics
from evolve.settings import networks

FILES = {
    "train_val.prototxt", "deploy.prototxt", "solver.prototxt", "weights.caffemodel", "metrics.json", "train.log",
    "answers.png",
}  # fmt: skip
# As DESIGN.md promises to tools.
COLUMNS = (
    "generation,synapses,architectural_efficiency,clusters,cluster_efficiency,macs,caffemodel_bytes,iterations,"
    "train_seconds,flushed_synapses,accuracy,precision,recall,map,ap,fps,fps_p95,fps_engine,predicted_tx1_fps"
)
# conv1 8x1x25, conv2 12x8x9, ip1 24x12x16, ip2 10x24, and their biases.
ANCESTOR = 8 * 25 + 12 * 8 * 9 + 24 * 12 * 16 + 10 * 24 + 8 + 12 + 24 + 10


def test_each_generation_is_whole(reference: Any) -> None:
    folders = sorted(path.name for path in reference.run.iterdir() if not path.name.startswith("."))
    assert folders == ["gen001", "gen002", "gen003", "gen004", "lineage.csv", "prototxt", "report.html"]
    for number in range(1, 5):
        folder = reference.run / f"gen{number:03d}"
        assert {path.name for path in folder.iterdir()} == FILES | {"DONE.json"}
        assert set(json.loads((folder / "DONE.json").read_text())["sha256"]) == FILES
        assert generation.exists(folder)
    assert not list(reference.run.glob(".gen*"))


def test_lineage_csv(reference: Any) -> None:
    header, *_ = (reference.run / "lineage.csv").read_text().splitlines()
    rows = _lineage(reference.run)
    assert header == COLUMNS
    assert [int(row["generation"]) for row in rows] == [1, 2, 3, 4]
    assert int(rows[0]["synapses"]) == ANCESTOR
    assert [int(row["iterations"]) for row in rows] == [100, 40, 40, 40]
    for number, row in enumerate(rows, start=1):
        model = reference.run / f"gen{number:03d}" / "weights.caffemodel"
        assert int(row["caffemodel_bytes"]) == model.stat().st_size
        assert int(row["synapses"]) == _synapses(weights.read(model))
        assert float(row["architectural_efficiency"]) == ANCESTOR / int(row["synapses"])
        assert float(row["train_seconds"]) > 0
    # It learns: ten classes, and a guess is right once in ten.
    assert min(float(row["accuracy"]) for row in rows) > 0.6


def test_every_offspring_has_at_most_80_percent(reference: Any) -> None:
    counts = [_synapses(weights.read(reference.run / f"gen{n:03d}" / "weights.caffemodel")) for n in range(1, 5)]
    assert all(child <= 0.8 * parent for parent, child in zip(counts, counts[1:], strict=False)), counts
    # The default budget is two thirds.
    assert all(0.55 * parent < child for parent, child in zip(counts, counts[1:], strict=False)), counts


@pytest.mark.parametrize("number", [2, 3, 4])
def test_heredity(reference: Any, number: int) -> None:
    """What a parent lacks its offspring's genome lacks; what the genome lacks, training does not bring back."""
    parent = weights.read(reference.run / f"gen{number - 1:03d}" / "weights.caffemodel")
    final = weights.read(reference.run / f"gen{number:03d}" / "weights.caffemodel")
    for layer, (masked, _) in reference.masked[number].items():
        inherited = masked != 0
        assert np.array_equal(masked[inherited], parent[layer][0][inherited])
        genome, trained = reference.genomes[number][layer][0], final[layer][0]
        assert np.count_nonzero(genome) == np.count_nonzero(masked)
        assert np.all(trained[genome == 0] == 0)
        assert np.any(trained[genome != 0] != genome[genome != 0])


def test_weights_are_half_precision(reference: Any) -> None:
    for number in range(1, 5):
        for blobs in weights.read(reference.run / f"gen{number:03d}" / "weights.caffemodel").values():
            assert all(np.array_equal(blob, blob.astype(np.float16)) for blob in blobs)


def test_the_prototxts_have_the_caffemodels_sizes(reference: Any) -> None:
    for number in range(1, 5):
        folder = reference.run / f"gen{number:03d}"
        blobs = weights.read(folder / "weights.caffemodel")
        for name in ("train_val.prototxt", "deploy.prototxt"):
            net = prototxt_text.read(folder / name, caffe_pb2.NetParameter())
            outputs = {
                layer.name: layer.convolution_param.num_output or layer.inner_product_param.num_output
                for layer in net.layer
                if layer.type in ("Convolution", "InnerProduct")
            }
            assert outputs == {layer: len(arrays[0]) for layer, arrays in blobs.items()}
    # Neurons have vanished by now, so the sizes are not the template's.
    assert len(blobs["ip1"][0]) < 24
    # 77 images a batch are asked for, and 72 divide the 360.
    net = prototxt_text.read(folder / "train_val.prototxt", caffe_pb2.NetParameter())
    assert [layer.data_param.batch_size for layer in net.layer if layer.type == "Data"] == [32, 72]


def test_metrics(reference: Any) -> None:
    made = [Metrics.read(reference.run / f"gen{number:03d}") for number in range(1, 5)]
    for number, metrics in enumerate(made, start=1):
        assert metrics.generation == number and metrics.seed == 1 and metrics.number_format == "HALF"
        assert metrics.dataset.name == "digits" and metrics.versions.blas_threads == 1
        assert metrics.training.revived == 0 and metrics.training.loss and metrics.score.outputs["loss"] > 0
        assert sum(layer.synapses for layer in metrics.layers) == metrics.synapses
    for parent, metrics in zip(range(1, 4), made[1:], strict=True):
        assert metrics.parent_sha256 == generation.sha256(reference.run / f"gen{parent:03d}" / "weights.caffemodel")
        assert metrics.synthesis.difference is not None
        assert 0 <= metrics.synthesis.difference <= 1e-5


def test_the_same_seed_gives_the_same_bytes_elsewhere(place: Any, reference: Any) -> None:
    run = place.evolve(3)
    assert run != reference.run
    for number in range(1, 4):
        assert (run / f"gen{number:03d}" / "weights.caffemodel").read_bytes() == reference.caffemodel(number)


def test_another_seed_gives_another_lineage(place: Any, reference: Any) -> None:
    run = place.evolve(2, seed=2)
    assert run.name == "seed2"
    for number in (1, 2):
        assert (run / f"gen{number:03d}" / "weights.caffemodel").read_bytes() != reference.caffemodel(number)


def test_the_seed_decides_on_the_draw_too(place: Any, reference: Any) -> None:
    """One parent, two seeds: other synapses."""
    trained = place.folder / "mine.caffemodel"
    trained.write_bytes(reference.caffemodel(1))
    run = place.evolve(2, seed=2, pretrained=trained)
    ours = weights.read(run / "gen002" / "weights.caffemodel")
    theirs = weights.read(reference.run / "gen002" / "weights.caffemodel")
    assert not np.array_equal(ours["ip1"][0] != 0, theirs["ip1"][0] != 0)


def test_the_same_command_again_does_nothing_and_says_so(
    begun: Callable[[int], Any], content: Callable[[Path], Any], capsys: pytest.CaptureFixture[str]
) -> None:
    place = begun(3)
    place.evolve(3)
    before = content(place.run)
    capsys.readouterr()
    place.evolve(3)
    assert f"{place.run}: all 3 generations are there; GEN=4 goes on\n" in capsys.readouterr().out
    assert content(place.run) == before


def test_one_generation_is_one(begun: Callable[[int], Any], capsys: pytest.CaptureFixture[str]) -> None:
    place = begun(1)
    place.evolve(1)
    assert f"{place.run}: 1 generation is there; GEN=2 goes on\n" in capsys.readouterr().out


def test_a_larger_gen_extends(begun: Callable[[int], Any], reference: Any, capsys: pytest.CaptureFixture[str]) -> None:
    place = begun(2)
    place.evolve(2)
    before = (place.run / "gen002" / "metrics.json").stat().st_mtime_ns
    place.evolve(3)
    assert (place.run / "gen003" / "weights.caffemodel").read_bytes() == reference.caffemodel(3)
    assert (place.run / "gen002" / "metrics.json").stat().st_mtime_ns == before
    assert len(_lineage(place.run)) == 3
    assert "generation  3  accuracy 0." in capsys.readouterr().out


DAMAGE = {
    "a changed byte": "weights.caffemodel is not as it was committed",
    "a missing file": "solver.prototxt is missing",
    "no DONE.json": "DONE.json is missing",
    "nonsense in DONE.json": "DONE.json is not as it was written",
    "a blank in DONE.json": "DONE.json is not as it was written",
}


@pytest.mark.parametrize("what", DAMAGE)
def test_a_damaged_generation_is_set_aside_and_made_again(
    what: str, begun: Callable[[int], Any], reference: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    place = begun(3)
    _damage(place.run / "gen002", what)
    place.evolve(3)
    said = capsys.readouterr().out
    for name, why in (("gen002", DAMAGE[what]), ("gen003", "generation 2, from which it comes, is not there")):
        assert f"{place.run / name}: {why}; moved to {name}.damaged1 and made anew\n" in said
        assert (place.run / f"{name}.damaged1").is_dir()
    for number in (1, 2, 3):
        assert generation.exists(place.run / f"gen{number:03d}")
        assert (place.run / f"gen{number:03d}" / "weights.caffemodel").read_bytes() == reference.caffemodel(number)
    assert len(_lineage(place.run)) == 3


def test_a_generation_of_another_lineage_is_set_aside(
    begun: Callable[[int], Any], reference: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    """Whole, but not the child of the one before: generation 4's folder under the name of generation 3."""
    place = begun(2)
    shutil.copytree(reference.run / "gen004", place.run / "gen003")
    place.evolve(3)
    moved = "it is not of this lineage; moved to gen003.damaged1 and made anew"
    assert f"{place.run / 'gen003'}: {moved}\n" in capsys.readouterr().out
    assert (place.run / "gen003" / "weights.caffemodel").read_bytes() == reference.caffemodel(3)
    assert (place.run / "gen003.damaged1" / "weights.caffemodel").read_bytes() == reference.caffemodel(4)


def test_a_changed_prototxt_is_refused(begun: Callable[[int], Any]) -> None:
    place = begun(1)
    place.evolve(1)
    solver = place.folder / "tiny" / "solver.prototxt"
    solver.write_text("# faster\n" + solver.read_text().replace("0.05", "0.5"))
    with pytest.raises(UserError) as refused:
        place.evolve(2)
    assert str(refused.value) == (
        f"{place.run}/prototxt/solver.prototxt:1: this run was begun with other text than solver.prototxt has now; "
        "take the change back, or begin another run with RUN="
    )
    assert not (place.run / "gen002").exists()


def test_layer_types_of_ones_own_are_a_runs_too(begun: Callable[[int], Any]) -> None:
    """A rule for what of a layer can go is a setting like any other; a run that kept none has it from now on."""
    place = begun(1)
    place.evolve(1)
    own = place.folder / "tiny" / "layer_types.py"
    own.write_text("# nothing yet\n")
    place.evolve(1)
    assert (place.run / "prototxt" / "layer_types.py").read_text() == own.read_text()
    own.write_text("# another rule\n")
    with pytest.raises(UserError, match="layer_types.py:1: this run was begun with other text than layer_types.py has"):
        place.evolve(2)


def test_a_changed_line_of_many_is_named(begun: Callable[[int], Any]) -> None:
    place = begun(1)
    place.evolve(1)
    place.set("half_blobs: true")
    with pytest.raises(UserError) as refused:
        place.evolve(2)
    assert str(refused.value) == (
        f"{place.run}/prototxt/evolution.prototxt:5: this run was begun with other text than evolution.prototxt has "
        "now; take the change back, or begin another run with RUN="
    )


def test_a_changed_default_is_refused(
    begun: Callable[[int], Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """By an edit of the one file of defaults, or by another release; not one that the run's own file overrides."""
    place, usual = begun(1), networks.defaults().read_text()
    place.evolve(1)
    kept = place.run / "prototxt" / "settings.txt"
    before = kept.read_bytes()
    changed = tmp_path / "evolution.defaults.prototxt"
    monkeypatch.setattr(networks, "defaults", lambda: changed)
    changed.write_text(usual.replace("\ntruncation: 0.1", "\ntruncation: 0.3"))
    with pytest.raises(UserError) as refused:
        place.evolve(2)
    assert str(refused.value) == (
        f"{kept}: this run was begun with another truncation than evolution.defaults.prototxt has now; take the change "
        "back, or begin another run with RUN="
    )
    wanted = state.wanted_settings(place.run)
    assert wanted and wanted.truncation == 0.1
    # Of an earlier release's run nothing is known; what is damaged says nothing.
    changed.write_text(usual)
    for harm in (lambda: kept.unlink(), lambda: kept.write_text(kept.read_text().replace("0.1", "0.3"))):
        harm()
        place.evolve(1)
        assert kept.read_bytes() == before
    assert f"{kept}: is not as it was written; written anew\n" in capsys.readouterr().out


def test_two_prototxts_of_one_name_in_two_folders(place: Any) -> None:
    """The last of their paths has the name, as of runs that knew no other; a change of either is refused."""
    tiny, other = place.folder / "tiny", place.folder / "other" / "solver.prototxt"
    other.parent.mkdir()
    other.write_text((tiny / "solver.prototxt").read_text().replace("0.05", "0.01"))
    place.set('offspring_solver: "../other/solver.prototxt"')
    place.evolve(1)
    kept = {path.name: path.read_text() for path in (place.run / "prototxt").glob("*.prototxt")}
    own = {path.name: path.read_text() for path in tiny.glob("*.prototxt")}
    assert kept == own | {".._other_solver.prototxt": other.read_text()} and len(own) == 3
    earlier = place.run / "prototxt" / ".._other_solver.prototxt"
    earlier.unlink()
    place.evolve(2)
    assert earlier.exists()
    for changed, name in ((other, earlier.name), (tiny / "solver.prototxt", "solver.prototxt")):
        before = changed.read_text()
        changed.write_text(before.replace("momentum: 0.9", "momentum: 0.8"))
        with pytest.raises(UserError) as refused:
            place.evolve(3)
        assert str(refused.value) == (
            f"{place.run}/prototxt/{name}:1: this run was begun with other text than {name} has now; take the change "
            "back, or begin another run with RUN="
        )
        changed.write_text(before)


def test_another_seed_is_refused_on_a_run_that_has_one(begun: Callable[[int], Any]) -> None:
    place = begun(1)
    with pytest.raises(UserError) as refused:
        place.evolve(2, seed=3, run="seed1")
    assert str(refused.value) == (
        f"{place.run}/gen001: was made with SEED=1, this is SEED=3; begin another run with RUN="
    )


def test_the_lineage_ends_when_accuracy_falls_too_far(
    begun: Callable[[int], Any], capsys: pytest.CaptureFixture[str]
) -> None:
    place = begun(1)
    # From fillers, its offspring learn less in forty iterations than the ancestor did in a hundred.
    place.set('stop_when_accuracy_drops: 0.01 environment { synapse_budget: 0.3 } inherit_weights: false')
    place.evolve(4)
    assert "accuracy is more than 0.01 below the ancestor's: evolution ends\n" in capsys.readouterr().out
    assert (done := len(_lineage(place.run))) < 4
    assert f"ended at generation {done}: accuracy fell by more than 0.01" in (place.run / "report.html").read_text()
    before = sorted(place.run.iterdir())
    place.evolve(4)
    assert sorted(place.run.iterdir()) == before


def _lineage(run: Path) -> list[dict[str, str]]:
    with open(run / "lineage.csv", newline="") as file:
        return list(csv.DictReader(file))


def _synapses(genome: weights.Weights) -> int:
    """Weights that are not zero, and a bias a neuron; neurons without synapses are not stored."""
    return sum(int(np.count_nonzero(matrix)) + len(biases) for matrix, biases in genome.values())


def _damage(folder: Path, what: str) -> None:
    model, done = folder / "weights.caffemodel", folder / "DONE.json"
    if what == "a changed byte":
        content = bytearray(model.read_bytes())
        content[len(content) // 2] ^= 1
        model.write_bytes(content)
    elif what == "a missing file":
        (folder / "solver.prototxt").unlink()
    elif what == "no DONE.json":
        done.unlink()
    elif what == "a blank in DONE.json":
        done.write_text(done.read_text() + " ")
    else:
        done.write_text("[]")
