"""A layer with synapses (Convolution, Deconvolution, InnerProduct), and the matrix of its kernels.

The weights of every kind are a matrix of kernels, rows x columns, each kernel `patch` weights; in a layer of
groups, a row meets only the columns of its group. For Convolution and InnerProduct the rows are the neurons (what
the top's channels are) and the columns the bottom's channels; for Deconvolution it is the other way round, as its
blob is laid out.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from math import gcd

import numpy as np

from evolve.network.axes import Shape

Blobs = Mapping[str, list[np.ndarray]]  # by layer


@dataclass(frozen=True)
class Use:
    """One place of a graph where a layer's weights are applied: a phase's net, or a layer that shares them."""

    bottom: int  # blob
    top: int  # blob
    net: int
    macs: int
    step: int  # channels of the bottom that make one input of the layer


@dataclass
class WeightedLayer:
    """A layer whose weights connect channels; its neurons are in `group` groups, each with inputs of its own."""

    name: str
    type: str
    outputs: int  # neurons: output channels or units
    inputs: int  # channels that it reads, of all groups
    patch: int  # weights of a kernel (one output x one input): kernel_h * kernel_w, or the map a unit looks at
    has_bias: bool
    group: int = 1
    window: Shape = ()  # kernel_h, kernel_w; none for InnerProduct
    padded: bool = False  # at any of its uses
    axis: int = 1  # of the bottom's channels
    transpose: bool = False  # InnerProduct's
    positions: int = 1  # how often a weight is applied in one image; for Deconvolution places of its bottom
    uses: list[Use] = field(default_factory=list, repr=False)  # in a graph
    sharers: list[str] = field(default_factory=list)  # further layers with the same parameters

    @property
    def transposed(self) -> bool:
        """Whether the blob's first axis is the bottom's channels."""
        return self.type == "Deconvolution"

    @property
    def rows(self) -> int:
        """The length of the matrix's first axis."""
        return self.inputs if self.transposed else self.outputs

    @property
    def width(self) -> int:
        """Kernels in a row: the other axis's channels of one group."""
        return (self.outputs if self.transposed else self.inputs) // self.group

    @property
    def kernels(self) -> int:
        """How many kernels: pairs of an output and an input that weights connect."""
        return self.rows * self.width

    @property
    def weights(self) -> int:
        """How many weights, biases aside."""
        return self.kernels * self.patch

    @property
    def kernel_shape(self) -> Shape:
        """The shape of the weights' blob."""
        if self.window or self.type != "InnerProduct":
            return (self.rows, self.width, *self.window)
        shape = (self.outputs, self.inputs * self.patch)
        return shape[::-1] if self.transpose else shape

    @property
    def blob_shapes(self) -> list[Shape]:
        """The shapes of weights and biases, if it has any."""
        return [self.kernel_shape, (self.outputs,)][: 1 + self.has_bias]

    @property
    def macs(self) -> int:
        """Multiply-accumulates for one image, zeros multiplied too: of all its uses in a graph's first net, TEST's.

        So a classifier that helps in training alone has none.
        """
        if not self.uses:
            return self.weights * self.positions
        return sum(use.macs for use in self.uses if use.net == 0)

    @property
    def names(self) -> list[str]:
        """Its own name and those of the layers that share its parameters."""
        return [self.name, *self.sharers]

    def behind(self, channels: np.ndarray) -> "WeightedLayer":
        """The same reading `channels`, int (channels of its bottom,): a map that was flattened is one input."""
        if self.type != "InnerProduct" or self.axis != 1:
            return self
        width = self.inputs * self.patch
        patch = _run(channels) * (width // len(channels))
        return replace(self, inputs=width // patch, patch=patch)

    @property
    def not_evolving(self) -> str:
        """Why its channels cannot be followed; "" where they can."""
        if self.type == "InnerProduct" and (self.transpose or self.axis != 1):
            return "transpose and axis do not evolve; use the defaults"
        return "" if self.axis == 1 else f"expected its channels on axis 1, got axis {self.axis}; give it those"

    def matrix(self, blob: np.ndarray) -> np.ndarray:
        """The weights as (rows, width, patch); a view where the layout allows one."""
        if self.transpose:
            blob = blob.reshape(self.inputs * self.patch, self.outputs).T
        return blob.reshape(self.rows, self.width, self.patch)

    def linked(self, weights: Blobs) -> np.ndarray:
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
        tail = self.window if self.type != "InnerProduct" else ()
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


def _run(channels: np.ndarray) -> int:
    """How many neighbours come from one channel, everywhere: the size of a map that was flattened before."""
    changes = np.flatnonzero(np.diff(channels)) + 1
    return gcd(len(channels), *changes.tolist())
