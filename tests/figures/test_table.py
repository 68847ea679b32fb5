"""What `make table` prints."""

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from evolve.errors import UserError
from evolve.figures import table

Fabricate = Callable[..., Path]
Lineage = Callable[..., list[dict[str, Any]]]

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
    assert "NOTE" not in printed and "not a network" not in printed


def test_every_layer_beside_table_2(fabricated: Fabricate, lineage: Lineage) -> None:
    printed = table.markdown(fabricated("run", lineage(3)))
    made = rows(printed)
    assert made["layer"] == ["kernels at generation 1", "now, at 3", "cluster efficiency", "paper"]
    assert made["conv1"] == ["32", "18", "1.78", "3.60"]
    assert made["ip1"] == ["4,096", "2,304", "1.78", "13.47"]
    assert made["ip2 (last classifier)"] == ["640", "360", "1.78", ""]
    assert made["E (without the last classifier)"] == ["", "", "1.78", "9.71"]
    assert "clusters at generation 3, beside [Cluster16] Table 2 (MNIST, generation 13)" in printed


def test_partial_run(fabricated: Fabricate, lineage: Lineage) -> None:
    made = rows(table.markdown(fabricated("run", lineage(3))))
    assert "3" in made and "4" not in made


def test_another_network_says_so_and_has_no_layers_beside_it(
    fabricated: Fabricate, lineage: Lineage, bvlc: dict[str, tuple[int, int]]
) -> None:
    printed = table.markdown(fabricated("run", lineage(2, network="lenet_bvlc", layers=bvlc)))
    made = rows(printed)
    assert "lenet_bvlc is not a network that the papers used: [Cluster16] evolved LeNet-5 32-32-64-64-10" in printed
    assert made["layer"] == ["kernels at generation 1", "now, at 2", "cluster efficiency"]
    assert made["conv2"] == ["1,000", "750", "1.33"]
    assert made["1"][4] == "0.9947"  # Table 1 is of the same data set


def test_stand_in_is_said_loudly(fabricated: Fabricate, lineage: Lineage) -> None:
    printed = table.markdown(fabricated("run", lineage(2, dataset="digits", notice=NOTICE)))
    assert printed.count(f"> **NOTE: measured on digits, another data set than the paper's MNIST. {NOTICE}**") == 2
    assert "lenet on digits (not MNIST), seed 1" in printed


def test_digits_asked_for_are_marked_too(fabricated: Fabricate, lineage: Lineage) -> None:
    printed = table.markdown(fabricated("run", lineage(2, dataset="digits")))
    assert "> **NOTE: measured on digits, another data set than the paper's MNIST.**" in printed


def test_a_data_set_that_the_paper_did_not_use(fabricated: Fabricate, lineage: Lineage) -> None:
    printed = table.markdown(fabricated("run", lineage(2, dataset="streets")))
    assert rows(printed)["generation"] == ["synapses", "A-E", "accuracy", "caffemodel, kB", "flushed"]
    assert "[Cluster16] has no lineage on streets." in printed


def test_without_accuracy_its_cells_are_blank(fabricated: Fabricate, lineage: Lineage) -> None:
    generations = lineage(2)
    for made in generations:
        del made["accuracy"]
    assert rows(table.markdown(fabricated("run", generations)))["2"][3] == ""


def test_without_a_terminal_lines_are_plain_and_whole(
    fabricated: Fabricate, lineage: Lineage, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "40")
    table.show(fabricated("run", lineage(13, dataset="digits", notice=NOTICE)))
    printed = capsys.readouterr().out
    assert "\x1b" not in printed
    assert f"NOTE: measured on digits, another data set than the paper's MNIST. {NOTICE}\n" in printed
    assert re.search(r"^ ?13 +1,110 +129\.71 +125\.09 +0\.9873 +0\.9775 +4\.9 +26 *$", printed, re.MULTILINE)
    assert "…" not in printed


def test_empty_run(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="expected a run with generations in it, found none; `make evolve` makes one"):
        table.markdown(tmp_path)


def test_summary_of_seeds(fabricated: Fabricate, lineage: Lineage) -> None:
    runs = [fabricated(f"seed{seed}", lineage(13 if seed == 1 else 12, seed=seed)) for seed in (1, 2, 3)]
    for run, accuracy in zip(runs, (0.98, 0.982, 0.987), strict=True):
        path = run / "gen012" / "metrics.json"
        path.write_text(path.read_text().replace('"accuracy": 0.9877', f'"accuracy": {accuracy}'))
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
