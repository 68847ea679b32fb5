"""`make sweep`."""

import sys

from evolve.words import Words, whole

WHAT = "evolve many: seeds times settings, side by side, here or on a Dask cluster"
WORDS = "NET GEN SEEDS SET SCHEDULE WEIGHTS HALF_BLOBS FAST THREADS SCHEDULER"


def run(words: Words) -> int:
    """Exit status 0; if runs failed 2, or 1 where one of them was not the user's to mend. Raises UserError."""
    from evolve import progress
    from evolve.sweep import local, plan, summary
    from evolve.sweep.watch import Watch
    from evolve.training import threads

    made = plan.make(words)
    at_once = max(1, threads.cores() // (whole(words, "THREADS", least=1) or 1))
    plan.prepare_data(made)
    progress.say(f"{len(made.runs)} runs, {min(at_once, len(made.runs))} side by side")
    with Watch(made.runs) as watch:
        ended = local.run_all(made.runs, at_once, watch)
    for sheet in summary.sheets(ended):
        sheet.show()
    failed = summary.failures(ended)
    if failed:
        listed = "\n".join(failed)
        print(f"cavefish: {len(failed)} of {len(ended)} runs failed:\n{listed}", file=sys.stderr)
    return summary.status(ended)
