"""Every setting by its dotted path: which there are, and what values they can have, in protobuf's text format."""

import re
from collections.abc import Iterator
from difflib import SequenceMatcher
from typing import Any

from google.protobuf import text_format
from google.protobuf.message_factory import GetMessageClass

from evolve.errors import UserError
from evolve.proto import evolution_pb2

BLOCKS = "environment"  # the one repeated message whose fields have paths: those of all its blocks

_ROOT = evolution_pb2.EvolutionParameter.DESCRIPTOR
_PLAIN = re.compile(r"[\w.+-]+")


def known(message: Any = _ROOT, before: str = "") -> Iterator[str]:
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


def field(path: str) -> Any:
    """The descriptor of a setting. UserError naming the nearest one."""
    every = list(known())
    if path not in every:
        raise UserError(f"SET={path}: {_remedy(path, every)}")
    *parents, name = path.split(".")
    message = _ROOT
    for parent in parents:
        message = message.fields_by_name[parent].message_type
    return message.fields_by_name[name]


def canonical(path: str, value: str) -> str:
    """The value as protobuf prints it, several as [a,b]. UserError for what the setting cannot have."""
    descriptor = field(path)
    if is_list(value) and not descriptor.is_repeated:
        raise UserError(f"SET={path}: expected {_kind(descriptor)}, got {value}")
    printed = [_printed(path, descriptor, each) for each in elements(value)]
    return f"[{','.join(printed)}]" if len(printed) > 1 else printed[0]


def put(message: Any, name: str, element: str) -> None:
    """Merges one element into a field of `message`; of text, the quotes may be missing. Raises ParseError."""
    descriptor = message.DESCRIPTOR.fields_by_name[name]
    if descriptor.cpp_type == descriptor.CPPTYPE_STRING and element[:1] not in ("'", '"', ""):
        element = '"' + element.replace("\\", "\\\\").replace('"', '\\"') + '"'
    text_format.Merge(f"{name}: {element}", message)


def is_list(value: str) -> bool:
    """Whether `value` is written as [a,b]."""
    return value.startswith("[") and value.endswith("]")


def elements(value: str) -> list[str]:
    """Those of [a,b]; the value itself where it is no list."""
    return split(value[1:-1], ",") if is_list(value) else [value]


def split(words: str, at: str) -> list[str]:
    """The parts between the letters `at` outside quotes and brackets, without blanks around them."""
    parts, depth, quote = [""], 0, ""
    for letter in words:
        if quote:
            quote = "" if letter == quote else quote
        elif letter in "\"'":
            quote = letter
        elif letter in "[]":
            depth += 1 if letter == "[" else -1
        elif letter == at and not depth:
            parts.append("")
            continue
        parts[-1] += letter
    return [part.strip() for part in parts]


def _remedy(path: str, every: list[str]) -> str:
    inside = [each for each in every if each.startswith(f"{path}.")]
    if inside:
        return f"expected one of its settings: {', '.join(inside)}"
    if path.startswith(f"{BLOCKS}.waypoint"):
        return "waypoints go together; write them into evolution.NAME.prototxt, and give SCHEDULE=NAME"
    nearest = _nearest(path, every)
    hint = f"did you mean {nearest}?" if nearest else "prototxt/evolution.defaults.prototxt has them all"
    return f"no such setting; {hint}"


def _nearest(path: str, every: list[str]) -> str:
    """The one of that name elsewhere, or the one most alike in the same message, or anywhere; "" if none is near."""
    block, _, name = path.rpartition(".")

    def alike(each: str) -> tuple[float, float]:
        last = SequenceMatcher(None, each.rpartition(".")[2], name)
        return last.ratio(), SequenceMatcher(None, each, path).ratio()

    namesakes = [each for each in every if ends(each, name)]
    for group in (namesakes, [each for each in every if each.rpartition(".")[0] == block], every):
        nearest = max(group, key=alike, default="")
        if nearest and alike(nearest)[0] > 0.5:
            return nearest
    return ""


def _printed(path: str, descriptor: Any, element: str) -> str:
    message = GetMessageClass(descriptor.containing_type)()
    try:
        put(message, descriptor.name, element)
    except text_format.ParseError:
        raise UserError(f"SET={path}: expected {_kind(descriptor)}, got {element or 'nothing'}") from None
    # What follows a blank would be a field more.
    if len(message.ListFields()) > 1 or descriptor.is_repeated and len(getattr(message, descriptor.name)) != 1:
        raise UserError(f"SET={path}: expected {_kind(descriptor)}, got {element}")
    value = text_format.MessageToString(message, as_one_line=True).partition(":")[2].strip()
    inside = value[1:-1]
    return inside if value.startswith('"') and _PLAIN.fullmatch(inside) else value


def _kind(descriptor: Any) -> str:
    if descriptor.enum_type:
        return f"one of {', '.join(value.name for value in descriptor.enum_type.values)}"
    kinds = {
        descriptor.CPPTYPE_FLOAT: "a number", descriptor.CPPTYPE_BOOL: "true or false",
        descriptor.CPPTYPE_STRING: "text",
    }  # fmt: skip
    return kinds.get(descriptor.cpp_type, "a whole number of 0 or more")
