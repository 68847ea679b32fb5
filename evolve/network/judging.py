"""What a TEST net judges its predictions by: found by its layers' types, whatever they and their tops are called."""

from evolve.network import layers, phases
from evolve.network.axes import Layer, Net

_LOSS = "SoftmaxWithLoss"


def accuracy(net: Net) -> Layer | None:
    """The layer that says the accuracy in phase TEST; None where there is none.

    Of several of type Accuracy the one with top_k 1; of those the one beside the loss of the largest weight, whichever
    phase has that, which is no auxiliary classifier's; of those the first. Without any, one of another type whose top
    is called accuracy.
    """
    tested = phases.for_phase(net, "TEST").layer
    found = [layer for layer in tested if layer.type == "Accuracy" and len(layer.bottom) > 1]
    found = [layer for layer in found if layer.accuracy_param.top_k == 1] or found
    weights = {layer.bottom[0]: _weight(layer) for layer in net.layer if layer.type == _LOSS and layer.bottom}
    # An accuracy may be of the probabilities that a Softmax makes of what the loss is of.
    softmax = [layer for layer in tested if layer.type == "Softmax"]
    weights |= {layer.top[0]: weights[layer.bottom[0]] for layer in softmax if layer.bottom[0] in weights}
    if found:
        return max(found, key=lambda layer: weights.get(layer.bottom[0], 0.0))
    return next((layer for layer in tested if "accuracy" in layer.top), None)


def accuracy_top(net: Net) -> str:
    """The blob that says the accuracy; "" where there is none."""
    layer = accuracy(net)
    return "" if layer is None else "accuracy" if "accuracy" in layer.top else str(layer.top[0])


def loss_top(net: Net) -> str:
    """The blob of the softmax loss of the predictions that the accuracy is of; "" where TEST has none."""
    layer, tested = accuracy(net), phases.for_phase(net, "TEST").layer
    tops = [each.top[0] for each in tested if each.type == _LOSS and each.top and layer is not None and
            list(each.bottom[:2]) == list(layer.bottom[:2])]  # fmt: skip
    return str(tops[0]) if tops else ""


def loss_weights(net: Net) -> dict[str, float]:
    """The blobs of the losses that the net of phase TEST has, and the weight of each; none of a weight of 0."""
    found: dict[str, float] = {}
    for layer in phases.for_phase(net, "TEST").layer:
        usual = [1.0] if layers.kind(layer).endswith("Loss") else []
        tops = list(layer.top) or ["(automatic)"]  # as Caffe calls the top of a loss that has none
        found |= dict(zip(tops, list(layer.loss_weight) or usual, strict=False))
    return {top: weight for top, weight in found.items() if weight}


def compared(net: Net) -> tuple[str, str]:
    """The blobs of the predictions and of the classes that they are compared with; both "" without an Accuracy."""
    layer = accuracy(net)
    return (str(layer.bottom[0]), str(layer.bottom[1])) if layer is not None and layer.type == "Accuracy" else ("", "")


def output(net: Net, deployed: Net) -> str:
    """The blob of the deploy net that says what the accuracy of `net` is of; "" where nothing does.

    That is a Softmax of the predictions where it has one, which keeps the classes' order, else they themselves.
    """
    blob = compared(net)[0]
    softmaxes = [layer.top[0] for layer in deployed.layer if layer.type == "Softmax" and blob in layer.bottom]
    there = blob and any(blob in layer.top for layer in deployed.layer)
    return str(softmaxes[0]) if softmaxes else blob if there else ""


def _weight(layer: Layer) -> float:
    return float(layer.loss_weight[0]) if layer.loss_weight else 1.0
