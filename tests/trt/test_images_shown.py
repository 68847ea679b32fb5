"""Which images are kept to be drawn: those that one chooses who has seen all, with as much work for each."""

import numpy as np
import pytest

from trt.inference.shown import Shown


def by_hand(wrong: list[bool], kept: int) -> set[int]:
    """Every stride-th, and of the rest the first that are wrong."""
    stride = 1
    while len(wrong) > kept * stride:
        stride *= 2
    others = [number for number, each in enumerate(wrong) if each and number % stride]
    return set(range(0, len(wrong), stride)) | set(others[: kept // 2])


@pytest.mark.parametrize("part", [0.0, 0.05, 0.5, 1.0])
@pytest.mark.parametrize("count", [1, 8, 9, 16, 17, 100, 1000])
def test_those_are_kept_that_one_would_keep_who_has_seen_all(count: int, part: float) -> None:
    wrong = (np.random.default_rng(count).random(count) < part).tolist()
    shown = Shown(8)
    for number, each in enumerate(wrong):
        shown.add(number, np.full((1, 1), number % 256, np.uint8), each)
    kept = {number: shown.pixels(number) for number in range(count)}
    assert {number for number, pixels in kept.items() if pixels is not None} == by_hand(wrong, 8)
    assert all(pixels[0, 0] == number % 256 for number, pixels in kept.items() if pixels is not None)


def test_no_more_are_held_at_a_time_and_none_is_looked_at_again_and_again(monkeypatch: pytest.MonkeyPatch) -> None:
    """A hundred thousand images: those in a row are gone through once for each doubling, seven times."""
    thinned: list[int] = []
    real = Shown._thin

    def thin(shown: Shown) -> None:
        thinned.append(len(shown._regular))
        real(shown)

    monkeypatch.setattr(Shown, "_thin", thin)
    shown, pixels = Shown(), np.zeros((1, 1), np.uint8)
    for number in range(100_000):
        shown.add(number, pixels, number % 3 == 0)
        assert len(shown._regular) <= 1000 and len(shown._wrong) <= 500
    assert thinned == [1000] * 7


def test_numbers_may_be_left_out() -> None:
    """Those of images that could not be read."""
    shown = Shown(4)
    for number in (0, 3, 40):
        shown.add(number, np.zeros((1, 1), np.uint8), False)
    assert shown.pixels(0) is not None and shown.pixels(3) is None and shown.pixels(40) is None
    assert shown.pixels(1) is None
