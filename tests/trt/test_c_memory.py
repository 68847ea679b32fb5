"""The arena of a C file: values alive at the same time do not meet in it, and it is hardly larger than they need."""

import numpy as np
import pytest

from trt.c import memory
from trt.onnx.graph import Graph, Node

VIEWS, IN_PLACE = {"Reshape"}, {"Relu", "Add"}


def graph_of(*nodes: tuple[str, str, str], outputs: str = "") -> Graph:
    """A graph on the input `in` of (operator, "what it reads", "what it writes")."""
    made = [Node(kind, reads.split(), writes.split(), {}, kind, kind, False) for kind, reads, writes in nodes]
    return Graph(inputs={"in": (4,)}, outputs=dict.fromkeys(outputs.split(), (4,)), nodes=made)


def planned(graph: Graph, shapes: dict[str, tuple[int, ...]] | None = None) -> memory.Memory:
    named = {name for node in graph.nodes for name in (*node.inputs, *node.outputs)}
    return memory.plan(graph, dict.fromkeys(named, (4,)) | (shapes or {}), VIEWS, IN_PLACE)


def test_a_chain_needs_two_places() -> None:
    nodes = [("Conv", "in" if k == 0 else f"v{k - 1}", f"v{k}") for k in range(9)]
    found = planned(graph_of(*nodes, ("Conv", "v8", "out"), outputs="out"))
    assert found.size == 8
    assert [found.buffers[f"v{k}"].start for k in range(4)] == [0, 4, 0, 4]
    assert not found.buffers["out"].in_arena and not found.buffers["in"].in_arena


def test_a_view_is_the_same_memory_and_keeps_it() -> None:
    found = planned(graph_of(("Conv", "in", "a"), ("Reshape", "a", "b"), ("Conv", "in", "c"), ("Add", "c b", "out"),
                             outputs="out"))  # fmt: skip
    assert found.same("a", "b") and not found.same("a", "c") and found.size == 4
    assert found.buffers["c"].output == "out"


RELU_OF_WHAT_IS_READ_LATER = (("Conv", "in", "a"), ("Relu", "a", "b"), ("Add", "a b", "out"))
RELU_OF_WHAT_IS_NOT = (("Conv", "in", "a"), ("Relu", "a", "b"), ("Conv", "b", "out"))
RELU_OF_AN_INPUT = (("Relu", "in", "a"), ("Conv", "a", "out"))


@pytest.mark.parametrize(
    "nodes, pair, same",
    [
        (RELU_OF_WHAT_IS_READ_LATER, ("a", "b"), False),
        (RELU_OF_WHAT_IS_NOT, ("a", "b"), True),
        (RELU_OF_AN_INPUT, ("in", "a"), False),
    ],
)
def test_in_place(nodes: tuple[tuple[str, str, str], ...], pair: tuple[str, str], same: bool) -> None:
    assert planned(graph_of(*nodes, outputs="out")).same(*pair) is same


def test_not_over_an_output() -> None:
    found = planned(graph_of(("Conv", "in", "a"), ("Relu", "a", "out"), outputs="a out"))
    assert not found.same("a", "out") and found.size == 0


def test_not_over_another_shape_of_itself() -> None:
    """b is a: a sum with it in another order would read what is written already."""
    nodes = (("Conv", "in", "a"), ("Reshape", "a", "b"), ("Add", "a b", "c"), ("Conv", "c", "out"))
    assert planned(graph_of(*nodes, outputs="out")).same("a", "c")
    assert not planned(graph_of(*nodes, outputs="out"), {"b": (4, 1)}).same("a", "c")


def lives(random: np.random.Generator) -> list[memory.Buffer]:
    starts = random.integers(0, 30, 25)
    return [memory.Buffer(str(number), int(random.integers(1, 50)), int(first), int(first + random.integers(0, 6)))
            for number, first in enumerate(starts)]  # fmt: skip


def together(buffers: list[memory.Buffer], at: int) -> list[memory.Buffer]:
    return [each for each in buffers if each.first <= at <= each.last]


def test_random_lives() -> None:
    worst = 0.0
    for seed in range(200):
        buffers = lives(np.random.default_rng(seed))
        size = memory._place(buffers)
        for at in range(36):
            alive = sorted(together(buffers, at), key=lambda each: each.start)
            for one, other in zip(alive, alive[1:], strict=False):
                assert one.start + one.size <= other.start
        needed = max(sum(each.size for each in together(buffers, at)) for at in range(36))
        assert needed <= size <= sum(each.size for each in buffers)
        worst = max(worst, size / needed)
    assert worst < 1.4
