"""`make frontier`."""

from pathlib import Path

from evolve.command.arguments import Words, every_run
from evolve.runs import paths

WHAT = "accuracy against compression: all runs, mean and spread, beside the papers and what others published"
WORDS = "RUN NET OUT"


def run(words: Words) -> int:
    """Exit status 0. Raises UserError."""
    from evolve.figures import frontier

    frontiers, left_out = frontier.gather(every_run(words))
    for each in frontiers:
        for sheet in each.sheets():
            sheet.show()
    for line in left_out:
        print(line)
    for path in frontier.draw(frontiers, Path(words["OUT"]) if "OUT" in words else paths.runs()):
        print(path)
    return 0
