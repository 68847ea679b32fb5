"""Python layers that only compute something from a net's outputs, boxes for one, are left out where they are not known.

A device does not run them, and their modules are on the machine that they were written on. What they read is an output
then, whether another layer reads it too or not.
"""

from evolve.network import layers
from evolve.network.axes import Net


def leave_out(net: Net) -> tuple[list[str], list[str]]:
    """Takes unknown Python layers out of `net` that no other layer reads; returns their bottoms, and what is said."""
    outputs, notes = list[str](), list[str]()
    while True:
        # Of a layer in place those that stand before it read its bottom alone.
        gone = [
            layer for number, layer in enumerate(net.layer, 1)
            if layer.type == "Python" and layers.of(layer) is None and layer.bottom
            and not any(top in other.bottom for other in net.layer[number:] for top in layer.top)
            and not any(weight for weight in layer.loss_weight)
        ]  # fmt: skip
        if not gone:
            written = {top for layer in net.layer for top in layer.top}
            return [name for name in dict.fromkeys(outputs) if name in written], notes
        for layer in gone:
            outputs += layer.bottom
            what = f"{layer.python_param.module}.{layer.python_param.layer}"
            bottoms = ", ".join(f"'{name}'" for name in layer.bottom)
            notes.append(
                f"layer '{layer.name}': left out, as no layer reads what Python's {what} makes of {bottoms}; "
                f"{'outputs' if len(layer.bottom) > 1 else 'an output'} instead"
            )
            net.layer.remove(layer)
