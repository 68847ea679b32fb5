"""All that is measured of a generation is one record, which alone writes and reads its metrics.json.

Scores are 0 to 1, the caffemodel's size in bytes, times in seconds, hashes sha256 in hexadecimal.
"""

import json
from dataclasses import dataclass, field
from pathlib import Path

from evolve.base import records
from evolve.base.errors import UserError
from evolve.network.precision import Range, bits
from evolve.runs import generation, paths
from evolve.runs.score import Score, gathered


@dataclass(frozen=True)
class Layer:
    """What exists of one layer, and how many times fewer clusters it has than at generation 1."""

    name: str
    synapses: int  # biases included
    biases: int
    kernels: int
    neurons: int
    macs: int
    clusters: int
    cluster_efficiency: float


@dataclass(frozen=True)
class Training:
    """How a training went: the whole of it, `scratch` being what came first of an ancestor in another form."""

    iterations: int
    seconds: float
    loss: float | None = None  # the last one; None where it was no number, or nothing was trained
    revived: int = 0  # absent synapses that came back; must be 0
    resumed: int = 0  # the iteration at which it went on
    scratch: "Training | None" = None
    pretrained: str | None = None  # hash of the user's caffemodel that it began with
    from_fillers: list[str] = field(default_factory=list)  # layers that this caffemodel did not have


@dataclass(frozen=True)
class Synthesis:
    """What an offspring was drawn with; empty of an ancestor. `difference` is from its masked parent, relative."""

    cluster_factor: float | None = None
    synapse_factor: float | None = None
    difference: float | None = None
    parents_sha256: list[str] = field(default_factory=list)  # of a generation that had siblings, the fittest first
    two_of_four_synapses: int = 0  # that 2:4 took before training


@dataclass(frozen=True)
class Data:
    """The data set; `notice` is what whoever reads the numbers must know of it, or "".

    The rest is how it stores an image, for whoever shows the net another one: `shape` (channels, height, width), zeros
    of its `margin` on each side among it, `colours` RGB or BGR; empty of runs that did not say.
    """

    name: str
    sha256: str = ""
    notice: str = ""
    shape: list[int] = field(default_factory=list)
    margin: int | None = None
    colours: str = ""
    class_names: list[str] = field(default_factory=list)  # of the labels 0, 1 ...; empty where nobody named them
    is_own: bool = False  # loaded by a file of the user's own, whatever it is called
    is_shared: bool = False  # one copy, which runs of all seeds read

    @property
    def shared_sha256(self) -> str:
        """That of the copy that runs of all seeds read; "" where each seed has its own, or nobody said."""
        # Only images of somebody's own have a title, `photos (images)`; of them there never was a copy for each seed.
        return self.sha256 if self.is_shared or self.name.endswith(")") else ""


@dataclass(frozen=True)
class Versions:
    """What the last bits depend on, as Caffe's process and its fast layers say it; `why` there are no fast ones."""

    caffe: str | None = None
    caffe_path: str | None = None
    layer_types: int | None = None
    numpy: str | None = None
    blas_threads: int | None = None
    blas: str | None = None
    core: str | None = None
    layers: str | None = None  # fast or stock
    fast_types: list[str] | None = None
    gpu: str | None = None  # and the CUDA of its driver; None: it ran on the CPU
    simd: str | None = None
    onednn: str | None = None
    onednn_isa: str | None = None
    together: str | None = None  # where neighbouring layers were taken together
    # Below which density of synapses layers ran on sparse code.
    sparse_below: str | None = None
    sparse_few_channels_below: str | None = None
    sparse_large_below: str | None = None
    sparse_lanes_below: str | None = None
    sparse_inner_product_below: str | None = None
    sparse_few_images_below: str | None = None
    sparse_lanes_kept_below: str | None = None
    threads: str | None = None
    why: str | None = None


