"""What real Caffe makes of many nets, also of ones that it aborts on: each in a fork of one child."""

import json
from pathlib import Path
from typing import Any

from evolve.base import prototxt_text
from tests.forks import FORKS

_SCRIPT = """
import json, os, sys, caffe

def describe(number):
    net = caffe.Net(f"{number}.prototxt", caffe.TEST)
    blobs = {name: list(blob.shape) for name, blob in net.blobs.items()}
    params = {name: [list(blob.shape) for blob in each] for name, each in net.params.items()}
    json.dump([blobs, params], open(f"{number}.json", "w"))

for number in range(int(sys.argv[1])):
    child = os.fork()
    if not child:
        describe(number)
        os._exit(0)
    os.waitpid(child, 0)
"""

Made = tuple[dict[str, list[int]], dict[str, list[list[int]]]]


def load(folder: Path, nets: list[Any]) -> list[Made | None]:
    """For each net the shapes of its blobs and of its layers' learned blobs; None where Caffe aborts."""
    for number, net in enumerate(nets):
        prototxt_text.write(net, folder / f"{number}.prototxt")
    child = FORKS.script(_SCRIPT, str(len(nets)), folder=folder, GLOG_minloglevel="3")
    assert child.returncode == 0, child.stderr[-2000:]
    return [_made(folder / f"{number}.json") for number in range(len(nets))]


def _made(path: Path) -> Made | None:
    if not path.exists():
        return None
    blobs, params = json.loads(path.read_text())
    return blobs, params
