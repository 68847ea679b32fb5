"""A forked command is lent what it starts: it asks whoever forked it, which has a zygote fork that, or tells it not to.

Those are Caffe's workers, and the commands that a sweep runs. What is lent is a child of the lender, which waits for it
and ends it when the borrower is gone, as a system ends a child whose parent is.
"""

import json
import os
import socket
import subprocess
import threading
from collections.abc import Callable, Sequence
from contextlib import suppress
from functools import partial
from types import SimpleNamespace
from typing import Any

from evolve.base import child
from tests.forked import Forked, as_child

# A process for those words, in that folder and environment, with those three descriptors; None: not this one.
Fork = Callable[[dict[str, Any], Sequence[int]], Forked | None]

_LONGEST = 1 << 20  # bytes of a message


def lend(fork: Fork) -> socket.socket:
    """The end for a borrower, which gets what `fork` makes of its words; a thread serves it until it is gone."""
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    threading.Thread(target=_serve, args=(ours, fork), name="lender", daemon=True).start()
    return theirs


def _serve(borrower: socket.socket, fork: Fork) -> None:
    lent: dict[int, Forked] = {}
    try:
        with borrower, suppress(ConnectionError):
            while _answered(borrower, fork, lent):
                pass
    finally:
        for left in lent.values():
            left.kill()
            left.wait()


def _answered(borrower: socket.socket, fork: Fork, lent: dict[int, Forked]) -> bool:
    """Whether the borrower asked once more; what it is lent is added to `lent`, by its pid."""
    message, descriptors, _, _ = socket.recv_fds(borrower, _LONGEST, 3)
    if not message:
        return False
    try:
        asked = json.loads(message)
        if "pid" in asked:
            said = lent[asked["pid"]].poll()
        else:
            made = fork(asked, descriptors)
            said = made.pid if made else None
            lent |= {made.pid: made} if made else {}
    finally:
        for each in descriptors:
            os.close(each)
    borrower.send(json.dumps(said).encode())
    return True


def borrow(descriptor: int) -> None:
    """Every Child of this process is asked for at that end of a lender's, and started where it will not lend one."""
    lender = _Lender(descriptor)
    child.subprocess = SimpleNamespace(**{**vars(subprocess), "Popen": lender.start})  # type: ignore[assignment]


class _NotLent(Exception):
    """It is to be started as ever."""


class _Lender:
    """The lender as its borrower sees it."""

    def __init__(self, descriptor: int) -> None:
        self._socket = socket.socket(fileno=descriptor)
        self._socket.set_inheritable(False)
        self._turn = threading.Lock()

    def start(self, words: list[str], **others: Any) -> "Forked | subprocess.Popen[bytes]":
        """A Child's subprocess.Popen."""
        asked = {"words": words, "folder": os.path.abspath(others["cwd"] or "."), "environment": others["env"]}
        with suppress(_NotLent):
            if not others["pass_fds"]:
                return as_child(partial(self._pid, asked), partial(_Lent, self), **others)
        return subprocess.Popen(words, **others)

    def _pid(self, asked: dict[str, Any], descriptors: Sequence[int]) -> int:
        if (pid := self.ask(asked, descriptors)) is None:
            raise _NotLent
        return pid

    def ask(self, asked: dict[str, Any], descriptors: Sequence[int] = ()) -> int | None:
        """Its answer: the pid of what is lent, or the status of one that has ended; None for neither."""
        with self._turn:
            socket.send_fds(self._socket, [json.dumps(asked).encode()], descriptors)
            said: int | None = json.loads(self._socket.recv(32))
            return said


class _Lent(Forked):
    """One whose status its lender knows."""

    def __init__(self, lender: _Lender, pid: int, *pipes: int) -> None:
        super().__init__(pid, *pipes)
        self._lender = lender

    def _reaped(self) -> int | None:
        return self._lender.ask({"pid": self.pid})
