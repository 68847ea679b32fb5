"""Many data sets of one's own have one name: where they lie tells them apart, and what comes along lies nowhere."""

import hashlib
import os
from pathlib import Path

from evolve.figures import kept_lineage
from evolve.figures.run import Run
from evolve.runs import state
from evolve.runs.metrics import Data
from evolve.settings import networks
from evolve.settings.changes import HERE
from evolve.settings.settings import Settings

_LONGEST = 40  # letters of a folder's name that a file's has


def of(path: Path, run: Run) -> str:
    """The folder or list that the data of `run`, kept in `path`, was made from, or its network where a file there is.

    "" of a data set that comes along. A path from a network that lies elsewhere begins with the network's name, and a
    name among raw files stays one.
    """
    data = run.ancestor.dataset
    if kept_lineage.is_one(path):
        return ""
    if data.is_own:
        return run.network
    kept = state.wanted_settings(path)
    return _seen_from(run.network, kept, data) if kept else ""


def named(name: str, place: str) -> str:
    """What files call a data set of that name that lies in `place`: always the same, whatever others there are."""
    if not place:
        return name
    base = Path(place).name[-_LONGEST:]
    # Images' names have the folder's in them, without what looks like a file's ending.
    words = [name[-_LONGEST:], *([] if Path(place).stem in name else [base])]
    return "-".join([*words, hashlib.sha256(place.encode(errors="surrogateescape")).hexdigest()[:8]])


def _seen_from(network: str, kept: Settings, data: Data) -> str:
    asked = kept.dataset
    # Where another stood in, it is that one.
    if data.name == asked.name:
        given = asked.detection.folder
        is_path = os.path.isabs(os.path.expanduser(given)) or given.startswith(HERE)
    else:
        given = (asked.folder or asked.train) if data.name.endswith(f" ({asked.name})") else ""
        is_path = bool(given)
    if not is_path:
        return given
    there, given = networks.root() / network, os.path.expanduser(given)
    return os.path.abspath(there / given) if there.is_dir() or os.path.isabs(given) else os.path.join(network, given)
