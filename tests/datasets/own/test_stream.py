"""Pictures are made side by side and come in their order, whatever the number of threads; few wait at a time."""

import hashlib
import shutil
import threading
from pathlib import Path

import numpy as np
import pytest

from evolve.base import processors
from evolve.base.errors import UserError
from evolve.datasets import Wish, prepare
from evolve.datasets.image_form import Facts
from evolve.datasets.lmdb_read import opened
from evolve.datasets.own import stream
from evolve.datasets.own.stream import Made
from tests.datasets.drawn import folders

THREADS = (1, 2, 7)


@pytest.fixture(params=THREADS)
def threads(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> int:
    monkeypatch.setattr(processors, "usable", lambda: request.param)
    return request.param


def small(number: int) -> Made:
    pixels = np.full((2, 2, 1), number % 256, np.uint8)
    return stream.made(b"", b"%d" % number, pixels, Facts(2, 2, True, False))


@pytest.mark.parametrize("record", [1, 1 << 18, 1 << 24])
def test_all_come_in_their_order_and_errors_in_their_place(threads: int, record: int) -> None:
    def make(number: int) -> Made:
        if number % 10 == 3:
            raise UserError(f"{number} cannot be read")
        return small(number)

    rows = np.random.default_rng(0).permutation(200)
    got = list(stream.each(rows, make, record))
    assert [number for number, _ in got] == rows.tolist()
    for number, made in got:
        wanted = f"{number} cannot be read" if number % 10 == 3 else b"%d" % number
        assert (str(made) if isinstance(made, UserError) else made.value) == wanted


@pytest.mark.parametrize(("record", "most"), [(1 << 18, 4), (1 << 24, 1)])
def test_no_more_are_made_ahead_than_memory_is_meant_to_hold(threads: int, record: int, most: int) -> None:
    """Of each thread two pieces of work, of two MiB or of one picture, beside the piece that is taken."""
    lock, begun = threading.Lock(), 0

    def make(number: int) -> Made:
        nonlocal begun
        with lock:
            begun += 1
        return small(number)

    for taken, _ in enumerate(stream.each(np.arange(150), make, record)):
        assert begun - taken <= (2 * threads + 1) * most


def test_whoever_stops_listening_leaves_no_thread(threads: int) -> None:
    before = threading.active_count()
    pictures = stream.each(np.arange(500), small, 1 << 20)
    next(pictures)
    pictures.close()
    assert threading.active_count() == before


def test_the_data_set_is_the_same_by_any_number_of_threads(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Records, hash, census, contact sheet and mean; the hash is of keys, labels and the pixels' own hashes."""
    wish = Wish(folder=str(folders(tmp_path / "pics", 12)), fit="crop")
    found = []
    for count in THREADS:
        monkeypatch.setattr(processors, "usable", lambda count=count: count)
        done = prepare("images", image_size=24, wish=wish, data=tmp_path / "data", report=lambda line: None)
        records = {}
        for split in done.counts:
            with opened(done.folder / split) as environment, environment.begin() as transaction:
                records[split] = list(transaction.cursor())
        files = [(file.name, file.read_bytes()) for file in sorted(done.folder.glob("*.*"))]
        found.append((done.sha256, records, files))
        shutil.rmtree(done.folder)
    assert found[0] == found[1] == found[2]
    assert found[0][0] == by_hand(found[0][1])


def by_hand(records: dict[str, list[tuple[bytes, bytes]]]) -> str:
    from evolve.base.caffe_messages import caffe_pb2

    content = hashlib.sha256()
    for key, value in (record for split in ("train", "test") for record in records[split]):
        datum = caffe_pb2.Datum.FromString(value)
        pixels = np.frombuffer(datum.data, np.uint8).reshape(3, 24, 24).transpose(1, 2, 0)
        content.update(key + b" %d " % datum.label + hashlib.sha256(pixels.tobytes()).digest())
    return content.hexdigest()
