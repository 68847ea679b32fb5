"""A generation's numbers are of the very data that it was made from: what lies in that place now may be other data."""

from pathlib import Path

from evolve.base import prototxt_text
from evolve.base.caffe_messages import caffe_pb2
from evolve.base.errors import UserError
from evolve.datasets.dataset import finished
from evolve.network import phases
from evolve.network.layers import detectnet
from evolve.runs import paths
from evolve.runs.metrics import Metrics


class OtherData(UserError):
    """A data set is not any more what something was made from."""


def check(folder: Path, name: str, sha256: str) -> None:
    """OtherData unless the data set in `folder`, which messages call `name`, has this sha256 and is whole."""
    there = finished(folder)
    if there is None or there.sha256 != sha256:
        got = f"another one ({there.sha256[:12]})" if there else "none that is whole and as it was"
        raise OtherData(
            f"{folder}: expected {name} (sha256 {sha256[:12]}), which this was made from, got {got}; "
            "bring that data back"
        )


def check_generation(folder: Path) -> None:
    """OtherData unless the nets of the generation in `folder` read what it was made from; early runs do not say."""
    known = Metrics.read(folder).dataset
    net = prototxt_text.read(folder / paths.TRAIN_VAL, caffe_pb2.NetParameter())
    layer = phases.data_layer(net, "TEST")
    split = Path(phases.source(layer))
    if not known.sha256 or not split.name:
        return
    check((split.parent if detectnet.feeds(layer) else split).parent, known.name, known.sha256)
    _check_mean(folder, layer.transform_param.mean_file)


def mean_file(folder: Path, named: str) -> Path:
    """The mean image of the generation in `folder`: its own, or that which its data layer names, of early runs."""
    own = folder / paths.MEAN
    return own if own.is_file() else folder / named


def _check_mean(folder: Path, named: str) -> None:
    """The data set's sha256 is of the images alone, and a mean may be the user's own."""
    own, there = mean_file(folder, named), folder / named
    if named and there.is_file() and own.read_bytes() != there.read_bytes():
        raise OtherData(f"{there}: expected {own}, got another one; bring that data back")
