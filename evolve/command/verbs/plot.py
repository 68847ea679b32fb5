"""`make plot`."""

from pathlib import Path

from evolve.command.arguments import Words, named_runs

WHAT = "curves of a run, or of several, as PNG and SVG"
WORDS = "RUN NET OUT FPS"


def run(words: Words) -> int:
    """Exit status 0. Raises UserError."""
    from evolve.figures import curves

    runs = named_runs(words)
    table = Path(words["FPS"]) if "FPS" in words else None
    for path in curves.draw(runs, Path(words["OUT"]) if "OUT" in words else runs[0], table):
        print(path)
    return 0
