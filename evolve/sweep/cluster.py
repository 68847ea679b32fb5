"""A sweep on a Dask cluster is a task a run, and as many at once as its workers have threads.

Workers see the runs and data sets of this machine, on a filesystem that they share. A run lives in its folder, not in
its worker: when a worker is lost, Dask gives the task to another one, which resumes the run.
"""

import socket
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from evolve.base import progress
from evolve.base.counted import counted
from evolve.base.errors import UserError
from evolve.runs import run_folder
from evolve.sweep.child import Ended, RunAtWork
from evolve.sweep.plan import PlannedRun
from evolve.sweep.watch import Watch

_SECONDS = 0.2
_SECONDS_TO_CONNECT = 10
_SECONDS_TO_END = 15.0
# A machine that died holds its locks until the filesystem's server notices, most often after a minute or two.
_SECONDS_UNTIL_FREE = 600.0


@contextmanager
def connected(address: str) -> Iterator[Any]:
    """A distributed.Client of SCHEDULER=`address`. UserError where no scheduler is."""
    try:
        import distributed
    except ImportError:
        raise UserError(f"SCHEDULER={address}: Dask is missing; `make sweep SCHEDULER=` installs it") from None
    try:
        _expect_a_port(address)
        client = distributed.Client(address, timeout=_SECONDS_TO_CONNECT, set_as_default=False)
    except (OSError, ValueError) as error:
        why = str(error).partition("\n")[0]
        raise UserError(f"SCHEDULER={address}: expected a scheduler, got: {why}; `dask scheduler` starts one") from None
    with client:
        threads = client.nthreads()
        waiting = "" if threads else "; waiting for one"
        runs = counted(sum(threads.values()), "run")
        progress.say(f"{address}: {counted(len(threads), 'worker')}, {runs} side by side{waiting}")
        yield client


def _expect_a_port(address: str) -> None:
    """ValueError for an address without one: a client that was made half complains of it at length, seconds later."""
    from distributed.comm import get_address_host_port

    if "://" not in address or address.startswith(("tcp://", "tls://")):
        _, port = get_address_host_port(address)
        if not 0 < port < 1 << 16:
            raise ValueError(f"no such port as {port}")


def run_all(runs: list[PlannedRun], client: Any, watch: Watch) -> dict[PlannedRun, Ended]:
    """Runs all of them on the cluster of a distributed.Client, and says how each ended."""
    for run in runs:
        # A worker that does not see it has another filesystem.
        run_folder.make(run.folder)
    ended: dict[PlannedRun, Ended] = {}
    tasks = _Tasks(client, runs)
    try:
        while tasks.futures:
            time.sleep(_SECONDS)
            for run, how in tasks.take_ended():
                ended[run] = how
                watch.ended(run, how)
            if watch.due():
                watch.look([run for run in tasks.futures if run_folder.at_work(run.folder)])
    finally:
        tasks.cancel()
    return ended


def work(run: PlannedRun) -> Ended:
    """The task, on a worker: waits until nobody holds the run any more, and runs it until the task is not wanted."""
    if not (run.folder.is_dir() and run.place.is_dir()):
        return Ended(2, f"worker {socket.gethostname()} has no {run.folder}; workers must share this filesystem")
    patience = time.monotonic() + _SECONDS_UNTIL_FREE
    while run_folder.at_work(run.folder) and time.monotonic() < patience and _wanted():
        time.sleep(_SECONDS)
    try:
        with RunAtWork(run) as child:
            while (how := child.ended()) is None and _wanted():
                time.sleep(_SECONDS)
    except UserError as error:
        return Ended(2, str(error))
    return how or Ended(1, "its task was cancelled")


class _Tasks:
    """Those not ended yet, a future each."""

    def __init__(self, client: Any, runs: list[PlannedRun]) -> None:
        self._client = client
        self._sweep = uuid.uuid4().hex
        self._tries = 0
        self._reached: dict[PlannedRun, int] = {}
        self.futures = {run: self._submit(run, priority=-number) for number, run in enumerate(runs)}

    def take_ended(self) -> Iterator[tuple[PlannedRun, Ended]]:
        """Those that have ended since the last call; one whose workers all died begins again if it gained by it."""
        import distributed

        for run, future in [(run, future) for run, future in self.futures.items() if future.done()]:
            del self.futures[run]
            try:
                yield run, future.result()
            except distributed.KilledWorker as error:
                if len(run_folder.committed(run.folder)) > self._reached[run]:
                    self.futures[run] = self._submit(run, priority=0)
                else:
                    died = counted(error.allowed_failures + 1, "worker")
                    yield run, Ended(1, f"{died} died on it without a generation gained; see their logs")
            except distributed.CancelledError:
                yield run, Ended(2, "lost its scheduler; once that is there again, the same command resumes")
            except Exception as error:
                yield run, Ended(1, f"a fault of its worker: {type(error).__name__}: {error}")

    def cancel(self) -> None:
        """Ends what is at work: workers see that nobody wants it any more."""
        if not self.futures:
            return
        self._client.cancel(list(self.futures.values()), force=True)
        deadline = time.monotonic() + _SECONDS_TO_END
        held = list(self.futures)
        while held and time.monotonic() < deadline:
            held = [run for run in held if run_folder.at_work(run.folder)]
            time.sleep(_SECONDS)

    def _submit(self, run: PlannedRun, priority: int) -> Any:
        self._reached[run] = len(run_folder.committed(run.folder))
        self._tries += 1
        # Never the key of another sweep on the same scheduler, nor of an earlier try.
        key = f"{run.folder.parent.name}/{run.name}-{self._sweep}-{self._tries}"
        return self._client.submit(work, run, key=key, pure=False, priority=priority)


def _wanted() -> bool:
    """Whether the scheduler still wants the task that this thread of a worker does.

    A worker that has lost its scheduler closes: another one is given its task, and waits for the run to be let go.
    """
    import distributed

    worker = distributed.get_worker()
    task = worker.state.tasks.get(worker.get_current_task())
    closing = worker.status in (distributed.Status.closing, distributed.Status.closed, distributed.Status.failed)
    return task is not None and task.state != "cancelled" and not closing
