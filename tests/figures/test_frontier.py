"""The frontier: which runs are one line, its mean and spread by hand, and a picture in which all can be read."""

import csv
import itertools
import re
from dataclasses import replace
from pathlib import Path

import pytest
from matplotlib.figure import Figure
from matplotlib.image import imread
from matplotlib.text import Annotation, Text

from evolve.command.command import main
from evolve.figures import curves, frontier, series
from evolve.runs.metrics import Data
from evolve.settings import networks
from tests.figures.conftest import Fabricate, Lineage
from tests.figures.looks import assert_nothing_is_cut_off, words
from tests.figures.report_page import with_settings
from tests.runs.made_up import detector, with_score

LENET5 = "LeNet-5 20-50-500-10"


@pytest.fixture
def seeds(fabricated: Fabricate, lineage: Lineage) -> list[Path]:
    """Two seeds of three generations: compressions 1, 1.5, 2.25 and 1, 2, 4; accuracies 0.98, 0.97, 0.96 and +0.01."""
    runs = []
    for seed, base in ((1, 1.5), (2, 2.0)):
        generations = [
            with_score(replace(metrics, architectural_efficiency=base**k), accuracy=0.97 + seed / 100 - k / 100)
            for k, metrics in enumerate(lineage(3, seed=seed))
        ]
        runs.append(fabricated(f"brief-seed{seed}", generations))
        with_settings(runs[-1], f"# of seed {seed}\ngenerations: {seed + 3}\nseed: {seed}\n")
    return runs


def drawn(each: frontier.Frontier) -> Figure:
    with curves.style():
        figure = frontier.figure(each)
        figure.canvas.draw()
    return figure


def assert_all_can_be_read(figure: Figure) -> None:
    assert_nothing_is_cut_off(figure)
    for axes in figure.axes:
        # Of the words; a thin line from them to their point may cross others.
        boxes = [Text.get_window_extent(each) for each in axes.texts if isinstance(each, Annotation)]
        assert not any(a.overlaps(b) for a, b in itertools.combinations(boxes, 2))


def test_mean_and_spread_of_the_seeds_of_one_setting(seeds: list[Path]) -> None:
    (each,), left_out = frontier.gather(seeds)
    line = each.lines["synapses"][0]
    assert not left_out and (line.title, line.seeds, line.kind) == ("lenet brief", [1, 2], "run")
    # By hand: of two values, the sample deviation is their distance over the root of 2.
    ends = [(1, 1), (1.5, 2), (2.25, 4)]
    for point, (low, high), score in zip(line.points, ends, (0.985, 0.975, 0.965), strict=True):
        assert point.compression == pytest.approx((low + high) / 2) and point.score == pytest.approx(score)
        assert point.compression_spread == pytest.approx((high - low) / 2**0.5)
        assert point.score_spread == pytest.approx(0.01 / 2**0.5) and point.count == 2


def test_a_generation_that_one_seed_has_is_of_that_seed(fabricated: Fabricate, lineage: Lineage) -> None:
    (each,), _ = frontier.gather([fabricated("seed1", lineage(3, seed=1)), fabricated("seed2", lineage(2, seed=2))])
    line = each.lines["synapses"][0]
    assert [point.count for point in line.points] == [2, 2, 1] and line.points[2].score_spread == 0
    assert line.title == "lenet"


def test_other_settings_are_another_line(seeds: list[Path], fabricated: Fabricate, lineage: Lineage) -> None:
    for name, text in (("b=0.6-seed1", "environment { synapse_budget: 0.6 }"), ("b=0.7-seed1", "truncation: 0.7")):
        with_settings(fabricated(name, lineage(3)), text + "\n")
    again = fabricated("brief-seed7", lineage(3, seed=7))
    with_settings(again, "generations: 4\n", name="evolution.prototxt")
    (again / "prototxt" / "solver.prototxt").write_text("base_lr: 0.5\n")
    others = [again.parent / name for name in ("b=0.6-seed1", "b=0.7-seed1")]
    (each,), _ = frontier.gather([*seeds, *others, again])
    runs = [(line.title, line.seeds) for line in each.lines["synapses"] if line.kind == "run"]
    assert runs == [("lenet brief", [1, 2]), ("lenet b=0.6", [1]), ("lenet b=0.7", [1]), ("lenet brief (2)", [7])]
    assert_all_can_be_read(drawn(each))


