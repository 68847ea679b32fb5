"""The committed generated messages, and their types, say what their .proto files say."""

import ast
import re
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from evolve.base.caffe_messages import caffe_pb2
from evolve.proto import caffe_network_pb2, caffemodel_pb2, detectnet_pb2, evolution_pb2

PROTO = Path(__file__).resolve().parent.parent / "evolve" / "proto"
FIELD = re.compile(r"^(optional|repeated) ([\w.]+) (\w+) = (\d+)(?: \[(packed|default) = \S+\])?;$")
VALUE = re.compile(r"^(\w+) = (\d+);$")
OPENING = re.compile(r"^(message|enum) (\w+) \{$")
MODULES = [
    ("evolution", evolution_pb2),
    ("caffemodel", caffemodel_pb2),
    ("detectnet", detectnet_pb2),
    ("caffe_network", caffe_network_pb2),
]


def written(path: Path) -> set[str]:
    """Every field and enum value of a .proto as ``Outer.Inner.name = number``, fields with label and type."""
    scope: list[str] = []
    found = set()
    for line in (raw.split("//")[0].strip() for raw in path.read_text().splitlines()):
        if opening := OPENING.match(line):
            scope.append(opening.group(2))
        elif line == "}":
            scope.pop()
        elif field := FIELD.match(line):
            label, kind, name, number, _ = field.groups()
            found.add(f"{'.'.join(scope)}.{name} = {number}: {label} {kind.split('.')[-1]}")
        elif value := VALUE.match(line):
            found.add(f"{'.'.join(scope)}.{value.group(1)} = {value.group(2)}")
        else:
            assert not line or line.startswith(("syntax", "package")), f"{path.name}: this test does not read '{line}'"
    return found


def generated(module: ModuleType) -> set[str]:
    """The same of the generated module's descriptors."""
    found: set[str] = set()
    for message in module.DESCRIPTOR.message_types_by_name.values():
        found |= _of_message(message, message.name)
    for enum in module.DESCRIPTOR.enum_types_by_name.values():
        found |= {f"{enum.name}.{value.name} = {value.number}" for value in enum.values}
    return found


def _of_message(message: Any, name: str) -> set[str]:
    found = {f"{name}.{field.name} = {field.number}: {_label(field)} {_kind(field)}" for field in message.fields}
    for enum in message.enum_types:
        found |= {f"{name}.{enum.name}.{value.name} = {value.number}" for value in enum.values}
    return found.union(*(_of_message(inner, f"{name}.{inner.name}") for inner in message.nested_types))


def _label(field: Any) -> str:
    return "repeated" if field.is_repeated else "optional"


def _kind(field: Any) -> str:
    if field.message_type or field.enum_type:
        return str((field.message_type or field.enum_type).name)
    names = {field.TYPE_STRING: "string", field.TYPE_BYTES: "bytes", field.TYPE_DOUBLE: "double"}
    names |= {field.TYPE_BOOL: "bool", field.TYPE_FLOAT: "float"}
    numbers = {field.TYPE_INT32: "int32", field.TYPE_INT64: "int64", field.TYPE_UINT32: "uint32"}
    return (names | numbers | {field.TYPE_UINT64: "uint64"})[field.type]


@pytest.mark.parametrize(("name", "module"), MODULES)
def test_generated_messages_are_those_of_the_proto(name: str, module: ModuleType) -> None:
    assert generated(module) == written(PROTO / f"{name}.proto")


PYTHON_TYPES = {"double": "float", "float": "float", "string": "str", "bytes": "bytes", "bool": "bool"}


def typed(body: list[ast.stmt], scope: str = "") -> set[str]:
    """Every field of a .pyi as ``Outer.Inner.name: type``, of messages and enums the last part of their names."""
    found = set()
    for part in body:
        if isinstance(part, ast.ClassDef):
            found |= typed(part.body, f"{scope}{part.name}.")
        elif isinstance(part, ast.AnnAssign) and isinstance(part.target, ast.Name) and scope:
            found.add(f"{scope}{part.target.id}: {re.sub(r'[A-Za-z_0-9]+[.]', '', ast.unparse(part.annotation))}")
    return found


def _types_of(message: Any, name: str) -> set[str]:
    found = set()
    for field in message.fields:
        kind = _kind(field)
        own = PYTHON_TYPES.get(kind, "int" if kind.startswith(("int", "uint")) else kind)
        if field.is_repeated:
            container = "RepeatedCompositeFieldContainer" if field.message_type else "RepeatedScalarFieldContainer"
            own = f"{container}[{own}]"
        found.add(f"{name}.{field.name}: {own}")
    return found.union(*(_types_of(inner, f"{name}.{inner.name}") for inner in message.nested_types))


@pytest.mark.parametrize(("name", "module"), MODULES)
def test_generated_types_are_those_of_the_messages(name: str, module: ModuleType) -> None:
    written_types = typed(ast.parse((PROTO / f"{name}_pb2.pyi").read_text()).body)
    wanted = set[str]()
    for message in module.DESCRIPTOR.message_types_by_name.values():
        wanted |= _types_of(message, message.name)
    # Beside the fields there are their numbers, and the values of enums.
    values = {each for each in written_types - wanted if not each.split(": ")[0].split(".")[-1].isupper()}
    assert wanted <= written_types and not values, (wanted - written_types, values)


# What networks are read by where there is no Caffe, and Caffe's own


def described(message: Any, met: dict[str, set[str]]) -> dict[str, set[str]]:
    """Of a message and all that it holds: fields, their numbers, types and defaults, and values of enums; V0 aside."""
    if message.name not in met and message.name != "V0LayerParameter":
        met[message.name] = set()
        for field in message.fields:
            kind = f"{_label(field)} {_kind(field)} {'packed' * field.GetOptions().packed}"
            met[message.name].add(f"{field.name} = {field.number} {kind} {_default(field)}")
            if field.enum_type:
                met[field.enum_type.name] = {f"{value.name} = {value.number}" for value in field.enum_type.values}
            if field.message_type:
                described(field.message_type, met)
    return met


def _default(field: Any) -> str:
    return "" if field.message_type or field.is_repeated else repr(field.default_value)


@pytest.mark.parametrize("name", ["NetParameter", "SolverParameter"])
def test_networks_are_read_without_caffe_as_with_it(name: str) -> None:
    ours = described(getattr(caffe_network_pb2, name).DESCRIPTOR, {})
    caffes = described(getattr(caffe_pb2, name).DESCRIPTOR, {})
    assert len(caffes) > 60
    # The one field whose message is not ours.
    caffes["V1LayerParameter"] = {each for each in caffes["V1LayerParameter"] if "V0LayerParameter" not in each}
    assert ours == caffes
