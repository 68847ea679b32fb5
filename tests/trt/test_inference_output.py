"""What looking at images leaves does not come among the images, nor into a generation."""

import json
import os
from pathlib import Path

import pytest

from evolve.base.errors import UserError
from evolve.runs import paths
from trt.inference import output


@pytest.mark.parametrize(("asked", "out"), [("photos", "photos"), ("photos", "photos/a/b"), ("photos/a.png", "photos")])
def test_pictures_among_the_images_are_refused(tmp_path: Path, asked: str, out: str) -> None:
    (tmp_path / "photos").mkdir()
    (tmp_path / "photos/a.png").touch()
    place, images = tmp_path / out, tmp_path / asked
    with pytest.raises(UserError) as error, output.into(place, images):
        pass
    assert str(error.value) == f"OUT={place}: expected another folder than IMAGE={images}, which stays as it is"
    assert [path.name for path in (tmp_path / "photos").iterdir()] == ["a.png"]


def test_beside_a_folder_of_images_lie_none_of_them(tmp_path: Path) -> None:
    (tmp_path / "photos").mkdir()
    with output.into(tmp_path, tmp_path / "photos") as place:
        assert place == tmp_path
    # Those of photos/photos would lie in photos.
    (tmp_path / "photos/photos").mkdir()
    with pytest.raises(UserError, match="expected another folder than"), output.into(tmp_path, tmp_path / "photos"):
        pass


def test_a_name_that_is_no_utf_8(tmp_path: Path) -> None:
    """As disks from before Unicode have them."""
    output.write(tmp_path / "a.json", {"image": os.fsdecode(b"b\xe4r.png"), "class": "bär"}, "")
    assert json.loads((tmp_path / "a.json").read_bytes()) == {"image": "b?r.png", "class": "bär"}


def test_pictures_in_a_generation_are_refused(tmp_path: Path) -> None:
    (tmp_path / paths.DONE).touch()
    with pytest.raises(UserError) as error, output.into(tmp_path, tmp_path / "photos"):
        pass
    assert str(error.value) == f"{tmp_path}: expected a place outside a committed generation; name another OUT="


@pytest.mark.parametrize("name", ["classes.json", "CLASSES.JSON"])
def test_a_json_file_may_lie_beside_the_images(tmp_path: Path, name: str) -> None:
    (tmp_path / "photos").mkdir()
    with output.into(tmp_path / "photos" / name, tmp_path / "photos") as place:
        assert place is None
    with output.into(tmp_path / "new/folder", tmp_path / "photos") as place:
        assert place == tmp_path / "new/folder" and place.is_dir()