@pytest.mark.parametrize("data", [Data("yolo", "", is_shared=True), Data("pictures (images)")])
def test_seeds_on_other_data_of_that_name_are_another_line(
    data: Data, fabricated: Fabricate, lineage: Lineage
) -> None:
    """As after pictures were added; what does not say what it was made from is with the rest."""
    made_from = {1: "57 pictures", 2: "77 pictures", 3: "57 pictures", 4: ""}
    runs = [
        fabricated(f"seed{seed}", lineage(2, seed=seed, dataset=replace(data, sha256=sha256)))
        for seed, sha256 in made_from.items()
    ]
    again = fabricated("again", lineage(2, dataset=replace(data, sha256="77 pictures")))
    (each,), left_out = frontier.gather([*runs, again])
    lines = [(line.title, line.seeds) for line in each.lines["synapses"] if line.kind == "run"]
    assert lines == [("lenet", [1, 3, 4]), ("lenet again", [1, 2])] and not left_out


def test_data_that_is_drawn_by_seed_is_other_data_by_right(fabricated: Fabricate, lineage: Lineage) -> None:
    runs = [
        fabricated(f"seed{seed}", lineage(2, seed=seed, dataset=Data("streets", f"of {seed}"))) for seed in (1, 2)
    ]
    (each,), _ = frontier.gather(runs)
    assert [line.seeds for line in each.lines["synapses"] if line.kind == "run"] == [[1, 2]]


def test_data_sets_of_ones_own_in_other_folders_of_one_name_have_pictures_of_their_own(
    fabricated: Fabricate, lineage: Lineage, tmp_path: Path
) -> None:
    """The second one's lines were in the first one's picture. What a picture is called depends on no other."""
    places = {"a": "/my/a/photos", "b": "/my/b/photos"}
    for name, place in [*places.items(), ("a-again", places["a"])]:
        run = fabricated(name, lineage(2, dataset=Data("photos (images)", f"of {name}", is_shared=True)))
        with_settings(run, f'dataset {{ name: "images" folder: "{place}" }}\n')
    fabricated("known", lineage(2))
    (mnist, both, other), _ = frontier.gather([tmp_path / name for name in ("a", "b", "a-again", "known")])
    assert [each.title for each in (both, other)] == [f"photos (images), {place}" for place in places.values()]
    assert [line.title for line in both.lines["synapses"] if line.kind == "run"] == ["lenet a", "lenet a-again"]
    assert_all_can_be_read(drawn(both))
    assert f"{both.title}: test accuracy against compression" in words(drawn(both))
    # By hand: sha256sum of the folders.
    names = ["photos (images)-d670b1b0", "photos (images)-d5baba09", "mnist"]
    assert [both.dataset, other.dataset, mnist.dataset] == names
    (alone,), _ = frontier.gather([tmp_path / "b"])
    assert alone.dataset == other.dataset
    files = [path.name for path in frontier.draw([both, other, mnist], tmp_path / "out")]
    assert files == [*(f"frontier-{name}.{kind}" for name in names for kind in ("png", "svg")), "frontier.csv"]
    with open(tmp_path / "out" / "frontier.csv", encoding="utf-8", newline="") as file:
        assert list(dict.fromkeys(row["data_set"] for row in csv.DictReader(file))) == names


