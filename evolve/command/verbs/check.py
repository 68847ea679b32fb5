"""`make check` says whether a network is sound before anything runs: it tries it on a few of its images."""

from pathlib import Path

from evolve.command.arguments import Arguments, machine, whole

WHAT = "check prototxts, settings and data before anything runs"
ARGUMENTS = "NET SCHEDULE SET WEIGHTS SEED FAST THREADS"


def run(arguments: Arguments) -> int:
    """Exit status 0. Raises UserError."""
    from evolve.lineage import check
    from evolve.settings import changes

    changed = changes.single(arguments.get("SET", ""))
    pretrained = Path(arguments["WEIGHTS"]).resolve() if "WEIGHTS" in arguments else None
    seed = whole(arguments, "SEED") if "SEED" in arguments else None
    print(check.check(arguments["NET"], pretrained, arguments.get("SCHEDULE", ""), changed, seed, machine(arguments)))
    return 0
