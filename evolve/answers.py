"""A child process keeps its standard output for its answers, whatever else prints."""

import os
from typing import IO


def private_stdout() -> IO[str]:
    """Standard output for answers alone: what prints there from now on, in Python or C++, goes to standard error."""
    private = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    return private
