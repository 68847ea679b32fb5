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
_SAID_EVERY = 50  # trials


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
        tally, turn = Tally(), threading.Lock()

        def work(place: Place, commands: Commands) -> None:
            with contextlib.suppress(queue.Empty):
                while True:
                    counted = _counted(trial, place, commands, waiting.get_nowait())
                    with turn:
                        tally.merge(counted)
                        print("".join(f"\n{problem}" for problem in counted.problems), end="", flush=True)
                        _keep(name, tally, len(todo) - waiting.qsize(), len(todo))

        workers = [threading.Thread(target=work, args=pair, daemon=True) for pair in pairs]
        for worker in workers:
            worker.start()
        for worker in workers:
            worker.join()
        finish(name, tally, len(todo))

    return _tried


def _counted(trial: Trial, place: Place, commands: Commands, each: Any) -> Tally:
    tally = Tally()
    try:
        trial(place, commands, each, tally)
    except Exception as error:
        tally.add("trials that could not be made", resumed=False, identical=False, problem=f"{each}: {error!r}")
    return tally


def _keep(name: str, tally: Tally, begun: int, of: int) -> None:
    """The counts so far: what was tried stays known if the rest is not."""
    if folder := os.environ.get("TORTURE_RESULTS"):
        tally.write(Path(folder) / f"{name}.csv")
    if begun % _SAID_EVERY == 0:
        print(f"\n{begun} of {of} begun; {len(tally.problems)} problems", flush=True)


def finish(name: str, tally: Tally, at_least: int) -> None:
    """Prints and keeps the counts; fails unless every trial resumed, and to the same bytes."""
    print(f"\n{name}\n{tally.text()}", flush=True)
    _keep(name, tally, 1, 1)
    assert not tally.problems, "\n".join(tally.problems)
    rows = tally.rows()
    assert sum(int(row["tried"]) for row in rows) >= at_least
    for row in rows:
        assert (row["corrupt_generations"], row["resumed"], row["byte_identical"]) == (0, row["tried"], row["tried"])
