"""Where everything lies on disk, named once."""

import difflib
import os
from pathlib import Path

from evolve.base.errors import UserError

_PACKAGE = Path(__file__).resolve().parents[1]

TRAIN_VAL = "train_val.prototxt"
DEPLOY = "deploy.prototxt"
SOLVER = "solver.prototxt"
EVOLUTION = "evolution.prototxt"
WEIGHTS = "weights.caffemodel"
HALF_WEIGHTS = "weights.half.caffemodel"
METRICS = "metrics.json"
DETECTIONS = "detections.png"
TRAIN_LOG = "train.log"
DONE = "DONE.json"
LINEAGE = "lineage.csv"
COMMON = "common.prototxt"  # the net that siblings were drawn in, where several of them are parents
CHANNELS = "channels.json"  # which of its channels one of them has
SWEEP_LOG = "sweep.log"  # what a run of a sweep said
HOLDER = ".holder"  # pid of the process at work on a run


def prototxt_root() -> Path:
    """The folder of networks: the checkout's, or the copy that an installed package carries."""
    checkout = _PACKAGE.parent / "prototxt"
    return checkout if checkout.is_dir() else _PACKAGE / "prototxt"


def defaults() -> Path:
    """The one commented file of all defaults."""
    return prototxt_root() / "evolution.defaults.prototxt"


def network(name: str) -> Path:
    """The folder of a network: a path, or a name under prototxt/. UserError naming the nearest one."""
    for folder in (Path(name), prototxt_root() / name):
        if (folder / TRAIN_VAL).is_file() or (folder / EVOLUTION).is_file():
            return folder.resolve()
    known = sorted(path.name for path in prototxt_root().iterdir() if path.is_dir())
    nearest = difflib.get_close_matches(name, known, n=1)
    hint = f"did you mean {nearest[0]}?" if nearest else f"known are: {', '.join(known)}"
    raise UserError(f"NET={name}: expected a folder with {TRAIN_VAL}, or a name under prototxt/; {hint}")


def data() -> Path:
    """Where data sets are kept, below the current directory."""
    return Path("data").resolve()


def runs() -> Path:
    """Where runs are kept: $CAVEFISH_RUNS, or runs/ below the current directory."""
    return Path(os.environ.get("CAVEFISH_RUNS", "runs")).resolve()


def generation(run: Path, number: int) -> Path:
    """The folder of one generation of a run."""
    return run / f"gen{number:03d}"


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


def snapshots(number: int) -> str:
    """The name, in a run's folder, of the folder of a generation's snapshots while it is trained."""
    return f".gen{number:03d}.training"