@pytest.mark.parametrize(
    ("data", "settings", "place", "name"),
    [
        (Data("yolo"), 'name: "yolo" detection { folder: "/a/boxes" }', "/a/boxes", "yolo-boxes-155b688d"),
        (Data("voc"), 'name: "voc" detection { folder: "bccd" }', "bccd", "voc-bccd-4e2497a9"),
        (Data("p (images)"), 'name: "images" train: "/a/p.csv"', "/a/p.csv", "p (images)-4202edfc"),
        (Data("p (images)"), 'name: "images" folder: "p"', f"{networks.root()}/lenet/p", None),
        (Data("streets"), 'name: "yolo" or_else { name: "streets" } detection { folder: "/a" }', "", "streets"),
        (Data("mnist", is_own=True), 'name: "mnist"', "lenet", "mnist-lenet-977c6b2b"),
        (Data("mnist"), 'name: "mnist"', "", "mnist"),
    ],
)
def test_where_data_of_ones_own_lies(
    data: Data, settings: str, place: str, name: str | None, fabricated: Fabricate, lineage: Lineage
) -> None:
    run = fabricated("run", lineage(1, dataset=data))
    with_settings(run, f"dataset {{ {settings} }}\n")
    (each,), _ = frontier.gather([run])
    assert each.title == ", ".join(filter(None, (each.run.dataset, place)))
    assert name is None or each.dataset == name


def test_a_network_that_lies_elsewhere_is_where_its_data_is_seen_from(fabricated: Fabricate, lineage: Lineage) -> None:
    run = fabricated("run", lineage(1, network="my_net", dataset=Data("p (images)")))
    with_settings(run, 'dataset { name: "images" folder: "../p" }\n')
    (each,), _ = frontier.gather([run])
    assert each.title == "p (images), my_net/../p"


def test_the_same_seed_again_is_left_out_and_said(fabricated: Fabricate, lineage: Lineage) -> None:
    short, long = fabricated("short", lineage(2)), fabricated("long", lineage(3))
    (each,), left_out = frontier.gather([short, long])
    assert [len(line.points) for line in each.lines["synapses"] if line.kind == "run"] == [3]
    assert left_out == [f"{short} is left out: of the same settings and seed as {long}."]


def test_a_run_without_accuracy_is_left_out_and_said(fabricated: Fabricate, lineage: Lineage) -> None:
    blind = fabricated("blind", [with_score(metrics) for metrics in lineage(2)])
    frontiers, left_out = frontier.gather([blind])
    said = (
        f"{blind} is left out: expected an accuracy or an average precision of every generation to go by, got none; "
        "give the net an Accuracy layer."
    )
    assert (frontiers, left_out) == ([], [said])


def test_a_run_whose_figures_are_damaged_is_left_out_and_said(fabricated: Fabricate, lineage: Lineage) -> None:
    whole, damaged = fabricated("whole", lineage(3)), fabricated("damaged", lineage(2))
    (damaged / "gen002" / "metrics.json").write_text("{")
    (each,), left_out = frontier.gather([whole, damaged])
    assert [line.title for line in each.lines["synapses"] if line.kind == "run"] == ["lenet whole"]
    assert len(left_out) == 1 and left_out[0].startswith(f"{damaged} is left out: {damaged}/gen002/metrics.json: ")


def test_within_half_a_point(seeds: list[Path]) -> None:
    line = series.Series("", "run", "", "synapses", [series.Point(x, y) for x, y in
                         ((1, 0.9), (2, 0.896), (4, 0.894), (8, 0.895), (16, 0.8))], "")  # fmt: skip
    assert (line.within(0.005), line.within(0), line.within(0.2)) == (8, 1, 16)
    assert series.series(None, "MNIST")[0].within(0.005) is None


