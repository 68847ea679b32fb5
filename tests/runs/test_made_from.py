"""A generation's data set is what it was made from as long as its sha256, its files and its mean image say so."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import lmdb
import pytest

from evolve.datasets import Dataset
from evolve.datasets.dataset import write_done
from evolve.runs import made_from
from evolve.runs.made_from import OtherData
from evolve.runs.metrics import Data
from tests.runs import made_up

SHA256 = "0123456789abcdef"
BOXES = (
    '  layer { name: "data" type: "Python" top: "data" include { phase: TEST } python_param { '
    'module: "evolve.detectnet.layers" layer: "DetectNetData" param_str: \'data_param { source: "$SOURCE" }\' } }'
)
CLASSES = (
    'layer { name: "data" type: "Data" top: "data" top: "label" include { phase: TEST } '
    'transform_param { $TRANSFORM } data_param { source: "$SOURCE" backend: LMDB batch_size: 5 } }'
)


def data_set(folder: Path, sha256: str = SHA256) -> Path:
    """As far as it is looked at: no image is."""
    folder.mkdir(exist_ok=True)
    write_done(folder, Dataset("images", folder, (1, 8, 8), {"train": 6, "test": 2}, 2, sha256, title="pictures"))
    return folder


def generation(run: Path, source: Path, net: str = CLASSES, transform: str = "", sha256: str = SHA256) -> Path:
    """Generation 1 of `run`, whose TEST net reads `source`."""
    folder = run / "gen001"
    folder.mkdir(parents=True)
    text = net.replace("$SOURCE", str(source)).replace("$TRANSFORM", transform)
    (folder / "train_val.prototxt").write_text(f'name: "net" {text}')
    replace(made_up.metrics(), dataset=Data("pictures (images)", sha256)).write(folder)
    return folder


@pytest.mark.parametrize(("net", "source"), [(CLASSES, "test"), (BOXES, "val/images")])
def test_what_lies_there_now_is_compared(tmp_path: Path, net: str, source: str) -> None:
    data = data_set(tmp_path / "data")
    folder = generation(tmp_path / "run", data / source, net)
    made_from.check_generation(folder)
    data_set(data, "fedcba9876543210")
    with pytest.raises(OtherData) as error:
        made_from.check_generation(folder)
    assert str(error.value) == (
        f"{data}: expected pictures (images) (sha256 0123456789ab), which this was made from, got another one "
        "(fedcba987654); bring that data back"
    )
    (data / "DONE.json").unlink()
    with pytest.raises(OtherData, match="got none that is whole and as it was; bring that data back"):
        made_from.check_generation(folder)


def test_a_run_that_does_not_say_is_taken_at_its_paths(tmp_path: Path) -> None:
    made_from.check_generation(generation(tmp_path / "run", tmp_path / "none" / "test", sha256=""))


def test_its_mean_image_too(tmp_path: Path) -> None:
    """The sha256 is of the images: a mean_file of the user's own may be another with the same ones."""
    data = data_set(tmp_path / "data")
    mean = data / "mean.binaryproto"
    mean.write_bytes(b"a mean")
    folder = generation(tmp_path / "run", data / "test", transform=f'mean_file: "{mean}"')
    made_from.check_generation(folder)  # of earlier versions none was kept
    (folder / "mean.binaryproto").write_bytes(b"a mean")
    made_from.check_generation(folder)
    mean.write_bytes(b"b mean")
    with pytest.raises(OtherData) as error:
        made_from.check_generation(folder)
    assert str(error.value) == f"{mean}: expected {folder}/mean.binaryproto, got another one; bring that data back"


@pytest.fixture
def linked(tmp_path: Path) -> Callable[[], Path]:
    """A data set whose images are a database elsewhere, written once more at each call."""

    def write() -> Path:
        with lmdb.open(str(tmp_path / "theirs"), map_size=1 << 20) as environment, environment.begin(write=True) as one:
            one.put(b"key", b"value")
        return tmp_path / "theirs" / "data.mdb"

    return write


def test_a_database_that_lies_elsewhere_may_be_written_by_others(tmp_path: Path, linked: Callable[[], Path]) -> None:
    place = tmp_path / "data" / "test"
    place.mkdir(parents=True)
    (place / "data.mdb").symlink_to(linked())
    folder = generation(tmp_path / "run", data_set(tmp_path / "data") / "test")
    made_from.check_generation(folder)
    linked()
    with pytest.raises(OtherData, match="got none that is whole and as it was"):
        made_from.check_generation(folder)
