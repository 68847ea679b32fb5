"""Two LMDBs that should belong together, and what is said when they do not."""

from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest
from detectnet_examples import image_datum, label_datum, label_of, rows_of, store, street

from evolve.base.caffe_messages import caffe_pb2
from evolve.base.errors import UserError
from evolve.detectnet import labels
from evolve.detectnet.examples import Examples

Pair = Callable[[int], tuple[Path, Path]]


def test_examples_come_in_the_order_of_their_keys_and_begin_again(pair: Pair) -> None:
    examples = Examples(*pair(3))
    assert len(examples) == 3 and examples.max_boxes == 8
    for number in range(7):
        image, objects = street(number % 3)
        assert np.array_equal(examples.image(number), image)
        assert np.array_equal(examples.rows(number), rows_of(objects))


def test_an_encoded_image_is_decoded(tmp_path: Path) -> None:
    image, objects = street(0)
    data = cv2.imencode(".png", image.transpose(1, 2, 0))[1].tobytes()
    store(tmp_path / "images", {"0": caffe_pb2.Datum(encoded=True, data=data).SerializeToString()})
    store(tmp_path / "labels", {"0": label_datum(label_of(objects))})
    assert np.array_equal(Examples(tmp_path / "images", tmp_path / "labels").image(0), image)


def test_two_readers_in_one_process(pair: Pair) -> None:
    folders = pair(2)
    one, other = Examples(*folders), Examples(*folders)
    assert np.array_equal(one.image(1), other.image(1))


IMAGE, LABEL = image_datum(street(0)[0]), label_datum(label_of(street(0)[1]))


def malformed_label(**changes: float) -> bytes:
    label = label_of([(1, 2, 30, 40, 1)])
    for place, value in changes.items():
        label[0][tuple(map(int, place[1:].split("_")))] = value
    return label_datum(label)


@pytest.mark.parametrize(
    ("images", "boxes", "message"),
    [
        ({}, {"0": LABEL}, "{images}: expected records, got an empty LMDB; make the data again"),
        ({"0": IMAGE}, {}, "{labels}: expected records, got an empty LMDB; make the data again"),
        (
            {"0": IMAGE, "1": IMAGE},
            {"0": LABEL},
            "{images}, {labels}: expected the same keys, got 2 and 1, '1' in {images} only; make the data again",
        ),
        (
            {"0": IMAGE},
            {"1": LABEL},
            "{images}, {labels}: expected the same keys, got 1 and 1, '0' in {images} only; make the data again",
        ),
        (
            {"0": image_datum(np.zeros((1, 4, 5), np.uint8))},
            {"0": LABEL},
            "{images}: record '0': expected an image of 3 channels, got 1 x 4 x 5; make the data again",
        ),
        (
            {"0": caffe_pb2.Datum(encoded=True, data=b"\xff\xd8 cut off").SerializeToString()},
            {"0": LABEL},
            "{images}: record '0': expected an image, got 10 bytes that begin with b'\\xff\\xd8 cut o'; make the data "
            "again",
        ),
        (
            {"0": caffe_pb2.Datum(channels=3, height=4, width=5, data=b"few").SerializeToString()},
            {"0": LABEL},
            "{images}: record '0': expected 3 x 4 x 5 = 60 values, got 3; make the data again",
        ),
        ({"0": b"\xff\xff"}, {"0": LABEL}, "{images}: record '0': expected a Datum, got "),
        (
            {"0": IMAGE},
            {"0": image_datum(np.zeros((3, 4, 5), np.uint8))},
            "{labels}: record '0': expected a label of 1 x (max_boxes + 1) x 16, got 3 x 4 x 5; make the data again",
        ),
    ],
)
def test_malformed_from_the_first_look(
    tmp_path: Path, images: dict[str, bytes], boxes: dict[str, bytes], message: str
) -> None:
    store(tmp_path / "images", images)
    store(tmp_path / "labels", boxes)
    with pytest.raises(UserError) as error:
        Examples(tmp_path / "images", tmp_path / "labels")
    expected = message.format(images=tmp_path / "images", labels=tmp_path / "labels")
    assert str(error.value).startswith(expected)


@pytest.mark.parametrize(
    ("label", "message"),
    [
        (malformed_label(_0_0=9), "expected row 0 of a label to be a count up to 8, then 16, got 9, 16"),
        (malformed_label(_0_0=0.5), "expected row 0 of a label to be a count up to 8, then 16, got 0.5, 16"),
        (malformed_label(_0_1=15), "expected row 0 of a label to be a count up to 8, then 16, got 1, 15"),
        (malformed_label(_1_2=-3), "expected boxes of finite, not negative size"),
        (malformed_label(_1_0=float("nan")), "expected boxes of finite, not negative size"),
    ],
)
def test_a_malformed_label(tmp_path: Path, label: bytes, message: str) -> None:
    store(tmp_path / "images", {"0": IMAGE})
    store(tmp_path / "labels", {"0": label})
    examples = Examples(tmp_path / "images", tmp_path / "labels")
    with pytest.raises(UserError) as error:
        examples.rows(0)
    assert str(error.value) == f"{tmp_path / 'labels'}: record '0': {message}; make the data again"


def test_no_database_at_all(tmp_path: Path, pair: Pair) -> None:
    images, _ = pair(1)
    with pytest.raises(UserError, match=f"{tmp_path / 'nowhere'}: expected an LMDB, got: .*; make the data again"):
        Examples(images, tmp_path / "nowhere")


def test_a_label_packed_is_the_label_unpacked() -> None:
    label = label_of([(1, 2, 30, 40, 1), (5, 6, 7, 8, 2)])
    again = np.full_like(label, 777)
    labels.pack(labels.unpack(label, "here"), again, "here")
    assert np.array_equal(again, label)
    assert labels.corners(labels.unpack(label, "here")).tolist() == [[1, 2, 31, 42], [5, 6, 12, 14]]
