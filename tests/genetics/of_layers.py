"""Encodings of layers on their own, without a graph: what the tests encode."""

import numpy as np

from evolve.genetics import clusters, synapses
from evolve.genetics.clusters import Clusters
from evolve.genetics.encoding import PAPERS, SelectionPressure
from evolve.genetics.synapses import Synapses


def encoded(
    layers: list[np.ndarray], truncation: float = 0.1, clustered: bool = True, pressure: SelectionPressure = PAPERS
) -> Clusters | Synapses:
    """The encoding CLUSTER, or SYNAPSE, of layers (clusters, synapses); their names are "0", "1" and so on."""
    if clustered:
        return Clusters({f"{n}": clusters.encode_layer(rows, truncation, pressure) for n, rows in enumerate(layers)})
    return Synapses({f"{n}": synapses.encode_layer(rows, pressure) for n, rows in enumerate(layers)})
