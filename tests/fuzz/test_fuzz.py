"""A short form of `make fuzz`: some hundred damaged files of every foreign format, an error or a result each."""

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from evolve.base.errors import UserError
from tests.fuzz import child, process
from tests.fuzz.formats import PREPARED, Prepare, Prepared
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


def _refuse(content: bytes) -> object:
    raise UserError("file: expected something else, got this; do that")


def _spin(content: bytes) -> object:
    while True:
        pass


READERS: dict[str, Callable[[bytes], object]] = {
    "refuses": _refuse,
    "takes": bytes,
    "raises": lambda content: 1 // 0,
    "takes memory": lambda content: len(bytearray(b"x") * (1 << 26)),
    "asks for memory": lambda content: bytearray(1 << 40),
    "spins": _spin,
    "dies": lambda content: os.abort(),
}


def _prepare(reader: Callable[[bytes], object]) -> Prepare:
    def _prepared(folder: Path) -> Prepared:
        warming = iter((True, True))  # twice with the valid file, which is read well
        return (b"a small valid file",), lambda content: next(warming, False) or reader(content), None

    return _prepared


BAD = {name: _prepare(reader) for name, reader in READERS.items()}


@pytest.mark.parametrize(
    ("reader", "said"),
    [
        ("raises", "ZeroDivisionError"),
        ("takes memory", " bytes for a file of "),
        ("asks for memory", "MemoryError"),
        ("spins", "more than 0.1 seconds"),
        ("dies", "the process ended with -6"),
    ],
)
def test_a_fault_is_noticed(reader: str, said: str, monkeypatch: pytest.MonkeyPatch) -> None:
    if reader == "spins":  # for the others the usual time, more than they take on any machine
        monkeypatch.setattr(child, "SECONDS", 0.1)
    outcome = process.fuzz(reader, 3, BAD)
    assert [fault.partition(":")[0] for fault in outcome.faults] == ["0", "1", "2"]
    assert all(said in fault for fault in outcome.faults)


def test_errors_and_results_are_counted() -> None:
    refused, taken = (process.fuzz(reader, 5, BAD) for reader in ("refuses", "takes"))
    assert (refused.errors, refused.results, refused.faults) == (5, 0, [])
    assert (taken.errors, taken.results, taken.faults) == (0, 5, [])
