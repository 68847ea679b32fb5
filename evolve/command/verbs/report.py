"""`make report` writes a run's page."""

from evolve.command.arguments import Arguments, given_path, named_run

WHAT = "a run on one HTML page, readable offline and on a phone, also while it goes on"
ARGUMENTS = "RUN NET OUT"


def run(arguments: Arguments) -> int:
    """Exit status 0. Raises UserError."""
    from evolve.base import files
    from evolve.figures import report

    folder, out = named_run(arguments), given_path(arguments, "OUT")
    with files.named_by_out(out or folder):
        print(report.write(folder, out))
    return 0
