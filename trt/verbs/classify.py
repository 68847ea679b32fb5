"""`make classify` tells the classes of one's own images."""

from pathlib import Path

from evolve.base import processors
from evolve.command.arguments import Arguments, generation, given_path, machine, named_run, one_of
from trt.verbs.onnx import images_for

WHAT = "the classes of your own images or a video's frames, by a run's generation: a table, JSON and pictures"
FILE = "classes.json"
ARGUMENTS = "IMAGE RUN NET GEN WITHIN ENGINE FIT OUT IMAGES THREADS FAST TENSORRT"


def run(arguments: Arguments) -> int:
    """Exit status 0, or 2 where an image could not be read. Raises UserError."""
    from trt.inference import contact_sheet, output, preparation
    from trt.inference.classify import classify
    from trt.speed.engines import ENGINES

    folder, out, asked = named_run(arguments), given_path(arguments, "OUT"), Path(arguments["IMAGE"])
    number, engine = generation(arguments, folder), one_of(arguments, "ENGINE", tuple(ENGINES), "caffe")
    fit, host = one_of(arguments, "FIT", preparation.FITS, usual=""), machine(arguments, threads=processors.usable())
    images = images_for(arguments, "classify", [engine])
    command = output.command("classify", asked, folder, number, engine, fit, images)
    with output.into(out, asked, command, FILE) as place:
        answers = classify(folder, number, asked, engine, host, fit, place is not None, images)
        answers.sheet().show()
        output.write(out, answers.record(), FILE, command)
        if place:
            print(contact_sheet.write(place, answers))
    return output.status(answers.unread)
