"""A data set found by its name: beside the network, then in datasets/; and what is said of a file that is none."""

import re
import shutil
from pathlib import Path

import numpy as np
import pytest
from miniatures import noise

from evolve.base.errors import UserError
from evolve.datasets import Detection, find, images, labels, lookup, names, prepare, prepare_detection, read

ROOT = Path(__file__).resolve().parents[2]
# The two files that datasets/README.md shows.
FLOWERS, CATS = re.findall(r"```python\n(.*?)```", (ROOT / "datasets" / "README.md").read_text(), re.DOTALL)[:2]
MINE = """import numpy as np
from evolve.datasets import Samples, Source, Split
def load(*, image_size, seed, raw, report):
    images = np.full((3, 1, image_size, image_size), 7, np.uint8)
    return Samples(Split(images, np.array([0, 1, 0])), Split(images, np.array([1, 0, 1])), 2)
SOURCE = Source("mine", 1, load)
"""


def write(folder: Path, name: str, text: str) -> Path:
    folder.mkdir(exist_ok=True)
    (folder / f"{name}.py").write_text(text)
    return folder


def refused(folder: Path, name: str = "mine", image_size: int = 8) -> str:
    with pytest.raises(UserError) as error:
        prepare(name, image_size=image_size, beside=folder, data=folder / "data", report=lambda line: None)
    return str(error.value)


def test_the_readmes_flowers(tmp_path: Path, lines: list[str]) -> None:
    net = write(tmp_path / "net", "flowers", FLOWERS)
    pixels: dict[tuple[str, str, int], np.ndarray] = {}
    for split, count in (("train", 3), ("test", 2)):
        for kind in ("rose", "tulip"):
            for number in range(count):
                file = net / "photos" / split / kind / f"{number}.png"
                pixels[split, kind, number] = noise(file, 12, 12, seed=len(pixels))
    found = find("flowers", net)
    assert (found.source.title, found.source.channels, found.has_boxes) == ("my flowers", 3, False)
    made = prepare("flowers", image_size=12, beside=net, data=tmp_path, report=lines.append)
    assert (made.name, made.shape, made.counts, made.classes) == ("flowers", (3, 12, 12), {"train": 6, "test": 4}, 2)
    stored, classes = read(made.folder / "test", 4)
    assert classes.tolist() == [0, 0, 1, 1]
    assert np.array_equal(stored[2], pixels["test", "tulip", 0].transpose(2, 0, 1))
    assert not list(net.rglob("__pycache__"))


def test_the_readmes_cats(tmp_path: Path, lines: list[str]) -> None:
    net = write(tmp_path / "net", "cats", CATS)
    for split in ("train", "val"):
        noise(net / "cats" / f"{split}.png", 96, 64)
        (net / "cats" / f"{split}.csv").write_text(f"{split}.png,8,4,32,48,cat\n{split}.png,0,0,20,20,cat\n")
    made = prepare_detection("cats", Detection(96, 64), beside=net, data=tmp_path, report=lines.append)
    assert made.counts == {"train": 1, "val": 1} and made.class_names == ("cat",)
    (label,) = labels(made, "val", 1)
    assert label[:, :6].tolist() == [[2, 16, 0, 0, 0, 0], [0, 0, 20, 20, 0, 1], [8, 4, 32, 48, 0, 1]]
    (net / "cats" / "val.csv").write_text("val.png,8,4,32,48,cow\n")
    with pytest.raises(UserError) as error:
        prepare_detection("cats", Detection(96, 64), beside=net, data=tmp_path, report=lines.append)
    assert str(error.value).startswith(f"{net}/cats/val.csv:1: expected a class of cat, got 'cow' (1 box); ")


