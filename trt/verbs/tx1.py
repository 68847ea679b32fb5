"""`make tx1`."""

from pathlib import Path

from evolve.command.arguments import Words, image_shape, named_run, whole

WHAT = "a folder to copy to a Jetson TX1: every generation of a run, and programs that measure them there"
WORDS = "RUN NET GEN SHAPE INPUTS OUT"


def run(words: Words) -> int:
    """Exit status 0. Raises UserError."""
    from trt import tx1_folder

    folder = named_run(words)
    numbers = tx1_folder.numbers_of(folder, whole(words, "GEN", least=1))
    out = Path(words.get("OUT", folder / "tx1"))
    tx1_folder.fill(folder, out, numbers, image_shape(words), words.get("INPUTS") != "none", print)
    return 0
