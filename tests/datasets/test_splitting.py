"""What nobody split is split by names: by nothing else, and each image for good."""

import hashlib
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evolve.base.errors import UserError
from evolve.datasets import Detection, Photo
from evolve.datasets.layouts.splitting import complete

WANTED = Detection(96, 64)
NAMES = st.lists(st.text("abcé0 (", min_size=1, max_size=6).filter(str.strip), min_size=2, max_size=40, unique=True)


def photos(names: list[str], root: str = "/mine") -> list[Photo]:
    return [Photo(Path(root) / f"{name}.png", [], name) for name in names]


def val(names: list[str], wanted: Detection = WANTED, root: str = "/mine") -> set[str]:
    split = complete(Path(root), {"": photos(names, root)}, wanted)
    assert set(split) == {"train", "val"}
    sides = {side: [photo.where for photo in those] for side, those in split.items()}
    assert sorted(sides["train"] + sides["val"]) == sorted(names)
    return set(sides["val"])


@given(NAMES)
def test_a_fifth_first_in_the_order_of_their_hashes(names: list[str]) -> None:
    ordered = sorted(names, key=lambda name: hashlib.sha256(f"0 {name}".encode()).hexdigest())
    assert val(names) == set(ordered[: max(1, round(len(names) / 5))])


@given(NAMES)
def test_neither_order_nor_place_matters(names: list[str]) -> None:
    assert val(names) == val(names[::-1], root="/elsewhere")


def test_another_seed_and_another_part() -> None:
    names = [f"{number}" for number in range(100)]
    other = val(names, Detection(96, 64, split_seed=1))
    assert len(val(names)) == len(other) == 20 and val(names) != other
    more = val(names, Detection(96, 64, validation_part=0.5))
    assert len(more) == 50 and more > val(names)


def test_what_is_split_stays_so() -> None:
    splits = {"train": photos(["a", "b"]), "val": photos([])}
    assert complete(Path("/mine"), splits, WANTED) == splits


def test_everything_to_score() -> None:
    with pytest.raises(UserError) as error:
        val(["a", "b"], Detection(96, 64, validation_part=1))
    assert str(error.value) == "/mine: expected a validation_part below 1 to split it by, got 1; 0.2 is usual"
