"""Databases as convert_imageset and DIGITS make them are trained on where they lie; what Caffe cannot read is anew."""

import io
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import lmdb
import numpy as np
import pytest
from PIL import Image

from evolve.base.caffe_messages import caffe_pb2
from evolve.base.errors import UserError
from evolve.datasets import Dataset, Wish, few, prepare, survey
from evolve.datasets.lmdb_read import opened
from evolve.datasets.own import class_census, mean_image
from tests.datasets.drawn import stored

Datums = list[Any]


def raw(count: int, shape: tuple[int, int, int] = (3, 6, 8), classes: int = 3, seed: int = 0) -> Datums:
    channels, height, width = shape
    random = np.random.default_rng(seed)
    size = channels * height * width
    return [
        caffe_pb2.Datum(channels=channels, height=height, width=width, label=n % classes, data=random.bytes(size))
        for n in range(count)
    ]


def encoded(
    count: int, form: str = "PNG", sizes: Iterable[tuple[int, int]] = ((8, 6),), mode: str = "RGB"
) -> Datums:
    sizes = list(sizes)
    found = []
    for n in range(count):
        file = io.BytesIO()
        Image.new("RGB", sizes[n % len(sizes)], (n, 2 * n, 3 * n)).convert(mode).save(file, form)
        found.append(caffe_pb2.Datum(label=n % 3, data=file.getvalue(), encoded=True))
    return found


def database(folder: Path, datums: Datums, key: str = "{0:08d}_cat/{0}.jpg") -> Path:
    """With keys as convert_imageset writes them, or others of the number."""
    folder.mkdir(parents=True)
    with lmdb.open(str(folder), map_size=1 << 24) as environment, environment.begin(write=True) as transaction:
        for n, datum in enumerate(datums):
            transaction.put(key.format(n).encode(), datum.SerializeToString())
    return folder


@pytest.fixture
def made(tmp_path: Path) -> Callable[..., Dataset]:
    def make(validation: int = 0, **wish: object) -> Dataset:
        return prepare(
            "lmdb", image_size=32, validation=validation, wish=Wish(**wish), data=tmp_path / "data",  # type: ignore[arg-type]
            report=lambda line: None,
        )  # fmt: skip

    return make


def test_they_are_linked_and_counted(tmp_path: Path, made: Callable[..., Dataset]) -> None:
    train, test = raw(12), raw(6, seed=1)
    both = {"train": str(database(tmp_path / "a", train)), "test": str(database(tmp_path / "b", test))}
    done = made(**both)
    assert (done.shape, done.counts, done.class_names) == ((3, 6, 8), {"train": 12, "test": 6}, ("0", "1", "2"))
    assert (done.folder / "train" / "data.mdb").resolve() == tmp_path / "a" / "data.mdb"
    assert [pixels.tobytes() for pixels, _ in stored(done.folder / "train")] == [datum.data for datum in train]
    census = class_census.read(done)
    assert census.splits["train"].classes == [4, 4, 4] and not census.copies
    pixels = np.stack([np.frombuffer(datum.data, np.uint8).reshape(3, 6, 8) for datum in train])
    assert np.allclose(census.splits["train"].mean, pixels.mean(axis=(0, 2, 3)), atol=1e-3)
    assert np.allclose(census.splits["train"].deviation, pixels.std(axis=(0, 2, 3)), atol=1e-3)
    assert np.allclose(mean_image.read(done.folder / "mean.binaryproto", done.shape), pixels.mean(axis=0), atol=1e-3)
    known = survey("lmdb", image_size=32, wish=Wish(train=both["train"], test=both["test"]), data=tmp_path / "data")
    assert known and known.shape == done.shape and made(**both) == done


def test_one_class_after_the_other_is_said(tmp_path: Path, made: Callable[..., Dataset]) -> None:
    mixed, test = raw(60), raw(6, seed=1)
    for number, datums in enumerate((mixed, sorted(mixed, key=lambda datum: datum.label))):
        train, tested = (tmp_path / f"{number}{name}" for name in ("train", "test"))
        done = made(train=str(database(train, datums)), test=str(database(tested, test)))
        assert ("one class after the other" in class_census.text(done)) == bool(number)


