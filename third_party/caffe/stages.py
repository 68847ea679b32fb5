"""What the builder tells while it works: stages with seconds, a full log, and errors with a remedy."""

from __future__ import annotations

import ctypes
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TextIO

QUIET_INTERVAL = 15.0  # seconds between two lines of one stage where there is no terminal
PR_SET_PDEATHSIG = 1  # from Linux's sys/prctl.h


class UserError(Exception):
    """Something that the user can mend; the text says what is wrong and what to do. Exit status 2."""


class CommandFailed(Exception):
    """A command ended with a status other than 0; its output is in the log. Exit status 1."""


class Stages:
    """Numbered stages on stderr, everything else in the log file."""

    def __init__(self, total: int, log: TextIO, screen: TextIO = sys.stderr) -> None:
        self.total, self.log, self.screen = total, log, screen
        self.begun = time.monotonic()
        self.number = 0
        self.shown_at = 0.0
        self.unfinished_line = False

    def __enter__(self) -> Stages:
        return self

    def __exit__(self, *error: object) -> None:
        self.erase()

    def begin(self, text: str) -> None:
        """Announce the next stage."""
        self.number += 1
        self.say(text)

    def say(self, text: str) -> None:
        """One whole line of the present stage, on the screen and in the log."""
        line = f"[{self.number}/{self.total}] {time.monotonic() - self.begun:4.0f} s  {text}"
        self.erase()
        print(line, file=self.screen, flush=True)
        print(f"=== {line}", file=self.log, flush=True)
        self.shown_at = time.monotonic()

    def update(self, text: str) -> None:
        """Progress within a stage: rewritten in place on a terminal, a line every 15 s elsewhere."""
        now = time.monotonic()
        if self.screen.isatty():
            self.erase()
            self.screen.write(f"[{self.number}/{self.total}] {now - self.begun:4.0f} s  {text}")
            self.screen.flush()
            self.unfinished_line = True
        elif now - self.shown_at >= QUIET_INTERVAL:
            self.say(text)

    def erase(self) -> None:
        """Take back an unfinished line, before something else is printed."""
        if self.unfinished_line:
            self.screen.write("\r\033[K")
            self.screen.flush()
            self.unfinished_line = False


def die_with_parent() -> None:
    """In a new child: be terminated when the builder dies, even by SIGKILL (Linux only)."""
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGTERM)


@contextmanager
def child_process(command: Sequence[str], **options: object) -> Iterator[subprocess.Popen[str]]:
    """A child in a process group of its own; whatever is left of the group ends with the block."""
    process: subprocess.Popen[str] = subprocess.Popen(
        command,
        stdin=subprocess.DEVNULL,
        text=True,
        start_new_session=True,
        preexec_fn=die_with_parent,
        **options,  # type: ignore[call-overload]
    )
    try:
        yield process
    finally:
        if process.poll() is None:
            end_group(process)


def end_group(process: subprocess.Popen[str], patience: float = 5.0) -> None:
    """SIGTERM to the process group, SIGKILL to what remains of it after some seconds."""
    for number in (signal.SIGTERM, signal.SIGKILL):
        try:
            os.killpg(process.pid, number)
            process.wait(patience)
        except ProcessLookupError:
            return
        except subprocess.TimeoutExpired:
            continue


def run(
    command: Sequence[str],
    log: TextIO,
    cwd: Path | None = None,
    env: Mapping[str, str] | None = None,
    each_line: Callable[[str], None] | None = None,
) -> None:
    """Run a command with its output going to the log file; CommandFailed unless its status is 0.

    The output is read back from the file, in small steps: a signal that comes just before a blocking read
    of a pipe would wait for the next line.
    """
    print(f"$ {' '.join(command)}", file=log, flush=True)
    outputs = {"stdout": log, "stderr": subprocess.STDOUT}
    with (
        open(log.name, errors="replace") as written,
        child_process(command, cwd=cwd, env=env, **outputs) as child,
    ):
        written.seek(0, os.SEEK_END)
        status = None
        while status is None:
            status = status_soon(child)
            for line in written:
                if each_line:
                    each_line(line)
    if status:
        raise CommandFailed(f"{command[0]} ended with status {status}")


def status_soon(child: subprocess.Popen[str], seconds: float = 0.2) -> int | None:
    """The exit status if the child ends within a moment."""
    try:
        return child.wait(seconds)
    except subprocess.TimeoutExpired:
        return None


def last_lines(path: Path, count: int = 20) -> str:
    """The end of a log, indented, for the screen."""
    lines = path.read_text(errors="replace").splitlines()[-count:] if path.exists() else []
    return "\n".join(f"    {line}" for line in lines)
