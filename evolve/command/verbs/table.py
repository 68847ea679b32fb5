"""`make table`."""

from evolve.command.arguments import Words, named_runs

WHAT = "the papers' tables beside a run's, or several runs' mean and spread"
WORDS = "RUN NET"


def run(words: Words) -> int:
    """Exit status 0. Raises UserError."""
    from evolve.figures import table

    runs = named_runs(words)
    if len(runs) > 1:
        print(table.summary(runs))
        return 0
    table.show(runs[0])
    return 0
