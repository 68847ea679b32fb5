"""Training images that activations are calibrated on: drawn by seed from a run's data set, as the TEST net sees them.

They are drawn from its first images, ten times as many as are wanted: a data set is stored in random order, and Caffe
reads it from the beginning.
"""

import tempfile
from pathlib import Path

import numpy as np

from evolve.base import prototxt_text
from evolve.base.caffe_messages import caffe_pb2
from evolve.base.errors import UserError
from evolve.datasets import lmdb_read
from evolve.network import phases
from evolve.runs import made_from, paths
from evolve.runs.metrics import Metrics
from evolve.training.caffe_process import CaffeProcess
from trt import inputs
from trt.inputs import Inputs, Source
from trt.onnx.export import Pair

COUNT = 200
_AMONG = 10  # times as many
# For whoever asks for an engine in eight bits alone, which calibrates.
REMEDY = "make the data set again, or choose an engine in 32 bits"
_NET = "training_images.prototxt"


def of_generation(run: Path, number: int, pair: Pair, count: int = 0, remedy: str = REMEDY) -> Source:
    """`count` (else COUNT) training images of the run's data set, drawn by the run's seed.

    Its read() raises UserError, with the `remedy`, where the data is not there any more, or other data is.
    """
    metrics = Metrics.read(paths.generation(run, number))
    count, named = count or COUNT, metrics.dataset.sha256 or run.name
    return Source(
        f"{count} training images of {named}, seed {metrics.seed}",
        lambda: _read(paths.generation(run, number), metrics, pair, count, remedy),
    )


def drawn(among: int, count: int, seed: int) -> list[int]:
    """Places of `count` images among the first `among`, in their order; all of them where there are no more."""
    return sorted(np.random.default_rng(seed).choice(among, min(count, among), replace=False).tolist())


def _read(folder: Path, metrics: Metrics, pair: Pair, count: int, remedy: str) -> Inputs:
    wanted = inputs.input_shapes(pair)
    words = f"training images of {metrics.dataset.name} (seed {metrics.seed})"
    try:
        made_from.check_generation(folder)
        with tempfile.TemporaryDirectory() as place:
            net, stored = _net(folder)
            prototxt_text.write(net, Path(place) / _NET)
            chosen = drawn(min(stored, _AMONG * count), count, metrics.seed)
            output = Path(place) / "examples.npz"
            with CaffeProcess(Path(place), Path(place) / "log", folder / paths.TRAIN_VAL) as caffe:
                caffe.call(
                    "examples", net=_NET, blobs=list(wanted), count=len(chosen), output=str(output), places=chosen
                )
            with np.load(output) as file:
                arrays = dict(file)
    except UserError as error:
        raise UserError(f"calibration found no {words}: {error}; {remedy}") from None
    return inputs.batched(arrays, wanted, words, str(folder), remedy)


def _net(folder: Path) -> tuple[phases.Net, int]:
    """The TEST net reading what TRAIN reads, and how many images there are."""
    net = prototxt_text.read(folder / paths.TRAIN_VAL, caffe_pb2.NetParameter())
    seeing = phases.reading_training(net)
    with lmdb_read.opened(Path(phases.source(phases.data_layer(seeing, "TEST")))) as environment:
        return seeing, int(environment.stat()["entries"])
