"""A detection data set is whole or absent, the same twice, made anew when its annotations change, and loud in the
absence of its data."""

import os
import shutil
from pathlib import Path
from typing import Any

import pytest
from miniatures import PERSON, change, noise, parse27k

from evolve.base.errors import UserError
from evolve.datasets import Detection, Photos, box_set, find, prepare, prepare_detection

WANTED = Detection(96, 64)


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return parse27k(tmp_path / "raw" / "parse27k")


def _made(data: Path) -> list[str]:
    return sorted(path.name for path in data.iterdir() if path.name != "raw" and path.suffix != ".lock")


def test_the_second_time_is_instant_with_or_without_the_raw_data(tmp_path: Path, root: Path, lines: list[str]) -> None:
    first = prepare_detection("parse27k", WANTED, data=tmp_path, report=lines.append)
    said = len(lines)
    assert prepare_detection("parse27k", WANTED, data=tmp_path, report=lines.append) == first
    shutil.rmtree(root)
    assert prepare_detection("parse27k", WANTED, data=tmp_path, report=lines.append) == first
    assert len(lines) == said == 1


def test_photographs_that_no_seed_draws_are_stored_once_for_all_seeds(
    tmp_path: Path, root: Path, lines: list[str]
) -> None:
    """In seed 1's order: what runs of seed 1 have read is what it was."""
    first = prepare_detection("parse27k", WANTED, seed=3, data=tmp_path, report=lines.append)
    assert first.folder.name.endswith("-seed1")
    assert prepare_detection("parse27k", WANTED, seed=1, data=tmp_path, report=lines.append) == first
    assert len(lines) == 1
    shutil.rmtree(first.folder)
    assert prepare_detection("parse27k", WANTED, data=tmp_path, report=lines.append) == first


def test_another_wish_is_another_folder(tmp_path: Path, root: Path, lines: list[str]) -> None:
    wishes = [WANTED, Detection(112, 64), Detection(96, 64, fit="pad"), Detection(96, 64, max_boxes=9)]
    made = [prepare_detection("parse27k", wish, data=tmp_path, report=lines.append) for wish in wishes]
    assert len({each.folder for each in made}) == 4
    assert all(each.folder.name.startswith(f"parse27k-{each.shape[2]}x64-") for each in made)


def test_changed_annotations_are_noticed(tmp_path: Path, root: Path, lines: list[str]) -> None:
    first = prepare_detection("parse27k", WANTED, data=tmp_path, report=lines.append)
    change(root, "UPDATE Pedestrian SET box_min_x = 11 WHERE pedestrianID = 1")
    os.utime(root / "annotations.sqlite3", (1, 1))
    second = prepare_detection("parse27k", WANTED, data=tmp_path, report=lines.append)
    assert second.sha256 != first.sha256 and second.folder == first.folder
    assert lines[1] == f"{first.folder}: its annotations have changed since; made anew"
    (first.folder / "DONE.json").unlink()
    assert prepare_detection("parse27k", WANTED, data=tmp_path, report=lines.append) == second
    assert lines[3] == f"{first.folder}: is not as its DONE.json says; made anew"