def test_what_others_published_is_what_their_papers_say() -> None:
    found = {
        name: [
            (each.title.split(",")[0], each.network, each.counted, [(p.compression, p.score) for p in each.points])
            for each in series.series(None, name)
        ]
        for name in ("MNIST", "CIFAR-10", "STL-10")
    }
    assert found == {
        "MNIST": [
            ("two parents", "", "synapses", [(258.37, 0.97)]),
            ("Dynamic Network Surgery", LENET5, "parameters", [(108, 0.9909)]),
            ("ADMM", LENET5, "weights", [(71, 0.992)]),
            ("Soft Weight Sharing", LENET5, "weights", [(200, 0.9903)]),
            ("Sparse Variational Dropout", LENET5, "weights", [(280, 0.9925)]),
        ],
        "CIFAR-10": [("DepGraph", "ResNet-56", "MACs", [(2.13, 0.9377), (2.57, 0.9364)])],
        "STL-10": [],
    }
    # By its own count of what is left.
    assert 431_080 / 3_993 == pytest.approx(108, abs=0.1)
    assert all("arXiv 1" in each.source or "arXiv 2" in each.source for each in series.series(None, "MNIST"))


def test_macs_have_a_panel_of_their_own(fabricated: Fabricate, lineage: Lineage) -> None:
    run = fabricated("run", lineage(3, network="resnet56_cifar10", dataset="cifar10"))
    (each,), _ = frontier.gather([run])
    ours = {counted: [line for line in lines if line.kind == "run"][0] for counted, lines in each.lines.items()}
    assert [point.compression for point in ours["MACs"].points] == pytest.approx([1, 2, 3], rel=1e-6)
    assert [[line.title for line in lines] for lines in each.lines.values()] == [
        ["resnet56_cifar10 run", "[Cluster16] Table 1"], ["resnet56_cifar10 run", "DepGraph"]
    ]  # fmt: skip
    figure = drawn(each)
    assert_all_can_be_read(figure)
    assert [axes.get_xlabel() for axes in figure.axes] == [
        "architectural efficiency A-E: how many times fewer synapses", "how many times fewer multiply-accumulates"
    ]  # fmt: skip


@pytest.mark.parametrize(("settings", "count"), [(1, 1), (1, 13), (4, 13), (12, 5)])
def test_all_can_be_read(settings: int, count: int, fabricated: Fabricate, lineage: Lineage) -> None:
    runs = []
    for k, seed in itertools.product(range(settings), (1, 2)):
        generations = lineage(count, seed=seed, accuracy=0.99 - k / 500)
        runs.append(fabricated(f"synapse_budget=0.{k + 1}-seed{seed}", generations))
        with_settings(runs[-1], f"environment {{ synapse_budget: 0.{k + 1} }}\n")
    (each,), _ = frontier.gather(runs)
    figure = drawn(each)
    assert_all_can_be_read(figure)
    said = words(figure)
    assert "MNIST: test accuracy against compression" in said and "Sparse Variational Dropout" in said
    assert "[Cluster16] Table 1, LeNet-5 32-32-64-64-10: 125×, 0.9775" in said
    assert any(each.startswith("lenet synapse_budget=0.1, 2 seeds: ") for each in said)


def test_what_is_weak_does_not_flatten_the_rest_and_is_said(fabricated: Fabricate, lineage: Lineage) -> None:
    generations = lineage(4)
    generations[3] = with_score(generations[3], accuracy=0.1)
    tried = fabricated("tried-for-a-minute-with=settings+whose=names+do+not+end+before-the-line-does-seed1",
                       lineage(3, accuracy=0.5))  # fmt: skip
    with_settings(tried, "truncation: 0.7\n")
    (each,), _ = frontier.gather([fabricated("run", generations), tried])
    figure = drawn(each)
    assert figure.axes[0].get_ylim()[0] > 0.95
    assert each.lines["synapses"][0].points[3].score == 0.1
    (caption,) = [said for said in words(figure) if said.startswith("A-E: ")]
    ratio = each.lines["synapses"][0].points[3].compression
    assert f"Below the scale: lenet run from {ratio:.1f}× on, down to 0.1000." in caption
    name = "lenet tried-for-a-minute-with=s…do+not+end+before-the-line-does"
    assert f"Below the scale: {name}, at most 0.5000." in caption
    assert_all_can_be_read(figure)


