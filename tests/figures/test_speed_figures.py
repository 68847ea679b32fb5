"""[Half17]'s Figures 2 and 3, and the table of a detector: what is drawn, readable, and from where."""

import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from matplotlib.figure import Figure

from evolve.base import prototxt_text
from evolve.base.errors import UserError
from evolve.figures import papers, report, table
from evolve.figures.run import read_seeds
from evolve.runs import run_folder
from tests.figures.conftest import Fabricate, Lineage
from tests.figures.looks import assert_labels_keep_apart, assert_nothing_is_cut_off, drawn, words
from tests.runs.made_up import with_score

ROOT = Path(__file__).resolve().parents[2]
sys.path.append(str(ROOT / "tests/network"))

import famous_nets  # noqa: E402


@pytest.fixture
def detector(fabricated: Fabricate, lineage: Lineage) -> Callable[..., Path]:
    """detector(13, "seed1", seed=1, …): a run of made-up scores, with a full DetectNet in every generation."""

    def make(count: int, name: str = "seed1", deploy: bool = True, **others: Any) -> Path:
        generations = [
            with_score(each, precision=0.85 + 0.003 * number, recall=0.86 - 0.002 * number, map=0.7, ap=0.8)
            for number, each in enumerate(lineage(count, network="detectnet", dataset="streets", **others), start=1)
        ]
        run = fabricated(name, generations)
        for each in generations:
            if deploy:
                folder = run / f"gen{each.generation:03d}"
                prototxt_text.write(famous_nets.detectnet(192, 320), folder / "deploy.prototxt")
        return run

    return make


def timed(run: Path, engine: str, fps: dict[int, float], shape: str = "3x192x320", busy: float = 0) -> None:
    """Adds measurements to the run's fps.json."""
    path = run / "fps.json"
    rows = json.loads(path.read_text())["frames"] if path.exists() else []
    for number, each in fps.items():
        rows.append(
            {
                "generation": number, "engine": engine, "precision": "f32", "batch": 1, "runs": 100,
                "median_ms": 1000 / each, "p95_ms": 1100 / each, "fps": each, "shape": shape, "threads": 1,
                "device": "CPU", "version": "1", "difference": 1e-6, "weights_sha256": f"weights {number}",
                "busy_cores": busy,
            }  # fmt: skip
        )
    path.write_text(json.dumps({"protocol": "", "frames": rows}))


def panel(figure: Figure, title: str) -> Any:
    return next(axes for axes in figure.axes if axes.get_ylabel() == title)


def line(axes: Any, label: str) -> dict[float, float]:
    found = next(each for each in axes.lines if str(each.get_label()).startswith(label))
    return dict(zip(found.get_xdata(), found.get_ydata(), strict=True))


def assert_readable(figure: Figure) -> None:
    """Nothing is cut off, labels keep apart, and a panel's key stays above its lines and within it."""
    assert_nothing_is_cut_off(figure)
    assert_labels_keep_apart(figure)
    for axes in figure.axes:
        if key := axes.get_legend():
            box, room = key.get_window_extent(), axes.get_window_extent()
            assert box.x1 <= room.x1 + 1 and box.y0 >= room.y0
            for each in axes.lines:
                points = axes.transData.transform(np.column_stack([each.get_xdata(), each.get_ydata()]))
                assert not any(box.contains(x, y) for x, y in points), each.get_label()


@pytest.mark.parametrize(("seeds", "count", "engines"), [(1, 1, 0), (1, 13, 0), (1, 13, 1), (1, 13, 3), (2, 5, 2)])
def test_detection_pictures_are_readable(
    detector: Callable[..., Path], seeds: int, count: int, engines: int
) -> None:
    runs = [detector(count, f"seed{seed}", seed=seed) for seed in range(1, seeds + 1)]
    for run in runs:
        for number in range(engines):
            timed(run, f"engine{number}", {k: (10 + 3 * number) * 1.15**k for k in range(1, count + 1)})
    assert_readable(drawn(runs))


def test_figures_2_and_3_of_a_detector(detector: Callable[..., Path]) -> None:
    run = detector(13)
    timed(run, "openvino", {number: 10.0 * number for number in range(1, 14)})
    figure = drawn([run])
    said = words(figure)
    for expected in (
        "detectnet on streets: 130× fewer synapses in 13 generations",
        "143,978",
        "openvino f32 1 thread 3x192x320: 10 → 130 fps",
        "TX1, predicted, 3x512x1024: 7.0 → 7.0 fps",  # as wide as generation 1 in each of them
        "TX1, [Half17], Figure 2: 7 → 37 fps",
        "37",
        "[Half17], Figure 3, generation 13 against 1: precision +2 %, recall −2 %",
        "precision: 0.853 → 0.889",
        "recall: 0.858 → 0.834",
    ):
        assert expected in said, said
    speed = panel(figure, "frames per second")
    assert line(speed, "openvino") == {number: 10.0 * number for number in range(1, 14)}
    assert line(speed, "TX1, [Half17]") == papers.HALF17_FPS
    assert line(panel(figure, "on the validation images"), "precision")[13] == pytest.approx(0.889)
    assert not any("accuracy" in each for each in said)


