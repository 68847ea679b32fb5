"""`make detect` finds boxes on one's own images."""

from pathlib import Path

from evolve.base import processors
from evolve.base.counted import counted
from evolve.command.arguments import Arguments, generation, given_path, machine, named_run, one_of
from trt.verbs.onnx import images_for

WHAT = "boxes on your own images or a video's frames, by a run's generation: a table, JSON and pictures"
FILE = "boxes.json"
ARGUMENTS = "IMAGE RUN NET GEN WITHIN ENGINE OUT IMAGES THREADS FAST TENSORRT"


def run(arguments: Arguments) -> int:
    """Exit status 0, or 2 where an image could not be read. Raises UserError."""
    from trt.inference import output
    from trt.inference.detect import detect
    from trt.speed.engines import ENGINES

    folder, out, asked = named_run(arguments), given_path(arguments, "OUT"), Path(arguments["IMAGE"])
    number, engine = generation(arguments, folder), one_of(arguments, "ENGINE", tuple(ENGINES), "caffe")
    host = machine(arguments, threads=processors.usable())
    images = images_for(arguments, "detect", [engine])
    command = output.command("detect", asked, folder, number, engine, images=images)
    with output.into(out, asked, command, FILE) as place:
        answers = detect(folder, number, asked, engine, host, place, images)
        answers.sheet().show()
        output.write(out, answers.record(), FILE, command)
        if place:
            print(f"{place.path}: {counted(len(answers.every) - len(answers.unread), 'picture')}")
    return output.status(answers.unread)
