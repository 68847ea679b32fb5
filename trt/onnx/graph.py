"""A graph of ONNX operators in the making has nodes, constants and names, still without the onnx library.

A Caffe layer comes to it with its weights, and free of Caffe's order of blobs.
"""

import hashlib
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from evolve.network.axes import Shape


@dataclass
class Node:
    """One ONNX operator (operator set 13); a value is known by its name."""

    operator: str
    inputs: list[str]
    outputs: list[str]
    attributes: dict[str, Any]
    name: str
    layer: str  # the Caffe layer that it stands for, or is part of
    wide: bool  # stays in 32 bits in half precision


@dataclass
class Graph:
    """Nodes in an order in which each value is written before it is read."""

    inputs: dict[str, tuple[int, ...]] = field(default_factory=dict)  # name -> shape, all float32
    outputs: dict[str, tuple[int, ...]] = field(default_factory=dict)
    nodes: list[Node] = field(default_factory=list)
    constants: dict[str, np.ndarray] = field(default_factory=dict)
    lrn_as_convolution: bool = False  # whether LRN is said in other operators than its own
    sharing: frozenset[str] = frozenset()  # the layers that may have their parameters from others
    _layer: str = ""
    _wide: bool = False
    _values: set[str] = field(default_factory=set)
    _nodes: set[str] = field(default_factory=set)

    def begin(self, layer: str, wide: bool) -> None:
        """What is added from now on belongs to this layer; `wide` layers compute in 32 bits in half precision."""
        self._layer, self._wide = layer, wide

    def add(self, operator: str, *inputs: str, tops: int = 1, wide: bool = False, **attributes: Any) -> Any:
        """Adds a node; returns the name of its output, or a list of them where `tops` asks for several."""
        name = _unlike(self._nodes, self._layer)
        outputs = [self.fresh(f"{self._layer}/{operator.lower()}") for _ in range(tops)]
        attributes = {key: value for key, value in attributes.items() if value is not None}
        self.nodes.append(Node(operator, list(inputs), outputs, attributes, name, self._layer, wide or self._wide))
        return outputs if tops > 1 else outputs[0]

    def constant(self, what: str, values: Any, kind: type = np.float32) -> str:
        """A constant of the present layer, named after `what` it is; float32 unless `kind` says int64."""
        name = self.fresh(f"{self._layer}/{what}")
        self.constants[name] = np.asarray(values, kind)
        return name

    def integers(self, what: str, values: Any) -> str:
        """A constant that tells a shape, an axis or a place."""
        return self.constant(what, values, np.int64)

    def repeated(self) -> dict[str, str]:
        """The constants of layers that share parameters which are there already, and by which name."""
        first: dict[tuple[str, Shape, bytes], str] = {}
        names: dict[str, str] = {}
        for node in self.nodes:
            for name in node.inputs if node.layer in self.sharing else ():
                if (values := self.constants.get(name)) is not None:
                    digest = hashlib.sha256(values.tobytes()).digest()
                    names[name] = first.setdefault((values.dtype.str, values.shape, digest), name)
        return {name: other for name, other in names.items() if name != other}

    def writes(self, value: str, since: int) -> bool:
        """Whether one of the nodes from number `since` on writes `value`."""
        return any(value in node.outputs for node in self.nodes[since:])

    def rename(self, value: str, name: str) -> None:
        """Gives a value another name, in all nodes."""
        for node in self.nodes:
            node.inputs = [name if each == value else each for each in node.inputs]
            node.outputs = [name if each == value else each for each in node.outputs]

    def reserve(self, name: str) -> None:
        """Keeps `name` for a value to come."""
        self._values.add(name)

    def fresh(self, name: str) -> str:
        """`name`, with a number behind it if a value has it already, or is to have it."""
        return _unlike(self._values, name)


def _unlike(names: set[str], name: str) -> str:
    unique, number = name, 1
    while unique in names:
        number += 1
        unique = f"{name}/{number}"
    names.add(unique)
    return unique


@dataclass
class Operation:
    """A layer, or several that were folded into one, between the values it reads and writes."""

    layer: Any  # caffe_pb2.LayerParameter
    bottoms: list[str]  # names of blobs
    tops: list[str]
    bottom_shapes: tuple[Shape, ...]
    top_shapes: tuple[Shape, ...]
    blobs: list[np.ndarray]  # in the shapes of Step.blob_shapes
    folded: tuple[str, ...] = ()  # the layers that are part of it by now

    @property
    def names(self) -> frozenset[str]:
        """The layers that it is."""
        return frozenset({self.layer.name, *self.folded})

    @property
    def type(self) -> str:
        """Caffe's name for what it does."""
        return str(self.layer.type)

    @property
    def bottom(self) -> Shape:
        """The shape of its first bottom."""
        return self.bottom_shapes[0]

    @property
    def top(self) -> Shape:
        """The shape of its first top."""
        return self.top_shapes[0]
