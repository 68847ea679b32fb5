"""The `cavefish` command has the Makefile's verbs, and takes the Makefile's NAME=value words."""

import os
import signal
import sys
import traceback
from types import FrameType

from evolve import __version__
from evolve.base import plain_letters
from evolve.base.errors import UserError
from evolve.base.spelling import did_you_mean
from evolve.command import verbs, words
from evolve.command.arguments import checked

VERBS = verbs.found()

_HELP = ("help", "--help", "-h")
_ABOUT = "Evolves trained Caffe networks into far smaller, faster ones."


class Interrupted(BaseException):
    """A signal asks this process to end; what it was making is cleared away on the way out."""

    def __init__(self, number: int) -> None:
        self.number = number


def main(given: list[str] | None = None) -> int:
    """Runs one verb and returns the exit status: 0, 2 the user's to mend, 1 ours, 130 and 143 signals."""
    given = sys.argv[1:] if given is None else given
    plain_letters.use()
    os.environ.pop("MPLBACKEND", None)  # of windows, which none is drawn in: one that has gone would end the import
    _handle_signals()
    try:
        if told := _help(given):
            print(told)
            return 0 if given else 2
        verb = given[0]
        return VERBS[verb].run(checked(verb, VERBS[verb].ARGUMENTS.split(), given[1:]))
    except UserError as error:
        print(f"cavefish: {error}", file=sys.stderr)
        return 2
    except Interrupted as end:
        # Who only looks has nothing to go on with.
        kept = "" if given[:1] == ["serve"] else "; what is committed stays, and the same command resumes"
        print(f"cavefish: stopped{kept}", file=sys.stderr)
        return 128 + end.number
    except BrokenPipeError:
        return 1
    except Exception as error:
        # Imported here: whoever asks for help need not wait for what keeps data sets.
        from evolve.base.files import refusal_here

        if refused := refusal_here(error):
            print(f"cavefish: {refused}", file=sys.stderr)
            return 2
        traceback.print_exc()
        print("cavefish: this is a fault of Cavefish, not yours; the same command resumes", file=sys.stderr)
        return 1


def _help(given: list[str]) -> str | None:
    """What is printed for --version, help and --help, alone or with a verb; None where a verb is to run. UserError."""
    verb, *others = given or [""]
    if verb == "--version":
        return f"cavefish {__version__}"
    if verb in _HELP and others and others[0] not in _HELP:
        verb, others = others[0], ["--help"]
    if not verb or verb in _HELP:
        return words.overview({name: each.WHAT for name, each in VERBS.items()}, _ABOUT)
    if verb not in VERBS:
        hint = did_you_mean(verb, [] if "=" in verb else VERBS, "`cavefish help` lists them")
        raise UserError(f"{verb}: expected a verb; {hint}")
    if not {"--help", "-h"}.isdisjoint(others):
        return words.of_verb(verb, VERBS[verb].WHAT, VERBS[verb].ARGUMENTS.split())
    return None


_SECONDS_UNTIL_AGAIN = 0.01


def _handle_signals() -> None:
    """The first SIGINT or SIGTERM unwinds, the second one ends at once."""
    sys.unraisablehook = _raise_again

    def end(number: int, frame: FrameType | None) -> None:
        for each in (signal.SIGINT, signal.SIGTERM):
            signal.signal(each, lambda again, _: os._exit(128 + again))
        raise Interrupted(number)

    for each in (signal.SIGINT, signal.SIGTERM):
        signal.signal(each, end)


def _raise_again(lost: "sys.UnraisableHookArgs") -> None:
    """A signal that came where Python lets no exception out, in a weak reference's callback, comes again outside."""
    end = lost.exc_value
    if not isinstance(end, Interrupted):
        return sys.__unraisablehook__(lost)

    def again(number: int, frame: FrameType | None) -> None:
        raise end

    signal.signal(signal.SIGALRM, again)
    signal.setitimer(signal.ITIMER_REAL, _SECONDS_UNTIL_AGAIN)


if __name__ == "__main__":
    sys.exit(main())
