"""Each reader of detection data on thousands of files with random damage: a UserError, or what can be stored; no more.

The damage is the same every time: a seed decides it.
"""

import warnings
from collections.abc import Callable, Iterable, Iterator
from itertools import islice
from pathlib import Path

import cv2
import numpy as np
import pytest
from miniatures import CAR, NOTHING, VAN, noise, parse27k, voc

import datasets.parse27k
import datasets.voc
from datasets import kitti
from datasets.box_checks import shape_problem
from datasets.boxes import Box
from datasets.image_file import decoded
from datasets.label_datum import datum, table
from datasets.lmdb_store import Store
from evolve.detectnet.examples import Examples
from evolve.errors import UserError
from evolve.network.caffe_proto import caffe_pb2

MUTANTS = 2000
ODD = [b"", b"\0", b"-1", b"nan", b"1e999", b"-0", b"\xff\xfe", b"9" * 400, b"<", b"&a;", b"]]>", b"\n", b"\xc2\xb2"]


def mutants(good: bytes) -> Iterator[bytes]:
    """``good`` with up to four places changed: bytes flipped, cut out, said twice, or something odd put in."""
    rng = np.random.default_rng(1)
    for _ in range(MUTANTS):
        content = bytearray(good)
        for _ in range(int(rng.integers(1, 5))):
            if not content:
                break
            at, length = int(rng.integers(len(content))), int(rng.integers(1, 12))
            match int(rng.integers(5)):
                case 0:
                    content[at] = int(rng.integers(256))
                case 1:
                    del content[at : at + length]
                case 2:
                    content[at:at] = content[at : at + length]
                case 3:
                    content[at : at + length] = ODD[int(rng.integers(len(ODD)))]
                case 4 if rng.random() < 0.1:
                    del content[at:]
        yield bytes(content)


def flipped(good: bytes) -> Iterator[bytes]:
    """``good`` with up to four bytes changed, where there are any but zeros: its length and its places remain."""
    rng = np.random.default_rng(2)
    used = np.flatnonzero(np.frombuffer(good, np.uint8))
    for _ in range(MUTANTS):
        content = bytearray(good)
        for at in rng.choice(used, int(rng.integers(1, 5))):
            content[at] = int(rng.integers(256))
        yield bytes(content)


def survivors(damaged: Iterable[bytes], read: Callable[[bytes], Iterable[Box]]) -> int:
    """How many of them ``read`` takes; boxes that the checks let through are stored, and must be numbers then."""
    taken = 0
    for content in damaged:
        try:
            boxes = [box for box in read(content) if not shape_problem(box)]
        except UserError as error:
            assert len(str(error)) > 20
            continue
        taken += 1
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            assert np.isfinite(table([(1, box) for box in boxes], len(boxes))).all()
    return taken


def test_voc(tmp_path: Path) -> None:
    root = voc(tmp_path, {}, {"a": [("cat", (1, 1, 96, 64)), ("dog", (11, 21, 30, 40))]})
    file = root / "Annotations" / "a.xml"

    def _read(content: bytes) -> Iterable[Box]:
        file.write_bytes(content)
        photo = datasets.voc.photo(root, "a", "list:1")
        assert photo.size is None or min(photo.size) > 0
        return photo.boxes

    assert MUTANTS / 50 < survivors(mutants(file.read_bytes()), _read) < MUTANTS


def test_kitti(tmp_path: Path) -> None:
    file = tmp_path / "000000.txt"

    def _read(content: bytes) -> Iterable[Box]:
        file.write_bytes(content)
        return list(kitti.boxes(file))

    assert MUTANTS / 50 < survivors(mutants("\n".join([CAR, NOTHING, VAN]).encode()), _read) < MUTANTS


def test_parse27k(tmp_path: Path) -> None:
    root = parse27k(tmp_path)
    file = root / datasets.parse27k.DATABASE

    def _read(content: bytes) -> Iterable[Box]:
        file.write_bytes(content)
        return [box for those in datasets.parse27k.read(root).values() for photo in those for box in photo.boxes]

    good = file.read_bytes()
    assert MUTANTS / 50 < survivors(flipped(good), _read) < MUTANTS
    survivors(islice(mutants(good), MUTANTS // 4), _read)


def _store(folder: Path, values: Iterable[bytes]) -> None:
    with Store(folder, 1 << 25, lambda stored: None) as store:
        for value in values:
            store.put(value)


def test_records_of_the_data_layer(tmp_path: Path) -> None:
    boxes = [(1, Box(5 * n, 4, 20, 30, "a", "", alpha=-1.5, locz=n)) for n in range(3)]
    label = datum(table(boxes, 4)).SerializeToString()
    pixels = np.random.default_rng(0).integers(0, 256, (3, 8, 12), dtype=np.uint8)
    image = caffe_pb2.Datum(channels=3, height=8, width=12, data=pixels.tobytes()).SerializeToString()
    _store(tmp_path / "labels", [label, *mutants(label)])
    _store(tmp_path / "images", [image, *mutants(image)])
    examples = Examples(tmp_path / "images", tmp_path / "labels")
    taken = {"rows": 0, "image": 0}
    for number in range(len(examples)):
        for what in taken:
            try:
                values = getattr(examples, what)(number)
            except UserError as error:
                assert f": record '{number:08d}': expected" in str(error)
                continue
            assert values.shape[1:] == (16,) if what == "rows" else values.shape[0] == 3
            assert np.isfinite(values).all()
            taken[what] += 1
    assert all(MUTANTS / 50 < count < MUTANTS for count in taken.values())


@pytest.mark.parametrize("suffix", ["png", "jpg"])
def test_image_files(tmp_path: Path, suffix: str) -> None:
    noise(tmp_path / f"a.{suffix}", 24, 16)
    if suffix == "jpg":
        smooth = cv2.GaussianBlur(cv2.imread(str(tmp_path / "a.jpg")), (7, 7), 0)
        cv2.imwrite(str(tmp_path / "a.jpg"), smooth)
    taken = 0
    for content in mutants((tmp_path / f"a.{suffix}").read_bytes()):
        try:
            pixels = decoded(content, "here")
        except UserError as error:
            assert str(error).startswith("here: expected a")
            continue
        taken += 1
        assert pixels.ndim == 3 and pixels.shape[2] == 3 and pixels.dtype == np.uint8
    assert MUTANTS / 50 < taken < MUTANTS
