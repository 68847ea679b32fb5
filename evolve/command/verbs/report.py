"""`make report` writes a run's page."""

from evolve.command.arguments import Arguments, given_path, named_run

WHAT = "a run on one HTML page, readable offline and on a phone, also while it goes on"
ARGUMENTS = "RUN NET OUT"


def run(arguments: Arguments) -> int:
    """Exit status 0. Raises UserError."""
    from evolve.figures import report

    folder, out = named_run(arguments), given_path(arguments, "OUT")
    print(report.write(folder, out or folder))
    return 0
