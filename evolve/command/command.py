"""The `cavefish` command has the Makefile's verbs, and takes the Makefile's NAME=value words."""

import argparse
import os
import signal
import sys
import traceback
from types import FrameType

from evolve.base.errors import UserError
from evolve.command import verbs
from evolve.command.arguments import MEANINGS, checked

VERBS = verbs.found()


class Interrupted(BaseException):
    """A signal asks this process to end; what it was making is cleared away on the way out."""

    def __init__(self, number: int) -> None:
        self.number = number


def main(words: list[str] | None = None) -> int:
    """Runs one verb and returns the exit status: 0, 2 the user's to mend, 1 ours, 130 and 143 signals."""
    verb, given = _parse(sys.argv[1:] if words is None else words)
    _handle_signals()
    try:
        return VERBS[verb].run(checked(verb, VERBS[verb].ARGUMENTS.split(), given))
    except UserError as error:
        print(f"cavefish: {error}", file=sys.stderr)
        return 2
    except Interrupted as end:
        print("cavefish: stopped; what is committed stays, and the same command resumes", file=sys.stderr)
        return 128 + end.number
    except MemoryError:
        print("cavefish: expected more memory than there is; a smaller network or batch needs less", file=sys.stderr)
        return 2
    except BrokenPipeError:
        return 1
    except Exception:
        traceback.print_exc()
        print("cavefish: this is a fault of Cavefish, not yours; the same command resumes", file=sys.stderr)
        return 1


def _parse(words: list[str]) -> tuple[str, list[str]]:
    what = "\n".join(f"  {name:8} {verb.WHAT}" for name, verb in VERBS.items())
    parser = argparse.ArgumentParser(
        "cavefish",
        usage="cavefish VERB [NAME=value ...]",
        description=f"Evolves trained Caffe networks into far smaller, faster ones.\n\nverbs:\n{what}\n\n{MEANINGS}",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("verb", choices=VERBS, metavar="VERB", help="one of the verbs above")
    parser.add_argument("words", nargs="*", metavar="NAME=value", help="what the verb needs to know")
    parsed = parser.parse_args(words)
    return parsed.verb, parsed.words


def _handle_signals() -> None:
    """The first SIGINT or SIGTERM unwinds, the second one ends at once."""

    def end(number: int, frame: FrameType | None) -> None:
        for each in (signal.SIGINT, signal.SIGTERM):
            signal.signal(each, lambda again, _: os._exit(128 + again))
        raise Interrupted(number)

    for each in (signal.SIGINT, signal.SIGTERM):
        signal.signal(each, end)


if __name__ == "__main__":
    sys.exit(main())
