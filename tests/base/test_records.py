"""Records come back from JSON as they were written, with the types that they state, or the wrong key is named."""

import json
from dataclasses import dataclass, field

import pytest

from evolve.base import records


@dataclass(frozen=True)
class Leaf:
    name: str
    part: float = 0.5


@dataclass(frozen=True)
class Tree:
    height: float
    leaves: list[Leaf] = field(default_factory=list)
    by_name: dict[str, "Tree"] = field(default_factory=dict)
    age: int | None = None
    dead: bool = False


TREE = Tree(2.5, [Leaf("a"), Leaf("b", 1.0)], {"twig": Tree(0.25, age=3)}, dead=True)


def test_a_record_comes_back() -> None:
    written = json.loads(records.text(TREE))
    assert records.read(Tree, written) == TREE
    assert "age" not in written and written["by_name"]["twig"]["age"] == 3


def test_what_it_need_not_have_is_left_out_and_what_it_does_not_know_is_left_alone() -> None:
    assert records.read(Tree, {"height": 1, "of_tomorrow": []}) == Tree(1.0)
    assert isinstance(records.read(Tree, {"height": 1}).height, float)
    assert records.read(Tree, {"height": 1, "age": None}).age is None


@pytest.mark.parametrize(
    ("value", "why"),
    [
        ({}, "height: expected a value, got none"),
        ([], "the whole: expected named values, got []"),
        ({"height": "tall"}, 'height: expected a number, got "tall"'),
        ({"height": True}, "height: expected a number, got true"),
        ({"height": 1, "age": 1.5}, "age: expected a whole number, got 1.5"),
        ({"height": 1, "dead": 0}, "dead: expected true or false, got 0"),
        ({"height": 1, "leaves": {}}, "leaves: expected a list, got {}"),
        ({"height": 1, "by_name": []}, "by_name: expected named values, got []"),
        ({"height": 1, "leaves": [{"name": "a"}, {"name": 2}]}, "leaves[1].name: expected text, got 2"),
        ({"height": 1, "by_name": {"x": {"height": 1, "leaves": [3]}}},
         "by_name.x.leaves[0]: expected named values, got 3"),
        ({"height": "x" * 99}, 'height: expected a number, got "' + "x" * 56 + "..."),
    ],
)  # fmt: skip
def test_the_key_that_is_wrong_is_named(value: object, why: str) -> None:
    with pytest.raises(ValueError) as error:
        records.read(Tree, value)
    assert str(error.value) == why
