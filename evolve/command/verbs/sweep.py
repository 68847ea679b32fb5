"""`make sweep`."""

import sys
from typing import TYPE_CHECKING

from evolve.command.arguments import Words, whole

if TYPE_CHECKING:
    from evolve.sweep.child import Ended
    from evolve.sweep.plan import Plan, Run

WHAT = "evolve many: seeds times settings, side by side, here or on a Dask cluster"
WORDS = "NET GEN SEEDS SET SCHEDULE WEIGHTS HALF_BLOBS FAST THREADS SCHEDULER"


def run(words: Words) -> int:
    """Exit status 0; if runs failed 2, or 1 where one of them was not the user's to mend. Raises UserError."""
    from evolve.sweep import plan, summary

    made = plan.make(words)
    ended = _on_a_cluster(made, words["SCHEDULER"]) if "SCHEDULER" in words else _here(made, words)
    ended = {each: ended[each] for each in made.runs}
    for sheet in summary.sheets(ended):
        sheet.show()
    if failed := summary.failures(ended):
        print(f"cavefish: {len(failed)} of {len(ended)} runs failed", *failed, sep="\n", file=sys.stderr)
    return summary.status(ended)


def _here(made: "Plan", words: Words) -> "dict[Run, Ended]":
    from evolve.base import progress
    from evolve.runs import threads
    from evolve.sweep import local, plan
    from evolve.sweep.watch import Watch

    plan.prepare_data(made)
    at_once = min(len(made.runs), max(1, threads.cores() // (whole(words, "THREADS") or 1)))
    progress.say(f"{len(made.runs)} runs, {at_once} side by side")
    with Watch(made.runs) as watch:
        return local.run_all(made.runs, at_once, watch)


def _on_a_cluster(made: "Plan", address: str) -> "dict[Run, Ended]":
    from evolve.sweep import cluster, plan
    from evolve.sweep.watch import Watch

    with cluster.connected(address) as client:
        plan.prepare_data(made)
        with Watch(made.runs) as watch:
            return cluster.run_all(made.runs, client, watch)
