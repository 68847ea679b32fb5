"""`make frontier` draws accuracy against compression of all runs."""

from evolve.base.errors import UserError
from evolve.command.arguments import Arguments, every_run, given_path
from evolve.runs import out_place, paths

WHAT = "accuracy against compression: all runs, mean and spread, beside the papers and what others published"
ARGUMENTS = "RUN NET OUT"


def run(arguments: Arguments) -> int:
    """Exit status 0. Raises UserError."""
    from evolve.base import files
    from evolve.figures import frontier

    frontiers, left_out = frontier.gather(every_run(arguments))
    for each in frontiers:
        for sheet in each.sheets():
            sheet.show()
    if not frontiers:
        raise UserError("\n".join([*left_out, "frontier: expected a run that can be drawn, got none; name it by RUN="]))
    for line in left_out:
        print(line)
    out = out_place.as_folder(given_path(arguments, "OUT") or paths.runs())
    with files.named_by_out(out):
        drawn = frontier.draw(frontiers, out)
    for path in drawn:
        print(path)
    return 0
