"""Caffe's process stopped, stopped for a while, and aborted by a CHECK in the middle of a lineage."""

import signal
import time
from collections.abc import Callable

import pytest

from tests.torture.commands import Commands, Ended
from tests.torture.place import Place
from tests.torture.tally import Tally

_STOPPED = (
    "Caffe's process was stopped (SIGSTOP) and did not go on for 10 s; it was ended, and the same command resumes"
)


@pytest.mark.torture
def test_caffes_process(tried: Callable[..., None]) -> None:
    todo = [name for name in _TRIALS for _ in range(3)]
    tried("caffe-children", todo, _one)


def test_caffe_aborted(tried: Callable[..., None]) -> None:
    tried("caffe-children-short", ["Caffe aborted by a CHECK"], _one)


def _one(place: Place, commands: Commands, name: str, tally: Tally) -> None:
    _TRIALS[name](name, place, commands, tally)


def _stopped(name: str, place: Place, commands: Commands, tally: Tally) -> None:
    """Noticed, said and ended, by the pulse."""
    _resumed(name, place, commands, _stop(place, commands, until_ended=True), _STOPPED, tally)


def _stopped_for_a_while(name: str, place: Place, commands: Commands, tally: Tally) -> None:
    ended = _stop(place, commands, until_ended=False)
    lacking = place.lacking()
    problem = f"{lacking}: {ended.said[-500:]}" if ended.status or lacking else ""
    tally.add(name, 0, ended.status == 0, not lacking, problem)


def _aborted(name: str, place: Place, commands: Commands, tally: Tally) -> None:
    """Caffe may not open its data when generation 2 is scored, which its LMDB layer takes for a failed CHECK."""
    place.begin(1)
    counter = place.folder / "counter"
    counter.write_bytes(bytes(8))
    ended = place.evolve(
        commands, TORTURE_ROOT=str((place.folder / "data").resolve() / "digits-28-seed1" / "test"), TORTURE_READS="1",
        TORTURE_COUNTER=str(counter), TORTURE_AT="1", TORTURE_STAYS="1", TORTURE_ACTION="13",
    )  # fmt: skip
    _resumed(name, place, commands, ended, "layer 'data': Caffe: Check failed: mdb_status == 0", tally)


def _stop(place: Place, commands: Commands, until_ended: bool) -> Ended:
    place.begin(1)
    running = place.start(commands)
    running.wait_for(place.run / ".gen002.unfinished" / "train.log")
    while not running.kill_worker(signal.SIGSTOP):
        time.sleep(0.001)
    if not until_ended:
        time.sleep(4)
        running.kill_worker(signal.SIGCONT)
    return running.ended()


def _resumed(name: str, place: Place, commands: Commands, ended: Ended, words: str, tally: Tally) -> None:
    corrupt = place.corrupt()
    problem = "" if ended.status == 2 and words in ended.last_line else f"status {ended.status}: {ended.said[-500:]}"
    again = place.evolve(commands)
    lacking = place.lacking()
    if again.status or lacking:
        problem = f"again: status {again.status}, {lacking}: {again.last_line}"
    tally.add(name, len(corrupt), again.status == 0, not lacking, problem)


_TRIALS: dict[str, Callable[[str, Place, Commands, Tally], None]] = {
    "Caffe's process stopped": _stopped,
    "Caffe's process stopped for four seconds": _stopped_for_a_while,
    "Caffe aborted by a CHECK": _aborted,
}
