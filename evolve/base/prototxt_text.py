"""Prototxt text becomes a message and back, with errors that name file and line.

Caffe itself aborts on a mistyped field; here the same mistake is a sentence with the nearest known name.
"""

import functools
import re
from collections.abc import Container, Iterator
from pathlib import Path
from typing import Any, TypeVar

from google.protobuf import text_encoding, text_format
from google.protobuf.message import Message

from evolve.base.errors import UserError
from evolve.base.spelling import did_you_mean

M = TypeVar("M", bound=Message)

_POSITION = re.compile(r"^(?:(\d+):(\d+)\s*:\s*)?(.*)$", re.DOTALL)
_UNKNOWN = re.compile(r'(?:Message|Enum) type "([\w.]+)" has no (?:field|value) (?:named|with name) "?(\w+)"?')
_VARIABLE = re.compile(r"\$(\{)?([A-Za-z_]\w*)(?(1)\})")
# Everything before a comment: a # inside a string begins none.
_CODE = re.compile(r"""(?:[^"'#]++|"(?:[^"\\]++|\\.)*+"?|'(?:[^'\\]++|\\.)*+'?)*+""")
_QUOTE = re.compile(r"""\\*["']""")
_NAMED = 6  # prototxts of a folder, where a file is meant
_LARGEST = 1 << 22  # bytes; the largest networks' prototxts have a tenth of it


def parse(text: str, message: M, path: Path | str) -> M:
    """Parses `text` into `message`; UserError ``path:line: …`` for whatever protobuf refuses."""
    kind: Any = type(message)
    try:
        message.MergeFrom(_parsed(text, kind))
    except text_format.ParseError as error:
        raise UserError(_explain(str(error), message, path)) from None
    return message


@functools.lru_cache(maxsize=32)
def _parsed(text: str, kind: type[Message]) -> Any:
    """Python's parser takes a tenth of a second for a large net, and whatever is made from one reads it often."""
    message = kind()
    text_format.Parse(text, message)
    return message


def read(path: Path, message: M, values: dict[str, str] | None = None) -> M:
    """Reads a prototxt, puts `values` in place of its ``$NAMES`` and parses it. UserError as `parse`."""
    return parse(substitute(read_text(path), values or {}, path), message, path)


def read_text(path: Path) -> str:
    """The file's text; UserError when it cannot be read."""
    try:
        if path.stat().st_size > _LARGEST:
            raise UserError(
                f"{path}: expected a prototxt of at most {_LARGEST} bytes, got {path.stat().st_size}; name the "
                "prototxt, not the caffemodel"
            )
        # Editors on Windows begin a text with a mark of its byte order.
        return path.read_text(encoding="utf-8-sig")
    except FileNotFoundError:
        raise UserError(f"{path}: no such file; see prototxt/lenet/ for what a network's folder holds") from None
    except IsADirectoryError:
        there = ", ".join(sorted(file.name for file in path.glob("*.prototxt"))[:_NAMED])
        which = f"name one in it: {there}" if there else "name another file"
        raise UserError(f"{path}: expected a prototxt, got a folder; {which}") from None
    except OSError as error:
        raise UserError(f"{path}: expected a readable prototxt, got {error.strerror}; name another file") from None
    except UnicodeDecodeError as error:
        raise UserError(
            f"{path}: expected a prototxt, a text in UTF-8, got byte {error.object[error.start]:#x} at {error.start}; "
            "name the prototxt, not the caffemodel, or save it as UTF-8"
        ) from None


def write(message: Message, path: Path, heading: str = "", names: Container[str] = ()) -> None:
    """Prints `message` to `path`, with `heading` as comment lines before it.

    A ``$`` in it, of a folder's name for one, is written as its octal escape, so that whoever reads the file takes it
    for itself; but ``$NAME`` stays for each of `names`.
    """
    comment = "".join(f"# {line}\n" for line in heading.splitlines())
    text = _VARIABLE.sub(
        lambda match: match.group() if match.group(2) in names else _escaped(match.group()),
        text_format.MessageToString(message),
    )
    path.write_text(comment + text, encoding="utf-8")


