"""Places to torture runs in, side by side, each with its own zygote of commands; what was tried is counted.

There are two, or $TORTURE_WORKERS.
"""

import contextlib
import os
import queue
import threading
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

from tests.torture import place as places
from tests.torture.commands import Commands
from tests.torture.place import Place
from tests.torture.tally import Tally

Trial = Callable[[Place, Commands, Any, Tally], None]
_SAID_EVERY = 50


@pytest.fixture(scope="session")
def pairs(tmp_path_factory: pytest.TempPathFactory) -> Iterator[list[tuple[Place, Commands]]]:
    """Places with the same reference, made by a command undisturbed."""
    folder = tmp_path_factory.mktemp("torture")
    with contextlib.ExitStack() as started:
        commands = [started.enter_context(Commands()) for _ in range(int(os.environ.get("TORTURE_WORKERS", "2")))]
        place = places.make(folder / "1", commands[0])
        others = [(places.another(folder / str(number), place), each) for number, each in enumerate(commands[1:], 2)]
        yield [(place, commands[0]), *others]


@pytest.fixture
def tried(pairs: list[tuple[Place, Commands]]) -> Callable[[str, Sequence[Any], Trial], None]:
    """``tried(name, todo, trial)``: every item of `todo` in one of the places; fails with each problem that there was.

    With $TORTURE_RESULTS, a folder, the counts go to ``<name>.csv`` there.
    """

    def _tried(name: str, todo: Sequence[Any], trial: Trial) -> None:
        waiting: queue.SimpleQueue[Any] = queue.SimpleQueue()
        for each in todo:
            waiting.put(each)
        tallies = [Tally() for _ in pairs]
        workers = [
            threading.Thread(target=_work, args=(waiting, trial, *pair, tally, len(todo)), daemon=True)
            for pair, tally in zip(pairs, tallies, strict=True)
        ]
        for worker in workers:
            worker.start()
        for worker in workers:
            worker.join()
        for other in tallies[1:]:
            tallies[0].merge(other)
        finish(name, tallies[0], len(todo))

    return _tried


def _work(
    waiting: "queue.SimpleQueue[Any]", trial: Trial, place: Place, commands: Commands, tally: Tally, of: int
) -> None:
    with contextlib.suppress(queue.Empty):
        while True:
            each = waiting.get_nowait()
            try:
                trial(place, commands, each, tally)
            except Exception as error:
                tally.add("trials that could not be made", resumed=False, identical=False, problem=f"{each}: {error!r}")
            left = waiting.qsize()
            if left and left % _SAID_EVERY == 0:
                print(f"\n{of - left} of {of} tried", flush=True)


def finish(name: str, tally: Tally, at_least: int) -> None:
    """Prints and keeps the counts; fails unless every trial resumed, and to the same bytes."""
    print(f"\n{name}\n{tally.text()}\n" + "\n".join(tally.problems), flush=True)
    if folder := os.environ.get("TORTURE_RESULTS"):
        tally.write(Path(folder) / f"{name}.csv")
    assert not tally.problems, "\n".join(tally.problems)
    rows = tally.rows()
    assert sum(int(row["tried"]) for row in rows) >= at_least
    for row in rows:
        assert (row["corrupt_generations"], row["resumed"], row["byte_identical"]) == (0, row["tried"], row["tried"])
