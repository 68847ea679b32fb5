"""The child process in which Caffe runs: reads requests, answers them, until its parent ends it.

Run as ``python -m evolve.training.worker PARENT_PID``. One JSON object a line: in ``{"task", "arguments"}``; out
``{"progress"}`` any number of times, then ``{"answer"}`` or ``{"error"}``.
"""

import ctypes
import json
import os
import signal
import sys
import traceback
from collections.abc import Callable
from typing import Any

from evolve.answers import private_stdout

_PR_SET_PDEATHSIG = 1


def main() -> None:
    """Serves requests from standard input until it closes."""
    _die_with(parent=int(sys.argv[1]))
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    answers = private_stdout()
    # Imported here: it loads Caffe, which must find the log and the signals as set above.
    from evolve.training import detection, evaluation, examples, layers, retrain, versions

    layers.enable()

    tasks: dict[str, Callable[..., dict[str, Any]]] = {
        "train": retrain.train,
        "score": evaluation.score,
        "detect": detection.detect,
        "compare": evaluation.compare,
        "agree": evaluation.agree,
        "upgrade": evaluation.upgrade,
        "load": evaluation.load,
        "examples": examples.examples,
        "versions": versions.versions,
        "layers": layers.which,
    }

    def send(message: dict[str, Any]) -> None:
        answers.write(json.dumps(message) + "\n")
        answers.flush()

    for line in sys.stdin:
        request = json.loads(line)
        try:
            answer = tasks[request["task"]](
                report=lambda progress: send({"progress": progress}), **request["arguments"]
            )
            send({"answer": answer})
        except Exception as error:
            traceback.print_exc()
            send({"error": str(error) or type(error).__name__})


def _die_with(parent: int) -> None:
    """Linux kills this process when its parent dies, even by SIGKILL."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:
        sys.exit(1)


if __name__ == "__main__":
    main()
