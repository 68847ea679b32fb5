"""A process that has imported Caffe, and what its worker imports, and forks itself into workers and scripts.

Run by `forked_workers` as ``python -m tests.caffe_zygote DESCRIPTOR`` of a socket. A message asks for a process: the
words behind ``python``, its folder and environment, and its three descriptors; the answer is its pid. It becomes a
child of whoever asks (a PR_SET_CHILD_SUBREAPER), as the process between the two is gone. Nothing here starts a thread.
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

from evolve.base import serving
from tests import forked

# What a worker imports before it trains, scores or says its versions. Fast layers are loaded by each worker itself.
_IMPORTED = ("caffe", "fastcaffe", "evolve.training.train", "evolve.training.evaluate", "evolve.training.versions")


def main() -> None:
    """Forks a process a message, until the socket closes."""
    for module in (*_IMPORTED, "evolve.training.gpu"):
        importlib.import_module(module)
    outer = {"", os.getcwd(), *os.environ["PYTHONPATH"].split(os.pathsep)}
    installed = [path for path in sys.path if path not in outer]
    gc.freeze()
    with socket.socket(fileno=int(sys.argv[1])) as asked:
        while True:
            message, descriptors, _, _ = socket.recv_fds(asked, 1 << 20, 3)
            if not message:
                break
            asked.send(str(_forked(json.loads(message), descriptors, installed)).encode())
            for each in descriptors:
                os.close(each)


def _forked(asked: dict[str, Any], descriptors: list[int], installed: list[str]) -> int:
    assert len(os.listdir("/proc/self/task")) == 1, "only a process of one thread forks into a whole one"
    said, says = os.pipe()
    between = os.fork()
    if between == 0:
        between = os.getpid()
        if pid := os.fork():
            os.write(says, str(pid).encode())
            os._exit(0)
        while os.getppid() == between:
            time.sleep(0.0001)
        forked.end(lambda: _work(asked, descriptors, installed))
    os.waitpid(between, 0)
    pid = int(os.read(said, 32))
    os.close(said)
    os.close(says)
    return pid


def _work(asked: dict[str, Any], descriptors: list[int], installed: list[str]) -> None:
    forked.take(descriptors, Path(asked["folder"]), asked["environment"])
    os.setsid()
    how, *sys.argv = asked["words"]
    sys.path[:] = [asked["folder"], *asked["environment"]["PYTHONPATH"].split(os.pathsep), *installed]
    importlib.invalidate_caches()
    if how == "-m":
        serving.main()
    else:
        code, sys.argv[0] = sys.argv[0], how
        exec(code, {"__name__": "__main__"})


if __name__ == "__main__":
    main()
