"""A run at work has a report that says how far it is: written anew after each generation, and now and then.

Not after every one, where they are made faster than anybody reads: five seconds lie between two reports at least.
"""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from evolve.base import progress
from evolve.runs import paths, run_folder

_SECONDS_BETWEEN = 30.0
_SECONDS_AT_LEAST = 5.0


class Reports:
    """Those of `run`, which is to reach generation `last`."""

    def __init__(self, run: Path, last: int) -> None:
        self._run, self._last = run, last
        self._changed, self._ended = threading.Event(), threading.Event()
        self._renewing = threading.Thread(target=self._renew, name="report")
        self._turn = threading.Lock()  # both write a page that is unfinished under one name

    @contextmanager
    def at_work(self) -> Iterator["Reports"]:
        """While the block is at work a thread renews the report; however it ends, that says then that nobody is."""
        try:
            # A signal may come as soon as it has begun, and the process would wait for it for ever.
            self._renewing.start()
            yield self
        finally:
            self._ended.set()
            self._changed.set()
            if self._renewing.is_alive():
                self._renewing.join()
            self.write(at_work=False)

    def changed(self) -> None:
        """There is more to be said, soon."""
        self._changed.set()

    def write(self, at_work: bool = True) -> None:
        """Writes report.html now, or says in one line why not. Nothing to show any more: no report."""
        try:
            if not (at_work or run_folder.committed(self._run)):
                return (self._run / paths.REPORT).unlink(missing_ok=True)
            # Loaded once there is something to show: a run that never gets so far needs none of it.
            from evolve.figures import report

            with self._turn:
                report.write(self._run, wanted=self._last, at_work=at_work)
        except Exception as error:  # whatever it is, hours of training are worth more
            why = " ".join(f"{type(error).__name__}: {error}".split())
            progress.say_once(f"{self._run}: no report ({why}); the run goes on, and `make report` writes it later")

    def _renew(self) -> None:
        while not self._ended.wait(_SECONDS_AT_LEAST):
            self._changed.wait(_SECONDS_BETWEEN)
            self._changed.clear()
            if not self._ended.is_set():
                self.write()
