"""What `make proto` makes of our .proto files, without protoc: no test installs it."""

import re
from collections.abc import Iterator
from pathlib import Path

from google.protobuf.descriptor_pb2 import DescriptorProto, FieldDescriptorProto, FileDescriptorProto

_LINE = re.compile(
    r"package (?P<package>[\w.]+);|(?P<opening>message|enum) (?P<name>\w+) \{|(?P<closing>\})"
    r"|(?P<label>optional|repeated) (?P<type>[\w.]+) (?P<field>\w+) = (?P<number>\d+)(?P<packed> \[packed = true\])?;"
    r"|(?P<value>\w+) = (?P<of_value>\d+);"
)
_MODULE = """from google.protobuf import descriptor_pool
from google.protobuf.internal import builder

DESCRIPTOR = descriptor_pool.Default().AddSerializedFile({serialized!r})
builder.BuildMessageAndEnumDescriptors(DESCRIPTOR, globals())
builder.BuildTopDescriptorsAndMessages(DESCRIPTOR, {module!r}, globals())
"""


def make(path: Path) -> None:
    """Writes the Python module of a .proto file beside it."""
    serialized = compiled(path).SerializeToString(deterministic=True)
    module = f"{path.stem}_pb2"
    path.with_name(f"{module}.py").write_text(_MODULE.format(serialized=serialized, module=module))


def compiled(path: Path) -> FileDescriptorProto:
    """The descriptor of a .proto file of messages, enums in them, and fields."""
    file = FileDescriptorProto(name=path.name)
    scope: list[DescriptorProto] = []
    enum = None
    for line in _lines(path):
        if line["package"]:
            file.package = line["package"]
        elif line["opening"] == "enum":
            enum = scope[-1].enum_type.add(name=line["name"])
        elif line["opening"]:
            scope.append((scope[-1].nested_type if scope else file.message_type).add(name=line["name"]))
        elif line["closing"] and enum is not None:
            enum = None
        elif line["closing"]:
            scope.pop()
        elif line["field"]:
            _add(scope[-1], line)
        elif enum is not None:
            enum.value.add(name=line["value"], number=int(line["of_value"]))
    for message in file.message_type:
        _resolve(message, [f".{file.package}"], _types(file))
    return file


def _lines(path: Path) -> Iterator[re.Match[str]]:
    for line in (raw.split("//")[0].strip() for raw in path.read_text(encoding="utf-8").splitlines()):
        if line and not line.startswith("syntax"):
            found = _LINE.fullmatch(line)
            assert found, f"{path.name}: this compiler does not read '{line}'"
            yield found


def _add(message: DescriptorProto, line: re.Match[str]) -> None:
    field = message.field.add(name=line["field"], number=int(line["number"]))
    field.label = FieldDescriptorProto.Label.Value(f"LABEL_{line['label'].upper()}")
    if line["packed"]:
        field.options.packed = True
    scalar = f"TYPE_{line['type'].upper()}"
    if scalar in FieldDescriptorProto.Type.keys():
        field.type = FieldDescriptorProto.Type.Value(scalar)
    else:
        field.type_name = line["type"]


def _types(file: FileDescriptorProto) -> dict[str, FieldDescriptorProto.Type.ValueType]:
    """Whether a full name is a message's or an enum's."""
    found = {}

    def gather(message: DescriptorProto, before: str) -> None:
        name = f"{before}.{message.name}"
        found[name] = FieldDescriptorProto.TYPE_MESSAGE
        found.update({f"{name}.{enum.name}": FieldDescriptorProto.TYPE_ENUM for enum in message.enum_type})
        for inner in message.nested_type:
            gather(inner, name)

    for message in file.message_type:
        gather(message, f".{file.package}")
    return found


def _resolve(
    message: DescriptorProto, scopes: list[str], types: dict[str, FieldDescriptorProto.Type.ValueType]
) -> None:
    """Types by their full names: what stands further inside comes first."""
    scopes = [f"{scopes[0]}.{message.name}", *scopes]
    for field in message.field:
        if field.type_name:
            field.type_name = next(name for scope in scopes if (name := f"{scope}.{field.type_name}") in types)
            field.type = types[field.type_name]
    for inner in message.nested_type:
        _resolve(inner, scopes, types)
