"""Lists and CSVs say of each image which class it has."""

from pathlib import Path

import pytest

from evolve.base.errors import UserError
from evolve.datasets.own import image_listing, lists
from evolve.datasets.own.pictures import ImageFiles
from evolve.datasets.own.wish import Wish
from tests.datasets.drawn import folders, picture

NAMES = ("bar/0.png", "bar/1.png", "disc/0.png", "disc/1.png")


def listed(**wish: str) -> dict[str, list[tuple[str, str]]]:
    """(class, file) of each image, by split."""
    listing = image_listing.listed(Wish(width=32, height=32, **wish))  # type: ignore[arg-type]
    found = {}
    for split, files in listing.splits.items():
        assert isinstance(files, ImageFiles)
        pairs = zip(files.labels.tolist(), files.files, strict=True)
        found[split] = [(listing.class_names[label], Path(file).name) for label, file in pairs]
    return found


@pytest.fixture
def here(tmp_path: Path) -> Path:
    return folders(tmp_path, 2, ("bar", "disc"))


def test_a_list_as_convert_imageset_has_it(here: Path) -> None:
    """A byte order mark, lines that end as on Windows, blanks in names, a slash before the path."""
    (here / "bar" / "image (1).png").write_bytes((here / "bar" / "0.png").read_bytes())
    (here / "labels.txt").write_text("Bars of steel\nDiscs\n")
    (here / "train.txt").write_bytes("\ufeffbar/image (1).png 0\r\n/disc/0.png 1\r\n\r\n".encode())
    (here / "val.txt").write_text("bar/1.png\t0\ndisc/1.png\t1")
    assert listed(folder=str(here)) == {
        "train": [("Bars of steel", "image (1).png"), ("Discs", "0.png")],
        "test": [("Bars of steel", "1.png"), ("Discs", "1.png")],
    }


