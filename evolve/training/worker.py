"""The worker is the child process in which Caffe runs, and does one task after another when it is asked."""

import importlib
import os
import traceback
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from evolve.base import machine, serving
from evolve.base.serving import Task, serve


def tasks() -> Mapping[str, Task]:
    """By name; loads Caffe, with the layers that its parent wants."""
    # Imported here: Caffe must find the log and the signals as a child has them.
    from evolve.training import gpu, versions

    versions.enable(machine.of_this_process())
    versions.on_gpu(gpu.begin(machine.of_this_process()))
    return _Tasks(move=move)


class _Tasks(dict[str, Task]):
    """Tasks by name, each imported when it is first asked for: most workers do one or two, and detect loads OpenCV."""

    _WHERE = {
        "train": "train.train",
        "score": "evaluate.score",
        "detect": "detect.detect",
        "silent": "silent.silent",
        "compare": "evaluate.compare",
        "agree": "evaluate.agree",
        "upgrade": "evaluate.upgrade",
        "load": "evaluate.load",
        "examples": "evaluate.examples",
        "versions": "versions.versions",
        "layers": "versions.which",
        "gpu": "gpu.facts",
    }

    def __missing__(self, name: str) -> Task:
        module, _, function = self._WHERE[name].partition(".")
        task: Task = getattr(importlib.import_module(f"evolve.training.{module}"), function)
        self[name] = task
        return task


def move(folder: str) -> dict[str, Any]:
    """Goes on in another folder, against which relative paths are resolved."""
    os.chdir(folder)
    return {}


def said(error: Exception) -> str:
    """What an error says; of one that a Python layer raised first the layer's class, then the line it came from."""
    import caffe

    words = serving.words(error)
    for frame, _ in traceback.walk_tb(error.__traceback__):
        layer = frame.f_locals.get(next(iter(frame.f_code.co_varnames), ""))
        if isinstance(layer, caffe.Layer):
            file = frame.f_code.co_filename
            line = [each.lineno for each in traceback.extract_tb(error.__traceback__) if each.filename == file][-1]
            of, kind = type(layer), "" if type(error) is Exception else f"{type(error).__name__}: "
            return f"Python's {of.__module__}.{of.__qualname__}: {kind}{words} ({Path(file).name}:{line})"
    return words


if __name__ == "__main__":
    serve(tasks, say=said)
