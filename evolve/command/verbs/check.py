"""`make check` says whether a network is sound before anything runs."""

from pathlib import Path

from evolve.command.arguments import Arguments

WHAT = "check prototxts and settings before anything runs"
ARGUMENTS = "NET SCHEDULE SET WEIGHTS"


def run(arguments: Arguments) -> int:
    """Exit status 0. Raises UserError."""
    from evolve.lineage import check
    from evolve.settings import changes

    changed = changes.single(arguments.get("SET", ""))
    pretrained = Path(arguments["WEIGHTS"]).resolve() if "WEIGHTS" in arguments else None
    print(check.check(arguments["NET"], pretrained, arguments.get("SCHEDULE", ""), changed))
    return 0
