"""A signal that comes while something begins is dealt with once it is there."""

import signal
import threading
from collections.abc import Iterator
from types import FrameType

import pytest

from evolve.base import signals


class Came(BaseException):
    """What this test's handler raises."""


@pytest.fixture
def raising() -> Iterator[None]:
    def come(number: int, frame: FrameType | None) -> None:
        raise Came(number)

    before = signal.signal(signal.SIGTERM, come)
    yield
    signal.signal(signal.SIGTERM, before)


def test_it_comes_at_the_end_of_the_block(raising: None) -> None:
    done = []
    with pytest.raises(Came):
        with signals.held_back():
            signal.raise_signal(signal.SIGTERM)
            done.append("the rest of the block")
    assert done == ["the rest of the block"]
    with pytest.raises(Came):
        signal.raise_signal(signal.SIGTERM)


def test_an_error_of_the_block_does_not_hide_it(raising: None) -> None:
    with pytest.raises(Came) as came:
        with signals.held_back():
            signal.raise_signal(signal.SIGTERM)
            raise OSError("no process")
    assert isinstance(came.value.__context__, OSError)


def test_another_thread_has_nothing_to_hold_back(raising: None) -> None:
    before = signal.getsignal(signal.SIGTERM)
    seen: list[object] = []

    def look() -> None:
        with signals.held_back():
            seen.append(signal.getsignal(signal.SIGTERM))

    thread = threading.Thread(target=look)
    thread.start()
    thread.join()
    assert seen == [before]
