"""scikit-learn's digits: real pixels, enlarged, divided class by class."""

import importlib.util
from importlib.machinery import ModuleSpec
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from evolve.base.errors import UserError
from evolve.datasets import lookup, prepare, read

digits = lookup.module("digits")


def test_enlarged_repeats_every_pixel_in_the_full_range() -> None:
    pixels = np.zeros((1, 8, 8))
    pixels[0, 0, 0], pixels[0, 7, 7], pixels[0, 2, 5] = 16, 8, 1
    image = digits.enlarged(pixels)
    assert image.shape == (1, 1, 24, 24) and image.dtype == np.uint8
    assert (image[0, 0, :3, :3] == 255).all() and (image[0, 0, 21:, 21:] == 128).all()
    assert (image[0, 0, 6:9, 15:18] == 16).all()
    assert np.count_nonzero(image) == 27


@given(sizes=st.lists(st.integers(1, 200), min_size=1, max_size=12), data=st.data())
def test_shares_add_up_and_are_fair(sizes: list[int], data: st.DataObject) -> None:
    count = data.draw(st.integers(0, sum(sizes)))
    shares = digits.shares(np.array(sizes), count)
    assert shares.sum() == count
    for share, size in zip(shares, sizes, strict=True):
        assert abs(share - size * count / sum(sizes)) < 1 and 0 <= share <= size


def test_splits_are_stratified_disjoint_and_whole(tmp_path: Path, lines: list[str]) -> None:
    from sklearn.datasets import load_digits  # type: ignore[import-untyped]

    done = prepare("digits", image_size=28, data=tmp_path, report=lines.append)
    assert done.counts == {"train": 1437, "test": 360} and done.shape == (1, 28, 28) and done.classes == 10
    parts = [read(done.folder / split, done.counts[split]) for split in ("train", "test")]
    images, labels = (np.concatenate(both) for both in zip(*parts, strict=True))
    assert not images[:, :, :2].any() and not images[:, :, :, -2:].any()
    bunch = load_digits()
    originals = sorted(
        (label, *np.rint(pixels.ravel() * 255 / 16))
        for label, pixels in zip(bunch.target, bunch.images, strict=True)
    )
    stored = sorted(
        (label, *image[0, 3:-2:3, 3:-2:3].ravel()) for label, image in zip(labels, images, strict=True)
    )
    assert np.array_equal(stored, originals)
    per_class = np.bincount(parts[1][1])
    assert (abs(per_class - np.bincount(bunch.target) * 360 / 1797) < 1).all()


def test_another_seed_is_another_split(tmp_path: Path, lines: list[str]) -> None:
    one, two = (
        prepare("digits", image_size=28, seed=seed, data=tmp_path, report=lines.append) for seed in (1, 2)
    )
    assert one.sha256 != two.sha256 and one.folder != two.folder
    assert not np.array_equal(read(one.folder / "test", 360)[0], read(two.folder / "test", 360)[0])


@pytest.mark.parametrize("found", [None, ModuleSpec("sklearn", None, origin="/nowhere/sklearn/__init__.py")])
def test_without_scikit_learn(found: ModuleSpec | None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: found)
    with pytest.raises(UserError) as error:
        prepare("digits", image_size=28, data=tmp_path)
    assert str(error.value) == (
        "data set 'digits': expected scikit-learn, which carries the images, got none; "
        "pip install scikit-learn"
    )
