"""`make check`."""

from pathlib import Path

from evolve.command.arguments import Words

WHAT = "check prototxts and settings before anything runs"
WORDS = "NET SCHEDULE SET WEIGHTS"


def run(words: Words) -> int:
    """Exit status 0. Raises UserError."""
    from evolve.lineage import check
    from evolve.settings import changes

    pretrained = Path(words["WEIGHTS"]).resolve() if "WEIGHTS" in words else None
    print(check.check(words["NET"], pretrained, words.get("SCHEDULE", ""), changes.single(words.get("SET", ""))))
    return 0