@dataclass(frozen=True)
class Figures:
    """What lineage.csv lists of a generation, in its order; None where a figure was not measured."""

    synapses: int | None = None
    architectural_efficiency: float | None = None
    clusters: int | None = None
    cluster_efficiency: float | None = None
    macs: int | None = None
    caffemodel_bytes: int | None = None
    iterations: int | None = None
    train_seconds: float | None = None
    flushed_synapses: int | None = None
    accuracy: float | None = None
    precision: float | None = None
    recall: float | None = None
    map: float | None = None
    ap: float | None = None
    validation_accuracy: float | None = None


@dataclass(frozen=True, kw_only=True)
class Sibling(Figures):
    """One of the offspring that were born together; one that was unfit to live has no figures and no fitness."""

    sibling: int  # from 1
    fitness: float | None = None
    parent: int = 0  # its rank among the next generation's parents, from 1; 0 if it is none
    why: str


@dataclass(frozen=True)
class Kin:
    """What tells siblings of one generation from those of another run of events in the same folder."""

    parents: list[str]
    dataset: str
    seed: int


@dataclass(frozen=True)
class Metrics:
    """A generation's measurements, and what it was made from. `number_format` is HALF, BFLOAT16, INT8 or FLOAT.

    `flushed_synapses` were lost to that; `dead_synapses` are those of `dead_neurons`, which died in training.
    """

    generation: int
    network: str
    seed: int
    number_format: str
    synapses: int
    architectural_efficiency: float
    clusters: int
    cluster_efficiency: float
    macs: int
    caffemodel_bytes: int
    flushed_synapses: int
    dataset: Data
    training: Training
    score: Score
    layers: list[Layer] = field(default_factory=list)
    range: list[Range] = field(default_factory=list)
    synthesis: Synthesis = Synthesis()
    parent_sha256: str = ""
    versions: Versions = Versions()
    sibling: int = 0  # which of several became the generation; 0 where it was alone
    siblings: list[Sibling] = field(default_factory=list)
    dead_neurons: int = 0
    dead_synapses: int = 0
    two_of_four: list[str] = field(default_factory=list)  # layers in which 2:4 holds
    kin: Kin | None = None  # of a sibling, until one is chosen

    @property
    def bits(self) -> int:
        """How many bits a synapse has: what a device reads of it, if it computes in as few."""
        return bits(self.number_format)

    @classmethod
    def read(cls, folder: Path) -> "Metrics":
        """The metrics of the generation in `folder`. UserError where none is, or naming the key that is not right."""
        path = folder / paths.METRICS
        try:
            said = json.loads(path.read_bytes())
            if isinstance(said, dict) and isinstance(said.get("score"), dict):
                said["score"] = gathered(said["score"])
            return records.read(cls, said)
        except (FileNotFoundError, NotADirectoryError):
            raise UserError(f"{path}: expected what is measured of a generation, got no such file") from None
        except ValueError as error:
            damaged = (folder / paths.DONE).is_file() and generation.damage(folder)
            remedy = "the same `make evolve` makes it anew" if damaged else "begin another run with RUN="
            raise UserError(f"{path}: expected what is measured of a generation, got {error}; {remedy}") from None

    def write(self, folder: Path) -> None:
        """Writes metrics.json into `folder`."""
        (folder / paths.METRICS).write_text(records.text(self))

    def figures(self) -> Figures:
        """The row of lineage.csv."""
        return Figures(
            synapses=self.synapses,
            architectural_efficiency=self.architectural_efficiency,
            clusters=self.clusters,
            cluster_efficiency=self.cluster_efficiency,
            macs=self.macs,
            caffemodel_bytes=self.caffemodel_bytes,
            iterations=self.training.iterations,
            train_seconds=self.training.seconds,
            flushed_synapses=self.flushed_synapses,
            accuracy=self.score.accuracy,
            precision=self.score.precision,
            recall=self.score.recall,
            map=self.score.map,
            ap=self.score.ap,
            validation_accuracy=self.score.validation_accuracy,
        )
