"""A prototxt's fields as they stand in its text, whatever messages know them: names, lines, places, values.

protobuf stops at the first field that it does not know. What another Caffe's prototxt has besides is found here, and
blanked, so that the lines of what follows stay what they were.
"""

import functools
import re
from collections.abc import Iterator
from dataclasses import dataclass, field

_TOKEN = re.compile(
    r"""\#[^\n]*|"(?:[^"\\\n]|\\.)*"|'(?:[^'\\\n]|\\.)*'|[{}<>\[\]:;,]|[^\s{}<>\[\]:;,"'\#]+"""
)
_OPEN, _CLOSE = ("{", "<"), ("}", ">")
_DEEPEST = 30  # messages within one another; Caffe's have six at most


@dataclass
class Field:
    """One field: a message if it has `fields`, else a value as it is written."""

    name: str
    line: int  # from 1
    start: int  # its first letter
    end: int  # behind its last one
    value: str = ""
    is_message: bool = False
    fields: list["Field"] = field(default_factory=list)

    def all(self, name: str) -> Iterator["Field"]:
        """Its own fields that are called `name`."""
        return (each for each in self.fields if each.name == name)

    def text(self, name: str) -> str:
        """The value of the first field of that name without quotes; "" where there is none."""
        return next((each.value.strip("\"'") for each in self.all(name)), "")

    def written(self) -> str:
        """The field on one line, without comments."""
        if not self.is_message:
            return f"{self.name}: {self.value}"
        return f"{self.name} {{ {self.inside()} }}"

    def inside(self) -> str:
        """The fields of a message on one line."""
        return " ".join(each.written() for each in self.fields)


@functools.lru_cache(maxsize=16)
def read(text: str) -> Field:
    """The fields of `text` in one message without a name; what follows a bracket too many is left out.

    Whoever reads the same text again gets the same fields, to look at and not to change.
    """
    root = Field("", 1, 0, len(text), is_message=True)
    open_messages, begun, after_colon, line, last = [root], root, False, 1, 0
    for token in _TOKEN.finditer(text):
        word = token.group()
        line, last = line + text.count("\n", last, token.start()), token.start()
        if word.startswith("#") or word in (";", ","):
            continue
        if word in _CLOSE:
            if len(open_messages) == 1:
                break
            begun = open_messages.pop()
        elif word in _OPEN:
            if begun is open_messages[-1] or len(open_messages) > _DEEPEST:
                break
            begun.is_message = True
            open_messages.append(begun)
        elif word == ":":
            after_colon = True
            continue
        elif after_colon or word[0] in "\"'[]" or begun.value.startswith("[") and not begun.value.endswith("]"):
            begun.value = f"{begun.value} {word}".strip() if begun is not open_messages[-1] else ""
        else:
            begun = Field(word, line, token.start(), token.end())
            open_messages[-1].fields.append(begun)
        after_colon, begun.end = False, token.end()
    root.end = len(text)
    return root


def blanked(text: str, fields: list[Field]) -> str:
    """`text` with blanks in place of `fields`; what it has lines of stays on its lines."""
    for each in fields:
        gone = re.sub(r"[^\n]", " ", text[each.start : each.end])
        text = f"{text[: each.start]}{gone}{text[each.end :]}"
    return text
