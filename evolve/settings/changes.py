"""SET= gives settings other values than evolution.prototxt has, each by its dotted path, in protobuf's text format.

``environment.synapse_budget=0.6,0.67; offspring_training=800it`` is two settings, the first one with two values.
A field of `environment` is set in every block of the schedule.
"""

import hashlib
import os
import re
from collections.abc import Iterator
from dataclasses import dataclass

from google.protobuf import text_format
from google.protobuf.descriptor import Descriptor, FieldDescriptor
from google.protobuf.message import Message
from google.protobuf.message_factory import GetMessageClass

from evolve.base.errors import UserError
from evolve.base.spelling import did_you_mean
from evolve.proto import evolution_pb2

# Text that is a path: of SET= seen from the folder in which the command runs, and so meant wherever the run goes on.
PATHS = ("dataset.folder", "dataset.train", "dataset.test", "dataset.mean_file")
# And this one where it begins so; else it may be a name among the raw files.
_PATH_OR_NAME, HERE = "dataset.detection.folder", ("./", "../")
BLOCKS = "environment"  # the one repeated message whose fields have paths: those of all its blocks
# Messages in its blocks, of which there may be several.
_TOGETHER = {"waypoint": "waypoints go together", "spared": "a spared layer and its times go together"}

_ROOT = evolution_pb2.DESCRIPTOR.message_types_by_name["EvolutionParameter"]
_LONGEST = 40  # letters of a path that a name has
_PLAIN = re.compile(r"[\w.+-]+")


def known(message: Descriptor = _ROOT, before: str = "") -> Iterator[str]:
    """The dotted paths of all that a value can be given to."""
    for field in message.fields:
        path = f"{before}{field.name}"
        if not field.message_type:
            yield path
        elif not field.is_repeated or path == BLOCKS:
            yield from known(field.message_type, f"{path}.")


def ends(path: str, tail: str) -> bool:
    """Whether `tail` is the end of the dotted `path`."""
    return path == tail or path.endswith(f".{tail}")


def field(path: str) -> FieldDescriptor:
    """The descriptor of a setting. UserError naming the nearest one."""
    every = list(known())
    if path not in every:
        raise UserError(f"SET={path}: {_remedy(path, every)}")
    first, *names = path.split(".")
    found = _ROOT.fields_by_name[first]
    for name in names:
        assert found.message_type, f"{path}: {found.name} has no fields"
        found = found.message_type.fields_by_name[name]
    return found


def canonical(path: str, value: str) -> str:
    """The value as protobuf prints it, several as [a,b]. UserError for what the setting cannot have."""
    descriptor = field(path)
    if is_list(value) and not descriptor.is_repeated:
        raise UserError(f"SET={path}: expected {_kind(descriptor)}, got {value}")
    printed = [_printed(path, descriptor, each) for each in elements_of(value)]
    return f"[{','.join(printed)}]" if len(printed) > 1 else printed[0]


def put(message: Message, name: str, element: str) -> None:
    """Merges one element into a field of `message`; of text, the quotes may be missing. Raises ParseError."""
    descriptor = message.DESCRIPTOR.fields_by_name[name]
    if descriptor.cpp_type == descriptor.CPPTYPE_STRING and element[:1] not in ("'", '"', ""):
        element = '"' + element.replace("\\", "\\\\").replace('"', '\\"') + '"'
    text_format.Merge(f"{name}: {element}", message)


def is_list(value: str) -> bool:
    """Whether `value` is written as [a,b]."""
    return value.startswith("[") and value.endswith("]")


def elements_of(value: str) -> list[str]:
    """Those of [a,b]; the value itself where it is no list."""
    return split(value[1:-1], ",") if is_list(value) else [value]


def split(words: str, at: str) -> list[str]:
    """The parts between the letters `at` outside quotes and brackets, without blanks around them.

    Where no value begins, a quote is an apostrophe, and a bracket a letter of a name.
    """
    parts, depth, quote = [""], 0, ""
    for letter in words:
        begins = parts[-1].rstrip()[-1:] in ("", "=", "[", ",")
        if quote:
            quote = "" if letter == quote else quote
        elif letter in "\"'" and begins:
            quote = letter
        elif letter == "[" and begins:
            depth += 1
        elif letter == "]" and depth:
            depth -= 1
        elif letter == at and not depth:
            parts.append("")
            continue
        parts[-1] += letter
    return [part.strip() for part in parts]


def _remedy(path: str, every: list[str]) -> str:
    inside = [each for each in every if each.startswith(f"{path}.")]
    if inside:
        return f"expected one of its settings: {', '.join(inside)}"
    for name, words in _TOGETHER.items():
        if path.removeprefix(f"{BLOCKS}.").startswith(name):
            return f"{words}; write them into evolution.NAME.prototxt, and give SCHEDULE=NAME"
    return f"no such setting; {did_you_mean(path, every, 'prototxt/evolution.defaults.prototxt has them all')}"


