"""`make classify` tells the classes of one's own images."""

from pathlib import Path

from evolve.base import processors
from evolve.command.arguments import Arguments, generation, given_path, machine, named_run, one_of

WHAT = "the classes of your own images or a video's frames, by a run's generation: a table, JSON and pictures"
ARGUMENTS = "IMAGE RUN NET GEN WITHIN ENGINE FIT OUT THREADS FAST TENSORRT"


def run(arguments: Arguments) -> int:
    """Exit status 0, or 2 where an image could not be read. Raises UserError."""
    from trt.inference import contact_sheet, output, preparation
    from trt.inference.classify import classify
    from trt.speed.engines import ENGINES

    folder, out, asked = named_run(arguments), given_path(arguments, "OUT"), Path(arguments["IMAGE"])
    with output.into(out, asked) as place:
        answers = classify(
            folder,
            generation(arguments, folder),
            asked,
            one_of(arguments, "ENGINE", tuple(ENGINES), "caffe"),
            machine(arguments, threads=processors.usable()),
            one_of(arguments, "FIT", preparation.FITS, usual=""),
            drawn=place is not None,
        )
        answers.sheet().show()
        output.write(out, answers.record(), "classes.json")
        if place:
            contact_sheet.write(place / "classes.png", answers)
            print(place / "classes.png")
    return output.status(answers.unread)
