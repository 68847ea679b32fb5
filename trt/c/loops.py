"""Loops over blobs whose axes lie at strides of their own: as few loops as their order in memory allows."""

from collections.abc import Sequence
from dataclasses import dataclass

from evolve.network.axes import Shape, count

Strides = tuple[int, ...]
_VARIABLES = "ijklmnpq"


def strides(shape: Shape) -> Strides:
    """How far apart neighbours on each axis are in Caffe's order."""
    return tuple(count(shape, axis + 1) for axis in range(len(shape)))


def spread(shape: Shape, over: Shape) -> Strides:
    """The strides with which a blob of `shape` is read once for each place of `over`, by NumPy's broadcasting."""
    own = (0 if length == 1 else stride for length, stride in zip(shape, strides(shape), strict=True))
    return (0,) * (len(over) - len(shape)) + tuple(own)


@dataclass(frozen=True)
class Nest:
    """Nested loops: their headers, outermost first, and at which index each operand is inside."""

    headers: list[str]
    indices: list[str]

    def lines(self, body: Sequence[str]) -> list[str]:
        """The loops around `body`, indented."""
        if not self.headers:
            return ["{", *indented(body), "}"]
        made = ["    " * depth + header for depth, header in enumerate(self.headers)]
        made[-1] += " {"
        inner = "    " * (len(self.headers) - 1)
        return [*made, *(inner + line for line in indented(body)), inner + "}"]


def nest(shape: Shape, operands: Sequence[Strides], offsets: Sequence[int] = (), used: int = 0) -> Nest:
    """The loops over `shape` in which each operand is at its strides from its offset (0).

    `used` loops are around these already, whose variables are taken.
    """
    lengths, steps = _merged(shape, operands)
    names = _VARIABLES[used : used + len(lengths)]
    headers = [f"for (int32_t {name} = 0; {name} < {length}; ++{name})"
               for name, length in zip(names, lengths, strict=True)]  # fmt: skip
    indices = []
    for number in range(len(operands)):
        terms = [_term(name, step[number]) for name, step in zip(names, steps, strict=True) if step[number]]
        offset = offsets[number] if offsets else 0
        if offset or not terms:
            terms.insert(0, str(offset))
        indices.append(" + ".join(terms).replace("+ -", "- "))
    return Nest(headers, indices)


def indented(lines: Sequence[str]) -> list[str]:
    """`lines` one step to the right."""
    return ["    " + line for line in lines]


def _term(name: str, step: int) -> str:
    return name if step == 1 else f"{step} * {name}"


def _merged(shape: Shape, operands: Sequence[Strides]) -> tuple[list[int], list[tuple[int, ...]]]:
    """Lengths of the loops, and each operand's step in each: axes that all operands run through in one go are one."""
    lengths: list[int] = []
    steps: list[tuple[int, ...]] = []
    for axis, length in enumerate(shape):
        if length == 1:
            continue
        step = tuple(each[axis] for each in operands)
        if lengths and all(outer == inner * length for outer, inner in zip(steps[-1], step, strict=True)):
            lengths[-1] *= length
            steps[-1] = step
        else:
            lengths.append(length)
            steps.append(step)
    return lengths, steps
