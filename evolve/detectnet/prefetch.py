"""Batches are made ahead of the solver, in processes of their own, and wait for it in shared memory.

The processes are started anew, never forked: the solver's has Caffe, OpenBLAS and OpenMP in it, whose threads a forked
child lacks. Each has a pipe to itself for what to make and one for answers, and makes every n-th batch; as many are
asked for as there are slots, so that the queue is bounded. When the solver's process dies, even by SIGKILL, the pipes
close and so do they. Batches are the same bits whatever the number of processes.

The process that makes batches ahead of the solver: reads JSON lines of what to make where, until they end.

Run by `prefetch` as ``python -m evolve.detectnet.prefetch``. First line in: the param_str, the phase and the shared
memory; each other one ``{"batch", "slot"}``, answered by ``{"batch"}`` or ``{"error"}``. Lines end when the solver's
process does, however it ends, and so this one never outlives it.
"""

import json
import os
import signal
import subprocess
import sys
import traceback
import weakref
from contextlib import suppress
from typing import IO, TypeAlias

import cv2

from evolve.base.answers import private_stdout
from evolve.base.errors import UserError
from evolve.detectnet import batches, parameters
from evolve.detectnet.batches import Batch, Shapes
from evolve.detectnet.parameters import Parameters


def main() -> None:
    """Serves requests from standard input until it closes."""
    # Ctrl-C in a terminal reaches every process of the group; the solver's closes this one.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    cv2.setNumThreads(1)
    answers = private_stdout()
    try:
        _serve(answers)
    except BrokenPipeError:
        # The solver's process is gone.
        os._exit(1)


def _serve(answers: IO[str]) -> None:
    begin = json.loads(sys.stdin.readline() or "null")
    if begin is None:
        return
    given = parameters.parse(begin["param_str"])
    assert given.data
    shapes = Shapes(*map(tuple, begin["shapes"]))
    slots = batches.shared_memory(begin["descriptor"], shapes.count, begin["slots"])
    examples = batches.open_examples(given.data)
    for line in sys.stdin:
        request = json.loads(line)
        answer = {"batch": request["batch"]}
        try:
            batches.make(request["batch"], examples, given, begin["train"], shapes.views(slots[request["slot"]]))
        except Exception as error:
            if not isinstance(error, UserError):
                traceback.print_exc()
            answer = {"error": str(error) or type(error).__name__}
        answers.write(json.dumps(answer) + "\n")
        answers.flush()


if __name__ == "__main__":
    main()


_PATIENCE = 10  # seconds that a process has to end by itself

Worker: TypeAlias = "subprocess.Popen[str]"


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
            self._workers = [_start(descriptor) for _ in range(given.data.processes)]
        finally:
            os.close(descriptor)
        self.close = weakref.finalize(self, _end, self._workers)
        begin = {
            "param_str": param_str,
            "train": train,
            "shapes": [shapes.images, shapes.truth, shapes.labels],
            "descriptor": descriptor,
            "slots": slots,
        }
        for worker in self._workers:
            _say(worker, begin)
        for number in range(slots):
            self._ask(number)

    def get(self, into: Batch) -> None:
        """Copies the next batch `into` the caller's arrays; waits if it is not ready.

        UserError with the process's words if it could not make it, or if it died; then there are no more batches.
        """
        try:
            _hear(self._worker(self._next))
        except UserError:
            self.close()
            raise
        made = self._shapes.views(self._slots[self._next % len(self._slots)])
        for part, source in zip(into, made, strict=True):
            part[...] = source
        self._ask(self._next + len(self._slots))
        self._next += 1

    def _worker(self, number: int) -> Worker:
        return self._workers[number % len(self._workers)]

    def _ask(self, number: int) -> None:
        _say(self._worker(number), {"batch": number, "slot": number % len(self._slots)})


def _start(descriptor: int) -> Worker:
    return subprocess.Popen(
        [sys.executable, "-m", "evolve.detectnet.prefetch"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        pass_fds=(descriptor,),
        env={
            **os.environ,
            "OPENBLAS_NUM_THREADS": "1",
            "OMP_NUM_THREADS": "1",
            "PYTHONPATH": os.pathsep.join(path for path in sys.path if path),
        },
        text=True,
    )


def _say(worker: Worker, message: dict[str, object]) -> None:
    assert worker.stdin
    # What a dead process does not read is missed when its answer is waited for.
    with suppress(BrokenPipeError):
        worker.stdin.write(json.dumps(message) + "\n")
        worker.stdin.flush()


def _hear(worker: Worker) -> None:
    assert worker.stdout
    answer = json.loads(worker.stdout.readline() or "null")
    if answer is None:
        raise UserError(
            f"the process that makes batches ended with status {worker.wait()}; what it said is above, in the same log"
        )
    if "error" in answer:
        raise UserError(answer["error"])


def _end(workers: list[Worker]) -> None:
    for worker in workers:
        assert worker.stdin
        with suppress(BrokenPipeError):
            worker.stdin.close()
    for worker in workers:
        assert worker.stdout
        try:
            worker.wait(_PATIENCE)
        except subprocess.TimeoutExpired:
            worker.kill()
            worker.wait()
        worker.stdout.close()