def test_a_job_of_digits(tmp_path: Path, made: Callable[..., Dataset]) -> None:
    job = tmp_path / "20150901-1200"
    for name in ("train_db", "val_db"):
        database(job / name, raw(9, (1, 5, 5), seed=len(name)))
    (job / "labels.txt").write_text("cat\ndog\neel\nfox\n")
    mean_image.write(job, np.full((1, 5, 4), 7.5))
    with pytest.raises(UserError, match="expected the mean of images of 1x5x5, got one of 1x5x4"):
        made(folder=str(job), mean_file=str(job / "mean.binaryproto"))
    mean_image.write(job, np.full((1, 5, 5), 7.5))
    done = made(folder=str(job), mean_file=str(job / "mean.binaryproto"))
    assert done.class_names == ("cat", "dog", "eel", "fox") and done.counts == {"train": 9, "test": 9}
    assert "warning: train: no image of fox" in class_census.text(done)
    assert "smallest class: fox, 0 to train on; largest: " in class_census.text(done)
    assert (mean_image.read(done.folder / "mean.binaryproto", done.shape) == 7.5).all()


def test_floats_are_linked(tmp_path: Path, made: Callable[..., Dataset]) -> None:
    floats = [caffe_pb2.Datum(channels=2, height=1, width=2, label=n % 2, float_data=[n, -n, 0.5, 2]) for n in range(4)]
    done = made(train=str(database(tmp_path / "a", floats)), test=str(database(tmp_path / "b", floats[:2])))
    assert done.shape == (2, 1, 2) and (done.folder / "train" / "data.mdb").is_symlink()
    assert class_census.read(done).splits["train"].mean == [0, 1.25]


def test_of_floats_too_a_part_is_split_off_and_a_few_are_taken(tmp_path: Path, made: Callable[..., Dataset]) -> None:
    floats = [
        caffe_pb2.Datum(channels=2, height=8, width=9, label=n % 2, float_data=[n + 0.5] * 144) for n in range(20)
    ]
    wish = Wish(train=str(database(tmp_path / "a", floats)))
    taken = few(
        "lmdb", tmp_path / "few", image_size=32, seed=1, wish=wish, data=tmp_path / "data", report=lambda line: None
    )
    done = made(train=wish.train)
    assert (taken.whole, taken.dataset.counts) == (done.counts, {"train": 8, "test": 4})
    for folder in (taken.dataset.folder, done.folder):
        with opened(folder / "test") as environment, environment.begin() as transaction:
            values = [value for _, value in transaction.cursor()]
        assert len(values) == 4 and {datum.SerializeToString() for datum in floats} >= set(values)


def test_other_names_of_classes_are_noticed(tmp_path: Path, made: Callable[..., Dataset]) -> None:
    train = str(database(tmp_path / "a", raw(30)))
    names = tmp_path / "labels.txt"
    assert made(train=train).class_names == ("0", "1", "2")
    names.write_text("a\nb\nc\n")
    assert made(train=train).class_names == ("a", "b", "c")


@pytest.mark.parametrize("form", ["PNG", "JPEG"])
def test_encoded_ones_are_stored_as_caffe_without_opencv_reads_them(
    tmp_path: Path, made: Callable[..., Dataset], form: str
) -> None:
    train, test = database(tmp_path / "a", encoded(9, form)), database(tmp_path / "b", encoded(3, form))
    done = made(train=str(train), test=str(test))
    assert done.shape == (3, 6, 8) and not (done.folder / "train" / "data.mdb").is_symlink()
    blue_first = {label: pixels[:, 0, 0].tolist() for pixels, label in stored(done.folder / "test")}
    wanted = {n: [3 * n, 2 * n, n] for n in range(3)}
    assert all(np.allclose(blue_first[n], wanted[n], atol=2 * (form == "JPEG")) for n in range(3))


def test_images_of_several_sizes_need_one(tmp_path: Path, made: Callable[..., Dataset]) -> None:
    both = {
        "train": str(database(tmp_path / "a", encoded(9, sizes=((8, 6), (10, 20))))),
        "test": str(database(tmp_path / "b", encoded(3))),
    }
    with pytest.raises(UserError) as error:
        made(**both)
    assert str(error.value) == (
        "data set 'lmdb': expected images of one size, got several; give dataset a width and a height to store them in"
    )
    assert made(**both, width=12, height=10).shape == (3, 10, 12)


