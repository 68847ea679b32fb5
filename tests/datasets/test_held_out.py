"""A validation part split off the training images: stratified, disjoint, the same twice; what cannot be is refused."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from evolve.base.errors import UserError
from evolve.datasets import Dataset, held_out, prepare, read


@given(
    sizes=st.lists(st.integers(2, 60), min_size=1, max_size=8), seed=st.integers(0, 9), part=st.floats(0.2, 0.8)
)
def test_every_image_is_in_one_of_the_two_and_classes_keep_their_shares(
    sizes: list[int], seed: int, part: float
) -> None:
    random = np.random.default_rng(seed)
    labels = random.permutation(np.repeat(np.arange(len(sizes)), sizes))
    shuffled, wanted = random.permutation(len(labels)), round(part * len(labels))
    try:
        order, apart = held_out.split(labels, shuffled, wanted)
    except UserError:
        # A class of few: one of the two would have none of it.
        fair = [size * wanted / len(labels) for size in sizes]
        assert any(share < 1 or size - share < 1 for share, size in zip(fair, sizes, strict=True))
        return
    assert len(apart) == wanted and sorted([*order, *apart]) == list(range(len(labels)))
    for label, size in enumerate(sizes):
        assert abs((labels[apart] == label).sum() - size * wanted / len(labels)) < 1
    # What is left to train on is in the order that all would have been in.
    assert list(order) == [row for row in shuffled if row not in set(apart)]


def made(folder: Path, validation: int = 0, seed: int = 1) -> Dataset:
    return prepare(
        "digits", image_size=28, seed=seed, validation=validation, data=folder, report=lambda line: None
    )


def pixels(dataset: Dataset, split: str) -> list[bytes]:
    images, _ = read(dataset.folder / split, dataset.counts[split])
    return [image.tobytes() for image in images]


def test_an_lmdb_of_its_own(tmp_path: Path) -> None:
    """Prepared, counted and hashed like the others; without one a data set is what it was."""
    lines: list[str] = []
    whole = made(tmp_path)
    apart = prepare("digits", image_size=28, validation=300, data=tmp_path, report=lines.append)
    assert whole.folder.name == "digits-28-seed1" and whole.counts == {"train": 1437, "test": 360}
    assert apart.folder.name == "digits-28-seed1-validation300" and apart.name == "digits"
    assert apart.counts == {"train": 1137, "validation": 300, "test": 360}
    assert lines[0].startswith("digits: 1137 images to train, 300 to choose by and 360 to test, 28x28, in ")
    assert sorted(path.name for path in apart.folder.iterdir()) == ["DONE.json", "test", "train", "validation"]
    assert sorted(pixels(apart, "train") + pixels(apart, "validation")) == sorted(pixels(whole, "train"))
    assert pixels(apart, "test") == pixels(whole, "test")
    of_all, of_part = (read(each.folder / split, each.counts[split])[1] for each, split in
                       ((whole, "train"), (apart, "validation")))  # fmt: skip
    expected = np.bincount(of_all) * 300 / 1437
    assert (np.abs(np.bincount(of_part) - expected) < 1).all()
    # The second time it is found.
    assert prepare("digits", image_size=28, validation=300, data=tmp_path, report=lines.append) == apart
    assert len(lines) == 1


def test_a_seed_decides_on_it(tmp_path: Path) -> None:
    one, again, other = (made(tmp_path / name, 300, seed) for name, seed in (("a", 1), ("b", 1), ("c", 2)))
    assert one.sha256 == again.sha256 != other.sha256
    assert one.sha256 != made(tmp_path / "a").sha256
    assert pixels(one, "validation") == pixels(again, "validation") != pixels(other, "validation")


@pytest.mark.parametrize(
    ("wanted", "says"),
    [
        (1437, "validation: expected fewer than its 1437 training images, got 1437"),
        (1436, "validation: expected images of every class to train on and to choose by, got 1436 of 1437, which would "
               "be 142 of the 142 of class 0; choose another number"),
        (3, "validation: expected images of every class to train on and to choose by, got 3 of 1437, which would "
            "be 0 of the 142 of class 0; choose another number"),
    ],
)  # fmt: skip
def test_sizes_that_cannot_be(tmp_path: Path, wanted: int, says: str) -> None:
    with pytest.raises(UserError) as error:
        made(tmp_path, wanted)
    assert str(error.value) == f"data set 'digits': {says}"
    assert not [path for path in tmp_path.iterdir() if path.suffix != ".lock"]
