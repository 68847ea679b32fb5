"""`make tx1` fills a folder to copy to a Jetson TX1."""

from pathlib import Path

from evolve.command.arguments import Arguments, generation, image_shape, named_run

WHAT = "a folder to copy to a Jetson TX1: every generation of a run, and programs that measure them there"
ARGUMENTS = "RUN NET GEN WITHIN SHAPE INPUTS OUT"


def run(arguments: Arguments) -> int:
    """Exit status 0. Raises UserError."""
    from trt import tx1_folder

    folder = named_run(arguments)
    numbers = tx1_folder.numbers_of(folder, generation(arguments, folder) if "GEN" in arguments else 0)
    out = Path(arguments.get("OUT", folder / "tx1"))
    tx1_folder.fill(folder, out, numbers, image_shape(arguments), arguments.get("INPUTS") != "none", print)
    return 0
