"""A child serves its parent: it never outlives it, and keeps its standard output for its answers.

Run by `child` as ``python -m evolve.base.serving PARENT_PID MODULE …``, which runs MODULE as a program of its own.
"""

import ctypes
import inspect
import json
import os
import runpy
import signal
import sys
import traceback
from collections.abc import Callable, Mapping
from typing import IO, Any

from evolve.base import files
from evolve.base.errors import MachineError, UserError

Task = Callable[..., dict[str, Any]]

_PR_SET_PDEATHSIG = 1


def words(error: Exception) -> str:
    """What an error says, in one line; its kind where it says nothing."""
    return " ".join(str(error).split()) or type(error).__name__


def serve(
    load: Callable[[], Mapping[str, Task]], called: str = "", say: Callable[[Exception], str] = words
) -> None:
    """Does the tasks that `load` loads, when standard input asks for them, a JSON object a line, until that closes.

    In come ``{"task", "arguments"}``; out go ``{"progress"}`` any number of times, from a task that takes a `report`,
    then ``{"answer"}`` or ``{"error", "of_machine"}``. What is no UserError is logged whole, and said by `say` after
    `called`.
    """
    # Ctrl-C in a terminal is the parent's to deal with, which ends this process.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    answers = _private_stdout()
    tasks = load()

    def send(message: dict[str, Any]) -> None:
        answers.write(json.dumps(message) + "\n")
        answers.flush()

    try:
        for line in sys.stdin:
            send(_done(json.loads(line), tasks, send, lambda error: f"{called}{say(error)}"))
    except BrokenPipeError:
        # Nobody is there any more who would read it.
        os._exit(1)


def main() -> None:
    """Runs the module that the command line names, with the words behind it."""
    _, parent, module, *words = sys.argv
    _die_with(int(parent))
    sys.argv = [module, *words]
    runpy.run_module(module, run_name="__main__", alter_sys=True)


def _done(
    request: dict[str, Any], tasks: Mapping[str, Task], send: Callable[[dict[str, Any]], None],
    say: Callable[[Exception], str],
) -> dict[str, Any]:  # fmt: skip
    task, arguments = tasks[request["task"]], request["arguments"]
    if "report" in inspect.signature(task).parameters:
        arguments["report"] = lambda progress: send({"progress": progress})
    try:
        return {"answer": task(**arguments)}
    except UserError as error:
        return {"error": str(error), "of_machine": isinstance(error, MachineError)}
    except Exception as error:
        traceback.print_exc()
        refused = files.refusal_here(error)
        return {"error": str(refused or say(error)), "of_machine": refused is not None}


def _private_stdout() -> IO[str]:
    """Standard output for answers alone: what prints there from now on, in Python or C++, goes to standard error."""
    private = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    return private


def _die_with(parent: int) -> None:
    """Linux kills this process when its parent dies, even by SIGKILL."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:
        sys.exit(1)


if __name__ == "__main__":
    main()
