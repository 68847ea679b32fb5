"""`make doctor`."""

from evolve.command.arguments import Words

WHAT = "versions and paths of everything used, what is missing and the remedy"
WORDS = ""


def run(words: Words) -> int:
    """Exit status 0, or 2 where something is not sound. Raises UserError."""
    from evolve.command import doctor

    lines, sound = doctor.report()
    print("\n".join(lines))
    return 0 if sound else 2
