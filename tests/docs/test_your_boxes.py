"""docs/your_boxes.md: its settings are for the folder that it describes, and all that it names is there."""

import re
import shutil
from pathlib import Path

import pytest

from evolve import datasets
from evolve.proto.evolution_pb2 import DetectionParameter, EvolutionParameter
from tests.bad.refused import run
from tests.datasets.miniatures import noise

ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "docs/your_boxes.md").read_text(encoding="utf-8")
SETTINGS = re.findall(r"^```\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)


def test_the_settings_are_all_that_it_takes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("CAVEFISH_DATA", raising=False)
    shutil.copytree(ROOT / "prototxt", tmp_path / "prototxt")
    (tmp_path / "my_boxes").mkdir()
    (text,) = SETTINGS
    (tmp_path / "my_boxes" / "evolution.prototxt").write_text(text)
    photos = tmp_path / "data" / "raw" / "my_photos"
    (photos / "labels").mkdir(parents=True)
    (photos / "classes.txt").write_text("cat\ndog\n")
    for name in "abc":
        noise(photos / "images" / f"{name}.jpg")
        (photos / "labels" / f"{name}.txt").write_text("0 0.5 0.5 0.5 0.5\n1 0.3 0.3 0.2 0.2\n")
    said = run(["data", "NET=my_boxes"], capsys)
    assert (said.status, said.err) == (0, "")
    assert "yolo: 128x96 pixels, a grid of 8x6 cells of 16" in said.out


def test_every_layout_is_a_data_set() -> None:
    table = PAGE.partition("| layout |")[2].partition("\n\n")[0]
    named = re.findall(r"\| `(\w+)` \|", table)
    assert named == ["voc", "kitti_text", "coco", "yolo"] and set(named) <= set(datasets.names())


def test_every_setting_is_one() -> None:
    known = {field.name for message in (DetectionParameter, EvolutionParameter) for field in message.DESCRIPTOR.fields}
    named = set(re.findall(r"\b([a-z_]+):(?= [\w\"])", " ".join(re.findall(r"`([^`\n]+)`", PAGE))))
    assert named - {"name"} <= known
    assert {"validation_part", "split_seed", "darkest", "brightest", "orientation"} <= named
