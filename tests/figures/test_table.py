"""What `make table` prints."""

import re
from dataclasses import replace
from pathlib import Path

import pytest

from evolve.base.errors import UserError
from evolve.figures import table
from evolve.figures.run import read_seeds
from evolve.runs.metrics import Data
from tests.figures.conftest import Fabricate, Lineage
from tests.runs.made_up import with_score

NOTICE = "MNIST could not be had (no network): the 1,797 handwritten digits of scikit-learn instead"


def rows(text: str) -> dict[str, list[str]]:
    """The rows of the tables, by their first cell."""
    cells = [
        [cell.strip() for cell in line.strip("|").split("|")] for line in text.splitlines() if line.startswith("|")
    ]
    return {first: rest for first, *rest in cells}


def test_every_generation_beside_table_1(fabricated: Fabricate, lineage: Lineage) -> None:
    printed = table.markdown(fabricated("run", lineage(13)))
    made = rows(printed)
    columns = ["synapses", "A-E", "paper A-E", "accuracy", "paper accuracy", "caffemodel, kB", "flushed"]
    assert made["generation"] == columns
    assert made["1"] == ["143,978", "1.00", "1.00", "0.9921", "0.9947", "576.4", "2"]
    assert made["2"] == ["95,985", "1.50", "", "0.9917", "", "384.4", "4"]
    assert made["13"] == ["1,110", "129.71", "125.09", "0.9873", "0.9775", "4.9", "26"]
    assert "**lenet on MNIST, seed 1, beside [Cluster16] Table 1 (MNIST)**" in printed
    assert "NOTE" not in printed and "another network" not in printed


def test_of_a_net_without_accuracy_the_test_loss(fabricated: Fabricate, lineage: Lineage) -> None:
    told = [with_score(each, loss=0.25 * each.generation) for each in lineage(2, dataset="faces")]
    printed = table.markdown(fabricated("run", told))
    made = rows(printed)
    assert made["generation"] == ["synapses", "A-E", "test loss", "caffemodel, kB", "flushed"]
    assert [made[number][2] for number in ("1", "2")] == ["0.2500", "0.5000"]
    assert "test loss: the net says no accuracy; its losses on the test images, summed by their weights." in printed


def test_every_layer_beside_table_2(fabricated: Fabricate, lineage: Lineage) -> None:
    printed = table.markdown(fabricated("run", lineage(3)))
    made = rows(printed)
    assert made["layer"] == ["clusters at generation 1", "now, at 3", "cluster efficiency", "paper"]
    assert made["conv1"] == ["32", "18", "1.78", "3.60"]
    assert made["ip1"] == ["4,096", "2,304", "1.78", "13.47"]
    assert made["ip2 (last classifier)"] == ["640", "360", "1.78", ""]
    assert made["E (without the last classifier)"] == ["", "", "1.78", "9.71"]
    assert "clusters at generation 3, beside [Cluster16] Table 2 (MNIST, generation 13)" in printed


def test_clusters_that_are_whole_neurons(fabricated: Fabricate, lineage: Lineage) -> None:
    """cluster_shape FILTER: a layer's kernels fall with its inputs too, and are no part of its efficiency."""
    first, last = lineage(2)
    of_filters = [
        replace(each, layers=[replace(layer, clusters=left, cluster_efficiency=32 / left) for layer in each.layers])
        for each, left in ((first, 32), (last, 20))
    ]
    made = rows(table.markdown(fabricated("run", of_filters)))
    assert made["layer"][:3] == ["clusters at generation 1", "now, at 2", "cluster efficiency"]
    assert [made[name][:3] for name in ("conv1", "conv2", "ip1")] == [["32", "20", "1.60"]] * 3


def test_stl10_beside_tables_1_and_2(fabricated: Fabricate, lineage: Lineage) -> None:
    layers = {"conv1": (32, 96), "conv2": (32, 1024), "conv3": (64, 2048), "ip1": (64, 4096), "ip2": (10, 640)}
    made = lineage(10, network="lenet_stl10", dataset="stl10", layers=layers)
    printed = table.markdown(fabricated("run", made))
    assert "**lenet_stl10 on STL-10, seed 1, beside [Cluster16] Table 1 (STL-10)**" in printed
    assert "clusters at generation 10, beside [Cluster16] Table 2 (STL-10, generation 10)" in printed
    cells = rows(printed)
    assert (cells["3"][2], cells["3"][4], cells["10"][2], cells["10"][4]) == ("2.37", "0.5933", "56.27", "0.5658")
    papers = [cells[name][3] for name in ("conv1", "conv2", "conv3", "ip1", "ip2 (last classifier)")]
    assert papers == ["3.31", "8.46", "5.49", "6.56", ""]
    assert cells["E (without the last classifier)"][3] == "5.96"


