"""`make plot` draws the curves of runs."""

from evolve.command.arguments import Arguments, given_path, named_runs

WHAT = "curves of a run, or of several, as PNG and SVG"
ARGUMENTS = "RUN NET OUT FPS"


def run(arguments: Arguments) -> int:
    """Exit status 0. Raises UserError."""
    from evolve.figures import curves

    runs = named_runs(arguments)
    table = given_path(arguments, "FPS")
    out = given_path(arguments, "OUT") or runs[0]
    for path in curves.draw(runs, out, table):
        print(path)
    return 0
