"""A data set's files: from a folder or any tar archive, each checked; what is broken or missing is named."""

import hashlib
from pathlib import Path

import pytest
from small_files import expecting, pack, stl10_files, unpack

from evolve.base.errors import UserError
from evolve.datasets import lookup, prepare
from evolve.datasets.published import Published, contents
from evolve.datasets.raw_file import RawFile

stl10 = lookup.module("stl10")

FILES = {"one.bin": b"11", "two.bin": b"2222"}
FORM = expecting(Published(RawFile("thing.tar.gz", "", 0), "thing_folder", (), ()), FILES)
AGAIN = "remove it to have it downloaded, or replace it with the original file"


def _contents(raw: Path) -> dict[str, bytes]:
    _, found = contents([FORM], "things", "thing.tar.gz", raw, print)
    return {name: content for name, (_, content) in found.items()}


@pytest.mark.parametrize("folder", ["", "things", "thing_folder", "things/thing_folder"])
def test_an_unpacked_folder(tmp_path: Path, folder: str) -> None:
    unpack(tmp_path / "raw" / folder, FILES)
    assert _contents(tmp_path / "raw") == FILES


@pytest.mark.parametrize(
    ("name", "compression"),
    [
        ("thing.tar.gz", "gz"),
        ("things/thing.tar.gz", "gz"),
        ("thing.tgz", "gz"),
        ("thing_folder.tar.xz", "xz"),
        ("things/thing_folder.tar.bz2", "bz2"),
        ("thing.tar", ""),
    ],
)
def test_an_archive_however_it_was_packed(tmp_path: Path, name: str, compression: str) -> None:
    pack(tmp_path / name, "thing_folder", {"other": b"passed over", **FILES}, compression)
    assert _contents(tmp_path) == FILES


def test_cavefish_data_comes_first_and_a_download_under_way_is_no_archive(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pack(tmp_path / "own" / "thing.tar.gz", "thing_folder", FILES)
    (tmp_path / "raw").mkdir()
    (tmp_path / "raw" / "thing.tar.gz.part").write_bytes(b"half")
    monkeypatch.setenv("CAVEFISH_DATA", str(tmp_path / "own"))
    assert _contents(tmp_path / "raw") == FILES


@pytest.mark.parametrize("packed", [True, False])
def test_a_wrong_file_is_named_with_both_md5(tmp_path: Path, packed: bool) -> None:
    wrong = FILES | {"two.bin": b"2223"}
    if packed:
        pack(tmp_path / "thing.tar.gz", "thing_folder", wrong)
        path = tmp_path / "thing.tar.gz" / "thing_folder" / "two.bin"
    else:
        unpack(tmp_path / "thing_folder", wrong)
        path = tmp_path / "thing_folder" / "two.bin"
    with pytest.raises(UserError) as error:
        _contents(tmp_path)
    assert str(error.value) == (
        f"{path}: expected md5 {hashlib.md5(b'2222').hexdigest()} (4 bytes), "
        f"got {hashlib.md5(b'2223').hexdigest()} (4 bytes); {AGAIN}"
    )


def test_a_file_missing_from_the_folder(tmp_path: Path) -> None:
    unpack(tmp_path / "thing_folder", {"one.bin": b"11"})
    with pytest.raises(UserError) as error:
        _contents(tmp_path)
    assert str(error.value) == (
        f"{tmp_path}/thing_folder: expected two.bin beside the other files, got none; unpack thing.tar.gz anew"
    )


def test_a_file_missing_from_the_archive(tmp_path: Path) -> None:
    pack(tmp_path / "thing.tar.gz", "thing_folder", {"two.bin": b"2222"})
    with pytest.raises(UserError) as error:
        _contents(tmp_path)
    assert str(error.value) == (
        f"{tmp_path}/thing.tar.gz: expected thing_folder/one.bin in it, got none; {AGAIN}"
    )


@pytest.mark.parametrize("compression", ["gz", "xz", "bz2", ""])
@pytest.mark.parametrize("cut", [0, 1, 20, 0.5, 0.9])
def test_a_broken_archive_is_named(tmp_path: Path, compression: str, cut: float) -> None:
    path = tmp_path / "thing.tar"
    pack(path, "thing_folder", {"other": bytes(range(256)) * 100, **FILES}, compression)
    whole = path.read_bytes()
    path.write_bytes(whole[: int(cut * len(whole)) if 0 < cut < 1 else int(cut)])
    with pytest.raises(UserError) as error:
        _contents(tmp_path)
    assert str(error.value).startswith(f"{path}: expected ") and str(error.value).endswith(f"; {AGAIN}")


def test_nowhere_to_be_had(tmp_path: Path) -> None:
    with pytest.raises(UserError) as error:
        prepare("stl10", image_size=32, data=tmp_path)
    assert str(error.value) == (
        f"data set 'stl10': expected stl10_binary.tar.gz in one of {tmp_path}/raw, {tmp_path}/raw/stl10, or a "
        "download; got neither (CAVEFISH_OFFLINE is set); set CAVEFISH_DATA to a folder with stl10_binary.tar.gz "
        f"or the files in it, or put them into {tmp_path}/raw/stl10"
    )


def test_a_data_set_from_its_archive(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, lines: list[str]
) -> None:
    files = stl10_files()
    monkeypatch.setattr(stl10, "BINARY", expecting(stl10.BINARY, files))
    pack(tmp_path / "raw" / "stl10" / "stl10_binary.tar.gz", "stl10_binary", files)
    done = prepare("stl10", image_size=32, data=tmp_path, report=lines.append)
    assert done.counts == {"train": 6, "test": 4}
