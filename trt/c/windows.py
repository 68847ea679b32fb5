"""The window of a convolution or a pooling as the kernels' struct window has it: two axes, one of length 1 if need be."""

from evolve.base.errors import UserError
from evolve.network.axes import Shape
from trt.onnx.graph import Node

TWO = 2


def window(node: Node, size: Shape, places: Shape) -> str:
    """The C initialiser for maps of `size` on which the window has `places`. UserError for more than two axes."""
    if len(size) > TWO:
        raise UserError(
            f"layer '{node.layer}': expected one or two axes of space in C, got {len(size)}; "
            "leave it out, or use an engine (make onnx)"
        )
    attributes = node.attributes
    axes = [
        list(size), list(places), attributes.get("kernel_shape", list(size)),
        *(attributes.get(name, [value] * len(size)) for name, value in (("strides", 1), ("pads", 0), ("dilations", 1))),
    ]  # fmt: skip
    lacking = TWO - len(size)
    padded = [[0 if number == _PADS else 1] * lacking + each[: len(size)] for number, each in enumerate(axes)]
    return f"{{{', '.join('{{{}, {}}}'.format(*each) for each in padded)}}}"


_PADS = 4  # the fifth of struct window
