"""One run of a sweep is `cavefish evolve` in a process of its own; what it says goes to sweep.log in its folder."""

import re
import signal
from dataclasses import dataclass

from evolve.base import files
from evolve.base.child import Child
from evolve.base.pulse import Pulse
from evolve.runs import paths, run_folder
from evolve.sweep.plan import PlannedRun

# By name: the sweep lies below the command in this house.
_COMMAND = "evolve.command.command"
_OURS = "this is a fault of Cavefish"


@dataclass(frozen=True)
class Ended:
    """How a run ended: its exit status, 0 for well, and what it said if it did not."""

    status: int
    message: str = ""


class RunAtWork(Child):
    """A run at work; use it as a context, which ends it: politely, and after ten seconds by force.

    UserError where it cannot begin.
    """

    patience = 10.0

    def __init__(self, run: PlannedRun, gpu: str = "") -> None:
        self.gpu = gpu
        with files.refusals(run.folder):
            run_folder.make(run.folder)
            super().__init__(
                _COMMAND,
                *run.words,
                *([f"GPU={gpu}"] if gpu else []),
                called="its process",
                log=run.folder / paths.SWEEP_LOG,
                folder=run.place,
                more={**dict(run.environment), "CAVEFISH_RUNS": str(run.folder.parents[1])},
            )
        # It may wait for another process, or a download, and compute nothing; stopped, it would keep others waiting.
        self._pulse = Pulse(self.pid, may_wait=True)

    def ended(self) -> Ended | None:
        """None while it is at work."""
        status = self.status()
        if status is not None:
            return Ended(status, _last_words(status, self.said()) if status else "")
        if why := self._pulse.look_in_time():
            self.kill()
            self.end()
            return Ended(2, f"{self.called} {why}; it was ended, and the same command resumes")
        return None


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
