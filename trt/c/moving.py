"""Operators that move numbers and compute none: each output is loops of copies."""

from collections.abc import Sequence

from evolve.network.axes import count
from trt.c.loops import Strides, nest, strides
from trt.c.program import Program
from trt.onnx.graph import Node

# Their outputs have the numbers of what they read. Places of maxima are counted in their map already (kernels/
# max_pooling.c), so Mod leaves them as they are, and whole numbers are floats here.
VIEWS = frozenset({"Reshape", "Identity", "Cast", "Mod"})


def view(program: Program, node: Node) -> None:
    """Any of VIEWS: nothing, unless its numbers are to be in other memory, an output's."""
    (top,), bottom = node.outputs, node.inputs[0]
    if not program.memory.same(top, bottom):
        shape = (count(program.shape(top)),)
        program.assign(top, loops := nest(shape, [(1,), (1,)]), program.read(bottom).at(loops.indices[1]))


def concat(program: Program, node: Node) -> None:
    """Concat along one axis."""
    (top,), start = node.outputs, 0
    to = strides(program.shape(top))
    axis = node.attributes["axis"] % len(to)
    for bottom in node.inputs:
        shape = program.shape(bottom)
        loops = nest(shape, [to, _own(program, bottom)], [start * to[axis], 0])
        program.assign(top, loops, program.read(bottom).at(loops.indices[1]))
        start += shape[axis]


def split(program: Program, node: Node) -> None:
    """Split along one axis."""
    bottom, start = node.inputs[0], 0
    from_ = strides(program.shape(bottom))
    axis = node.attributes["axis"] % len(from_)
    for top in node.outputs:
        _copied(program, bottom, top, from_, start * from_[axis])
        start += program.shape(top)[axis]


def slice_(program: Program, node: Node) -> None:
    """Slice along axes, backwards too."""
    bottom, (starts, _, axes, *steps) = node.inputs[0], [program.integers(each) for each in node.inputs[1:]]
    shape = program.shape(bottom)
    own, offset = list(strides(shape)), 0
    for number, axis in enumerate(axes):
        start, step = starts[number], steps[0][number] if steps else 1
        offset += (start + shape[axis] if start < 0 else start) * own[axis]
        own[axis] *= step
    _copied(program, bottom, node.outputs[0], tuple(own), offset)


def tile(program: Program, node: Node) -> None:
    """Tile: an axis of repetitions before each axis, on which nothing moves in what is read."""
    (top,), bottom = node.outputs, node.inputs[0]
    shape, times = program.shape(bottom), program.integers(node.inputs[1])
    pairs = tuple(length for pair in zip(times, shape, strict=True) for length in pair)
    from_ = tuple(step for stride in strides(shape) for step in (0, stride))
    loops = nest(pairs, [strides(pairs), from_])
    program.assign(top, loops, program.read(bottom).at(loops.indices[1]))


def gather(program: Program, node: Node) -> None:
    """Gather along the first axis, of rows that another value names."""
    (top,), (rows, names) = node.outputs, node.inputs
    row, number = count(program.shape(rows)[1:]), count(program.shape(names))
    loops = nest((number, row), [(row, 1), (0, 1), (1, 0)])
    name = program.read(names).at(loops.indices[2])
    index = f"{row} * (int32_t){name} + {loops.indices[1]}"
    program.assign(top, loops, program.read(rows).at(index))


def _copied(program: Program, bottom: str, top: str, from_: Sequence[int], offset: int) -> None:
    shape = program.shape(top)
    loops = nest(shape, [strides(shape), tuple(from_)], [0, offset])
    program.assign(top, loops, program.read(bottom).at(loops.indices[1]))


def _own(program: Program, value: str) -> Strides:
    return strides(program.shape(value))