def substitute(text: str, values: dict[str, str], path: Path | str) -> str:
    """Puts `values` in place of ``$NAME``, comments left alone; a name without a value is a UserError.

    What a string's syntax gives another meaning, a quote in a folder's name for one, is written as its escape.
    """
    lines = text.splitlines(keepends=True)
    for number, line in enumerate(lines):
        code, comment = _split_comment(line)
        for _, name in _VARIABLE.findall(code):
            if name not in values:
                known = ", ".join(f"${key}" for key in sorted(values)) or "none"
                raise UserError(
                    f"{path}:{number + 1}: ${name} has no value (known here: {known}); write the value itself"
                )
        lines[number] = _VARIABLE.sub(lambda match: _within(match, values[match.group(2)]), code) + comment
    return "".join(lines)


def _within(match: re.Match[str], value: str) -> str:
    """`value` as it has to stand where `match` is: outside strings, in one, or in one within a param_str."""
    open_quotes: list[str] = []
    for quote in _QUOTE.findall(match.string[: match.start()]):
        if quote in open_quotes:
            del open_quotes[open_quotes.index(quote) :]
        else:
            open_quotes.append(quote)
    for _ in open_quotes:
        value = text_encoding.CEscape(value.encode(errors="surrogateescape"), as_utf8=True)
    return value


def line_of(text: str, name: str) -> int:
    """The line (from 1) on which layer `name` names itself in a prototxt's `text`; 1 if nowhere."""
    return next(lines_of(text, name), 1)


def lines_of(text: str, name: str) -> Iterator[int]:
    """The lines (from 1) on which layers called `name` name themselves in a prototxt's `text`."""
    return _lines_with(text, rf"""\bname\s*:\s*["']{re.escape(name)}["']""")


def line_of_field(text: str, field: str) -> int:
    """The line (from 1) on which a prototxt's `text` first writes `field`; 0 if nowhere."""
    return next(_lines_with(text, rf"\b{re.escape(field)}\s*[:{{\[]|\b{re.escape(field)}\s*$"), 0)


def _lines_with(text: str, pattern: str) -> Iterator[int]:
    """Those whose code, comments left out, has it."""
    lines = enumerate(text.splitlines(), start=1)
    return (number for number, line in lines if re.search(pattern, _split_comment(line)[0]))


def located(error: UserError, path: Path, text: str | None = None) -> UserError:
    """The same error with file and, if its message begins with a layer, that layer's line in `text`, the file's own."""
    words = str(error)
    if not words.startswith("layer '"):
        return UserError(f"{path}: {words}")
    layer = words.split("'")[1]
    return UserError(f"{path}:{line_of(read_text(path) if text is None else text, layer)}: {words}")


def _escaped(variable: str) -> str:
    return variable.replace("$", "\\044")


def _split_comment(line: str) -> tuple[str, str]:
    code = _CODE.match(line).group()  # type: ignore[union-attr]
    return code, line[len(code) :]


def _explain(error: str, message: Message, path: Path | str) -> str:
    line, _, what = _POSITION.match(error).groups()  # type: ignore[union-attr]
    where = f"{path}:{line}" if line else str(path)
    unknown = _UNKNOWN.search(what)
    if not unknown:
        return f"{where}: {what.strip()}"
    type_name, name = unknown.groups()
    known = _names(message, type_name)
    remedy = did_you_mean(name, known, f"known are: {', '.join(sorted(known))}")
    return f"{where}: {type_name.split('.')[-1]} has no '{name}'; {remedy}"


def _names(message: Message, type_name: str) -> list[str]:
    pool: Any = message.DESCRIPTOR.file.pool
    try:
        return [field.name for field in pool.FindMessageTypeByName(type_name).fields]
    except KeyError:
        return [value.name for value in pool.FindEnumTypeByName(type_name).values]
