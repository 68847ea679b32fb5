"""`make table` shows the papers' tables beside runs."""

from evolve.command.arguments import Arguments, named_runs

WHAT = "the papers' tables beside a run's, or several runs' mean and spread"
ARGUMENTS = "RUN NET"


def run(arguments: Arguments) -> int:
    """Exit status 0. Raises UserError."""
    from evolve.figures import table

    runs = named_runs(arguments)
    if len(runs) > 1:
        table.show_summary(runs)
        return 0
    table.show(runs[0])
    return 0