def test_cifar10_beside_tables_1_and_3(fabricated: Fabricate, lineage: Lineage, alexnet: dict[str, int]) -> None:
    layers = {name: (neurons, 300) for name, neurons in alexnet.items()}
    made = lineage(6, network="alexnet_cifar10", dataset="cifar10", layers=layers)
    printed = table.markdown(fabricated("run", made))
    assert "clusters at generation 6, beside [Cluster16] Table 3 (CIFAR-10, generation 6)" in printed
    assert "another network" not in printed
    cells = rows(printed)
    assert (cells["2"][2], cells["2"][4], cells["6"][2], cells["6"][4]) == ("1.64", "0.8814", "14.39", "0.8459")
    papers = [cells[name][3] for name in list(alexnet)[:-1]]
    assert papers == ["2.01", "3.10", "3.50", "3.40", "3.29", "2.97", "1.51"]
    assert cells["fc8 (last classifier)"][3] == ""
    assert cells["E (without the last classifier)"][3] == "2.82"


def test_resnet56_has_nothing_of_alexnets_beside_it(fabricated: Fabricate, lineage: Lineage) -> None:
    layers = {f"conv{number}": (16, 256) for number in range(56)}
    made = lineage(6, network="resnet56_cifar10", dataset="cifar10", layers=layers)
    printed = table.markdown(fabricated("run", made))
    said = "resnet56_cifar10 is another network than [Cluster16] evolved on CIFAR-10, AlexNet, whose figures have no "
    assert said in printed
    assert "paper" not in rows(printed)["generation"] and "Table" not in printed


def test_partial_run(fabricated: Fabricate, lineage: Lineage) -> None:
    made = rows(table.markdown(fabricated("run", lineage(3))))
    assert "3" in made and "4" not in made


def test_another_network_says_so_and_has_nothing_beside_it(
    fabricated: Fabricate, lineage: Lineage, bvlc: dict[str, tuple[int, int]]
) -> None:
    printed = table.markdown(fabricated("run", lineage(2, network="lenet_bvlc", layers=bvlc)))
    made = rows(printed)
    assert (
        "lenet_bvlc is another network than [Cluster16] evolved on MNIST, LeNet-5 32-32-64-64-10, whose "
        "figures have no place beside it."
    ) in printed
    assert made["layer"] == ["clusters at generation 1", "now, at 2", "cluster efficiency"]
    assert made["conv2"] == ["1,000", "750", "1.33"]
    assert made["generation"] == ["synapses", "A-E", "accuracy", "caffemodel, kB", "flushed"]


def test_stand_in_is_said_loudly(fabricated: Fabricate, lineage: Lineage) -> None:
    printed = table.markdown(fabricated("run", lineage(2, dataset="digits", notice=NOTICE)))
    assert printed.count(f"> **NOTE: measured on digits, another data set than the paper's MNIST. {NOTICE}**") == 2
    assert "lenet on digits (not MNIST), seed 1" in printed


def test_digits_asked_for_are_marked_too(fabricated: Fabricate, lineage: Lineage) -> None:
    printed = table.markdown(fabricated("run", lineage(2, dataset="digits")))
    assert "> **NOTE: measured on digits, another data set than the paper's MNIST.**" in printed


def test_another_data_set_of_that_name_has_nothing_beside_it(fabricated: Fabricate, lineage: Lineage) -> None:
    """A file of the user's own, mnist.py beside the network, is loaded instead of the one that comes along."""
    made = [replace(each, dataset=replace(each.dataset, is_own=True)) for each in lineage(2)]
    printed = table.markdown(fabricated("run", made))
    assert "lenet on mnist (not MNIST), seed 1" in printed
    assert "> **NOTE: measured on mnist, another data set than the paper's MNIST.**" in printed
    assert rows(printed)["generation"] == ["synapses", "A-E", "accuracy", "caffemodel, kB", "flushed"]


def test_a_data_set_that_the_paper_did_not_use(fabricated: Fabricate, lineage: Lineage) -> None:
    printed = table.markdown(fabricated("run", lineage(2, dataset="streets")))
    assert rows(printed)["generation"] == ["synapses", "A-E", "accuracy", "caffemodel, kB", "flushed"]
    assert "[Cluster16] has no lineage on streets." in printed
    pets = lineage(2, dataset="pets")
    own = [replace(each, dataset=replace(each.dataset, class_names=["cat", "dog"])) for each in pets]
    assert "has no lineage" not in table.markdown(fabricated("own", own))


def test_without_accuracy_its_cells_are_blank(fabricated: Fabricate, lineage: Lineage) -> None:
    generations = [with_score(metrics) for metrics in lineage(2)]
    assert rows(table.markdown(fabricated("run", generations)))["2"][3] == ""