def test_beside_the_network_comes_first(tmp_path: Path, lines: list[str]) -> None:
    net = write(tmp_path / "net", "digits", MINE)
    write(net, "unrelated", "def draw(): ...\n")
    assert find("digits", net).source.title == "mine" and find("digits").source.title != "mine"
    assert names(net) == names() and "unrelated" not in names(write(net, "mine", MINE)) and "mine" in names(net)
    own = prepare("digits", image_size=28, beside=net, data=tmp_path, report=lines.append)
    shipped = prepare("digits", image_size=28, data=tmp_path, report=lines.append)
    assert own.sha256 != shipped.sha256 and own.folder != shipped.folder == tmp_path / "digits-28-seed1"


def test_another_version_of_the_file_is_another_data_set(tmp_path: Path, lines: list[str]) -> None:
    net = write(tmp_path / "net", "mine", MINE)
    first = prepare("mine", image_size=8, beside=net, data=tmp_path, report=lines.append)
    assert prepare("mine", image_size=8, beside=net, data=tmp_path, report=lines.append) == first
    write(net, "mine", MINE.replace(", 7,", ", 9,"))
    second = prepare("mine", image_size=8, beside=net, data=tmp_path, report=lines.append)
    assert (images(first, "test", 1) == 7).all() and (images(second, "test", 1) == 9).all()
    assert re.fullmatch(r"mine-[0-9a-f]{8}-8-seed1", second.folder.name)


def test_one_module_as_long_as_the_file_is_the_same(tmp_path: Path) -> None:
    net = write(tmp_path / "net", "mine", "from __future__ import annotations\nfrom dataclasses import dataclass\n"
                "@dataclass\nclass Kept:\n    here: int = 0\n" + MINE)  # fmt: skip
    module = lookup.module("mine", net)
    assert module.Kept().here == 0 and lookup.module("mine", net) is module
    assert find("mine", net).source is module.SOURCE


def test_it_can_stand_in_for_another(tmp_path: Path, lines: list[str]) -> None:
    net = write(tmp_path / "net", "mine", MINE)
    made = prepare("stl10", image_size=32, or_else="mine", beside=net, data=tmp_path, report=lines.append)
    assert made.name == "mine"
    assert made.notice.startswith("STL-10 could not be had (") and made.notice.endswith(": mine instead")


def test_unknown_names(tmp_path: Path) -> None:
    net = write(tmp_path / "net", "mine", MINE)
    known = ", ".join(names(net))
    assert "mine" in known.split(", ")
    for name, advice in (
        ("mime", "write 'mine'"), ("minst", "write 'mnist'"),
        ("pairs", f"choose one of these, or write {net}/pairs.py"),
        ("zzz", f"choose one of these, or write {net}/zzz.py"), ("../x", "choose one of these"),
        ("a/zzz", "choose one of these"),
    ):  # fmt: skip
        assert refused(net, name) == f"data set '{name}': expected one of {known}; {advice}"


