"""The stored LMDB: Caffe's keys, Caffe's Datum, within the space that was foretold."""

import hashlib
import subprocess
import sys
from pathlib import Path

import lmdb
import numpy as np
import pytest

from evolve.base.errors import UserError
from evolve.datasets import Split, lmdb_write, read
from evolve.datasets.image_write import split_bytes, write
from evolve.datasets.lmdb_read import opened
from evolve.datasets.lmdb_write import Store


def _split(count: int, side: int, channels: int = 1, margin: int = 0) -> Split:
    rng = np.random.default_rng(count + side)
    images = rng.integers(0, 256, (count, channels, side, side), dtype=np.uint8)
    return Split(images, rng.integers(0, 10, count), margin)


def _ignore(stored: bytes) -> None:
    pass


def test_records_are_caffes_datums_and_the_hash_is_theirs(tmp_path: Path) -> None:
    from evolve.base.caffe_messages import caffe_pb2

    split, content = _split(7, 3, channels=2, margin=1), hashlib.sha256()
    order = np.array([3, 1, 0, 6, 5, 4, 2])
    write(tmp_path / "train", split, order, content.update)
    environment = lmdb.open(str(tmp_path / "train"), readonly=True, lock=False)
    with environment, environment.begin() as transaction:
        records = list(transaction.cursor())
    assert [key for key, _ in records] == [b"0000000%d" % number for number in range(7)]
    datum = caffe_pb2.Datum.FromString(records[3][1])
    assert (datum.channels, datum.height, datum.width, datum.label) == (2, 5, 5, split.labels[6])
    assert not datum.HasField("encoded") and not datum.float_data
    assert datum.data == np.pad(split.images[6], ((0, 0), (1, 1), (1, 1))).tobytes()
    assert content.hexdigest() == hashlib.sha256(b"".join(key + value for key, value in records)).hexdigest()


def test_the_files_version_is_the_one_that_caffes_liblmdb_reads(tmp_path: Path) -> None:
    write(tmp_path / "train", _split(1, 4), np.arange(1), _ignore)
    header = (tmp_path / "train" / "data.mdb").read_bytes()[16:24]
    assert header == (0xBEEFC0DE).to_bytes(4, "little") + (1).to_bytes(4, "little")  # LMDB 0.9, not 1.0
    assert [path.name for path in (tmp_path / "train").iterdir()] == ["data.mdb"]


@pytest.mark.parametrize("side", [1, 8, 28, 32, 36, 44, 46, 62, 66, 96])
def test_it_takes_no_more_space_than_foretold(tmp_path: Path, side: int) -> None:
    split = _split(2500, side)
    write(tmp_path / "train", split, np.arange(2500), _ignore)
    assert (tmp_path / "train" / "data.mdb").stat().st_size <= split_bytes(split, len(split))


def test_reading_more_than_there_is(tmp_path: Path) -> None:
    write(tmp_path / "train", _split(3, 4), np.arange(3), _ignore)
    images, labels = read(tmp_path / "train", 3)
    assert images.shape == (3, 1, 4, 4) and images.dtype == np.float32 and labels.shape == (3,)
    with pytest.raises(UserError) as error:
        read(tmp_path / "train", 4)
    assert str(error.value) == (
        f"{tmp_path}/train: expected 1 to 3 images to read, got 4; ask for as many as there are"
    )


def test_reading_where_nothing_is(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=f"^{tmp_path}/train: expected an LMDB, got: .*; make the data again$"):
        read(tmp_path / "train", 1)


SIZES = [(1, 1), (3, 900), (500, 300), (2000, 300), (30, 3100), (3, 70_000)]


@pytest.mark.parametrize(("records", "size"), SIZES)
def test_one_that_is_a_page_short_is_not_opened(tmp_path: Path, records: int, size: int) -> None:
    """LMDB maps its file and believes it: where a page is missing, reading it ends the process."""
    with Store(tmp_path / "a", 4 * records * (size + 4096) + (1 << 16), lambda stored: None) as made:
        for number in range(records):
            made.put(bytes([number % 256]) * size)
    file = tmp_path / "a" / "data.mdb"
    with opened(tmp_path / "a") as environment:
        assert environment.stat()["entries"] == records
    whole = file.stat().st_size
    file.write_bytes(file.read_bytes()[:-4096])
    with pytest.raises(UserError) as error:
        opened(tmp_path / "a")
    assert str(error.value) == (
        f"{file}: expected {whole} bytes, got {whole - 4096}: it was cut off; make the data again"
    )


def test_the_newer_meta_page_counts(tmp_path: Path) -> None:
    """LMDB writes them in turn: after one more transaction the other one knows the last page."""
    for values in (1, 2, 3):
        folder = tmp_path / str(values)
        with lmdb.open(str(folder), map_size=1 << 24) as environment:
            for number in range(values):
                with environment.begin(write=True) as transaction:
                    transaction.put(b"%d" % number, bytes(70_000))
        with opened(folder) as environment:
            assert environment.stat()["entries"] == values
        file = folder / "data.mdb"
        file.write_bytes(file.read_bytes()[:-4096])
        with pytest.raises(UserError, match="it was cut off"):
            opened(folder)


def test_the_file_is_mapped_anew_now_and_then(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """After each transaction here, of three values; what is there, and in which order, is the same."""
    values = [bytes([number]) * 5000 for number in range(20)]
    contents = []
    for mapped in (1 << 30, 1):
        monkeypatch.setattr(lmdb_write, "PIECE", 15000)
        monkeypatch.setattr(lmdb_write, "MAPPED", mapped)
        folder = tmp_path / str(mapped)
        with lmdb_write.Store(folder, lmdb_write.space(5000, 20), lambda stored: None) as store:
            for value in values:
                store.put(value)
        with lmdb.open(str(folder), readonly=True, lock=False) as environment, environment.begin() as transaction:
            contents.append(list(transaction.cursor()))
        assert [path.name for path in folder.iterdir()] == ["data.mdb"]
        assert (folder / "data.mdb").stat().st_size <= lmdb_write.space(5000, 20)
    assert contents[0] == contents[1] == [(b"%08d" % number, value) for number, value in enumerate(values)]


def test_memory_is_not_given_back_between_transactions(tmp_path: Path) -> None:
    """In a process that has seen nothing large: of 49 pages a value each was a page fault before."""
    program = (
        "import resource, sys\nfrom pathlib import Path\nfrom evolve.datasets.lmdb_write import Store, space\n"
        "def faults(): return resource.getrusage(resource.RUSAGE_SELF).ru_minflt\n"
        "value = bytes(200_000)\n"
        "with Store(Path(sys.argv[1]), space(len(value), 120)) as store:\n"
        "    for number in range(120):\n"
        "        before = faults() if number == 20 else before if number else 0\n"
        "        store.put(value)\n"
        "    print((faults() - before) / 100)\n"
    )
    done = subprocess.run([sys.executable, "-c", program, tmp_path / "a"], capture_output=True, text=True, check=True)
    assert float(done.stdout) < 10
