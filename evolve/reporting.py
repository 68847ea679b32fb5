"""The report of a run at work: renewed whenever there is more to show, and never a reason for the run to stop."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from evolve import progress, run_folder


@contextmanager
def kept(run: Path, last: int) -> Iterator[None]:
    """However the block ends, report.html says afterwards that nobody is at work on `run` any more.

    `last` is the generation that the run is to reach.
    """
    try:
        yield
    finally:
        renew(run, last, at_work=False)


def renew(run: Path, last: int, at_work: bool = True) -> None:
    """Writes report.html into the folder of `run`, or says in one line why not. Nothing to show yet: no report."""
    try:
        if not run_folder.committed(run):
            return
        # Loaded once there is something to show: a run that never gets so far needs none of it.
        from evolve.figures import report

        report.write(run, wanted=last, at_work=at_work)
    except Exception as error:  # whatever it is, hours of training are worth more
        progress.say_once(f"{run}: no report ({_words(error)}); the run goes on, and `make report` writes it later")


def _words(error: Exception) -> str:
    return " ".join(f"{type(error).__name__}: {error}".split())