def test_without_measurements_there_are_the_predicted_and_the_papers(detector: Callable[..., Path]) -> None:
    speed = panel(drawn([detector(3)]), "frames per second")
    assert [str(each.get_label()).split(",")[0] for each in speed.lines] == ["TX1", "TX1"]
    # The paper's thirteenth generation is not among three.
    assert list(line(speed, "TX1, [Half17]")) == [1]
    assert line(speed, "TX1, predicted")[3] == pytest.approx(7, abs=0.01)


def test_a_net_that_cannot_be_predicted(detector: Callable[..., Path]) -> None:
    speed = panel(drawn([detector(3, deploy=False)]), "frames per second")
    assert len(speed.lines) == 1


def test_a_devices_table_is_drawn_beside(detector: Callable[..., Path], tmp_path: Path) -> None:
    run = detector(3)
    timed(run, "openvino", {1: 10.0, 2: 20.0, 3: 30.0})
    device = tmp_path / "tx1.csv"
    device.write_text(
        "generation,engine,precision,batch,runs,median_ms,p95_ms,fps\n1,tensorrt 2.1,f16,1,9,100,100,10\n"
        "3,tensorrt 2.1,f16,1,9,50,50,20\n"
    )
    speed = panel(drawn([run], device), "frames per second")
    assert line(speed, "tensorrt 2.1 f16") == {1: 10.0, 3: 20.0}
    assert line(speed, "openvino") == {1: 10.0, 2: 20.0, 3: 30.0}
    with pytest.raises(UserError, match="FPS=.*tx1.csv: expected one run that it is of, got 2"):
        read_seeds([run, detector(3, "seed2", seed=2)], device)


def test_seeds_are_averaged_where_they_were_measured(detector: Callable[..., Path]) -> None:
    one, two = detector(3, "seed1", seed=1), detector(3, "seed2", seed=2)
    timed(one, "openvino", {1: 10.0, 2: 20.0})
    timed(two, "openvino", {1: 30.0, 3: 50.0})
    figure = drawn([one, two])
    assert line(panel(figure, "frames per second"), "openvino") == {1: 20.0, 2: 20.0, 3: 50.0}
    assert "mean of 2 seeds; thin: each of them" in words(figure)


def test_a_classifier_has_the_panel_once_it_is_measured(fabricated: Fabricate, lineage: Lineage) -> None:
    run = fabricated("run", lineage(5))
    assert not any(axes.get_ylabel() == "frames per second" for axes in drawn([run]).axes)
    timed(run, "openvino", {number: 2000.0 * number for number in range(1, 6)}, "1x32x32")
    figure = drawn([run])
    assert line(panel(figure, "frames per second"), "openvino")[5] == 10000
    assert not any("TX1" in each for each in words(figure))
    assert_readable(figure)


def rows(text: str) -> dict[str, list[str]]:
    cells = [[cell.strip() for cell in line.strip("|").split("|")] for line in text.splitlines() if line[:1] == "|"]
    return {first: rest for first, *rest in cells}


def test_the_table_of_a_detector(detector: Callable[..., Path]) -> None:
    run = detector(3)
    timed(run, "openvino", {1: 10.0, 3: 31.26})
    printed = table.markdown(run)
    made = rows(printed)
    assert made["generation"] == [
        "synapses", "A-E", "precision", "recall", "mAP", "AP", "caffemodel, kB", "flushed", "fps", "TX1 fps, predicted",
    ]  # fmt: skip
    assert made["3"][2:6] == ["0.8590", "0.8540", "0.7000", "0.8000"]
    assert [made[number][8] for number in "123"] == ["10.0", "", "31.3"]
    assert "fps: frames per second, openvino f32 1 thread." in printed
    assert "[Half17]: 7 → 37 fps in 13 generations, precision +2 %, recall −2 %." in printed
    assert "Cluster16" not in printed and "accuracy" not in printed


def test_the_tables_of_a_detectors_seeds(detector: Callable[..., Path]) -> None:
    made = rows(table.summary([detector(2, f"seed{seed}", seed=seed) for seed in (1, 2)]))
    means = [cell for cell in made["generation"] if "min" not in cell]
    assert means == ["seeds", "A-E", "precision", "recall", "mAP", "AP"]
    assert made["2"][3] == "0.8560 ± 0.0000"


def test_a_classifiers_table_has_fps_once_measured(fabricated: Fabricate, lineage: Lineage) -> None:
    run = fabricated("run", lineage(2))
    timed(run, "caffe", {2: 5000.0}, "1x32x32")
    made = rows(table.markdown(run))
    assert made["generation"][-2:] == ["flushed", "fps"]
    assert (made["1"][-1], made["2"][-1]) == ("", "5,000.0")


def test_fps_taken_under_load_are_marked_wherever_they_are_shown(fabricated: Fabricate, lineage: Lineage) -> None:
    run = fabricated("run", lineage(2))
    timed(run, "openvino", {1: 1000.0, 2: 2000.0}, "1x32x32", busy=2.0)
    marked = "openvino f32 1 thread under load"
    run_folder.write_lineage(run)
    assert marked in (run / "lineage.csv").read_text()
    assert f"fps: frames per second, {marked}." in table.markdown(run)
    assert any(marked in each for each in words(drawn([run])))
    page = report.write(run).read_text()
    assert page.count(marked) >= 2  # beside the figure on top, and in the table
