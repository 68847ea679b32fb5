"""Where everything lies on disk, named once."""

import os
from pathlib import Path

TRAIN_VAL = "train_val.prototxt"
DEPLOY = "deploy.prototxt"
SOLVER = "solver.prototxt"
WEIGHTS = "weights.caffemodel"
HALF_WEIGHTS = "weights.half.caffemodel"
METRICS = "metrics.json"
DETECTIONS = "detections.png"
ANSWERS = "answers.png"  # some test images, side by side, as score's answers in metrics.json list them
PROTOTXTS = "prototxt"  # in a run's folder: the files that it is made from
SETTINGS = f"{PROTOTXTS}/settings.txt"  # every setting that it was begun with, those by default too
LABELS = "labels.txt"  # names of the classes that the net's outputs stand for, a line each, where they are known
MEAN = "mean.binaryproto"  # what the net subtracts, where its data layer names a mean_file
TRAIN_LOG = "train.log"
DONE = "DONE.json"
LINEAGE = "lineage.csv"
REPORT = "report.html"
COMMON = "common.prototxt"  # the net that siblings were drawn in, where several of them are parents
CHANNELS = "channels.json"  # which of its channels one of them has
GENOME, TRAINED = "genome.caffemodel", "trained.caffemodel"  # what a training begins with, and what it leaves
MASKED, MASKED_NET = "masked.caffemodel", "masked.prototxt"  # an offspring in its parent's net, before it is shrunk
SCRATCH, SCRATCH_NET, SCRATCH_SOLVER = "scratch.caffemodel", "scratch.prototxt", "scratch_solver.prototxt"
TRAINING_NET, TRAINING_SOLVER = "training_net.prototxt", "training_solver.prototxt"  # as Caffe is given them
UNTIL_FINISHED = (  # of these a generation that is done has none
    GENOME, TRAINED, MASKED, MASKED_NET, SCRATCH, SCRATCH_NET, SCRATCH_SOLVER, TRAINING_NET, TRAINING_SOLVER
)  # fmt: skip
UNFINISHED = ".unfinished"  # what the name of a folder ends in where a generation is being made
SWEEP_LOG = "sweep.log"  # what a run of a sweep said
HOLDER = ".holder"  # pid of the process at work on a run
ASKED = ".asked"  # how many generations the last command that went on with a run was to reach


def data() -> Path:
    """Where data sets are kept, below the current directory."""
    return Path("data").resolve()


def runs() -> Path:
    """Where runs are kept: $CAVEFISH_RUNS, or runs/ below the current directory."""
    return Path(os.environ.get("CAVEFISH_RUNS", "runs")).resolve()


def generation(run: Path, number: int) -> Path:
    """The folder of one generation of a run."""
    return run / f"gen{number:03d}"


def prototxts(generation: Path) -> Path:
    """Where a run keeps the files that it is made from, beside the folder of a `generation`."""
    return generation.resolve().parent / PROTOTXTS


def parent(rank: int) -> tuple[str, str, str]:
    """The names, in a generation's folder, of a parent's prototxt, caffemodel and record of channels; the fittest is 1.

    The fittest is the generation itself.
    """
    if rank == 1:
        return TRAIN_VAL, WEIGHTS, CHANNELS
    return f"parent{rank}.prototxt", f"parent{rank}.caffemodel", f"parent{rank}.{CHANNELS}"


def siblings(number: int) -> str:
    """The name, in a run's folder, of the folder of a generation's finished siblings until it is committed."""
    return f".gen{number:03d}.siblings"


def unfinished(folder: Path) -> Path:
    """Where a generation is being made that `folder` is to hold."""
    return folder.with_name(f".{folder.name}{UNFINISHED}")


def snapshots(number: int) -> str:
    """The name, in a run's folder, of the folder of a generation's snapshots while it is trained."""
    return f".gen{number:03d}.training"
