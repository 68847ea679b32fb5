"""How many threads a run's fast layers get: its share of the cores, and the same number for all of its generations.

With another number of threads the last bits of a training differ, so a run keeps the number that it began with.
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from evolve.base.errors import UserError
from evolve.runs import generation, paths, run_folder
from evolve.runs.metrics import Metrics

_QUOTA = Path("/sys/fs/cgroup/cpu.max")


@contextmanager
def shared_out(run: Path) -> Iterator[None]:
    """For the block, $THREADS is what the processes of `run` get; what the user has set stays.

    UserError if $THREADS is no number of 1 or more.
    """
    given = os.environ.get("THREADS", "")
    if given:
        if not given.isdecimal() or not int(given):
            raise UserError(f"THREADS={given}: expected a whole number of 1 or more")
        yield
        return
    os.environ["THREADS"] = str(_begun_with(run) or share(run))
    try:
        yield
    finally:
        del os.environ["THREADS"]


def share(run: Path) -> int:
    """The cores there are, divided by the runs at work below the same folder, `run` itself among them."""
    return max(1, cores() // (1 + _others_at_work(run)))


@contextmanager
def divided(tasks: int) -> Iterator[int]:
    """For the block, what runs `tasks` side by side shares out $THREADS; yields how many run at a time.

    As many as there are threads; with more than one at a time, each has one thread of BLAS.
    """
    total = int(os.environ.get("THREADS") or cores())
    at_a_time = min(tasks, total)
    each = {"THREADS": str(total // at_a_time)}
    if at_a_time > 1:
        each |= {"OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1"}
    before = {name: os.environ.get(name) for name in each}
    os.environ |= each
    try:
        yield at_a_time
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value


def cores() -> int:
    """Cores that this process may use: its affinity, and the quota of a container (cgroup v2) rounded down."""
    allowed = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    try:
        quota, period = _QUOTA.read_text().split()
        return max(1, min(allowed, int(quota) // int(period)))
    except (OSError, ValueError):
        # No such file, or "max": no quota.
        return allowed


def _begun_with(run: Path) -> int:
    """That of the first generation that is as it was committed; 0 where there is none."""
    whole = (folder for folder in sorted(run.glob("gen[0-9][0-9][0-9]")) if generation.exists(folder))
    return next((int(Metrics.read(folder).versions.threads or 0) for folder in whole), 0)


def _others_at_work(run: Path) -> int:
    others = [holder.parent for holder in run.parent.parent.glob(f"*/*/{paths.HOLDER}") if holder.parent != run]
    return sum(map(run_folder.at_work, others))
