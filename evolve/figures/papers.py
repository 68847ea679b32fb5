"""What [Cluster16] (arXiv 1609.01360) reports of its three lineages: Tables 1, 2 and 3 as data.

What [Half17] (arXiv 1707.00095) reports of its lineage: DetectNet on Parse-27k, 13 generations, Figures 2 and 3.

Its text gives the end points; the curves between them are pictures only.
"""

from dataclasses import dataclass

from evolve.genetics.environment import TABLE_1

HALF17_SOURCE = "[Half17]"

# Frames per second, Figure 2, of TensorRT on a Jetson TX1.
HALF17_FPS = {1: 7.0, 13: 37.0}

# The size that is assumed (evolve/network/devices.csv says why), channels x height x width.
HALF17_SHAPE = "3x512x1024"

# Figure 3: the last generation against the first.
HALF17_CHANGES = "precision +2 %, recall −2 %"

_ENDS = " → ".join(f"{fps:g}" for fps in HALF17_FPS.values())
HALF17_ENDS = f"{_ENDS} fps in {max(HALF17_FPS)} generations, {HALF17_CHANGES}"


SOURCE = "[Cluster16]"

# Table 1: test accuracy at the generations that TABLE_1 lists.
_ACCURACY = {
    "MNIST": (0.9947, 0.9941, 0.9928, 0.9884, 0.9849, 0.9775),
    "STL10": (0.5774, 0.5933, 0.6039, 0.6051, 0.5744, 0.5658),
    "CIFAR10": (0.8669, 0.8814, 0.8766, 0.8688, 0.8588, 0.8459),
}


@dataclass(frozen=True)
class Reported:
    """One lineage of the paper. Its tables leave the last classifier out, and so does `mean`, their E.

    `neurons` are those of the leading layers, as far as the paper gives them away: the ratios of Table 2 are
    quotients of whole numbers, which only LeNet-5 32-32-64-64 fits; Table 3's fully connected widths are not known.
    """

    dataset: str
    architectural_efficiency: dict[int, float]  # Table 1, by generation
    accuracy: dict[int, float]  # Table 1, by generation
    table: int  # which one lists the cluster efficiencies
    cluster_efficiency: tuple[float, ...]  # of the last generation, a layer each
    mean: float
    network: str
    neurons: tuple[int, ...]

    @property
    def last(self) -> int:
        """The last generation that Table 1 lists, which is Table 2's and 3's."""
        return max(self.accuracy)

    def is_of(self, neurons: list[int]) -> bool:
        """Whether an ancestor with so many neurons a layer is the network that the paper evolved."""
        return len(neurons) == len(self.cluster_efficiency) + 1 and tuple(neurons[: len(self.neurons)]) == self.neurons


def _reported(
    key: str, dataset: str, table: int, ratios: tuple[float, ...], mean: float, network: str, neurons: tuple[int, ...]
) -> Reported:
    accuracy = dict(zip(TABLE_1[key], _ACCURACY[key], strict=True))
    return Reported(dataset, TABLE_1[key], accuracy, table, ratios, mean, network, neurons)


_LENET = "LeNet-5 32-32-64-64-10"
_LENET_NEURONS = (32, 32, 64, 64)

MNIST = _reported("MNIST", "MNIST", 2, (3.6, 12.96, 8.83, 13.47), 9.71, _LENET, _LENET_NEURONS)
STL10 = _reported("STL10", "STL-10", 2, (3.31, 8.46, 5.49, 6.56), 5.96, _LENET, _LENET_NEURONS)
CIFAR10 = _reported(
    "CIFAR10", "CIFAR-10", 3, (2.01, 3.10, 3.50, 3.40, 3.29, 2.97, 1.51), 2.82, "AlexNet", (96, 256, 384, 384, 256)
)

_BY_DATASET = {"mnist": MNIST, "stl10": STL10, "cifar10": CIFAR10}

# What may take a paper's data set's place, and must be marked as another.
_STANDS_IN = {"digits": "mnist"}


def of(dataset: str) -> Reported | None:
    """The paper's lineage on the data set of that name."""
    return _BY_DATASET.get(dataset)


def stood_in_for(dataset: str) -> Reported | None:
    """The paper's lineage on the data set whose place another, of that name, may take."""
    return _BY_DATASET.get(_STANDS_IN.get(dataset, ""))