def test_annotations_that_change_while_they_are_read_are_read_again(
    tmp_path: Path, root: Path, lines: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    photos = box_set.photos

    def slow(*given: Any) -> Photos:
        read = photos(*given)
        change(root, "UPDATE Pedestrian SET box_min_x = 11 WHERE pedestrianID = 1")
        os.utime(root / "annotations.sqlite3", (1, 1))
        return read

    with monkeypatch.context() as during:
        during.setattr(box_set, "photos", slow)
        old = prepare_detection("parse27k", WANTED, data=tmp_path, report=lines.append)
    assert prepare_detection("parse27k", WANTED, data=tmp_path, report=lines.append).sha256 != old.sha256


def test_an_image_that_cannot_be_read_leaves_nothing(tmp_path: Path, root: Path, lines: list[str]) -> None:
    broken = root / "sequences" / "drive6" / "a.png"  # the last of all
    broken.write_bytes(broken.read_bytes()[:500])
    with pytest.raises(UserError, match=f"^{broken}: expected a whole image, got"):
        prepare_detection("parse27k", WANTED, data=tmp_path, report=lines.append)
    assert _made(tmp_path) == []
    noise(broken, seed=6)
    assert prepare_detection("parse27k", WANTED, data=tmp_path, report=lines.append).counts["test"] == 2


def test_a_full_disk_is_said_before_writing(
    tmp_path: Path, root: Path, monkeypatch: pytest.MonkeyPatch, lines: list[str]
) -> None:
    monkeypatch.setattr("evolve.base.files.free", lambda path: 1000)
    with pytest.raises(UserError, match=r"expected \d+ bytes free, got 1000; make room there, or choose another"):
        prepare_detection("parse27k", WANTED, data=tmp_path, report=lines.append)
    assert _made(tmp_path) == []


@pytest.mark.parametrize("stop", [KeyboardInterrupt, RuntimeError])
def test_a_stop_in_the_middle_leaves_nothing(
    tmp_path: Path, root: Path, monkeypatch: pytest.MonkeyPatch, stop: type[BaseException]
) -> None:
    def _stops(folder: Path, *rest: object) -> None:
        folder.mkdir()
        raise stop

    monkeypatch.setattr(box_set, "write_detection", _stops)
    with pytest.raises(stop):
        prepare_detection("parse27k", WANTED, data=tmp_path)
    assert _made(tmp_path) == []


def test_more_boxes_than_rows(tmp_path: Path) -> None:
    root = parse27k(tmp_path / "raw", {4: [PERSON] * 3})
    with pytest.raises(UserError) as error:
        prepare_detection("parse27k", Detection(96, 64, max_boxes=2), data=tmp_path)
    assert str(error.value) == (
        f"{root}/annotations.sqlite3: Image 40: expected at most 2 boxes in an image, got 3; raise max_boxes, or leave "
        "it out for as many as are needed"
    )


def test_no_box_in_a_split(tmp_path: Path) -> None:
    parse27k(tmp_path / "raw", {2: [], 7: [], 8: []})
    with pytest.raises(UserError) as error:
        prepare_detection("parse27k", WANTED, data=tmp_path)
    assert str(error.value) == (
        "data set 'parse27k': expected boxes of pedestrian in its val split, got none; the whole set holds "
        "pedestrian (5)"
    )


@pytest.mark.parametrize(
    ("wanted", "message"),
    [
        (Detection(320, 200), "expected a height that is a multiple of 16, got 200; 192 would do"),
        (Detection(0, 64), "expected a width that is a multiple of 16, got 0; 16 would do"),
        (Detection(96, 64, fit="crop"), "expected a fit of resize, letterbox, pad, got 'crop'; choose one of these"),
        (Detection(96, 64, max_boxes=-1), "expected a max_boxes of 0 or more, got -1; choose another"),
        (Detection(96, 64, frames=9), "expected no frames, got 9; leave it out"),
        (
            Detection(96, 64, classes=("pedestrian",), dontcare=("a", "pedestrian")),
            "expected every class once, got 'pedestrian' 2 times; leave one",
        ),
    ],
)
def test_impossible_wishes(tmp_path: Path, root: Path, wanted: Detection, message: str) -> None:
    with pytest.raises(UserError) as error:
        prepare_detection("parse27k", wanted, data=tmp_path)
    assert str(error.value) == f"data set 'parse27k': {message}"


def test_the_two_kinds_are_told_apart(tmp_path: Path) -> None:
    assert find("streets").has_boxes and not find("mnist").has_boxes
    with pytest.raises(UserError) as error:
        prepare_detection("digits", WANTED, data=tmp_path)
    assert str(error.value) == (
        "data set 'digits': expected images with boxes, got images with a class each; choose another"
    )
    with pytest.raises(UserError) as error:
        prepare("kitti", image_size=28, data=tmp_path)
    assert str(error.value) == (
        "data set 'kitti': expected images with a class each, got images with boxes; choose another"
    )


def test_a_stand_in_is_said_loudly(tmp_path: Path, lines: list[str]) -> None:
    wanted = Detection(96, 64, frames=40, frame_width=160, frame_height=96)
    made = prepare_detection("parse27k", wanted, or_else="streets", data=tmp_path, report=lines.append)
    assert made.name == "streets" and made.notice == (
        "Parse-27k could not be had (Parse-27k's annotations.sqlite3 was not found): streets drawn by Cavefish "
        "instead; these streets and people are drawn, not photographed: no figure of theirs says anything about "
        "Parse-27k"
    )
    parse27k(tmp_path / "raw")
    real = prepare_detection("parse27k", wanted, or_else="streets", data=tmp_path, report=lines.append)
    assert real.name == "parse27k" and real.notice == ""


def test_jpeg_is_read_too(tmp_path: Path, root: Path, lines: list[str]) -> None:
    noise(root / "sequences" / "drive1" / "a.jpg")
    change(root, "UPDATE Image SET filename = 'a.jpg' WHERE imageID = 10")
    assert prepare_detection("parse27k", WANTED, data=tmp_path, report=lines.append).counts["train"] == 3
