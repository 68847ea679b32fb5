"""The worker is the child process in which Caffe runs, and does one task after another when it is asked."""

import os
from collections.abc import Mapping
from typing import Any

from evolve.base import machine
from evolve.base.serving import Task, serve


def tasks() -> Mapping[str, Task]:
    """By name; loads Caffe, with the layers that its parent wants."""
    # Imported here: Caffe must find the log and the signals as a child has them.
    from evolve.training import detect, evaluate, gpu, silent, train, versions

    versions.enable(machine.of_this_process())
    versions.on_gpu(gpu.begin(machine.of_this_process()))
    return {
        "train": train.train,
        "score": evaluate.score,
        "detect": detect.detect,
        "silent": silent.silent,
        "compare": evaluate.compare,
        "agree": evaluate.agree,
        "upgrade": evaluate.upgrade,
        "load": evaluate.load,
        "examples": evaluate.examples,
        "versions": versions.versions,
        "layers": versions.which,
        "gpu": gpu.facts,
        "move": move,
    }


def move(folder: str) -> dict[str, Any]:
    """Goes on in another folder, against which relative paths are resolved."""
    os.chdir(folder)
    return {}


if __name__ == "__main__":
    serve(tasks)