@pytest.mark.parametrize("grey_in", ["one database", "both"])
@pytest.mark.parametrize("are_encoded", [True, False])
def test_grey_ones_and_colours_of_one_size_are_stored_as_colours(
    tmp_path: Path, made: Callable[..., Dataset], are_encoded: bool, grey_in: str
) -> None:
    coloured = encoded(6) if are_encoded else raw(6)
    grey = encoded(3, mode="L") if are_encoded else raw(3, (1, 6, 8))
    train = database(tmp_path / "a", coloured + (grey if grey_in == "both" else []))
    done = made(train=str(train), test=str(database(tmp_path / "b", grey)))
    assert done.shape == (3, 6, 8) and {pixels.shape for pixels, _ in stored(done.folder / "train")} == {(3, 6, 8)}


def test_parts_are_split_off_where_they_are_wanted(tmp_path: Path, made: Callable[..., Dataset]) -> None:
    done = made(train=str(database(tmp_path / "a", raw(30))), validation=6)
    assert done.counts == {"train": 18, "validation": 6, "test": 6}
    assert {label for _, label in stored(done.folder / "test")} == {0, 1, 2}


def test_another_database_in_its_place_is_noticed(tmp_path: Path, made: Callable[..., Dataset]) -> None:
    both = {"train": str(database(tmp_path / "a", raw(12))), "test": str(database(tmp_path / "b", raw(6, seed=1)))}
    first = made(**both)
    for name in ("data.mdb", "lock.mdb"):
        (tmp_path / "a" / name).unlink(missing_ok=True)
    (tmp_path / "a").rmdir()
    database(tmp_path / "a", raw(15, seed=3))
    assert made(**both).sha256 != first.sha256 and made(**both).counts["train"] == 15


@pytest.mark.parametrize(
    ("datums", "says"),
    [
        (
            [*raw(2), caffe_pb2.Datum(channels=3, height=6, width=8, label=-1, data=bytes(144))],
            "record '00000002_cat/2.jpg': expected a label of 0 or more, got -1; make the database again",
        ),
        (
            [*raw(2), caffe_pb2.Datum(channels=3, height=6, width=8, label=1, data=b"short")],
            "record '00000002_cat/2.jpg': expected as many values as its shape has, got 3x6x8 and 5 values; make the "
            "database again",
        ),
        (
            [*raw(2), caffe_pb2.Datum(label=1, data=b"no image", encoded=True)],
            "record '00000002_cat/2.jpg': expected an image, got 8 bytes that begin with b'no image'; make the "
            "database again",
        ),
    ],
)
def test_records_that_cannot_be_trained_on(
    tmp_path: Path, made: Callable[..., Dataset], datums: Datums, says: str
) -> None:
    folder = database(tmp_path / "a", datums)
    with pytest.raises(UserError) as error:
        made(train=str(folder))
    assert str(error.value) == f"data set 'lmdb': {folder}: {says}"


def test_no_database(tmp_path: Path, made: Callable[..., Dataset]) -> None:
    (tmp_path / "empty").mkdir()
    file, alone = database(tmp_path / "a", raw(3)) / "data.mdb", tmp_path / "alone.mdb"
    alone.write_bytes(file.read_bytes())
    for wish, says in (
        ({"train": f"{file}"}, f"{file}: expected a folder with data.mdb in it, got a file; name {tmp_path}/a"),
        ({"train": f"{tmp_path}/a", "test": f"{alone}"}, f"{alone}: expected a folder with data.mdb in it, got a file; "
         "put it into one as data.mdb, and name that"),
        ({"folder": f"{file}"}, f"{file}: expected a folder with data.mdb in it, got a file; name {tmp_path}/a"),
        ({}, "expected a database to train on, got none; write dataset { name: "),
        ({"folder": f"{tmp_path}/empty"}, f"{tmp_path}/empty: expected a database like train_lmdb in it, got none;"),
        ({"train": f"{tmp_path}/empty"}, f"{tmp_path}/empty: expected an LMDB, got:"),
    ):
        with pytest.raises(UserError) as error:
            made(**wish)
        assert str(error.value).startswith(f"data set 'lmdb': {says}")


# Red first


PURE = {"blue": (250, 0, 0), "green": (0, 250, 0), "red": (0, 0, 250)}  # as OpenCV has them


def red_first(count: int, shape: tuple[int, int, int] = (3, 32, 32)) -> Datums:
    """Images of PURE, a class each, as BVLC's convert_cifar_data stores them."""
    planes = [np.repeat(np.array(colour[::-1], np.uint8), shape[1] * shape[2]).tobytes() for colour in PURE.values()]
    channels, height, width = shape
    return [
        caffe_pb2.Datum(channels=channels, height=height, width=width, label=n % 3, data=planes[n % 3])
        for n in range(count)
    ]


