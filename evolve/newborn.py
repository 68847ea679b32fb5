"""A generation in the making: what it is made from, where, and the network that it begins with."""

from dataclasses import dataclass, field
from pathlib import Path

from datasets import Dataset
from evolve import paths
from evolve.experiment import Experiment
from evolve.network import prototxt
from evolve.network.caffe_proto import caffe_pb2
from evolve.network.topology import Graph
from evolve.side_by_side import Stop


@dataclass(frozen=True)
class Birth:
    """A generation in the making: its number, and the folder that it is written into.

    Or one of its siblings, counted from 1, whose folder lies in one more of the run's.
    """

    experiment: Experiment
    dataset: Dataset
    number: int
    seed: int
    folder: Path
    sibling: int = 0
    stop: Stop = field(default_factory=Stop)

    @property
    def run(self) -> Path:
        """The run's folder."""
        return self.folder.parent.parent if self.sibling else self.folder.parent

    @property
    def title(self) -> str:
        """What it is called while it is made."""
        of = f", sibling {self.sibling} of {self.experiment.settings.offspring_per_generation}" if self.sibling else ""
        return f"generation {self.number}{of}"

    @property
    def draw_seed(self) -> tuple[int, ...]:
        """What decides on its draw. The first sibling is the one that there would be alone."""
        # Two words more than the first one's: nor are they those of a trial draw.
        return (self.seed, self.number) if self.sibling <= 1 else (self.seed, self.number, 0, self.sibling)

    @property
    def solver_seed(self) -> int:
        """What decides on its training; below seeds of a thousand, nobody else's."""
        return self.seed * 1000 + self.number + 1_000_000 * max(0, self.sibling - 1)

    @property
    def snapshots(self) -> Path:
        """The folder of its training's snapshots, seen from its own; that one is made anew when it is begun again."""
        of = Path("..") / paths.snapshots(self.number)
        return of / str(self.sibling) if self.sibling else of

    def template(self) -> prototxt.Net:
        """The user's train_val.prototxt for this data set, its TEST batch a divisor of the images there are."""
        net = self.experiment.net(self.dataset.folder)
        for layer in net.layer:
            test = any(rule.phase == caffe_pb2.TEST for rule in layer.include)
            if not layer.bottom and test and not self.experiment.geometry:
                layer.data_param.batch_size = _divisor(self.dataset.counts["test"], layer.data_param.batch_size)
        return net

    def graph(self, net: prototxt.Net) -> Graph:
        """Which channels of `net` are the same channel, in both phases."""
        return self.experiment.graph(net, self.dataset.shape)

    @property
    def block(self) -> int:
        """How many filters a cluster is; 0 where clusters are kernels."""
        chosen = self.experiment.settings
        return {chosen.KERNEL: 0, chosen.FILTER: 1, chosen.FILTER_BLOCK: chosen.block_width}[chosen.cluster_shape]


def _divisor(total: int, wanted: int) -> int:
    """The largest divisor of `total` up to `wanted`, so that whole batches score every image once."""
    return max(size for size in range(1, max(1, wanted) + 1) if total % size == 0)
