"""`make tx1` fills a folder to copy to a Jetson TX1."""

from evolve.command.arguments import Arguments
from trt.verbs import device

WHAT = "a folder to copy to a Jetson TX1: every generation of a run, and programs that measure them there"
ARGUMENTS = "RUN NET GEN WITHIN SHAPE INPUTS OUT"


def run(arguments: Arguments) -> int:
    """Exit status 0. Raises UserError."""
    return device.fill(arguments, "tx1")
