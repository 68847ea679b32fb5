"""What was measured is kept beside the run, joins lineage.csv, and counts only for the weights it was measured on."""

import csv
import dataclasses
import json
import threading
import time
from pathlib import Path
from typing import Any

import pytest

from evolve.base.errors import UserError
from evolve.figures.run import Run
from evolve.network import roofline
from evolve.runs import device_table, measurements, run_folder
from evolve.runs.measurements import Measurement
from evolve.runs.score import Score
from tests.runs import made_up
from trt.speed import bench, tables

DEPLOY = """
layer { name: "data" type: "Input" top: "data" input_param { shape { dim: 1 dim: 3 dim: 8 dim: 8 } } }
layer { name: "conv" type: "Convolution" bottom: "data" top: "conv" convolution_param { num_output: 4 kernel_size: 3 } }
"""


def make_run(folder: Path, generations: int = 3, **metrics: Any) -> Path:
    run = made_up.write(folder / "seed1", [made_up.metrics(number, **metrics) for number in range(1, generations + 1)])
    for made in run.glob("gen*"):
        (made / "deploy.prototxt").write_text(DEPLOY)
    return run


def one(generation: int, fps: float = 100.0, **others: Any) -> Measurement:
    row: dict[str, Any] = {
        "engine": "openvino", "precision": "f32", "batch": 1, "runs": 100, "median_ms": 1000 / fps,
        "p95_ms": 1250 / fps, "fps": fps, "shape": "3x8x8", "threads": 1, "device": "CPU", "version": "1",
        "difference": 1e-6, "weights_sha256": f"weights {generation}",
    }  # fmt: skip
    return Measurement(generation=generation, **(row | others))


def lineage(run: Path) -> list[dict[str, str]]:
    run_folder.write_lineage(run)
    with open(run / "lineage.csv", newline="") as file:
        return list(csv.DictReader(file))


def test_it_comes_back_as_it_was_kept(tmp_path: Path) -> None:
    run = make_run(tmp_path)
    kept = [one(1), one(2, engine="caffe", difference=None)]
    measurements.keep(run, kept, "as it was done")
    assert sorted(measurements.read(run), key=lambda each: each.generation) == kept
    assert json.loads((run / "fps.json").read_text())["protocol"] == "as it was done"


def test_measured_again_it_is_replaced_and_what_differs_stays(tmp_path: Path) -> None:
    run = make_run(tmp_path)
    others = [one(1, threads=2), one(1, engine="caffe"), one(1, shape="3x9x9"), one(1, device="another"), one(2)]
    measurements.keep(run, [one(1, 100), *others], "")
    measurements.keep(run, [one(1, 200)], "")
    found = measurements.read(run)
    assert len(found) == 6 and one(1, 200) in found and one(1, 100) not in found
    assert all(each in found for each in others)


