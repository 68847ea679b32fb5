"""A generation in the making: what it is made from, where, and the network that it begins with."""

from dataclasses import dataclass
from pathlib import Path

from datasets import Dataset
from evolve.experiment import Experiment
from evolve.network import prototxt
from evolve.network.caffe_proto import caffe_pb2
from evolve.network.topology import Graph


@dataclass(frozen=True)
class Birth:
    """A generation in the making: its number, and the folder that it is written into."""

    experiment: Experiment
    dataset: Dataset
    number: int
    seed: int
    folder: Path

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
