"""The child process in which Caffe runs: reads requests, answers them, until its parent ends it.

Run as ``python -m evolve.training.worker PARENT_PID``. One JSON object a line: in ``{"task", "arguments"}``; out
``{"progress"}`` any number of times, then ``{"answer"}`` or ``{"error"}``.
"""

import json
import signal
import sys
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Any

from evolve.base import files
from evolve.base.answers import die_with, private_stdout


def main() -> None:
    """Serves requests from standard input until it closes."""
    die_with(parent=int(sys.argv[1]))
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    answers = private_stdout()
    # Imported here: it loads Caffe, which must find the log and the signals as set above.
    from evolve.training import detect, evaluate, train, versions

    versions.enable()

    tasks: dict[str, Callable[..., dict[str, Any]]] = {
        "train": train.train,
        "score": evaluate.score,
        "detect": detect.detect,
        "compare": evaluate.compare,
        "agree": evaluate.agree,
        "upgrade": evaluate.upgrade,
        "load": evaluate.load,
        "examples": evaluate.examples,
        "versions": versions.versions,
        "layers": versions.which,
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
            refused = files.refusal(error, Path.cwd())
            send({"error": str(refused or error) or type(error).__name__, "of_disk": refused is not None})


if __name__ == "__main__":
    main()
