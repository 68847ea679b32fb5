"""SET= on the command line: settings that get other values than evolution.prototxt has, each by its dotted path.

``environment.synapse_budget=0.6,0.67; offspring_training=800it`` is two settings, the first one with two values.
A field of `environment` is set in every block of the schedule.
"""

import re
from dataclasses import dataclass
from typing import Any

from evolve import setting_fields
from evolve.errors import UserError
from evolve.setting_fields import BLOCKS

# What decides nothing under another type of environment brings its own along.
_TYPES = {
    f"{BLOCKS}.synapse_budget": "SYNAPSE_BUDGET", f"{BLOCKS}.cluster_factor": "CONSTANT",
    f"{BLOCKS}.synapse_factor": "CONSTANT", f"{BLOCKS}.table_1": "PACE",
}  # fmt: skip
_TYPE = f"{BLOCKS}.type"


@dataclass(frozen=True)
class Change:
    """A setting's path, and its value as SET= has it: canonical, so that one value has one spelling."""

    path: str
    value: str

    def __str__(self) -> str:
        return f"{self.path}={self.value}"

    @property
    def name(self) -> str:
        """For a folder's name: as much of the path as tells it from every other setting, and the value."""
        parts = self.path.split(".")
        tails = [".".join(parts[k:]) for k in reversed(range(len(parts)))]
        every = list(setting_fields.known())
        tail = next(one for one in tails if one == self.path or sum(setting_fields.ends(p, one) for p in every) == 1)
        value = re.sub(r"""[]["']""", "", self.value).replace(",", "+")
        return f"{tail}={re.sub(r'[^A-Za-z0-9_.+-]', '_', value)}"


Changes = tuple[Change, ...]


def parse(words: str) -> list[list[Change]]:
    """SET=`words`: of each setting that it names, one change for every value. UserError saying what is not one."""
    axes = [_axis(part) for part in setting_fields.split(words, ";") if part]
    named = [axis[0].path for axis in axes]
    for path in named:
        if named.count(path) > 1:
            raise UserError(f"SET={path}: expected once, got {named.count(path)} times; separate its values by commas")
    types = {_TYPES[path]: path for path in named if path in _TYPES}
    if len(types) > 1 and _TYPE not in named:
        raise UserError(f"SET={' and '.join(types.values())}: of two types of environment; set {_TYPE} too")
    return axes


def single(words: str) -> Changes:
    """SET=`words` of one run. UserError as `parse`, and where a setting has several values."""
    axes = parse(words)
    for axis in axes:
        if len(axis) > 1:
            raise UserError(f"SET={axis[0].path}: expected one value, got {len(axis)}; `make sweep` takes several")
    return tuple(axis[0] for axis in axes)


def text(changes: Changes) -> str:
    """The same as SET= has it, in one order whatever order they came in; "" of none."""
    return ";".join(sorted(map(str, changes)))


def apply(changes: Changes, own: Any) -> None:
    """Changes `own`, an EvolutionParameter without the defaults."""
    for change in changes:
        _put(own, change.path.split("."), setting_fields.elements(change.value))
    paths = [change.path for change in changes]
    if _TYPE not in paths:
        for path in filter(_TYPES.get, paths):
            _put(own, _TYPE.split("."), [_TYPES[path]])


def _axis(words: str) -> list[Change]:
    path, equals, values = (part.strip() for part in words.partition("="))
    if not equals or not values:
        raise UserError(f"SET={words}: expected setting=value; for instance SET=environment.synapse_budget=0.6,0.67")
    if path == "seed":
        raise UserError("SET=seed: is not set so; give SEED=1, or SEEDS=1..8 to `make sweep`")
    found = [Change(path, setting_fields.canonical(path, value)) for value in setting_fields.split(values, ",")]
    for change in found:
        if found.count(change) > 1:
            raise UserError(f"SET={path}: expected every value once, got {change.value} {found.count(change)} times")
    return found


def _put(message: Any, names: list[str], elements: list[str]) -> None:
    name, *rest = names
    if not rest:
        message.ClearField(name)
        for element in elements:
            setting_fields.put(message, name, element)
    elif name == BLOCKS:
        blocks = getattr(message, name) or [getattr(message, name).add()]
        for block in blocks:
            _put(block, rest, elements)
    else:
        _put(getattr(message, name), rest, elements)