def test_a_detector_has_average_precision(fabricated: Fabricate, lineage: Lineage) -> None:
    generations = [detector(metrics) for metrics in lineage(3, network="detectnet", dataset="streets")]
    (each,), _ = frontier.gather([fabricated("seed1", generations)])
    (line,) = each.lines["synapses"]
    assert line.title == "detectnet" and line.points[2].score == pytest.approx(0.575)
    figure = drawn(each)
    assert "streets: average precision against compression" in words(figure)
    assert_all_can_be_read(figure)


def test_the_data_set_that_stands_in_is_said(fabricated: Fabricate, lineage: Lineage) -> None:
    (each,), _ = frontier.gather([fabricated("seed1", lineage(3, dataset="digits"))])
    figure = drawn(each)
    assert any("NOTE: measured on digits, another data set than the paper's MNIST." in said for said in words(figure))
    assert_all_can_be_read(figure)


def test_the_verb(
    seeds: list[Path], monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("CAVEFISH_RUNS", str(tmp_path / "runs"))
    network = tmp_path / "runs" / "lenet"
    network.mkdir(parents=True)
    for run in seeds:
        run.rename(network / run.name)
    assert main(["frontier"]) == 0
    runs = tmp_path / "runs"
    said = capsys.readouterr().out
    rows = {line.split("  ")[0].strip(): re.split(r"  +", line.strip())[1:] for line in said.splitlines()}
    assert rows["lenet brief"] == ["lenet", "synapses", "2", "3", "3.12 ± 1.24", "0.9650 ± 0.0071", "1.00"]
    assert rows["[Cluster16] Table 1"] == ["LeNet-5 32-32-64-64-10", "synapses", "13", "125.09", "0.9775", "12.09"]
    assert rows["ADMM"] == ["LeNet-5 20-50-500-10", "weights", "71.00", "0.9920"]
    files = [runs / name for name in ("frontier-mnist.png", "frontier-mnist.svg", "frontier.csv")]
    assert said.splitlines()[-3:] == [str(path) for path in files]
    assert imread(files[0]).shape[:2] == (1116, 1710)
    with open(files[2], encoding="utf-8", newline="") as file:
        table = list(csv.DictReader(file))
    last = next(row for row in table if row["method"] == "lenet brief" and row["generation"] == "3")
    assert (last["data_set"], last["seeds"], last["compression"], last["kind"]) == ("mnist", "2", "3.125", "run")
    assert last["source"] == "lenet/brief-seed1, lenet/brief-seed2" and len(table) == 3 + 6 + 5
    before = [path.read_bytes() for path in files]
    assert main(["frontier", f"RUN={network / 'brief-seed1'},brief-seed2", f"OUT={tmp_path}"]) == 0
    assert [(tmp_path / path.name).read_bytes() for path in files] == before


def test_without_a_run_that_can_be_drawn_nothing_is_written(
    fabricated: Fabricate, lineage: Lineage, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    blind = fabricated("blind", [with_score(metrics) for metrics in lineage(1)])
    assert main(["frontier", f"RUN={blind}", f"OUT={tmp_path / 'out'}"]) == 2
    out, said = capsys.readouterr()
    first, last = said.splitlines()
    assert not out and first.startswith(f"cavefish: {blind} is left out: expected an accuracy")
    assert last == "frontier: expected a run that can be drawn, got none; name it by RUN="
    assert not (tmp_path / "out").exists()


def test_no_runs(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setenv("CAVEFISH_RUNS", str(tmp_path))
    assert main(["frontier"]) == 2
    said = f"cavefish: {tmp_path}: expected runs with generations in them, found none; `make evolve` makes one\n"
    assert capsys.readouterr().err == said
