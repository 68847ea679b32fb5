"""`cavefish completion` prints what lets a shell complete the command."""

from evolve.command.arguments import Arguments, one_of

WHAT = "completion of verbs, words and values; source <(cavefish completion SHELL=bash)"
ARGUMENTS = "SHELL"


def run(arguments: Arguments) -> int:
    """Exit status 0. Raises UserError."""
    from evolve.command import completion, verbs
    from evolve.settings import networks

    shell = one_of(arguments, "SHELL", completion.SHELLS, "bash")
    known = {name: verb.ARGUMENTS.split() for name, verb in verbs.found().items()}
    print(completion.script(shell, known, networks.names()), end="")
    return 0