def _printed(path: str, descriptor: FieldDescriptor, element: str) -> str:
    assert descriptor.containing_type
    message = GetMessageClass(descriptor.containing_type)()
    try:
        put(message, descriptor.name, element)
    except text_format.ParseError:
        raise UserError(f"SET={path}: expected {_kind(descriptor)}, got {element or 'nothing'}") from None
    # What follows a blank would be a field more.
    if len(message.ListFields()) > 1 or descriptor.is_repeated and len(getattr(message, descriptor.name)) != 1:
        raise UserError(f"SET={path}: expected {_kind(descriptor)}, got {element}")
    given = getattr(message, descriptor.name)
    if given and (path in PATHS or path == _PATH_OR_NAME and given.startswith(HERE)):
        setattr(message, descriptor.name, os.path.abspath(os.path.expanduser(given)))
    value = text_format.MessageToString(message, as_one_line=True).partition(":")[2].strip()
    inside = value[1:-1]
    return inside if value.startswith('"') and _PLAIN.fullmatch(inside) else value


def _kind(descriptor: FieldDescriptor) -> str:
    if descriptor.enum_type:
        return f"one of {', '.join(value.name for value in descriptor.enum_type.values)}"
    kinds = {
        descriptor.CPPTYPE_DOUBLE: "a number", descriptor.CPPTYPE_BOOL: "true or false",
        descriptor.CPPTYPE_STRING: "text",
    }  # fmt: skip
    return kinds.get(descriptor.cpp_type, "a whole number of 0 or more")


# What decides nothing under another type of environment brings its own along.
_TYPES = {
    f"{BLOCKS}.synapse_budget": "SYNAPSE_BUDGET", f"{BLOCKS}.cluster_factor": "CONSTANT",
    f"{BLOCKS}.synapse_factor": "CONSTANT", f"{BLOCKS}.table_1": "PACE",
}  # fmt: skip
_TYPE = f"{BLOCKS}.type"
# What the file has and would be read instead goes.
_INSTEAD = {"dataset.image_size": ("dataset.width", "dataset.height"), f"{BLOCKS}.table_1": (f"{BLOCKS}.waypoint",)}


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
        every = list(known())
        tail = next(one for one in tails if one == self.path or sum(ends(p, one) for p in every) == 1)
        value = re.sub(r"""[]["']""", "", self.value).replace(",", "+")
        if self.path in PATHS and value:
            # Two folders of one name lie in different places; and a whole path may be longer than any name.
            value = f"{os.path.basename(value)[-_LONGEST:]}-{hashlib.sha256(value.encode()).hexdigest()[:8]}"
        return f"{tail}={re.sub(r'[^A-Za-z0-9_.+-]', '_', value)}"


Changes = tuple[Change, ...]


def parse(words: str) -> list[list[Change]]:
    """SET=`words`: of each setting that it names, one change for every value. UserError saying what is not one."""
    axes = [_axis(part) for part in split(words, ";") if part]
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
            raise UserError(
                f"SET={axis[0].path}: expected one value, got {len(axis)}; `make sweep` takes several; one with a "
                f'comma is written {axis[0].path}="a,b"'
            )
    return tuple(axis[0] for axis in axes)


def text(changes: Changes) -> str:
    """`changes` as SET= has them, in one order whatever order they came in; "" of none."""
    return ";".join(sorted(map(str, changes)))


def apply(changes: Changes, own: evolution_pb2.EvolutionParameter) -> None:
    """Changes `own`, an EvolutionParameter without the defaults."""
    paths = [change.path for change in changes]
    for path in filter(_INSTEAD.get, paths):
        for other in _INSTEAD[path]:
            _put(own, other.split("."), [])
    for change in changes:
        _put(own, change.path.split("."), elements_of(change.value))
    if _TYPE not in paths:
        for path in filter(_TYPES.get, paths):
            _put(own, _TYPE.split("."), [_TYPES[path]])


def _axis(words: str) -> list[Change]:
    path, equals, values = (part.strip() for part in words.partition("="))
    if not equals or not values:
        raise UserError(f"SET={words}: expected setting=value; for instance SET=environment.synapse_budget=0.6,0.67")
    if path == "seed":
        raise UserError("SET=seed: is not set so; give SEED=1, or SEEDS=1..8 to `make sweep`")
    found = [Change(path, canonical(path, value)) for value in split(values, ",")]
    for change in found:
        if found.count(change) > 1:
            raise UserError(f"SET={path}: expected every value once, got {change.value} {found.count(change)} times")
    return found


def _put(message: Message, names: list[str], elements: list[str]) -> None:
    name, *rest = names
    if not rest:
        message.ClearField(name)
        for element in elements:
            put(message, name, element)
    elif name == BLOCKS:
        blocks = getattr(message, name) or [getattr(message, name).add()]
        for block in blocks:
            _put(block, rest, elements)
    else:
        _put(getattr(message, name), rest, elements)
