"""What looking at images leaves does not come among the images, nor into a generation."""

import errno
import json
import os
from pathlib import Path

import pytest
from PIL import Image

from evolve.base.errors import UserError
from evolve.runs import paths
from trt.inference import output

WORDS, NAME = "detect IMAGE=/photos RUN=/seed1 GEN=1 ENGINE=caffe", "boxes.json"
IMAGE, ASKED = Image.new("RGB", (4, 4)), Path("/photos")


@pytest.mark.parametrize(("asked", "out"), [("photos", "photos"), ("photos", "photos/a/b"), ("photos/a.png", "photos")])
def test_pictures_among_the_images_are_refused(tmp_path: Path, asked: str, out: str) -> None:
    (tmp_path / "photos").mkdir()
    (tmp_path / "photos/a.png").touch()
    place, images = tmp_path / out, tmp_path / asked
    with pytest.raises(UserError) as error, output.into(place, images, WORDS, NAME):
        pass
    assert str(error.value) == f"OUT={place}: expected another folder than IMAGE={images}, which stays as it is"
    assert [path.name for path in (tmp_path / "photos").iterdir()] == ["a.png"]


def test_beside_a_folder_of_images_lie_none_of_them(tmp_path: Path) -> None:
    (tmp_path / "photos").mkdir()
    with output.into(tmp_path, tmp_path / "photos", WORDS, NAME) as place:
        assert place and place.path == tmp_path
    # Those of photos/photos would lie in photos.
    (tmp_path / "photos/photos").mkdir()
    asked = tmp_path / "photos"
    with pytest.raises(UserError, match="expected another folder than"), output.into(tmp_path, asked, WORDS, NAME):
        pass


def test_a_picture_that_was_cut_off_stops_no_second_try(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(_: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    out = tmp_path / "out"
    with monkeypatch.context() as broken, output.into(out, ASKED, WORDS, NAME) as place:
        broken.setattr(os, "fsync", full)
        assert place
        with pytest.raises(OSError, match="No space left"):
            place.save(IMAGE, "1.jpg")
    assert not list(out.iterdir())
    with output.into(out, ASKED, WORDS, NAME) as place:
        assert place and place.save(IMAGE, "1.jpg") == out / "1.jpg.png"


def test_a_name_that_is_no_utf_8(tmp_path: Path) -> None:
    """As disks from before Unicode have them."""
    output.write(tmp_path / "a.json", {"image": os.fsdecode(b"b\xe4r.png"), "class": "bär"}, "", WORDS)
    assert json.loads((tmp_path / "a.json").read_bytes()) == {
        "command": WORDS, "image": "b?r.png", "class": "bär"
    }  # fmt: skip


def test_pictures_in_a_generation_are_refused(tmp_path: Path) -> None:
    (tmp_path / paths.DONE).touch()
    with pytest.raises(UserError) as error, output.into(tmp_path, tmp_path / "photos", WORDS, NAME):
        pass
    assert str(error.value) == f"{tmp_path}: expected a place outside a committed generation; name another OUT="


@pytest.mark.parametrize("name", ["classes.json", "CLASSES.JSON"])
def test_a_json_file_may_lie_beside_the_images(tmp_path: Path, name: str) -> None:
    (tmp_path / "photos").mkdir()
    with output.into(tmp_path / "photos" / name, tmp_path / "photos", WORDS, NAME) as place:
        assert place is None
    with output.into(tmp_path / "new/folder", tmp_path / "photos", WORDS, NAME) as place:
        assert place and place.path == tmp_path / "new/folder" and place.path.is_dir()


def test_a_command_is_known_by_what_decides_its_answers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    made = output.command("detect", Path("photos"), tmp_path / "a/../seed1", 3, "caffe")
    assert made == f"detect IMAGE={tmp_path}/photos RUN={tmp_path}/seed1 GEN=3 ENGINE=caffe"
    assert output.command("classify", Path("/p"), Path("/r"), 3, "caffe", "pad").endswith(" ENGINE=caffe FIT=pad")


def test_what_another_command_left_stays(tmp_path: Path) -> None:
    """Of pictures of one name in two folders the second ones took the place of the first."""
    with output.into(tmp_path, ASKED, WORDS, NAME) as place:
        assert place and place.save(IMAGE, "a/1.jpg") == tmp_path / "a/1.jpg.png"
        output.write(tmp_path, {"images": [1]}, NAME, WORDS)
    before = {name: (tmp_path / name).read_bytes() for name in ("a/1.jpg.png", NAME)}
    message = "expected a folder without {}, or one that the same command filled, got another; name another OUT="
    with pytest.raises(UserError) as error, output.into(tmp_path, ASKED, f"{WORDS} FIT=pad", NAME):
        pass
    assert str(error.value) == f"OUT={tmp_path}: {message.format(NAME)}"
    # As it is where the first one was cut short.
    (tmp_path / NAME).unlink()
    with pytest.raises(UserError) as error, output.into(tmp_path, ASKED, f"{WORDS} FIT=pad", NAME) as two:
        assert two and two.save(IMAGE, "2.png").exists()
        two.save(IMAGE, "a/1.jpg")
    assert str(error.value) == f"OUT={tmp_path}: {message.format('a/1.jpg.png')}"
    assert (tmp_path / "a/1.jpg.png").read_bytes() == before["a/1.jpg.png"]


def test_the_same_command_again_writes_over_what_it_left(tmp_path: Path) -> None:
    for colour in ("red", "blue"):
        with output.into(tmp_path, ASKED, WORDS, NAME) as place:
            assert place
            place.save(Image.new("RGB", (4, 4), colour), "1.png")
            output.write(tmp_path, {"colour": colour}, NAME, WORDS)
    assert json.loads((tmp_path / NAME).read_bytes())["colour"] == "blue"
    assert Image.open(tmp_path / "1.png").getpixel((0, 0)) == (0, 0, 255)
    assert "photos" not in str(Image.open(tmp_path / "1.png").info)  # pictures are passed on


def test_one_image_may_be_called_like_anothers_picture(tmp_path: Path) -> None:
    with output.into(tmp_path, ASKED, WORDS, NAME) as place:
        assert place
        written = [place.save(IMAGE, name).name for name in ("1.jpg", "1.jpg.png", "1.jpg.png.png", "1.png")]
    assert written == ["1.jpg.png", "1.jpg.png.png", "1.jpg.png.png.png", "1.png"]


@pytest.mark.parametrize("content", [b"", b"[1]", b'{"command": 1}', b"\x89PNG\r\n\x1a\n", b"{" * 100_000])
def test_what_is_somebody_elses_stays(tmp_path: Path, content: bytes) -> None:
    (tmp_path / NAME).write_bytes(content)
    with pytest.raises(UserError, match=f"without {NAME}"), output.into(tmp_path, ASKED, WORDS, NAME):
        pass
    (tmp_path / NAME).rename(tmp_path / "1.png")
    with pytest.raises(UserError, match="without 1.png"), output.into(tmp_path, ASKED, WORDS, NAME) as place:
        assert place and place.save(IMAGE, "1.png")
    assert (tmp_path / "1.png").read_bytes() == content


def test_a_json_file_that_is_named_is_written_over(tmp_path: Path) -> None:
    """As other files are that OUT= names."""
    (tmp_path / "a.json").write_text("{}")
    with output.into(tmp_path / "a.json", ASKED, WORDS, NAME):
        output.write(tmp_path / "a.json", {}, NAME, WORDS)
    assert json.loads((tmp_path / "a.json").read_bytes()) == {"command": WORDS}
