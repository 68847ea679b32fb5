"""Signals that come while something begins are dealt with once it is there to be ended."""

import signal
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from types import FrameType


@contextmanager
def held_back() -> Iterator[None]:
    """SIGINT and SIGTERM of the block come at its end, each of them, in the order in which they came.

    In another thread than the main one none come anyway.
    """
    came: list[int] = []

    def keep(number: int, frame: FrameType | None) -> None:
        came.append(number)

    try:
        # Each handler is put back, though one that is back already may raise meanwhile.
        with ExitStack() as handlers:
            if threading.current_thread() is threading.main_thread():
                for number in (signal.SIGINT, signal.SIGTERM):
                    handlers.callback(signal.signal, number, signal.getsignal(number))
                    signal.signal(number, keep)
            yield
    finally:
        _deal_with(came)


def _deal_with(numbers: list[int]) -> None:
    """Each has its handler called, whatever the one before raises."""
    if numbers:
        try:
            signal.raise_signal(numbers[0])
        finally:
            _deal_with(numbers[1:])
