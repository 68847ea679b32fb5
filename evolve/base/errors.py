"""Errors are what the user can mend, and say how."""

import errno

MORE_PROCESSES = "end other processes, or let more be yours (ulimit -u)"  # and threads, which count as such

# What the system has no room for, and what makes some.
REMEDIES = {
    errno.ENOMEM: "end other processes, which take memory",
    errno.EMFILE: "let more files be open (ulimit -n)",
    errno.ENFILE: "end other processes, which have files open",
    errno.ENOLCK: "work on a file system that has locks (CAVEFISH_RUNS=, or another folder)",
    errno.EFBIG: "let files be larger (ulimit -f), or choose a file system that takes such",
}


class UserError(Exception):
    """The user's to mend: printed without a traceback, exit status 2.

    Messages read ``file:line: layer 'x': expected …, got …; do …``.
    """


class MachineError(UserError):
    """What failed for want of the machine, its disk or its memory: the same again may well succeed."""


def said(error: Exception) -> str:
    """What a reader's `error` says of a file that a message names: of the system's, no number and no name again."""
    strerror = error.strerror if isinstance(error, OSError) else ""
    return strerror or str(error) or type(error).__name__
