"""Signals that come while something begins are dealt with once it is there."""

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType

import pytest

from evolve.base import signals


class Came(BaseException):
    """What this test's handler raises."""


@contextmanager
def handlers(come: Callable[[int, FrameType | None], None]) -> Iterator[None]:
    before = {number: signal.signal(number, come) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


@pytest.fixture
def raising() -> Iterator[None]:
    def come(number: int, frame: FrameType | None) -> None:
        raise Came(number)

    with handlers(come):
        yield


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


def test_of_two_each_comes_in_its_order_though_the_first_raises() -> None:
    came = []

    def come(number: int, frame: FrameType | None) -> None:
        came.append(number)
        raise Came(number)

    with handlers(come), pytest.raises(Came) as last:
        with signals.held_back():
            signal.raise_signal(signal.SIGTERM)
            signal.raise_signal(signal.SIGINT)
            signal.raise_signal(signal.SIGTERM)
    assert came == [signal.SIGTERM, signal.SIGINT, signal.SIGTERM]
    first = last.value.__context__
    assert isinstance(first, Came) and first.args == (signal.SIGINT,)


@pytest.mark.parametrize("early", [signal.SIGINT, signal.SIGTERM])
def test_one_that_comes_as_handlers_are_put_back_hides_no_other(
    early: signal.Signals, monkeypatch: pytest.MonkeyPatch
) -> None:
    came = []

    def come(number: int, frame: FrameType | None) -> None:
        came.append(number)
        raise Came(number)

    put = signal.signal

    def put_back(number: int, handler: signal.Handlers) -> object:
        before = put(number, handler)
        if handler is come and number == early:
            signal.raise_signal(number)
        return before

    with handlers(come):
        monkeypatch.setattr(signal, "signal", put_back)
        with pytest.raises(Came):
            with signals.held_back():
                signal.raise_signal(signal.SIGTERM)
        monkeypatch.undo()
        assert [signal.getsignal(each) for each in (signal.SIGINT, signal.SIGTERM)] == [come, come]
    assert came == [early, signal.SIGTERM]


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