LOAD = MINE[: MINE.index("    images")] + "    {}\nSOURCE = Source('mine', 1, load)\n"
IMAGES = "images = np.zeros((3, 1, 8, 8), np.uint8)\n    good = Split(images, np.array([0, 1, 0]))\n    "
SOURCE = "expected SOURCE, a Source or DetectionSource of evolve.datasets, got "


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("x = 1\n", "{file}: " + SOURCE + "none; see datasets/README.md"),
        ("SOURCE = {'title': 'mine'}\n", "{file}: " + SOURCE + "one of type dict; see datasets/README.md"),
        ("x = 1\nSOURCE = (\n", "{file}:2: expected Python, got '(' was never closed; correct it"),
        (
            "def half(n):\n    return n / 0\nSOURCE = half(1)\n",
            "{file}:2: expected a data set's file, got ZeroDivisionError: division by zero; correct it",
        ),
        (
            "import json\njson.loads('')\n",
            "{file}:2: expected a data set's file, got JSONDecodeError: Expecting value: line 1 column 1 (char 0); "
            "correct it",
        ),
        ("\0", "{file}: expected Python, got source code string cannot contain null bytes; correct it"),
        (LOAD.format("return [][0]"), "{file}:4: load: IndexError: list index out of range; correct it"),
        (LOAD.format("raise OSError"), "{file}:4: load: OSError; correct it"),
        (
            MINE.replace("*, image_size, seed, raw, report", "image_size"),
            "{file}: load: TypeError: load() got an unexpected keyword argument 'seed'; correct it",
        ),
        (LOAD.format("return 3"), "{file}: load: expected Samples of evolve.datasets, got one of type int"),
        (
            LOAD.format(IMAGES + "return Samples(good, Split(images / 2, good.labels), 2)"),
            "{file}: load: test: expected images (N, channels, height, width) of uint8, got float64 (3, 1, 8, 8)",
        ),
        (
            LOAD.format(IMAGES + "return Samples(good, Split(images[:0], good.labels), 2)"),
            "{file}: load: test: expected images (N, channels, height, width) of uint8, got uint8 (0, 1, 8, 8)",
        ),
        (
            LOAD.format(IMAGES + "return Samples(Split(images, good.labels, margin=1), good, 2)"),
            "{file}: load: train: expected images of 1x8x8 with their margin, got 1x10x10",
        ),
        (
            LOAD.format(IMAGES + "return Samples(good, Split(images, good.labels[:2]), 2)"),
            "{file}: load: test: expected 3 whole numbers for labels, got int64 (2,)",
        ),
        (
            LOAD.format(IMAGES + "return Samples(good, Split(images, good.labels * 0.5), 2)"),
            "{file}: load: test: expected 3 whole numbers for labels, got float64 (3,)",
        ),
        (
            LOAD.format(IMAGES + "return Samples(good, Split(images, good.labels + 1), 2)"),
            "{file}: load: test: expected labels from 0 to 1, got 1 to 2",
        ),
    ],
)  # fmt: skip
def test_a_file_that_is_none(tmp_path: Path, text: str, says: str) -> None:
    net = write(tmp_path / "net", "mine", text)
    assert refused(net) == says.format(file=net / "mine.py")
    assert not list((net / "data").glob("mine-*[!k]"))


DICTIONARY = ": load: expected a dictionary of train, val and perhaps test, got "


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ("{split: photos", "{split * 2: photos", DICTIONARY + "['traintrain', 'valval']"),
        ('("train", "val")}', '("train",)}', DICTIONARY + "['train']"),
        ("return {split", "return [split", ":20: expected Python, got closing parenthesis '}' does not match opening "
         "parenthesis '['; correct it"),
        ("return [Photo(file.with_name(image), found, str(file))", "return [image",
         ": load: train: expected a list of Photo of evolve.datasets, got something else"),
        ("float(h), name", "h / 2, name", ":26: load: TypeError: unsupported operand type(s) for /: 'str' and 'int'; "
         "correct it"),
        ("CATS.is_dir()", "CATS[0]", ":12: find: TypeError: 'PosixPath' object is not subscriptable; correct it"),
        ("root.glob", "root[0]", ":16: state: TypeError: 'PosixPath' object is not subscriptable; correct it"),
    ],
)  # fmt: skip
def test_a_file_of_boxes_that_is_none(tmp_path: Path, old: str, new: str, says: str) -> None:
    assert old in CATS
    net = write(tmp_path / "net", "cats", CATS.replace(old, new))
    (net / "cats").mkdir()
    for split in ("train", "val"):
        (net / "cats" / f"{split}.csv").write_text("a.png,8,4,32,48,cat\n")
    with pytest.raises(UserError) as error:
        prepare_detection("cats", Detection(96, 64), beside=net, data=tmp_path, report=lambda line: None)
    assert str(error.value) == f"{net}/cats.py{says}"


def test_what_a_shipped_file_raises_is_ours(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    digits = lookup.module("digits")
    monkeypatch.setattr(digits, "enlarged", lambda pixels: pixels[-10000])
    with pytest.raises(IndexError):
        prepare("digits", image_size=28, data=tmp_path, report=lambda line: None)


def test_a_folder_that_is_gone_is_no_harm(tmp_path: Path) -> None:
    shutil.rmtree(tmp_path / "net", ignore_errors=True)
    assert names(tmp_path / "net") == names()
