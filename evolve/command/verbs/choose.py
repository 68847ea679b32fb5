"""`make choose` says which generation of a run to take."""

from evolve.command.arguments import Arguments, named_run, within

WHAT = "the smallest generation that scores nearly what the ancestor does, and the fastest; GEN=best elsewhere"
ARGUMENTS = "RUN NET WITHIN"


def run(arguments: Arguments) -> int:
    """Exit status 0. Raises UserError."""
    from evolve.figures import choice_table

    choice_table.show(named_run(arguments), within(arguments))
    return 0
