"""A process that is forked becomes as one that was started: of three descriptors, a folder and an environment alone."""

import io
import os
import select
import signal
import subprocess
import sys
import threading
import traceback
import weakref
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, TextIO


class Forked:
    """What a Child asks of subprocess.Popen: a child of this process, and ends of its pipes if it has some."""

    def __init__(self, pid: int, stdin: int | None = None, stdout: int | None = None) -> None:
        self.pid = pid
        self.stdin = None if stdin is None else open(stdin, "wb")
        self.stdout = None if stdout is None else open(stdout, "rb")
        # Names this process even when it is gone and its number is another's.
        self._itself = os.pidfd_open(pid)
        weakref.finalize(self, os.close, self._itself)
        self._turn = threading.Lock()
        self._status: int | None = None

    def poll(self) -> int | None:
        """Its exit status, minus a signal's number; None while it is at work."""
        with self._turn:
            if self._status is None:
                self._status = self._reaped()
            return self._status

    def _reaped(self) -> int | None:
        ended, status = os.waitpid(self.pid, os.WNOHANG)
        return os.waitstatus_to_exitcode(status) if ended else None

    def wait(self, timeout: float | None = None) -> int:
        """The same once it has ended; subprocess.TimeoutExpired where it has not in so many seconds."""
        ended = select.poll()
        ended.register(self._itself, select.POLLIN)
        while (status := self.poll()) is None:
            if not ended.poll(None if timeout is None else 1000 * timeout):
                raise subprocess.TimeoutExpired(f"forked process {self.pid}", timeout or 0)
        return status

    def kill(self) -> None:
        """Ends it at once."""
        self._send(signal.SIGKILL)

    def terminate(self) -> None:
        """Asks it to end."""
        self._send(signal.SIGTERM)

    def _send(self, number: int) -> None:
        with suppress(ProcessLookupError):
            signal.pidfd_send_signal(self._itself, number)


def with_pipes(fork: Callable[[int, int], int], made: Callable[[int, int, int], Forked] = Forked) -> Forked:
    """One that reads what its ``stdin`` here is given, and writes to its ``stdout``; ``fork`` takes its two ends."""
    requests, asks = os.pipe()
    answered, answers = os.pipe()
    try:
        pid = fork(requests, answers)
    except BaseException:
        os.close(asks)
        os.close(answered)
        raise
    finally:
        os.close(requests)
        os.close(answers)
    return made(pid, asks, answered)


def as_child(fork: Callable[[Sequence[int]], int], made: Callable[..., Forked] = Forked, **popen: Any) -> Forked:
    """One whose three descriptors are what a Child has subprocess.Popen give it; ``fork`` takes them."""
    if popen["stdin"] == subprocess.PIPE:
        return with_pipes(lambda requests, answers: fork([requests, answers, popen["stderr"]]), made)
    with open(os.devnull) as nothing:
        return made(fork([nothing.fileno(), popen["stdout"], popen["stderr"]]))


def take(descriptors: Sequence[int], folder: Path, environment: dict[str, str]) -> None:
    """Becomes a process of those descriptors alone, 0, 1, 2 and perhaps more, there, with that environment."""
    copies = [os.dup2(each, 60 + number) for number, each in enumerate(descriptors)]
    for number, each in enumerate(copies):
        os.dup2(each, number)
    os.closerange(len(copies), 256)
    sys.stdin, sys.stdout, sys.stderr = open(0, closefd=False), _unbuffered(1), _unbuffered(2)
    os.chdir(folder)
    os.environ.clear()
    os.environ.update(environment)
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.SIG_DFL)


def _unbuffered(descriptor: int) -> TextIO:
    errors = "backslashreplace" if descriptor == 2 else None
    return io.TextIOWrapper(open(descriptor, "wb", buffering=0, closefd=False), errors=errors, write_through=True)


def end(work: Callable[[], object]) -> None:
    """Does `work`, and ends this process with the status that it returns or exits with, as Python would."""
    status: object = 1
    try:
        status = work() or 0
    except SystemExit as said:
        status = said.code or 0
    except BaseException:
        traceback.print_exc()
    finally:
        with suppress(OSError):
            sys.stdout.flush()
            sys.stderr.flush()
        os._exit(status if isinstance(status, int) else 1)
