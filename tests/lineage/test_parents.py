"""Offspring of several parents, on real Caffe: networks of different widths, brought to common coordinates."""

import contextlib
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from test_graph_lineage import NET as RESIDUAL

from evolve.base import prototxt_text
from evolve.base.caffe_messages import caffe_pb2
from evolve.base.errors import UserError
from evolve.lineage import experiment, parents
from evolve.lineage.workspace import Workspace
from evolve.network import resize, weights
from evolve.runs import generation
from evolve.runs.metrics import Metrics

TWO = "offspring_per_generation: 2 parents: 2"


def synapses(genome: weights.Weights) -> int:
    """Weights that are not zero, and the biases of neurons that have some."""
    total = 0
    for matrix, biases in genome.values():
        per_neuron = np.count_nonzero(matrix.reshape(len(biases), -1), axis=1)
        total += int(per_neuron.sum()) + int(np.count_nonzero(per_neuron))
    return total


def both_parents(folder: Path) -> list[weights.Weights]:
    return [weights.read(folder / f"{name}.caffemodel") for name in ("weights", "parent2")]


def test_one_whose_weights_are_no_numbers_has_no_offspring(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    layer = caffe_pb2.LayerParameter(name="ip", type="InnerProduct")
    odd = [np.full((2, 3), np.nan, np.float32), np.zeros(2, np.float32)]
    weights.write(tmp_path / "weights.caffemodel", caffe_pb2.NetParameter(layer=[layer]), {"ip": odd})
    monkeypatch.setattr(parents, "_net", lambda *given: (None, None))
    workspace: Any = None
    with pytest.raises(UserError) as refused:
        parents.read(workspace, tmp_path)
    assert str(refused.value).startswith(
        f"{tmp_path}/weights.caffemodel: layer 'ip': expected finite numbers, got 6 of the 6 values of its blob 0"
    )


def test_each_is_kept_with_its_prototxt_and_hashed(family: Any) -> None:
    for number in (2, 3):
        folder = family.run / f"gen{number:03d}"
        listed = json.loads((folder / "DONE.json").read_text())["sha256"]
        assert {"parent2.caffemodel", "parent2.prototxt", "common.prototxt", "channels.json"} <= set(listed)
        for net, genome in zip(("train_val", "parent2"), both_parents(folder), strict=True):
            layers = prototxt_text.read(folder / f"{net}.prototxt", caffe_pb2.NetParameter()).layer
            outputs = {
                layer.name: layer.convolution_param.num_output or layer.inner_product_param.num_output
                for layer in layers
                if layer.type in ("Convolution", "InnerProduct")
            }
            assert outputs == {name: len(blobs[0]) for name, blobs in genome.items()}
        ranked = sorted(Metrics.read(folder).siblings, key=lambda one: one.parent)[1:]
        assert [one.synapses for one in ranked] == [synapses(genome) for genome in both_parents(folder)]
    # They have not the same neurons, which is what this is about; of one generation two may, by chance.
    widths = [
        [{name: len(blobs[0]) for name, blobs in genome.items()} for genome in both_parents(family.run / generation)]
        for generation in ("gen002", "gen003")
    ]
    assert any(first != second for first, second in widths)


def test_the_chain_of_hashes(family: Any) -> None:
    made = Metrics.read(family.run / "gen003")
    folder = family.run / "gen002"
    files = [generation.sha256(folder / f"{name}.caffemodel") for name in ("weights", "parent2")]
    assert made.synthesis.parents_sha256 == files and made.parent_sha256 == files[0]


def test_in_common_coordinates_a_parent_has_the_synapses_that_it_was_drawn_with(family: Any) -> None:
    """Drawn in the ancestor's shapes, shrunk, trained, and expanded again: in the same places."""
    workspace = _workspace(family)
    folder = family.run / "gen002"
    _, graph = parents._net(workspace, folder / "common.prototxt")
    ranked = sorted(Metrics.read(folder).siblings, key=lambda one: one.parent)[1:]
    for one, (file, record) in zip(ranked, parents._files(folder), strict=True):
        whole = resize.expanded(graph, weights.read(file), parents._channels(record, graph))
        drawn = family.masked[2, one.sibling]
        for layer in graph.weighted:
            had, has = drawn[layer.name][0] != 0, whole[layer.name][0] != 0
            # A few are flushed by the cast to half precision.
            assert not np.any(has & ~had) and np.count_nonzero(has) > 0.98 * np.count_nonzero(had)


def test_both_read_are_the_networks_that_were_kept(family: Any) -> None:
    folder = family.run / "gen002"
    read = parents.read(_workspace(family), folder)
    for one, kept in zip(read.each, both_parents(folder), strict=True):
        assert list(one) == list(kept)
        for name, blobs in kept.items():
            # The same numbers in the same order, with zeros in between.
            for whole, part in zip(one[name], blobs, strict=True):
                assert np.array_equal(whole[whole != 0], part[part != 0])
    widths = [max(len(genome[name][0]) for genome in both_parents(folder)) for name in read.weights]
    for name, width in zip(read.weights, widths, strict=True):
        assert len(read.weights[name][0]) >= width


def test_every_weight_that_an_offspring_starts_from_is_a_parents(family: Any) -> None:
    one, other = both_parents(family.run / "gen002")
    seconds = 0
    for sibling in (1, 2, 3):
        for name, (matrix, _) in family.masked[3, sibling].items():
            inherited = matrix[matrix != 0]
            of_first, of_second = np.isin(inherited, one[name][0]), np.isin(inherited, other[name][0])
            assert np.all(of_first | of_second)
            seconds += int(np.count_nonzero(of_second & ~of_first))
    assert seconds > 50


def test_no_offspring_has_more_than_its_part_of_any_parents_synapses(family: Any) -> None:
    fewest = min(synapses(genome) for genome in both_parents(family.run / "gen002"))
    drawn = [vars(one)["synapses"] for one in Metrics.read(family.run / "gen003").siblings]
    assert all(0.3 * fewest < each <= 0.8 * fewest for each in drawn), (drawn, fewest)
    assert np.mean(drawn) == pytest.approx(0.4 * fewest, rel=0.1)


def test_a_damaged_second_parent_is_a_damaged_generation(begun: Callable[[int], Any]) -> None:
    place = begun(1)
    place.set(TWO)
    place.evolve(2)
    model = place.run / "gen002" / "parent2.caffemodel"
    whole = model.read_bytes()
    model.write_bytes(whole[:-1] + bytes([whole[-1] ^ 1]))
    assert not generation.exists(place.run / "gen002")
    place.evolve(2)
    assert (place.run / "gen002.damaged1").is_dir() and model.read_bytes() == whole


@pytest.mark.parametrize(
    "words",
    [
        "encoding: SYNAPSE",
        "cluster_shape: FILTER",
        "cluster_shape: FILTER_BLOCK block_width: 4",
        "cluster_shape: FILTER_BLOCK block_width: 4 block_members: ALIKE",
    ],
)
def test_other_clusters_mate_too(words: str, begun: Callable[[int], Any]) -> None:
    place = begun(1)
    place.set(f"{TWO} {words} environment {{ synapse_budget: 0.5 }}")
    place.evolve(3)
    fewest = min(synapses(genome) for genome in both_parents(place.run / "gen002"))
    made = Metrics.read(place.run / "gen003")
    assert all(vars(one)["synapses"] <= 0.8 * fewest for one in made.siblings)
    assert made.training.revived == 0 and vars(made.synthesis)["difference"] <= 1e-5
    if "FILTER" in words:
        # Dense: the ancestor had every synapse, and so has an offspring of both parents, except those between what one
        # of them alone had and what the other alone had.
        genome = weights.read(place.run / "gen003" / "weights.caffemodel")
        allowed = 1.5 if "ALIKE" in words else 1.15
        assert sum(matrix.size for matrix, _ in genome.values()) < allowed * synapses(genome)


@pytest.mark.parametrize("words", ["", "cluster_shape: FILTER"])
def test_a_residual_network_with_statistics_groups_and_branches(words: str, place: Any) -> None:
    (place.folder / "tiny" / "train_val.prototxt").write_text(RESIDUAL)
    # Generation 3 has twice the usual training: what it learns in less differs with the layers and the processor.
    place.set(f'{TWO} {words} environment {{ synapse_budget: 0.5 }} offspring_training: "80it"')
    place.evolve(3)
    made = Metrics.read(place.run / "gen003")
    assert len(made.synthesis.parents_sha256) == 2
    assert made.training.revived == 0 and vars(made.synthesis)["difference"] <= 1e-5
    assert max(vars(one)["accuracy"] for one in made.siblings) > 0.5


def _workspace(family: Any) -> Workspace:
    """The one of generation 3, as the lineage makes it."""
    with contextlib.chdir(family.place.folder):
        chosen = experiment.load("tiny")
        dataset = experiment.prepare(chosen, 1)
    return Workspace(chosen, dataset, 3, 1, family.run / ".gen003.unfinished")
