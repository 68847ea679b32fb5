"""Threads that wait for processes: how many at a time, errors, and being asked to stop."""

import signal
import threading
import time

import pytest

from evolve.base import parallel
from evolve.base.parallel import Stop, Stopped

SECONDS = 300.0  # far more than anything here takes, on a machine with other things to do


@pytest.mark.parametrize("at_a_time", [1, 2, 3])
def test_so_many_at_a_time_and_results_in_order(at_a_time: int) -> None:
    lock, working, most = threading.Lock(), 0, 0
    together = threading.Barrier(at_a_time)

    def task(number: int) -> int:
        nonlocal working, most
        with lock:
            working += 1
            most = max(most, working)
        together.wait(SECONDS)
        with lock:
            working -= 1
        return number * number

    tasks = [lambda number=number: task(number) for number in range(6)]
    assert parallel.run(tasks, at_a_time, Stop()) == [0, 1, 4, 9, 16, 25]
    assert most == at_a_time


def test_an_error_waits_for_the_others() -> None:
    done = []

    def fails() -> None:
        raise ValueError("no")

    def slow() -> None:
        time.sleep(0.2)
        done.append(1)

    with pytest.raises(ValueError, match="no"):
        parallel.run([fails, slow, slow], 2, Stop())
    assert done == [1, 1]


def test_a_signal_stops_those_at_work_and_those_that_have_not_begun() -> None:
    stop, begun, ended = Stop(), [], []
    together = threading.Barrier(2)

    def task() -> None:
        over = threading.Event()
        with stop.by(over.set):
            begun.append(1)
            # One of the two sends it: a second signal would find the first being dealt with.
            if together.wait(SECONDS) == 0:
                signal.pthread_kill(threading.main_thread().ident or 0, signal.SIGTERM)
            assert over.wait(SECONDS), "was not stopped"
        ended.append(1)

    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGTERM, interrupt)
    try:
        with pytest.raises(KeyboardInterrupt):
            parallel.run([task] * 4, 2, stop)
    finally:
        signal.signal(signal.SIGTERM, before)
    assert begun == ended == [1, 1]


def test_what_was_stopped_does_not_begin() -> None:
    stop = Stop()
    stop.now()
    with pytest.raises(Stopped), stop.by(lambda: None):
        raise AssertionError("began")
