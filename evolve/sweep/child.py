"""One run of a sweep: `cavefish evolve` in a process of its own, which never outlives the one that began it.

Run as ``python -m evolve.sweep.child PARENT_PID evolve NAME=value …``. What it says goes to sweep.log in its folder.
"""

import os
import re
import signal
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType

from evolve.base.answers import die_with
from evolve.runs import paths
from evolve.sweep.plan import Run

_SECONDS_TO_END = 10.0
_OURS = "this is a fault of Cavefish"


@dataclass(frozen=True)
class Ended:
    """How a run ended: its exit status, 0 for well, and what it said if it did not."""

    status: int
    message: str = ""


class Child:
    """A run at work; use it as a context, which ends it: politely, and after ten seconds by force."""

    def __init__(self, run: Run) -> None:
        run.folder.mkdir(parents=True, exist_ok=True)
        self._log = run.folder / paths.SWEEP_LOG
        command = [sys.executable, "-m", "evolve.sweep.child", str(os.getpid()), *run.words]
        with open(self._log, "ab") as log:
            self._from = log.tell()
            self._process = subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                cwd=run.place,
                env=_environment(run),
                # Ctrl-C in a terminal reaches every process of the group; ending the child is the parent's to do.
                start_new_session=True,
            )

    def __enter__(self) -> "Child":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        end([self])

    @property
    def pid(self) -> int:
        """The process."""
        return self._process.pid

    def ended(self) -> Ended | None:
        """None while it is at work."""
        status = self._process.poll()
        if status is None:
            return None
        return Ended(status, _last_words(status, self._said()) if status else "")

    def ask_to_end(self) -> None:
        """Asks with SIGTERM: what it was making is cleared away."""
        if self._process.poll() is None:
            self._process.terminate()

    def end(self, deadline: float) -> None:
        """Waits until `deadline`, of time.monotonic, and then kills it."""
        try:
            self._process.wait(max(0.0, deadline - time.monotonic()))
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()

    def _said(self) -> str:
        with open(self._log, "rb") as file:
            file.seek(self._from)
            return file.read().decode(errors="replace")


def end(children: list[Child]) -> None:
    """Ends all of them at the same time."""
    for child in children:
        child.ask_to_end()
    deadline = time.monotonic() + _SECONDS_TO_END
    for child in children:
        child.end(deadline)


def main() -> int:
    """`cavefish` with the words after the parent's process id."""
    die_with(parent=int(sys.argv[1]))
    from evolve.command import command

    return command.main(sys.argv[2:])


def _environment(run: Run) -> dict[str, str]:
    here = str(Path(__file__).resolve().parents[2])
    return {
        "OPENBLAS_NUM_THREADS": "1",
        "OMP_NUM_THREADS": "1",
        **os.environ,
        **dict(run.environment),
        "CAVEFISH_RUNS": str(run.folder.parents[1]),
        "PYTHONPATH": os.pathsep.join(filter(None, (here, os.environ.get("PYTHONPATH", "")))),
        "PYTHONUNBUFFERED": "1",
    }


def _last_words(status: int, said: str) -> str:
    """What a run that failed said: the command's own line, or the exception of a fault of ours."""
    if status < 0:
        why = "; most often because memory ran out" if status == -signal.SIGKILL else ""
        return f"its process was ended by {signal.Signals(-status).name}{why}"
    words = re.split(r"^cavefish: ", said, flags=re.MULTILINE)
    if len(words) > 1 and not words[-1].startswith(_OURS):
        return words[-1].strip()
    lines = (words[-2] if len(words) > 1 else said).strip().splitlines()
    return f"a fault of Cavefish: {lines[-1] if lines else 'it said nothing'}"


if __name__ == "__main__":
    sys.exit(main())
