"""`make report`."""

from pathlib import Path

from evolve.command.arguments import Words, named_run

WHAT = "a run on one HTML page, readable offline and on a phone, also while it goes on"
WORDS = "RUN NET OUT"


def run(words: Words) -> int:
    """Exit status 0. Raises UserError."""
    from evolve.figures import report

    print(report.write(named_run(words), Path(words["OUT"]) if "OUT" in words else None))
    return 0