def test_of_two_that_are_kept_at_once_none_is_lost(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run, read = make_run(tmp_path), measurements.read

    def slowly(folder: Path) -> list[Measurement]:
        found = read(folder)
        time.sleep(0.2)
        return found

    monkeypatch.setattr(measurements, "read", slowly)
    threads = [threading.Thread(target=measurements.keep, args=(run, [one(number)], "")) for number in (1, 2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert read(run) == [one(1), one(2)]
    assert not list(run.glob(".*"))


def test_the_lineage_has_what_another_measured_meanwhile(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run, table = make_run(tmp_path), run_folder.table
    lineage(run)
    measurements.keep(run, [one(2)], "")

    def interrupted(folder: Path) -> list[dict[str, str]]:
        rows = table(folder)
        measurements.keep(run, [one(1)], "")
        return rows

    monkeypatch.setattr(run_folder, "table", interrupted)
    assert [row["fps"] for row in lineage(run)] == ["100.0", "100.0", ""]


def test_of_other_weights_nothing_counts(tmp_path: Path) -> None:
    run = make_run(tmp_path)
    measurements.keep(run, [one(1), one(2), one(9, weights_sha256="x")], "")
    (run / "gen002" / "DONE.json").write_text(json.dumps({"sha256": {"weights.caffemodel": "others"}}))
    assert [each.generation for each in measurements.read(run)] == [1]
    assert [row["fps"] for row in lineage(run)] == ["100.0", "", ""]


@pytest.fixture
def no_launches(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of nets as small as these, launching would be nearly all."""
    monkeypatch.setattr(roofline, "LAUNCH", 0.0)


def test_nothing_is_predicted_where_launching_kernels_takes_more_than_half(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = make_run(tmp_path)
    assert [row["predicted_tx1_fps"] for row in lineage(run)] == [""] * 3
    printed = tables.predicted("lenet", run_folder.read_lineage(run), run, None)
    assert [row[1:] for row in printed.rows] == [[""] * len(printed.columns[1:])] * 3
    assert printed.notes[-1].startswith("A roofline a layer. Left out: networks so small that launching their kernels")
    # By hand: one kernel, half of 896 bytes at a part of the bandwidth.
    for part, known in ((0.499, True), (0.501, False)):
        monkeypatch.setattr(roofline, "LAUNCH", part * 896 / (0.3208 * 25.6e9))
        assert [bool(row["predicted_tx1_fps"]) for row in lineage(run)] == [known] * 3


@pytest.mark.usefixtures("no_launches")
def test_lineage_columns(tmp_path: Path) -> None:
    run = make_run(tmp_path, accuracy=0.9)
    measurements.keep(run, [one(1, 100.0), one(3, 300.0)], "")
    rows = lineage(run)
    assert [row["fps"] for row in rows] == ["100.0", "", "300.0"]
    assert [row["fps_p95"] for row in rows] == ["80.0", "", "240.0"]
    assert [row["fps_engine"] for row in rows] == ["openvino f32 1 thread", "", "openvino f32 1 thread"]
    # By hand: conv, 6 x 6 places; in half precision 2 (192 + 108 + 4 + 144) bytes at 25.6 GB/s take longer than
    # 2 x 108 x 36 operations at 1024 GFLOP/s: 35 ns and 7.6 ns.
    assert [row["predicted_tx1_fps"] for row in rows] == [str(round(0.3208 * 25.6e9 / 896, 3))] * 3
    assert [(row["accuracy"], row["precision"]) for row in rows] == [("0.9", "")] * 3


def test_a_detectors_scores_have_columns(tmp_path: Path) -> None:
    run = make_run(tmp_path, score=Score(precision=0.8, recall=0.7, map=0.56, ap=0.75))
    columns = ("accuracy", "precision", "recall", "map", "ap")
    for row in lineage(run):
        assert [row[name] for name in columns] == ["", "0.8", "0.7", "0.56", "0.75"]


def test_one_engine_stands_in_the_lineage_that_measured_most_and_is_nearest_to_a_device(tmp_path: Path) -> None:
    run = make_run(tmp_path)
    measurements.keep(run, [one(n, 10, engine="caffe") for n in (1, 2)], "")
    assert lineage(run)[0]["fps_engine"] == "caffe f32 1 thread"
    measurements.keep(run, [one(n, 20) for n in (1, 2)], "")
    assert lineage(run)[0]["fps_engine"] == "openvino f32 1 thread"
    measurements.keep(run, [one(1, 30, engine="tensorrt", precision="f16", threads=0)], "")
    assert lineage(run)[0]["fps_engine"] == "openvino f32 1 thread"
    measurements.keep(run, [one(2, 30, engine="tensorrt", precision="f16", threads=0)], "")
    assert [row["fps_engine"] for row in lineage(run)] == ["tensorrt f16", "tensorrt f16", ""]
    measurements.keep(run, [one(n, 99, engine="tensorrt", batch=8) for n in (1, 2, 3)], "")
    assert lineage(run)[0]["fps_engine"] == "tensorrt f16"  # batches are not single images


def test_another_size_of_image_stands_there_where_nothing_else_was_measured_alone(tmp_path: Path) -> None:
    """Whose name may come first, "3x16x16" before "3x8x8", and which more generations may have been measured at."""
    run = make_run(tmp_path)
    measurements.keep(run, [one(n, 5, shape="3x16x16") for n in (1, 2, 3)], "")
    assert [row["fps"] for row in lineage(run)] == ["5.0"] * 3
    measurements.keep(run, [one(n, 20) for n in (1, 2)], "")
    assert [row["fps"] for row in lineage(run)] == ["20.0", "20.0", ""]
    assert list(Run.read(run).groups.values()) == [{1: 20, 2: 20}, {1: 5, 2: 5, 3: 5}]
    # A device's table does not say the size.
    measurements.keep(run, [one(n, 9, shape="", engine="tensorrt") for n in (1, 2, 3)], "")
    assert [row["fps"] for row in lineage(run)] == ["9.0"] * 3


def test_what_was_timed_under_load_is_marked_kept_apart_and_replaced(tmp_path: Path) -> None:
    run = make_run(tmp_path, generations=2)
    measurements.keep(run, [one(n, 10, busy_cores=2.5) for n in (1, 2)], "")
    assert [row["fps_engine"] for row in lineage(run)] == ["openvino f32 1 thread under load"] * 2
    measurements.keep(run, [one(n, 8, engine="caffe", busy_cores=0.4) for n in (1, 2)], "")
    assert [row["fps_engine"] for row in lineage(run)] == ["caffe f32 1 thread"] * 2
    measurements.keep(run, [one(1, 20)], "")
    titles = [(group[0].title, len(group)) for group in measurements.grouped(measurements.read(run))]
    assert titles == [("caffe f32 1 thread", 2), ("openvino f32 1 thread", 1), ("openvino f32 1 thread under load", 1)]
    measurements.keep(run, [one(2, 20)], "")
    assert [row["fps"] for row in lineage(run)] == ["20.0", "20.0"] and len(measurements.read(run)) == 4


@pytest.mark.usefixtures("no_launches")
def test_the_prediction_is_for_the_size_that_was_measured(tmp_path: Path) -> None:
    run = make_run(tmp_path)
    measurements.keep(run, [one(1, shape="3x16x16")], "")
    assert float(lineage(run)[2]["predicted_tx1_fps"]) == pytest.approx(0.3208 * 25.6e9 / 2 / (768 + 112 + 784))


@pytest.mark.usefixtures("no_launches")
@pytest.mark.parametrize("kind", ["HALF", "BFLOAT16", "FLOAT"])
def test_a_prediction_is_for_the_precision_that_was_imposed(tmp_path: Path, kind: str) -> None:
    """By hand: what is moved, as above, is twice as many bytes in 32 bits, and the bandwidth is the limit in both."""
    run = make_run(tmp_path, number_format=kind)
    fps = 0.3208 * 25.6e9 / (896 if kind != "FLOAT" else 2 * 896)
    assert [float(row["predicted_tx1_fps"]) for row in lineage(run)] == [pytest.approx(fps, abs=1e-3)] * 3
    printed = tables.predicted("lenet", run_folder.read_lineage(run), run, None)
    (column,) = [k for k, name in enumerate(printed.columns) if "TX1" in name]
    assert [row[column] for row in printed.rows] == [f"{fps:,.1f}"] * 3


@pytest.mark.usefixtures("no_launches")
@pytest.mark.parametrize("broken", ['layer { type: "Unknowable" name: "x" bottom: "y" top: "x" }', "nonsense {"])
def test_a_net_that_cannot_be_predicted_has_no_prediction(tmp_path: Path, broken: str) -> None:
    run = make_run(tmp_path)
    (run / "gen002" / "deploy.prototxt").write_text(broken)
    assert [bool(row["predicted_tx1_fps"]) for row in lineage(run)] == [True, False, True]


def test_a_damaged_file_is_named(tmp_path: Path) -> None:
    run = make_run(tmp_path)
    for words in ("", "[]", '{"frames": [{"engine": "x"}]}'):
        (run / "fps.json").write_text(words)
        with pytest.raises(UserError, match=r"fps.json: expected what `make bench` wrote, got .*; delete it and"):
            measurements.read(run)


DO = "FPS= is the file that bench.py printed on the device"
HEAD = ",".join(device_table.COLUMNS)


def test_a_devices_table_is_taken_in(tmp_path: Path) -> None:
    run = make_run(tmp_path)
    table = tmp_path / "tx1.csv"
    rows = ["1,tensorrt 2.1,f16,1,200,142.9,150.0,7.0", "", "3,tensorrt 2.1,f16,1,200,27,30,37"]
    table.write_text("\n".join(["# clocks: jetson_clocks", HEAD, *rows]))
    bench.take(run, table)
    joined = lineage(run)
    assert [row["fps"] for row in joined] == ["7.0", "", "37.0"]
    assert joined[0]["fps_engine"] == "tensorrt 2.1 f16"
    found = device_table.read(table, run)[0]
    assert (found.device, found.shape, found.difference) == ("tx1", "", None)
    assert found.fps_p95 == pytest.approx(1000 / 150)


def test_a_devices_table_of_another_size_of_image(tmp_path: Path) -> None:
    """The table says it, or SHAPE= does; it is marked in the lineage, and takes no other size's place."""
    run, table = make_run(tmp_path), tmp_path / "tx1.csv"
    row = "1,tensorrt,f16,1,200,50,50,20"
    table.write_text(f"# images 3x16x16\n{HEAD}\n{row}\n")
    bench.take(run, table)
    assert (lineage(run)[0]["fps"], lineage(run)[0]["fps_engine"]) == ("20.0", "tensorrt f16 3x16x16")
    table.write_text(f"{HEAD}\n{row.replace('50,50,20', '20,20,50')}\n")
    bench.take(run, table, (3, 8, 8))
    assert (lineage(run)[0]["fps"], lineage(run)[0]["fps_engine"]) == ("50.0", "tensorrt f16")
    assert [each.shape for each in measurements.read(run)] == ["3x16x16", "3x8x8"]
    table.write_text(f"# images 3x16x16\n{HEAD}\n{row}\n")
    with pytest.raises(UserError) as error:
        bench.take(run, table, (3, 8, 8))
    assert str(error.value) == (
        f"FPS={table}: expected images of SHAPE=3x8x8, got a table that says 3x16x16; leave SHAPE= out"
    )


def test_a_table_that_says_its_size_comes_before_an_older_one_that_does_not(tmp_path: Path) -> None:
    run = make_run(tmp_path)
    measurements.keep(run, [one(n, 9, shape="", engine="tensorrt") for n in (1, 2, 3)], "")
    measurements.keep(run, [one(n, 7, engine="tensorrt") for n in (1, 2, 3)], "")
    assert [row["fps"] for row in lineage(run)] == ["7.0"] * 3


@pytest.mark.parametrize("words", ["# images of a board", "# images 3x0x16", "# images 3x16x", "#images 3x16x16"])
def test_other_words_of_a_devices_table_are_no_size(tmp_path: Path, words: str) -> None:
    run, table = make_run(tmp_path), tmp_path / "tx1.csv"
    table.write_text(f"{words}\n{HEAD}\n1,tensorrt,f16,1,200,50,50,20\n")
    assert device_table.read(table, run)[0].shape == ""


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("generation,fps\n1,7\n", f"FPS={{table}}: expected the columns {HEAD}; {DO}"),
        (f"# a board\n{HEAD}\n", f"FPS={{table}}: expected a row a generation, got none; {DO}"),
        (f"{HEAD}\n1,trt,f16,1,200\n", "{table}:2: expected 8 cells, got 5"),
        (f"{HEAD}\n4,trt,f16,1,200,100,110,10\n", "{table}:2: expected one of the 3 generations of {run}, got 4"),
        (f"{HEAD}\n1,trt,f16,1,200,100,110,12\n", "{table}:2: 12 fps are not 1000 * 1 / 100 ms; mend the row"),
        (f"#\n{HEAD}\n1.5,trt,f16,1,200,1,1,1\n", "{table}:3: generation: expected a whole number above 0, got '1.5'"),
        (f"{HEAD}\n1,trt,f16,1,200,100,-1,10\n", "{table}:2: p95_ms: expected a number above 0, got '-1'"),
    ],
)
def test_a_devices_table_that_says_something_else(tmp_path: Path, text: str, message: str) -> None:
    run, table = make_run(tmp_path), tmp_path / "tx1.csv"
    table.write_text(text)
    with pytest.raises(UserError) as error:
        bench.take(run, table)
    assert str(error.value) == message.format(table=table, run=run)
    assert not (run / "fps.json").exists()


def test_a_table_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=f"none.csv: expected a device's table, got No such file or directory; {DO}$"):
        device_table.read(tmp_path / "none.csv", make_run(tmp_path))


def test_every_field_of_a_measurement_tells_it_from_another(tmp_path: Path) -> None:
    """Two that differ in how they were measured are never compared in one list."""
    changes: dict[str, Any] = {"engine": "x", "precision": "x", "batch": 2, "threads": 2, "shape": "x", "device": "x"}
    for name, value in changes.items():
        assert len(measurements.grouped([one(1), dataclasses.replace(one(2), **{name: value})])) == 2
    assert len(measurements.grouped([one(1), one(2, version="2")])) == 1
