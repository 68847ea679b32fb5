"""A child process is started, talked to, watched and ended in one way.

A child is a module run by `serving`, in a session of its own: Ctrl-C in a terminal reaches every process of the group,
and ending the child is the parent's to do.
"""

import errno
import json
import os
import select
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from evolve.base import pulse
from evolve.base.errors import MORE_PROCESSES, REMEDIES, MachineError, UserError
from evolve.base.machine import USUAL, Machine

Reporter = Callable[[dict[str, Any]], None]

_ROOT = Path(__file__).resolve().parents[2]
_SECONDS = 0.05  # the shortest wait for an end
_REMEDIES = REMEDIES | {
    errno.EAGAIN: MORE_PROCESSES,
    errno.E2BIG: "take large variables out of the environment",
    errno.ENOENT: "bring it back",
}


class Died(MachineError):
    """A child ended while it owed an answer, or had to be ended because it `stood_still`."""

    def __init__(self, words: str, stood_still: bool = False) -> None:
        super().__init__(words)
        self.stood_still = stood_still


class Child:
    """Module `module` at work in a process of its own; use it as a context, which ends it at once.

    `called` is what messages call it, `log` gets what it prints, else this process's standard error; `folder` is its
    working directory. `more` is put into its environment; names that begin as in `without` are left out of it. It finds
    modules where this process does, and in `modules` after that.
    `passed` are descriptors that it gets too. MachineError where the system starts no process.
    """

    # Seconds that it has to clear away what it was making when it is ended, but for those that it waits for a core.
    patience = 0.0
    _talks = False

    def __init__(
        self,
        module: str,
        *words: str,
        called: str,
        log: Path | None = None,
        folder: Path | None = None,
        machine: Machine = USUAL,
        more: Mapping[str, str] = {},
        without: tuple[str, ...] = (),
        modules: Sequence[Path] = (),
        passed: Sequence[int] = (),
    ) -> None:
        self.called, self._log = called, log
        self._from = log.stat().st_size if log and log.exists() else 0
        with _starting(called):
            out = os.open(log, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o666) if log else os.dup(2)
            try:
                self._process = subprocess.Popen(
                    [sys.executable, "-m", "evolve.base.serving", str(os.getpid()), module, *words],
                    stdin=subprocess.PIPE if self._talks else subprocess.DEVNULL,
                    stdout=subprocess.PIPE if self._talks else out,
                    stderr=out,
                    cwd=folder,
                    env=_environment(machine, more, without, modules),
                    pass_fds=passed,
                    start_new_session=True,
                )
            finally:
                os.close(out)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.end()

    @property
    def pid(self) -> int:
        """The process."""
        return self._process.pid

    def status(self) -> int | None:
        """Its exit status, minus a signal's number; None while it is at work."""
        return self._process.poll()

    def kill(self) -> None:
        """Ends it at once, from any thread: a call under way raises Died."""
        self._process.kill()

    def end(self) -> None:
        """Ends it, and returns when it is gone."""
        end_all([self])

    def _end_by_force(self) -> None:
        self._process.kill()
        self._process.wait()

    def said(self) -> str:
        """What it has printed into its log; "" where it has none."""
        if not self._log:
            return ""
        with open(self._log, "rb") as file:
            file.seek(self._from)
            return file.read().decode(errors="replace")


class Serving(Child):
    """A child that does tasks when it is asked (`serving.serve`), and is watched while it owes an answer."""

    _talks = True

    def call(self, task: str, report: Reporter = lambda progress: None, **arguments: Any) -> dict[str, Any]:
        """Has it do one task, and returns the answer; `report` gets its progress. Errors as `answer`."""
        self.ask(task, **arguments)
        return self.answer(report)

    def ask(self, task: str, **arguments: Any) -> None:
        """Asks without waiting; answers come in the order of what was asked."""
        assert self._process.stdin
        # What a dead child does not read is missed when its answer is waited for.
        with suppress(BrokenPipeError):
            self._process.stdin.write(json.dumps({"task": task, "arguments": arguments}).encode() + b"\n")
            self._process.stdin.flush()

    def answer(self, report: Reporter = lambda progress: None) -> dict[str, Any]:
        """Its next answer. UserError with its words if it failed, MachineError if its disk did, Died if it did."""
        while (message := self._message()) is not None:
            if "progress" in message:
                report(message["progress"])
            elif "error" in message:
                raise (MachineError if message["of_machine"] else UserError)(message["error"])
            else:
                return dict(message["answer"])
        raise self._death()

    def _end_by_force(self) -> None:
        super()._end_by_force()
        for stream in (self._process.stdin, self._process.stdout):
            assert stream
            # Closing writes what a dead child did not read.
            with suppress(BrokenPipeError):
                stream.close()

    _unread = b""

    def _message(self) -> dict[str, Any] | None:
        """The next line that it says; None when it has ended. Died where it is silent and will stay so."""
        assert self._process.stdout
        watched, ready = pulse.Pulse(self.pid), select.poll()
        ready.register(self._process.stdout.fileno(), select.POLLIN)
        while b"\n" not in self._unread:
            if ready.poll(1000 * pulse.SECONDS):
                part = os.read(self._process.stdout.fileno(), 1 << 16)
                if not part:
                    return None
                self._unread += part
            elif why := watched.look():
                self.kill()
                raise Died(f"{self.called} {why}; it was ended", stood_still=True)
        line, _, self._unread = self._unread.partition(b"\n")
        return dict(json.loads(line))

    def _death(self) -> Died:
        status = self._process.wait()
        if status == -signal.SIGKILL:
            return Died(f"{self.called} was killed; most often because memory ran out")
        lines = self.said().strip().splitlines()
        last = f"it last said: {lines[-1] if lines else 'nothing'}" if self._log else "what it said is above"
        return Died(f"{self.called} ended with status {status}; {last}")


def end_all(children: Iterable[Child]) -> None:
    """Ends all of them at the same time: asks those that have patience (SIGTERM), and after that by force."""
    ending, began = list(children), time.monotonic()
    waited = [pulse.kept_waiting(child.pid) for child in ending]
    for child in ending:
        if child.patience and child.status() is None:
            child._process.terminate()
    for child, before in zip(ending, waited, strict=True):
        while child.status() is None:
            spent = time.monotonic() - began - (pulse.kept_waiting(child.pid) - before)
            if spent >= child.patience:
                break
            with suppress(subprocess.TimeoutExpired):
                child._process.wait(max(_SECONDS, child.patience - spent))
        child._end_by_force()


@contextmanager
def _starting(called: str) -> Iterator[None]:
    """Turns what the system has no room for, or no longer has, into a MachineError that says what can be done."""
    try:
        yield
    except OSError as error:
        if error.errno not in _REMEDIES:
            raise
        where = f"{os.fsdecode(error.filename)}: " if isinstance(error.filename, (str, bytes, os.PathLike)) else ""
        why = os.strerror(error.errno).lower()
        raise MachineError(
            f"{where}{called} did not start: {why}; {_REMEDIES[error.errno]}, and the same command resumes"
        ) from None


def _environment(
    machine: Machine, more: Mapping[str, str], without: tuple[str, ...], modules: Sequence[Path] = ()
) -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith(without)}
    here = {
        "PYTHONPATH": os.pathsep.join([*(path for path in sys.path if path), str(_ROOT), *map(str, modules)]),
        "PYTHONUNBUFFERED": "1",
    }
    return {**machine.environment(kept), **here, **more}