def with_cifars_keys(folder: Path, datums: Datums) -> Path:
    return database(folder, datums, "{:05d}")


def shown(done: Dataset) -> list[tuple[int, ...]]:
    """The colour of the first image of each class on the contact sheet, red first."""
    with Image.open(done.folder / "contact_sheet.png") as sheet:
        # Rows are 78 pixels high, and images 72 wide beside 190 of names.
        return [sheet.convert("RGB").getpixel((190 + 36, 6 + 36 + 78 * row)) for row in range(3)]  # type: ignore[misc]


def test_records_with_red_first_stay_so_and_are_shown_as_they_are(
    tmp_path: Path, made: Callable[..., Dataset]
) -> None:
    datums = red_first(12)
    both = {name: str(with_cifars_keys(tmp_path / name, datums)) for name in ("train", "test")}
    done = made(**both, channel_order="RGB")
    assert done.colours == "RGB" and (done.folder / "train" / "data.mdb").is_symlink()
    assert shown(done) == [colour[::-1] for colour in PURE.values()]
    assert "mean (red, green, blue): 83.3 83.3 83.3" in class_census.text(done)
    assert made(**both, channel_order="RGB") == done
    blue = made(**both)
    assert blue.colours == "BGR" and blue.folder != done.folder and shown(blue) == list(PURE.values())


@pytest.mark.parametrize("wish", [{"width": 16, "height": 24}, {"width": 16, "height": 16, "channels": 1}])
def test_what_is_stored_anew_of_them_has_red_first_too(
    tmp_path: Path, made: Callable[..., Dataset], wish: dict[str, int]
) -> None:
    both = {name: str(with_cifars_keys(tmp_path / name, red_first(3))) for name in ("train", "test")}
    done = made(**both, **wish, channel_order="RGB")
    colours: list[tuple[int, ...]] = [colour[::-1] for colour in PURE.values()]
    if wish.get("channels") == 1:  # By the rule of OpenCV, .299 red, .587 green and .114 blue.
        colours = [(28,), (147,), (75,)]
    stored_colours = sorted((label, tuple(pixels.mean(axis=(1, 2)))) for pixels, label in stored(done.folder / "train"))
    assert [colour for _, colour in stored_colours] == [pytest.approx(colour, abs=0.6) for colour in colours]


def test_encoded_ones_are_stored_with_red_first_where_that_is_wished(
    tmp_path: Path, made: Callable[..., Dataset]
) -> None:
    both = {name: str(database(tmp_path / name, encoded(6))) for name in ("train", "test")}
    done = made(**both, channel_order="RGB")
    first = {label: pixels[:, 0, 0].tolist() for pixels, label in reversed([*stored(done.folder / "train")])}
    assert all(red % 3 == label and (green, blue) == (2 * red, 3 * red) for label, (red, green, blue) in first.items())


@pytest.mark.parametrize("order", ["BGR", "RGB"])
@pytest.mark.parametrize(("keyed", "shape"), [(with_cifars_keys, (3, 32, 32)), (with_cifars_keys, (3, 8, 8)),
                                              (database, (3, 32, 32))])  # fmt: skip
def test_records_that_look_like_convert_cifar_datas_are_told_of(
    tmp_path: Path, keyed: Callable[[Path, Datums], Path], shape: tuple[int, int, int], order: str
) -> None:
    both = {name: str(keyed(tmp_path / name, red_first(3, shape))) for name in ("train", "test")}
    said: list[str] = []
    wish = Wish(train=both["train"], test=both["test"], channel_order=order)
    prepare("lmdb", image_size=32, wish=wish, data=tmp_path / "data", report=said.append)
    told = [line for line in said if "channel_order" in line]
    assert told == [
        f"warning: {both['train']}: expected blue, green, red, got records as BVLC's convert_cifar_data makes them, of "
        "red, green, blue; if they are, give SET=dataset.channel_order=RGB, or `make classify` sees other colours"
    ] * (order == "BGR" and keyed is with_cifars_keys and shape == (3, 32, 32))


def test_without_the_wish_data_sets_have_the_names_that_they_had() -> None:
    assert "channel_order" not in Wish().words() and Wish(channel_order="RGB").words()["channel_order"] == "RGB"
