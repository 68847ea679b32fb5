"""`make serve` shows the runs in a browser."""

from evolve.command.arguments import Arguments, whole
from evolve.runs import paths

WHAT = "the runs in a browser, also while they go on; nothing can be changed through it"
ARGUMENTS = "HOST PORT"


def run(arguments: Arguments) -> int:
    """Ends with a signal. Raises UserError."""
    from evolve.base import progress
    from evolve.figures import serve

    host = arguments.get("HOST", serve.LOOPBACK)
    port = whole(arguments, "PORT", least=1) or serve.PORT
    serve.serve(paths.runs(), host, port, lambda address: progress.say(f"{address}   until Ctrl-C"))
    return 0
