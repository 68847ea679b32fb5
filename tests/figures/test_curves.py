"""The picture: there, whole, readable, and the same every time."""

from dataclasses import replace
from pathlib import Path

import matplotlib
import numpy as np
import pytest
from matplotlib.image import imread

from evolve.base.errors import UserError
from evolve.figures import curves
from tests.figures.conftest import Fabricate, Lineage
from tests.figures.looks import assert_labels_keep_apart, assert_nothing_is_cut_off, drawn, words
from tests.runs.made_up import with_score

NOTICE = (
    "MNIST could not be had (train-images-idx3-ubyte.gz was neither found nor downloaded: storage.googleapis.com, "
    "ossci-datasets.s3.amazonaws.com: Network is unreachable): the 1,797 handwritten digits of scikit-learn instead"
)


@pytest.mark.parametrize(("seeds", "count"), [(1, 1), (3, 1), (1, 2), (3, 3), (1, 13), (3, 13), (1, 40)])
def test_nothing_is_cut_off(fabricated: Fabricate, lineage: Lineage, seeds: int, count: int) -> None:
    figure = drawn([fabricated(f"seed{seed}", lineage(count, seed=seed)) for seed in range(seeds)])
    assert_nothing_is_cut_off(figure)
    assert_labels_keep_apart(figure)


def test_long_names_and_notice_are_whole(fabricated: Fabricate, lineage: Lineage) -> None:
    name = "a_network_whose_name_tells_every_setting_that_its_user_tried_in_the_second_of_three_attempts$x$"
    runs = [fabricated(f"seed{seed}", lineage(3, seed=seed, network=name, layers={"conv1": (8, 8), "ip1": (10, 80)},
                                              dataset="digits", notice=NOTICE)) for seed in range(10)]  # fmt: skip
    figure = drawn(runs)
    assert_nothing_is_cut_off(figure)
    assert any(
        f"NOTE: measured on digits, another data set than the paper's MNIST. {NOTICE}" in each for each in words(figure)
    )
    assert any("on digits (not MNIST)" in each for each in words(figure))


def test_title_lines_and_ends_are_labelled(fabricated: Fabricate, lineage: Lineage) -> None:
    said = words(drawn([fabricated("run", lineage(13))]))
    for expected in (
        "lenet on MNIST: 130× fewer synapses in 13 generations",
        "this run",
        "the paper, MNIST: [Cluster16], Table 1",
        "143,978",
        "1,110",
        "130× 0.9873",
        "125× 0.9775",
        "generation",
        "synapses",
        "test accuracy",
    ):
        assert expected in said


def test_labels_keep_apart_where_both_lines_end_together(fabricated: Fabricate, lineage: Lineage) -> None:
    generations = lineage(13)
    for accuracy in (0.9774, 0.9775, 0.9776):
        generations[-1] = with_score(replace(generations[-1], architectural_efficiency=125.0), accuracy=accuracy)
        assert_labels_keep_apart(drawn([fabricated(f"run{accuracy}", generations)]))


def test_the_mean_is_of_the_generations_that_all_seeds_have(fabricated: Fabricate, lineage: Lineage) -> None:
    figure = drawn([fabricated("long", lineage(5, seed=1)), fabricated("short", lineage(3, seed=2))])
    *single, mean = figure.axes[0].lines
    assert [np.size(line.get_xdata()) for line in single] == [5, 3]
    assert np.array_equal(mean.get_xdata(), [1, 2, 3])


def test_another_network_has_no_paper_line(
    fabricated: Fabricate, lineage: Lineage, bvlc: dict[str, tuple[int, int]]
) -> None:
    figure = drawn([fabricated(f"run{seed}", lineage(4, layers=bvlc, seed=seed)) for seed in (1, 2, 3)])
    assert not any("paper" in each for each in words(figure))
    assert_nothing_is_cut_off(figure)


def test_a_data_set_without_paper_has_no_paper_line(fabricated: Fabricate, lineage: Lineage) -> None:
    figure = drawn([fabricated("run", lineage(4, dataset="streets"))])
    assert not any("paper" in each for each in words(figure))
    assert_nothing_is_cut_off(figure)


def test_accuracy_never_goes_above_one(fabricated: Fabricate, lineage: Lineage) -> None:
    figure = drawn([fabricated("run", lineage(4, accuracy=1.0))])
    assert all(axes.get_ylim()[1] <= 1 for axes in figure.axes if axes.get_ylabel() == "test accuracy")
    assert_nothing_is_cut_off(figure)


def test_files_are_the_same_every_time_whatever_the_users_style(
    fabricated: Fabricate, lineage: Lineage, tmp_path: Path
) -> None:
    run = fabricated("run", lineage(13))
    first = [path.read_bytes() for path in curves.draw([run], tmp_path / "once")]
    with matplotlib.rc_context({"font.size": 30, "axes.facecolor": "black", "svg.hashsalt": "other"}):
        again = curves.draw([run], tmp_path / "deep" / "twice")
    assert [path.name for path in again] == ["curves.png", "curves.svg"]
    assert [path.read_bytes() for path in again] == first


def test_png_is_a_picture(fabricated: Fabricate, lineage: Lineage, tmp_path: Path) -> None:
    png, _ = curves.draw([fabricated("run", lineage(3))], tmp_path)
    pixels = imread(png)
    assert pixels.shape[:2] == (972, 1980)
    assert 0.02 < (pixels[..., :3].min(axis=2) < 0.9).mean() < 0.5


def test_empty_run(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="expected a run with generations in it, found none; `make evolve` makes one"):
        curves.draw([tmp_path], tmp_path)


def test_of_a_net_without_accuracy_the_test_loss(fabricated: Fabricate, lineage: Lineage, tmp_path: Path) -> None:
    told = [with_score(each, loss=3.0 - each.generation / 2) for each in lineage(4, dataset="faces")]
    run = fabricated("run", told)
    figure = drawn([run])
    assert [axes.get_ylabel() for axes in figure.axes] == ["synapses", "test loss", "test loss"]
    (over_generations,) = [axes for axes in figure.axes if axes.get_xlabel() == "generation"]
    assert np.array_equal(over_generations.lines[-1].get_ydata(), [2.5, 2.0, 1.5, 1.0])
    assert over_generations.get_ylim()[1] > 2.5
    assert_nothing_is_cut_off(figure)
    assert len(curves.draw([run], tmp_path / "out")) == 2
    with_one_lacking = fabricated("lacking", [told[0], with_score(told[1])])
    with pytest.raises(UserError, match="expected an accuracy .* got none; give the net an Accuracy layer, or see `ma"):
        curves.draw([with_one_lacking], tmp_path / "other")


def test_run_without_accuracy(fabricated: Fabricate, lineage: Lineage, tmp_path: Path) -> None:
    generations = lineage(2)
    generations[1] = with_score(generations[1])
    with pytest.raises(UserError, match="run: expected an accuracy .* of every generation to go by, got none of gen"):
        curves.draw([fabricated("run", generations)], tmp_path / "out")
    assert not (tmp_path / "out").exists()