def test_without_a_terminal_lines_are_plain_and_whole(
    fabricated: Fabricate, lineage: Lineage, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "40")
    table.show(fabricated("run", lineage(13, dataset="digits", notice=NOTICE)))
    printed = capsys.readouterr().out
    assert "\x1b" not in printed
    assert f"NOTE: measured on digits, another data set than the paper's MNIST. {NOTICE}\n" in printed
    assert re.search(r"^ ?13 +1,110 +129\.71 +0\.9873 +4\.9 +26 *$", printed, re.MULTILINE)
    assert "…" not in printed


def test_empty_run(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="expected a run with generations in it, found none; `make evolve` makes one"):
        table.markdown(tmp_path)


def test_summary_of_seeds(fabricated: Fabricate, lineage: Lineage) -> None:
    runs = []
    for seed, accuracy in ((1, 0.98), (2, 0.982), (3, 0.987)):
        generations = lineage(13 if seed == 1 else 12, seed=seed)
        generations[11] = with_score(generations[11], accuracy=accuracy)
        runs.append(fabricated(f"seed{seed}", generations))
    printed = table.summary(runs)
    made = rows(printed)
    assert "lenet on MNIST, 3 seeds (1, 2, 3), beside [Cluster16] Table 1 (MNIST)" in printed
    # By hand: mean .983, deviations -.003, -.001, .004, and sqrt((9 + 1 + 16) / 2) = 3.606.
    assert made["12"] == ["3", "86.47 ± 0.00", "86.47–86.47", "", "0.9830 ± 0.0036", "0.9800–0.9870", ""]
    assert made["13"] == ["1", "129.71", "", "125.09", "0.9873", "", "0.9775"]
    assert "clusters at generation 12" in printed
    assert made["conv1"] == ["32.00 ± 0.00", "32.00–32.00", "3.60"]
    assert made["E (without the last classifier)"][2] == "9.71"


def test_summary_refuses_other_networks_the_same_seed_and_nothing(fabricated: Fabricate, lineage: Lineage) -> None:
    one = fabricated("one", lineage(1))
    other = fabricated("other", lineage(1, network="alexnet", seed=2))
    with pytest.raises(UserError, match="other: expected lenet on MNIST as in .*one, got alexnet on MNIST"):
        table.summary([one, other])
    with pytest.raises(UserError, match="expected another seed than .*one's, got 1 too"):
        table.summary([one, fabricated("again", lineage(1))])
    with pytest.raises(UserError, match="expected a run to show, got none"):
        table.summary([])


def test_summary_refuses_other_data_of_that_name(fabricated: Fabricate, lineage: Lineage) -> None:
    """Where one copy of it is for all seeds; one that is drawn by seed is another each time."""
    shared, drawn = Data("yolo", is_shared=True), Data("streets")
    for data in (shared, drawn):
        runs = [
            fabricated(f"{data.name}{seed}", lineage(1, seed=seed, dataset=replace(data, sha256=sha256)))
            for seed, sha256 in ((1, "0123456789abcdef"), (2, "fedcba9876543210"), (3, ""))
        ]
        assert len(read_seeds([runs[0], runs[2]])) == 2
        if data is drawn:
            assert len(read_seeds(runs)) == 3
            continue
        with pytest.raises(UserError) as error:
            read_seeds([runs[2], *runs[:2]])
        assert str(error.value) == (
            f"{runs[1]}: expected the yolo that {runs[0]} was made from (sha256 0123456789ab), got another one "
            "(fedcba987654); name runs that differ in their seed alone"
        )


def test_one_run_named_twice(fabricated: Fabricate, lineage: Lineage) -> None:
    run = fabricated("one", lineage(2))
    with pytest.raises(UserError) as error:
        read_seeds([run, run])
    assert str(error.value) == f"{run}: expected another seed than {run}'s, got 1 too; name it once"


def test_accuracy_by_class_the_lowest_first(fabricated: Fabricate, lineage: Lineage) -> None:
    first, last = lineage(2)
    first = replace(first, score=replace(first.score, accuracies={"cat": 0.75, "dog": 1.0, "eel": 0.5}))
    last = replace(last, score=replace(last.score, accuracies={"cat": 0.5, "dog": 0.25, "eel": 0.5}))
    printed = table.markdown(fabricated("run", [first, last]))
    part = printed[printed.index("accuracy by class at generation 2") :]
    assert list(rows(part).items())[-3:] == [
        ("dog", ["1.0000", "0.2500"]), ("cat", ["0.7500", "0.5000"]), ("eel", ["0.5000", "0.5000"])
    ]  # fmt: skip
    many = {f"class{n:02d}": n / 100 for n in range(50)}
    every = replace(last, score=replace(last.score, accuracies=many))
    printed = table.markdown(fabricated("many", [first, every]))
    assert "(the 30 lowest of 50)" in printed and "class29" in printed and "class30" not in printed
    assert "accuracy by class" not in table.markdown(fabricated("without", lineage(2)))
