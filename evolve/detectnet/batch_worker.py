"""The process that makes batches ahead of the solver: reads JSON lines of what to make where, until they end.

Run by `prefetch` as ``python -m evolve.detectnet.batch_worker``. First line in: the param_str, the phase and the shared
memory; each other one ``{"batch", "slot"}``, answered by ``{"batch"}`` or ``{"error"}``. Lines end when the solver's
process does, however it ends, and so this one never outlives it.
"""

import json
import os
import signal
import sys
import traceback
from typing import IO

import cv2

from evolve.answers import private_stdout
from evolve.detectnet import batches, parameters
from evolve.detectnet.batch import Shapes
from evolve.errors import UserError


def main() -> None:
    """Serves requests from standard input until it closes."""
    # Ctrl-C in a terminal reaches every process of the group; the solver's closes this one.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    cv2.setNumThreads(1)
    answers = private_stdout()
    try:
        _serve(answers)
    except BrokenPipeError:
        # The solver's process is gone.
        os._exit(1)


def _serve(answers: IO[str]) -> None:
    begin = json.loads(sys.stdin.readline() or "null")
    if begin is None:
        return
    given = parameters.parse(begin["param_str"])
    assert given.data
    shapes = Shapes(*map(tuple, begin["shapes"]))
    slots = batches.shared_memory(begin["descriptor"], shapes.count, begin["slots"])
    examples = batches.open_examples(given.data)
    for line in sys.stdin:
        request = json.loads(line)
        answer = {"batch": request["batch"]}
        try:
            batches.make(request["batch"], examples, given, begin["train"], shapes.views(slots[request["slot"]]))
        except Exception as error:
            if not isinstance(error, UserError):
                traceback.print_exc()
            answer = {"error": str(error) or type(error).__name__}
        answers.write(json.dumps(answer) + "\n")
        answers.flush()


if __name__ == "__main__":
    main()
