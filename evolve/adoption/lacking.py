"""What a stranger's layers lack: names of their own, and fillers."""

from collections import Counter

from evolve.base.counted import counted
from evolve.network import layers, phases
from evolve.network.axes import Net
from evolve.network.layers.weighted import parameter_of
from evolve.network.weights import Weights

_FILLER = "msra"


def names(net: Net) -> list[str]:
    """Gives layers that learn nothing names of their own, in each phase."""
    notes = []
    for phase in ("TRAIN", "TEST"):
        seen = Counter[str]()
        for layer in [each for each in net.layer if phases.includes(each, phase)]:
            seen[layer.name] += 1
            if seen[layer.name] > 1:
                before, layer.name = layer.name, f"{layer.name}/{seen[layer.name]}"
                notes.append(f"{layer.type} '{before}', of which there are several: one is called '{layer.name}' now")
    return notes


def fillers(net: Net, learned: Weights) -> list[str]:
    """Gives layers with synapses that nothing else gives weights to a filler, which deploy nets have none of."""
    filled = []
    for layer in net.layer:
        known = layers.of(layer)
        if known and known.connects and layer.name not in learned:
            parameter = parameter_of(layer)
            if not parameter.HasField("weight_filler"):
                parameter.weight_filler.type = _FILLER
                filled.append(layer.name)
    if not filled:
        return []
    those = counted(len(filled), "layer")
    return [f"weight_filler {_FILLER} for {those} that had none: with Caffe's own, 0, nothing would learn"]
