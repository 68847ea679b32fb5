"""A stage: one layer with synapses (Convolution, Deconvolution, InnerProduct), and the matrix of its kernels.

The weights of every kind are a matrix of kernels, rows x columns, each kernel `patch` synapses; in a layer of
groups, a row meets only the columns of its group. For Convolution and InnerProduct the rows are the neurons (what
the top's channels are) and the columns the bottom's channels; for Deconvolution it is the other way round, as its
blob is laid out.
"""

from dataclasses import dataclass, field
from math import gcd

import numpy as np

from evolve.base.errors import UserError
from evolve.network import windows
from evolve.network.axes import axis_of, count
from evolve.network.shapes import Step
from evolve.network.weights import Weights

WITH_SYNAPSES = ("Convolution", "Deconvolution", "InnerProduct")


@dataclass(frozen=True)
class Use:
    """One place of the graph where a stage's weights are applied: a phase's net, or a layer that shares them."""

    bottom: int  # blob
    top: int  # blob
    macs: int
    step: int  # channels of the bottom that make one input of the stage


@dataclass
class Stage:
    """One layer with weights."""

    name: str
    kind: str
    outputs: int  # neurons: output channels or units
    inputs: int  # channels that it reads
    patch: int  # weights of a kernel (one output x one input): kernel_h * kernel_w, or the map a unit looks at
    has_bias: bool
    group: int = 1
    window: tuple[int, ...] = ()  # kernel_h, kernel_w; none for InnerProduct
    padded: bool = False
    uses: list[Use] = field(default_factory=list, repr=False)
    sharers: list[str] = field(default_factory=list)  # further layers with the same parameters

    @property
    def transposed(self) -> bool:
        """Whether the blob's first axis is the bottom's channels."""
        return self.kind == "Deconvolution"

    @property
    def rows(self) -> int:
        """The length of the blob's first axis."""
        return self.inputs if self.transposed else self.outputs

    @property
    def width(self) -> int:
        """Kernels in a row: the other axis's channels of one group."""
        return (self.outputs if self.transposed else self.inputs) // self.group

    @property
    def kernels(self) -> int:
        """How many kernels."""
        return self.rows * self.width

    @property
    def synapses(self) -> int:
        """How many weights, biases aside."""
        return self.kernels * self.patch

    @property
    def kernel_shape(self) -> tuple[int, ...]:
        """The shape of the weights' blob."""
        if self.kind == "InnerProduct":
            return (self.outputs, self.inputs * self.patch)
        return (self.rows, self.width, *self.window)

    @property
    def macs(self) -> int:
        """Multiply-accumulates for one image, in the first phase's net that has the layer."""
        return self.uses[0].macs if self.uses else 0

    def matrix(self, blob: np.ndarray) -> np.ndarray:
        """A view of the weights as (rows, width, patch)."""
        return blob.reshape(self.rows, self.width, self.patch)

    def linked(self, weights: Weights) -> np.ndarray:
        """bool (rows, width): where at least one synapse of the kernel exists."""
        present = self.matrix(weights[self.name][0] != 0)
        # NumPy is slow at reducing an axis of one.
        return present[:, :, 0] if self.patch == 1 else np.any(present, axis=2)

    def to_outputs(self, linked: np.ndarray, inputs: np.ndarray) -> np.ndarray:
        """bool (outputs,): which neurons `linked` kernels lead to from any of `inputs`, bool (inputs,)."""
        return _down(linked, inputs, self.group) if self.transposed else _up(linked, inputs, self.group)

    def to_inputs(self, linked: np.ndarray, outputs: np.ndarray) -> np.ndarray:
        """bool (inputs,): from which inputs `linked` kernels lead to any of `outputs`, bool (outputs,)."""
        return _up(linked, outputs, self.group) if self.transposed else _down(linked, outputs, self.group)

    def present(self, outputs: np.ndarray, inputs: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """The same as masks of the matrix: bool (rows,), and bool (group, width)."""
        first, second = (inputs, outputs) if self.transposed else (outputs, inputs)
        return first, second.reshape(self.group, self.width)

    def clear(self, blob: np.ndarray, outputs: np.ndarray, inputs: np.ndarray) -> None:
        """Sets the weights of neurons and inputs that are not there to zero, in place; masks as for `to_outputs`."""
        first, second = self.present(outputs, inputs)
        matrix = self.matrix(blob)
        if not first.all():
            matrix[~first] = 0
        for number, there in enumerate(second):
            if not there.all():
                matrix[number * self.rows // self.group : (number + 1) * self.rows // self.group, ~there] = 0

    def of(self, each: np.ndarray, outputs: np.ndarray, inputs: np.ndarray) -> np.ndarray:
        """Of an array (rows, width), the kernels of those neurons and inputs; others are left out, or zero."""
        first, second = self.present(outputs, inputs)
        if self.group == 1:
            each = each if first.all() else each[first]
            return each if second.all() else each[:, second[0]]
        there = first.reshape(self.group, -1, 1) & second[:, np.newaxis]
        return np.where(there, each.reshape(self.group, -1, self.width), each.dtype.type(0))

    def part(self, blob: np.ndarray, outputs: np.ndarray, inputs: np.ndarray) -> np.ndarray:
        """The weights of those neurons and inputs alone, in a smaller blob; the same one where that is all of them.

        A group without any goes; those that are left have as many each.
        """
        first, second = self.present(outputs, inputs)
        if first.all() and second.all():
            return blob.reshape(self.kernel_shape)
        parts = []
        for rows, there, of_row in zip(np.split(self.matrix(blob), self.group), second,
                                       first.reshape(self.group, -1), strict=True):  # fmt: skip
            if of_row.any():
                parts.append(_cut(rows, of_row, there))
        kernels = parts[0] if len(parts) == 1 else np.concatenate(parts)
        tail = self.window if self.kind != "InnerProduct" else ()
        return kernels.reshape((*kernels.shape[:2], *tail) if tail else (len(kernels), -1))

    def whole(self, part: np.ndarray, outputs: np.ndarray, inputs: np.ndarray) -> np.ndarray:
        """What `part` takes from, zero elsewhere."""
        first, second = self.present(outputs, inputs)
        blob = np.zeros((self.rows, self.width, self.patch), part.dtype)
        kernels = part.reshape(int(first.sum()), -1, self.patch)
        begin = 0
        for rows, there, of_row in zip(np.split(blob, self.group), second,
                                       first.reshape(self.group, -1), strict=True):  # fmt: skip
            end = begin + int(of_row.sum())
            if end > begin:
                rows[np.ix_(of_row, there)] = kernels[begin:end]
            begin = end
        return blob.reshape(self.kernel_shape)


def _cut(rows: np.ndarray, first: np.ndarray, second: np.ndarray) -> np.ndarray:
    rows = rows if first.all() else rows[first]
    return np.ascontiguousarray(rows if second.all() else rows[:, second])


def _up(linked: np.ndarray, columns: np.ndarray, group: int) -> np.ndarray:
    """Rows that have a kernel in any of `columns`."""
    if group == 1:
        return np.any(linked if columns.all() else linked[:, columns], axis=1)
    parts = linked.reshape(group, -1, linked.shape[1])
    return (parts & columns.reshape(group, 1, -1)).any(axis=2).ravel()


def _down(linked: np.ndarray, rows: np.ndarray, group: int) -> np.ndarray:
    """Columns that have a kernel in any of `rows`."""
    if group == 1:
        return np.any(linked if rows.all() else linked[rows], axis=0)
    parts = linked.reshape(group, -1, linked.shape[1])
    return (parts & rows.reshape(group, -1, 1)).any(axis=1).ravel()


def stage_of(step: Step, classes: np.ndarray) -> Stage:
    """The stage of a layer with synapses, for one shapes.Step and the channel numbers of its bottom.

    UserError for what evolution does not know: transposed weights, another axis.
    """
    layer = step.layer
    if layer.type == "InnerProduct":
        parameter = layer.inner_product_param
        if parameter.transpose or parameter.axis != 1:
            raise UserError(f"layer '{layer.name}': transpose and axis do not evolve; use the defaults")
        width = count(step.bottoms[0], 1)
        patch = _run(classes) * (width // len(classes))
        return Stage(layer.name, layer.type, parameter.num_output, width // patch, patch, parameter.bias_term)
    parameter, bottom = layer.convolution_param, step.bottoms[0]
    if axis_of(layer, parameter.axis, bottom) != 1:
        raise UserError(f"layer '{layer.name}': expected its channels on axis 1, got axis {parameter.axis}")
    if len(layer.bottom) > 1:
        raise UserError(f"layer '{layer.name}': expected one bottom, got {len(layer.bottom)}; give each a layer")
    window = windows.convolution(layer, len(bottom) - 2)
    return Stage(
        name=layer.name,
        kind=layer.type,
        outputs=parameter.num_output,
        inputs=bottom[1],
        patch=count(window.kernel),
        has_bias=parameter.bias_term,
        group=parameter.group,
        window=window.kernel,
        padded=any(window.pad),
    )


def _run(classes: np.ndarray) -> int:
    """How many neighbours come from one channel, everywhere: the size of a map that was flattened before."""
    changes = np.flatnonzero(np.diff(classes)) + 1
    return gcd(len(classes), *changes.tolist())
