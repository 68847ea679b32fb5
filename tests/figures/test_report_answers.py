"""The report's images: which is which, in words too, and what becomes of a page that cannot show them."""

import base64
import io
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from evolve.figures import report
from evolve.runs.score import Answer
from tests.figures.conftest import Fabricate, Lineage
from tests.figures.report_page import Page


def read(run: Path) -> Page:
    return Page(report.write(run).read_text(encoding="utf-8"))


def with_answers(folder: Path) -> Image.Image:
    """A picture for each of three answers: red, green, blue, 40 x 20 pixels."""
    sheet = Image.fromarray(np.repeat(np.eye(3, dtype=np.uint8) * 255, 40, axis=0)[None].repeat(20, axis=0))
    sheet.save(folder / "answers.png")
    return sheet


def test_images_right_and_wrong(fabricated: Fabricate, lineage: Lineage) -> None:
    generations = lineage(2)
    kept = [Answer(1233, "cat", "dog", 0.98761), Answer(0, "eel", "<b>", 0.5), Answer(5, "cat", "cat", 0.34)]
    generations[1] = replace(generations[1], score=replace(generations[1].score, answers=kept))
    run = fabricated("run", generations)
    sheet = with_answers(run / "gen002")
    page = read(run)
    images = {attrs["alt"]: attrs for attrs, _ in page.all("img") if "Test image" in attrs["alt"]}
    assert list(images) == [
        "Test image 1,234: cat, taken for dog, probability 0.988",
        "Test image 1: eel, taken for <b>, probability 0.500",
        "Test image 6: cat, right, probability 0.340",
    ]
    for k, attrs in enumerate(images.values()):
        with Image.open(io.BytesIO(base64.b64decode(attrs["src"].partition(",")[2]))) as tile:
            assert tile.tobytes() == sheet.crop((40 * k, 0, 40 * k + 40, 20)).tobytes()
        assert (attrs["width"], attrs["height"]) == ("80", "40")
    titles = [words for _, words in page.all("h2")] + [words for _, words in page.all("h3")]
    assert titles[:4] == ["Summary", "Curves", "Right and wrong", "Beside the papers"]
    assert [each for each in titles if "sure" in each] == ["Wrong, and sure of it", "Right, and least sure"]


@pytest.mark.parametrize("damage", ["absent", "cut", "of another count"])
def test_images_that_cannot_be_shown_cost_only_themselves(fabricated: Fabricate, lineage: Lineage, damage: str) -> None:
    generations = lineage(1)
    kept = [Answer(k, "cat", "cat", 0.5) for k in range(7)]
    run = fabricated("run", [replace(generations[0], score=replace(generations[0].score, answers=kept))])
    if damage != "absent":
        with_answers(run / "gen001")
    if damage == "cut":
        (run / "gen001" / "answers.png").write_bytes((run / "gen001" / "answers.png").read_bytes()[:60])
    assert "Right and wrong" not in read(run).text()
