"""A short form of `make fuzz`: some hundred damaged files of every foreign format, an error or a result each."""

import pytest

from tests.fuzz import process
from tests.fuzz.formats import PREPARED
from tests.fuzz.mutations import LARGEST, mutants

INPUTS = 150


@pytest.mark.parametrize("name", PREPARED)
def test_an_error_or_a_result(name: str) -> None:
    outcome = process.fuzz(name, INPUTS)
    assert outcome.faults == []
    assert outcome.errors + outcome.results == INPUTS
    # Neither so much damage that nothing is left to read, nor none.
    assert outcome.errors > INPUTS / 10 and outcome.results > 0


def test_the_damage_is_the_same_every_time_and_any_file_can_be_made_again() -> None:
    good = (b"a small valid file", b"another 17 of them")
    every = list(mutants(good, 50, seed=1))
    assert every == list(mutants(good, 50, seed=1)) != list(mutants(good, 50, seed=2))
    assert list(mutants(good, 50, seed=1, begin=40)) == every[40:]
    assert len(set(every)) > 45 and max(map(len, every)) <= LARGEST


@pytest.mark.parametrize(
    ("reader", "said"),
    [
        ("raises", "ZeroDivisionError"),
        ("takes memory", " bytes for a file of "),
        ("asks for memory", "MemoryError"),
        ("sleeps", "more than 0.2 seconds"),
        ("dies", "the process ended with -6"),
    ],
)
def test_a_fault_is_noticed(reader: str, said: str) -> None:
    outcome = process.fuzz(reader, 3, "tests.fuzz.bad_readers")
    numbers = [fault.partition(":")[0] for fault in outcome.faults]
    assert numbers == ["0", "1", "2"]
    assert all(said in fault for fault in outcome.faults)


def test_errors_and_results_are_counted() -> None:
    refused, taken = (process.fuzz(reader, 5, "tests.fuzz.bad_readers") for reader in ("refuses", "takes"))
    assert (refused.errors, refused.results, refused.faults) == (5, 0, [])
    assert (taken.errors, taken.results, taken.faults) == (0, 5, [])
