"""A dataclass is written as JSON and read back: its fields are the keys, and their types are checked.

What is None is not written. Keys that the dataclass does not have are left alone: a newer version may have more.
"""

import json
from collections.abc import Mapping
from dataclasses import MISSING, Field, asdict, fields, is_dataclass
from functools import cache
from types import NoneType, UnionType
from typing import TYPE_CHECKING, TypeVar, get_args, get_origin, get_type_hints

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

Record = TypeVar("Record", bound="DataclassInstance")

_WORDS: dict[type, str] = {
    int: "a whole number", float: "a number", str: "text", bool: "true or false", list: "a list", dict: "named values",
}  # fmt: skip


def text(record: "DataclassInstance") -> str:
    """The record as JSON, a line a value."""
    return json.dumps(_present(asdict(record)), indent=1) + "\n"


def read(kind: type[Record], value: object, place: str = "") -> Record:
    """The record of `kind` that JSON's `value`, found at `place` of a larger one, says.

    ValueError that names the key whose value is missing or of another type.
    """
    if not isinstance(value, Mapping):
        raise ValueError(f"{place or 'the whole'}: expected named values, got {_short(value)}")
    before = f"{place}." if place else ""
    given = {}
    for each in fields(kind):
        if each.name in value:
            given[each.name] = _of(_types(kind)[each.name], value[each.name], f"{before}{each.name}")
        elif _is_required(each):
            raise ValueError(f"{before}{each.name}: expected a value, got none")
    return kind(**given)


@cache
def _types(kind: type) -> dict[str, type]:
    return get_type_hints(kind)


def _is_required(each: "Field[object]") -> bool:
    return each.default is MISSING and each.default_factory is MISSING


@cache
def _parts(kind: type) -> tuple[type | None, tuple[type, ...]]:
    """``(list, (int,))`` of list[int]; asked for every value of every file, and slow to find out."""
    return get_origin(kind), get_args(kind)


def _of(kind: type, value: object, place: str) -> object:
    origin, parts = _parts(kind)
    if origin is UnionType:
        # Of these records only `… | None`.
        return None if value is None else _of(next(part for part in parts if part is not NoneType), value, place)
    if origin is list and isinstance(value, list):
        return [_of(parts[0], each, f"{place}[{k}]") for k, each in enumerate(value)]
    if origin is dict and isinstance(value, dict):
        return {name: _of(parts[1], each, f"{place}.{name}") for name, each in value.items()}
    if is_dataclass(kind):
        return read(kind, value, place)
    if kind is float and type(value) is int:
        return float(value)
    if type(value) is not kind:
        raise ValueError(f"{place}: expected {_WORDS[origin or kind]}, got {_short(value)}")
    return value


def _short(value: object) -> str:
    words = json.dumps(value)
    return words if len(words) <= 60 else f"{words[:57]}..."


def _present(value: object) -> object:
    if isinstance(value, dict):
        return {name: _present(each) for name, each in value.items() if each is not None}
    return [_present(each) for each in value] if isinstance(value, list) else value
