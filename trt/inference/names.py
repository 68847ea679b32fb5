"""Names of a run's classes are those of its data set, where they are known; else their numbers."""

from pathlib import Path

from evolve.base import prototxt_text
from evolve.base.caffe_messages import caffe_pb2
from evolve.base.errors import UserError
from evolve.network import phases
from evolve.runs import paths
from evolve.runs.metrics import Metrics


def of(folder: Path, count: int) -> list[str]:
    """The `count` names of the classes of the generation in `folder`, class 0 first; numbers where there are none.

    A network may have more outputs than its images have classes: those have numbers then. More names are others'.
    """
    listed = known(folder)
    own = listed if len(listed) <= count else []
    return [*own, *map(str, range(len(own), count))]


def known(folder: Path) -> list[str]:
    """The names of its classes; none where nobody named them."""
    metrics = Metrics.read(folder)
    # The data set's first: a class that the test images show nothing of has no score.
    return metrics.dataset.class_names or list(metrics.score.classes) or _labels(folder)


def _labels(folder: Path) -> list[str]:
    """From labels.txt in the generation's folder, its run's, or its data set's."""
    for place in (folder, folder.parent, _data(folder)):
        try:
            words = (place / paths.LABELS).read_text(encoding="utf-8-sig").rstrip() if place else ""
        except (OSError, UnicodeDecodeError):
            continue
        if words:
            # A class that a line leaves nameless keeps its place.
            return [word.strip() or str(number) for number, word in enumerate(words.splitlines())]
    return []


def _data(folder: Path) -> Path | None:
    try:
        net = prototxt_text.read(folder / paths.TRAIN_VAL, caffe_pb2.NetParameter())
        source = phases.data_layer(net, "TEST").data_param.source
    except UserError:
        return None
    return Path(source).parent if source else None
