"""The window of a convolution or a pooling as struct window of the kernels has it: on two axes."""

from evolve.base.errors import UserError
from evolve.network.axes import Shape
from trt.onnx.graph import Node

_AXES = 2


def window(node: Node, size: Shape, places: Shape) -> str:
    """The C initialiser for maps of `size` on which the window has `places`; a single axis lies along the rows.

    UserError for more than two axes.
    """
    lacking = _AXES - len(size)
    if lacking < 0:
        raise UserError(
            f"expected one or two axes of space in C, got {len(size)}; leave it out, or use an engine (make onnx)"
        )
    given = node.attributes
    # A pooling of whole maps has no attributes; pads are those of the near ends, then those of the far ends.
    fields = [
        ([1] * lacking, size),
        ([1] * lacking, places),
        ([1] * lacking, given.get("kernel_shape", size)),
        ([1] * lacking, given.get("strides", [1] * len(size))),
        ([0] * lacking, given.get("pads", [0] * len(size))[: len(size)]),
        ([1] * lacking, given.get("dilations", [1] * len(size))),
    ]
    return f"{{{', '.join('{{{}, {}}}'.format(*before, *each) for before, each in fields)}}}"
