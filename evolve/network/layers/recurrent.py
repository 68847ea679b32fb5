"""Recurrent layers, LSTM and RNN: counted, and left whole, for their neurons read themselves.

Blobs are T x N x inputs: time, streams, and what each stream has (RecurrentLayer); a second bottom says where a
sequence goes on, a third one is the same at all times.
"""

from evolve.base.errors import UserError
from evolve.network.axes import Layer, Shape, Shapes, count, written
from evolve.network.channels import none
from evolve.network.layers.layer_type import MANY, LayerType
from evolve.network.layers.learned import LearnedBlob

_WHY = "as its neurons read themselves"
_STATES = {"LSTM": 2, "RNN": 1}  # blobs of a hidden state, that come and go where expose_hidden asks for them


def _shapes(layer: Layer, bottoms: Shapes) -> Shapes:
    outputs, first = layer.recurrent_param.num_output, bottoms[0]
    if len(first) < 2 or tuple(bottoms[1]) != tuple(first[:2]):
        raise UserError(
            f"layer '{layer.name}': expected a bottom of time x streams x more, and one of time x streams, got "
            f"{written(first)} and {written(bottoms[1])}; make the second "
            f"{written(first[:2])}"
        )
    if not outputs:
        raise UserError(f"layer '{layer.name}': expected a num_output of 1 and more, got 0")
    return ((*first[:2], outputs), *((1, first[1], outputs),) * _STATES[layer.type])


def _blobs(layer: Layer, bottoms: Shapes, tops: Shapes) -> list[LearnedBlob]:
    """In the order in which the unrolled net has them: what reads the input, then what reads the state."""
    outputs = layer.recurrent_param.num_output
    rows = 4 * outputs if layer.type == "LSTM" else outputs
    shapes: list[Shape] = [(rows, count(bottoms[0], 2)), (rows,)]
    hidden = _STATES[layer.type] if layer.recurrent_param.expose_hidden else 0
    if len(bottoms) > 2 + hidden:
        shapes.append((rows, count(bottoms[2], 1)))
    shapes.append((rows, outputs))
    if layer.type == "RNN":
        shapes += [(outputs, outputs), (outputs,)]
    return [LearnedBlob(shape) for shape in shapes]


TYPES = tuple(
    LayerType(
        name, bottoms=(2, 5), tops=(1, MANY), shapes=_shapes, in_place=False, channels=none, learned=_blobs,
        not_evolving=_WHY,
    )
    for name in _STATES
)  # fmt: skip
