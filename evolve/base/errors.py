"""Errors are what the user can mend, and say how."""


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
