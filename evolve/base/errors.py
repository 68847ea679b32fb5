"""Errors are what the user can mend, and say how."""


class UserError(Exception):
    """The user's to mend: printed without a traceback, exit status 2.

    Messages read ``file:line: layer 'x': expected …, got …; do …``.
    """


class MachineError(UserError):
    """What failed for want of the machine, its disk or its memory: the same again may well succeed."""
