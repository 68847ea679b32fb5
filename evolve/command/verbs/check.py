"""`make check` says whether a network is sound before anything runs: it tries it on a few of its images."""

from evolve.command.arguments import Arguments, given_path, given_seed, machine

WHAT = "check prototxts, settings and data before anything runs"
ARGUMENTS = "NET SCHEDULE SET WEIGHTS SEED FAST THREADS"


def run(arguments: Arguments) -> int:
    """Exit status 0. Raises UserError."""
    from evolve.lineage import check
    from evolve.settings import changes

    changed = changes.single(arguments.get("SET", ""))
    pretrained = given_path(arguments, "WEIGHTS")
    seed = given_seed(arguments)
    print(check.check(arguments["NET"], pretrained, arguments.get("SCHEDULE", ""), changed, seed, machine(arguments)))
    return 0