def test_a_list_beside_another_folder_of_images(here: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    elsewhere = tmp_path_factory.mktemp("lists")
    for name in ("a.lst", "b.lst"):
        (elsewhere / name).write_text("\n".join(f"{each} {each[:3]}" for each in NAMES))
    found = listed(folder=str(here), train=str(elsewhere / "a.lst"), test=str(elsewhere / "b.lst"))
    assert found["train"] == found["test"] == [("bar", "0.png"), ("bar", "1.png"), ("dis", "0.png"), ("dis", "1.png")]


@pytest.mark.parametrize("between", [",", ";", "\t"])
@pytest.mark.parametrize("head", ["filename,label,split", "id,class,set", "Image Path,Class  Name,Split", ""])
def test_a_csv(here: Path, head: str, between: str) -> None:
    rows = [head] if head else []
    rows += ["bar/0.png,bar,train", "disc/0.png,disc,train", "bar/1.png,bar,test", '"disc/1.png",disc,val']
    (here / "all.csv").write_text("\n".join(rows).replace(",", between))
    assert listed(folder=str(here / "all.csv")) == {
        "train": [("bar", "0.png"), ("disc", "0.png")],
        "test": [("bar", "1.png")],
        "validation": [("disc", "1.png")],
    }


def test_a_csv_of_names_without_endings_beside_a_folder_of_loose_images(tmp_path: Path) -> None:
    (tmp_path / "train").mkdir()
    (tmp_path / "test").mkdir()
    for name in "ab":
        picture("disc", 1).save(tmp_path / "train" / f"{name}.jpg")
    (tmp_path / "labels.csv").write_text("id,breed\na,boxer\nb,pug\n")
    with pytest.raises(UserError, match="expected an image a, got no such file"):
        listed(folder=str(tmp_path))
    (tmp_path / "labels.csv").rename(tmp_path / "train.csv")
    assert listed(folder=str(tmp_path)) == {"train": [("boxer", "a.jpg"), ("pug", "b.jpg")]}


@pytest.mark.parametrize("written", ["caf\u00e9", "cafe\u0301"])
@pytest.mark.parametrize("stored", ["caf\u00e9", "cafe\u0301"])
def test_letters_that_are_composed_in_one_place_and_not_in_the_other(tmp_path: Path, written: str, stored: str) -> None:
    folders(tmp_path, 2, (stored, "disc"))
    (tmp_path / stored / "0.png").rename(tmp_path / stored / f"{stored}.png")
    (tmp_path / "train.txt").write_text(f"{written}/{written}.png 0\n/{written}/{written} 0\ndisc/0.png 1\n")
    assert listed(folder=str(tmp_path)) == {"train": [("0", f"{stored}.png"), ("1", "0.png")]}


def test_names_are_one_class_however_their_letters_are_composed(here: Path) -> None:
    (here / "train.txt").write_text("bar/0.png caf\u00e9\nbar/1.png cafe\u0301\ndisc/0.png disc\n")
    assert [name for name, _ in listed(folder=str(here))["train"]] == ["cafe\u0301", "cafe\u0301", "disc"]


def test_a_list_of_windows(here: Path) -> None:
    (here / "train.txt").write_text("bar\\0.png bar\r\n.\\disc\\0.png disc\r\n")
    assert listed(folder=str(here)) == {"train": [("bar", "0.png"), ("disc", "0.png")]}


def test_numbers_without_names_are_their_own(here: Path) -> None:
    (here / "train.txt").write_text("bar/0.png 0\ndisc/0.png 2\n")
    assert listed(folder=str(here)) == {"train": [("0", "0.png"), ("2", "0.png")]}
    (here / "synset_words.txt").write_text("n01 tench, Tinca tinca\nn02 shark\nn03 great white\n")
    assert listed(folder=str(here)) == {"train": [("tench", "0.png"), ("great white", "0.png")]}


@pytest.mark.parametrize(
    ("file", "content", "names"),
    [
        (
            "synset_words.txt",
            "n02012849 crane\nn01 tench, Tinca tinca\nn03126707 crane\nn037 maillot\nn038 maillot, tank suit\n",
            ("n02012849 crane", "tench", "n03126707 crane", "n037 maillot", "n038 maillot, tank suit"),
        ),
        ("labels.txt", "crane\ntench\ncrane\n", ("crane (0)", "tench", "crane (2)")),
        ("labels.txt", "a\na\na (1)\n\n0\n", ("a (0)", "a (1) (1)", "a (1) (2)", "3", "0")),
        ("labels.txt", "1\n\n2\n", ("1 (0)", "1 (1)", "2")),
    ],
)
def test_every_class_has_a_name_of_its_own(tmp_path: Path, file: str, content: str, names: tuple[str, ...]) -> None:
    """Accuracies are kept by name."""
    (tmp_path / file).write_text(content)
    assert lists.names_in(tmp_path / file, 3) == names and len(set(names)) == len(names)


def test_other_names_are_another_state(here: Path) -> None:
    (here / "list.txt").write_text("bar/0.png 0\nbar/1.png 1\n")
    before = image_listing.listed(Wish(train=str(here / "list.txt")))
    (here / "labels.txt").write_text("cat\ndog\n")
    after = image_listing.listed(Wish(train=str(here / "list.txt")))
    assert (before.class_names, after.class_names) == (("0", "1"), ("cat", "dog")) and before.state != after.state


def test_an_image_that_is_listed_twice_is_there_once(here: Path) -> None:
    (here / "train.txt").write_text("bar/0.png 0\ndisc/0.png 1\nbar/0.png 0\n")
    assert len(listed(folder=str(here))["train"]) == 2


@pytest.mark.parametrize(
    ("name", "content", "says"),
    [
        ("train.txt", "", "{file}: expected lines `path label`, got none; name another list"),
        (
            "train.txt",
            "bar/0.png 0\nbar/1.png\n",
            "{file}:2: expected a path and a label, got 'bar/1.png'; add the label",
        ),
        (
            "train.txt",
            "bar/0.png 0\nbar/\x0b1.png 1\n",
            "{file}:2: expected a path of one line, got 'bar/\\x0b1.png'; correct it",
        ),
        (
            "all.csv",
            'path,label\nbar/0.png,bar\nbar/1.png,"di\nsc"\n',
            "{file}:3: expected a label of one line, got 'di\\nsc'; correct it",
        ),
        ("train.txt", b"bar/\xff.png 0", "{file}: expected a list in UTF-8, got byte 0xff; save it as that"),
        ("one.png", b"\x89PNG", "{file}: expected a list in UTF-8, got byte 0x89; name the folder of the images"),
        (
            "train.txt",
            "bar/0.png 0\ngone.png 1\nbar/0.png 1\n",
            "{file}:2: expected an image gone.png, got no such file in {here}; bring it, or take the line out\n"
            "{file}:3: expected bar/0.png to be '0' as in line 1, got '1'; keep one of the lines",
        ),
        (
            "train.txt",
            "bar/0.png 0\nbar/1.png 0",
            "expected two classes or more to train on, got '0' alone; bring others",
        ),
        (
            "train.csv",
            "x,y\nbar/0.png,0",
            "{file}:1: expected a column `path` and a column `label`, got x, y; name them so",
        ),
        (
            "train.csv",
            "Image Path,bar,disc\nbar/0.png,1,0\ndisc/0.png,0,1\n",
            "{file}:1: expected a column `label`, got 0 or 1 in a column for each of 2 classes (one-hot), Image Path, "
            "bar, disc; write the name of the one that has the 1 into a column `label`",
        ),
        (
            "train.csv",
            "path,width,height\nbar/0.png,64,48\n",
            "{file}:1: expected a column `path` and a column `label`, got path, width, height; name them so",
        ),
        ("train.csv", "path,label\nbar/0.png\n", "{file}:2: expected a path and a label, got 'bar/0.png'; complete it"),
        (
            "all.csv",
            "path,label,split\nbar/0.png,bar,trian",
            "{file}:2: expected train, val or test, got 'trian'; correct it",
        ),
        (
            "all.csv",
            "path,label,split\nbar/0.png,bar,test",
            "{file}: expected rows to train on, got none; name their split train",
        ),
        (
            "train.txt",
            "bar/0.png 0\ndisc/0.png 999999999",
            "expected labels from 0 up to as many as there are classes, got 999999999; number them so",
        ),
    ],
)
def test_what_is_no_list(here: Path, name: str, content: str | bytes, says: str) -> None:
    file = here / name
    file.write_bytes(content.encode() if isinstance(content, str) else content)
    with pytest.raises(UserError) as error:
        listed(folder=str(here if name.startswith("train") else file))
    assert str(error.value) == says.format(file=file, here=here)


def test_too_few_names(here: Path) -> None:
    (here / "labels.txt").write_text("bars\n\n")
    with pytest.raises(UserError) as error:
        lists.named([here], 2)
    says = f"{here}/labels.txt: expected a line for each of 2 classes, got 1; add the others"
    assert str(error.value) == says
