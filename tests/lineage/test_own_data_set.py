"""A lineage on a data set of the user's own: a file beside the network, and no other."""

from pathlib import Path

import pytest

from evolve.base.errors import UserError
from evolve.lineage import experiment, problems
from evolve.runs.metrics import Metrics

STRIPES = """
import numpy as np
from evolve.datasets import Samples, Source, Split

def load(*, image_size, seed, raw, report):
    return Samples(stripes(400, image_size), stripes(154, image_size), 2)

def stripes(count, side):
    labels = np.arange(count) % 2
    images = np.zeros((count, 1, side, side), np.uint8)
    images[labels == 0, :, ::2] = images[labels == 1, :, :, ::2] = 200
    return Split(images, labels)

SOURCE = Source("stripes", 1, load)
"""


def own(place, text: str = STRIPES, name: str = "stripes") -> Path:
    """The network asks for the data set of that name, and has stripes.py beside it."""
    evolution = place.folder / "tiny" / "evolution.prototxt"
    evolution.write_text(evolution.read_text().replace('"digits"', f'"{name}"'))
    (place.folder / "tiny" / "stripes.py").write_text(text)
    return evolution


def test_a_lineage_on_it(place) -> None:
    own(place)
    run = place.evolve(2)
    made = Metrics.read(run / "gen002")
    assert made.dataset.name == "stripes" and made.score.accuracy == 1
    assert place.evolve(2) == run


def test_another_version_of_it_does_not_go_on_with_the_run(place) -> None:
    own(place)
    place.evolve(1)
    own(place, STRIPES.replace("200", "100"))
    with pytest.raises(UserError) as error:
        place.evolve(2)
    assert str(error.value).startswith(f"{place.run}/gen001: was made from stripes (sha256 ")
    assert "this would go on with stripes" in str(error.value)


def test_what_is_wrong_with_it_is_said_before_anything_runs(place) -> None:
    evolution = own(place, name="stripe")
    asked = experiment.load(str(place.folder / "tiny"))
    known = "cifar10, coco, digits, images, kitti, kitti_text, lmdb, mnist, parse27k, stl10, streets, stripes"
    known += ", voc, yolo"
    assert problems.of(asked) == [f"{evolution}: data set 'stripe': expected one of {known}; write 'stripes'"]
    evolution = own(place, STRIPES.replace("SOURCE = ", "SAUCE = "))
    evolution.write_text(evolution.read_text().replace('"stripe"', '"stripes"'))
    asked = experiment.load(str(place.folder / "tiny"))
    file = place.folder / "tiny" / "stripes.py"
    known = known.replace("stripes, ", "")
    assert problems.of(asked) == [
        f"{evolution}: {file}: expected SOURCE, a Source or DetectionSource of evolve.datasets, got none; see "
        "datasets/README.md"
    ]
    own(place, STRIPES.replace("import Samples", "import Sample"))
    with pytest.raises(UserError) as error:
        experiment.load(str(place.folder / "tiny"))
    begin = f"{evolution}: {file}:3: expected a data set's file, got ImportError: cannot import name 'Sample'"
    assert str(error.value).startswith(begin)
