"""Batches are made ahead of the solver, in processes of their own, and wait for it in shared memory.

The processes are started anew, never forked: the solver's has Caffe, OpenBLAS and OpenMP in it, whose threads a forked
child lacks. Each makes every n-th batch, told by JSON lines which batch goes into which slot; as many are asked for as
there are slots, so that the queue is bounded. Batches are the same bits whatever the number of processes.

A child of `Prefetch` is this module too. Its word is a JSON object: the param_str, the phase and the shared memory.
"""

import json
import os
import sys
import weakref
from collections.abc import Mapping
from typing import Any

import cv2

from evolve.base.child import Serving, end_all
from evolve.base.errors import UserError
from evolve.base.serving import Task, serve
from evolve.detectnet import batches
from evolve.detectnet.batches import Batch, Shapes
from evolve.network.layers import detectnet_parameters as parameters
from evolve.network.layers.detectnet_parameters import Parameters


class Prefetch:
    """Batches 0, 1, 2, … of `given`'s data, in turn; begins at once. `given` comes from the text `param_str`."""

    def __init__(self, param_str: str, given: Parameters, shapes: Shapes, train: bool) -> None:
        assert given.data and given.data.processes
        self._shapes, self._next = shapes, 0
        # A multiple of the processes: each has slots of its own, and answers for them in their order.
        slots = given.data.prefetch // given.data.processes * given.data.processes
        descriptor = batches.new_memory(shapes.count, slots)
        try:
            self._slots = batches.shared_memory(descriptor, shapes.count, slots)
            begin = {
                "param_str": param_str,
                "train": train,
                "shapes": [shapes.images, shapes.truth, shapes.labels],
                "descriptor": descriptor,
                "slots": slots,
            }
            self._workers = [_start(json.dumps(begin), descriptor) for _ in range(given.data.processes)]
        finally:
            os.close(descriptor)
        self.close = weakref.finalize(self, end_all, self._workers)
        for number in range(slots):
            self._ask(number)

    def get(self, into: Batch) -> None:
        """Copies the next batch `into` the caller's arrays; waits if it is not ready.

        UserError with the process's words if it could not make it, or if it died; then there are no more batches.
        """
        try:
            self._worker(self._next).answer()
        except UserError:
            self.close()
            raise
        made = self._shapes.views(self._slots[self._next % len(self._slots)])
        for part, source in zip(into, made, strict=True):
            part[...] = source
        self._ask(self._next + len(self._slots))
        self._next += 1

    def _worker(self, number: int) -> Serving:
        return self._workers[number % len(self._workers)]

    def _ask(self, number: int) -> None:
        self._worker(number).ask("make", batch=number, slot=number % len(self._slots))


def _start(begin: str, descriptor: int) -> Serving:
    return Serving(
        "evolve.detectnet.prefetch", begin, called="the process that makes batches", passed=(descriptor,)
    )


class _Maker:
    """The child's side."""

    def __init__(self, begin: str) -> None:
        # One process is one thread's work.
        cv2.setNumThreads(1)
        self._begin = json.loads(begin)
        self._given = parameters.parse(self._begin["param_str"])
        assert self._given.data
        self._shapes = Shapes(*map(tuple, self._begin["shapes"]))
        self._slots = batches.shared_memory(self._begin["descriptor"], self._shapes.count, self._begin["slots"])
        self._examples = batches.open_examples(self._given.data)

    def tasks(self) -> Mapping[str, Task]:
        """By name."""
        return {"make": self.make}

    def make(self, batch: int, slot: int) -> dict[str, Any]:
        """Makes a batch in its slot."""
        into = self._shapes.views(self._slots[slot])
        batches.make(batch, self._examples, self._given, self._begin["train"], into)
        return {}


if __name__ == "__main__":
    serve(lambda: _Maker(sys.argv[1]).tasks())
