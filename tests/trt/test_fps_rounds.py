"""The protocol of `make bench`, on timers that are no engines."""

from collections.abc import Sequence

import pytest

from trt.speed import rounds


class Clock:
    """A machine whose every run takes `seconds` times how far it has drifted; notes who ran when."""

    def __init__(self, drift: float = 0.0) -> None:
        self.drift, self.runs, self.log = drift, 0, list[tuple[int, int, int]]()

    def timer(self, number: int, seconds: float) -> rounds.Timer:
        def time(calls: int, samples: int) -> Sequence[float]:
            self.log.append((number, calls, samples))
            taken = []
            for _ in range(samples):
                self.runs += 1
                taken.append(seconds * (1 + self.drift * self.runs))
            return taken

        return time


def test_as_many_samples_as_asked_of_each_and_another_one_first_each_time() -> None:
    clock = Clock()
    found = rounds.measure({number: clock.timer(number, 0.01) for number in (1, 2, 3)}, runs=100)
    assert {each.runs for each in found.values()} == {100}
    turns = [number for number, *_ in clock.log[3:]]
    assert turns[:9] == [1, 2, 3, 2, 3, 1, 3, 1, 2]
    assert len(turns) == 3 * rounds.ROUNDS


def test_few_runs_and_odd_ones() -> None:
    for runs, expected in ((1, 1), (7, 7), (20, 20), (21, 40), (101, 120)):
        assert rounds.measure({1: Clock().timer(1, 0.01)}, runs)[1].runs == expected


def test_a_machine_that_slows_down_favours_none() -> None:
    clock = Clock(drift=0.01)  # nine times slower at the end than at the beginning
    found = rounds.measure({number: clock.timer(number, 0.01) for number in range(1, 5)}, runs=200)
    medians = [each.median_ms for each in found.values()]
    assert max(medians) / min(medians) < 1.05
    one_after_the_other = Clock(drift=0.01)
    apart = [rounds.timing(one_after_the_other.timer(1, 0.01)(1, 200)).median_ms for _ in range(4)]
    assert max(apart) / min(apart) > 2


def test_what_takes_microseconds_is_run_in_rows() -> None:
    clock = Clock()
    rounds.measure({1: clock.timer(1, 20e-6), 2: clock.timer(2, 0.2)}, runs=20)
    assert {number: calls for number, calls, _ in clock.log[2:]} == {1: 250, 2: 1}
    assert rounds.calls_for(rounds.LEAST_SECONDS) == 1 and rounds.calls_for(0.004) == 2


def test_median_and_p95_in_milliseconds() -> None:
    seconds = [number / 1000 for number in range(101)]  # 0 to 100 ms
    assert rounds.timing(seconds) == rounds.Timing(101, 50.0, 95.0)
    assert rounds.timing([0.001, 0.002]).median_ms == 1.5


def test_the_estimate_is_of_what_follows() -> None:
    told: list[float] = []
    clock = Clock()
    rounds.measure({1: clock.timer(1, 0.01)}, 100, told.append)
    # 20 turns of a run that is not timed and 5 that are, 10 ms each.
    assert told == [pytest.approx(20 * 6 * 0.01)]
