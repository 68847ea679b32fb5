"""A process that has imported what others are about to, and forks itself into them.

Run by `forks` as ``python -m tests.zygote DESCRIPTOR MODULE ...``: a socket, and what is imported. A message asks for a
process: the words behind ``python``, its folder and environment, and its three descriptors, with a lender's end as a
fourth where it may borrow (see `lending`); the answer is its pid. It becomes a child of whoever asks (a
PR_SET_CHILD_SUBREAPER), as the process between the two is gone.
"""

import gc
import importlib
import json
import os
import socket
import sys
import time
from pathlib import Path
from typing import Any

from tests import forked, lending


def main() -> object:
    """Forks a process a message, until the socket closes; in the forked one, its work."""
    descriptor, *modules = sys.argv[1:]
    for module in modules:
        importlib.import_module(module)
    outer = {"", os.getcwd(), *os.environ["PYTHONPATH"].split(os.pathsep)}
    installed = [path for path in sys.path if path not in outer]
    gc.freeze()
    asked = socket.socket(fileno=int(descriptor))
    if len(os.listdir("/proc/self/task")) > 1:
        # A BLAS other than OpenBLAS, perhaps: only a process of one thread forks into a whole one.
        return 0
    asked.send(b"ready")
    while True:
        message, descriptors, _, _ = socket.recv_fds(asked, 1 << 20, 4)
        if not message:
            return 0
        pid = _forked()
        if pid == 0:
            asked.detach()
            return _work(json.loads(message), descriptors, installed)
        asked.send(str(pid).encode())
        for each in descriptors:
            os.close(each)


def _forked() -> int:
    """Its pid, once its parent is the one that it stays; 0 in itself."""
    said, says = os.pipe()
    between = os.fork()
    if between == 0:
        between = os.getpid()
        if pid := os.fork():
            os.write(says, str(pid).encode())
            os._exit(0)
        while os.getppid() == between:
            time.sleep(0.0001)
        return 0
    os.waitpid(between, 0)
    pid = int(os.read(said, 32))
    os.close(said)
    os.close(says)
    return pid


def _work(asked: dict[str, Any], descriptors: list[int], installed: list[str]) -> object:
    """Does what Python would with those words; returns its exit status."""
    forked.take(descriptors, Path(asked["folder"]), asked["environment"])
    os.setsid()
    if len(descriptors) > 3:
        lending.borrow(3)
    how, *sys.argv = asked["words"]
    sys.path[:] = [asked["folder"], *asked["environment"]["PYTHONPATH"].split(os.pathsep), *installed]
    importlib.invalidate_caches()
    if how == "-m":
        if sys.argv[0] == "evolve.base.serving":
            # What it runs as a program of its own is none that was imported.
            sys.modules.pop(sys.argv[2], None)
        return importlib.import_module(sys.argv[0]).main()
    code, sys.argv[0] = sys.argv[0], how
    exec(code, {"__name__": "__main__"})
    return 0


if __name__ == "__main__":
    sys.exit(main())  # type: ignore[arg-type]
