"""Pickles from a stranger, read without running what they ask for: plain values and NumPy arrays of numbers.

A pickle is a program: it names functions and calls them, and says how much memory is to be taken. Here no unpickler
runs it. The few instructions that a dictionary of arrays is written with (Python 2's protocol 2, Python 3's up to 4)
are read one by one; what they name is a mark, not a function, and an array comes about only where the marks stand as
NumPy itself sets them down.
"""

import struct
from typing import Any

from evolve.datasets.array_marks import Made, Name, array_of, called

MOST = 1 << 17  # instructions: a batch of CIFAR-10 has 30,000
SHOWN = 80  # letters of what is refused
_ALLOWED = {(module, "_reconstruct") for module in ("numpy.core.multiarray", "numpy._core.multiarray")} | {
    ("numpy", "ndarray"),
    ("numpy", "dtype"),
}
_MARK = object()


def loads(content: bytes) -> Any:
    """The value in ``content``; strings of Python 2 as bytes. ValueError if it is none, or asks for more."""
    try:
        return _Reader(content).value()
    except (IndexError, KeyError, TypeError, struct.error) as error:
        raise ValueError(f"a broken pickle ({type(error).__name__}: {error})") from None


class _Reader:
    def __init__(self, content: bytes) -> None:
        self._content, self._at = memoryview(content), 0
        self._stack: list[Any] = []
        self._memo: dict[int, Any] = {}

    def value(self) -> Any:
        for _ in range(MOST):
            code = bytes(self._take(1))
            if code == b".":
                (result,) = self._stack
                return _plain(result)
            self._step(code)
        raise ValueError(f"more than {MOST} instructions")

    def _take(self, count: int) -> memoryview:
        part = self._content[self._at : self._at + count]
        if len(part) < count:
            raise ValueError("a pickle that was cut off")
        self._at += count
        return part

    def _number(self, form: str) -> Any:
        return struct.unpack(form, self._take(struct.calcsize(form)))[0]

    def _step(self, code: bytes) -> None:
        if code in _CONSTANTS:
            self._stack.append(_CONSTANTS[code])
        elif code in _FIXED:
            self._stack.append(self._number(_FIXED[code]))
        elif code in _STRINGS:
            form, decode = _STRINGS[code]
            self._stack.append(decode(self._take(self._number(form))))
        elif code in _MEMO:
            self._remember(code)
        else:
            self._build(code)

    def _remember(self, code: bytes) -> None:
        kept, form = _MEMO[code]
        number = self._number(form) if form else len(self._memo)
        if kept:
            self._memo[number] = self._stack[-1]
            return
        value = self._memo[number]
        if isinstance(value, Made) and value.name == "ndarray":
            raise ValueError("an array that stands in two places")
        self._stack.append(value)

    def _build(self, code: bytes) -> None:
        match code:
            case b"\x80" | b"\x95":  # protocol and frame, which say nothing of the values
                self._take(1 if code == b"\x80" else 8)
            case b"}":
                self._stack.append({})
            case b"]":
                self._stack.append([])
            case b"\x85" | b"\x86" | b"\x87":
                self._tuple(len(self._stack) - (code[0] - 0x84))
            case b"t":
                self._tuple(self._marked() - 1, 1)
            case b"a" | b"e":
                self._into(list, 1 if code == b"a" else None)
            case b"s" | b"u":
                self._into(dict, 2 if code == b"s" else None)
            case b"c":
                self._name(self._line(), self._line())
            case b"\x93":
                name, module = self._stack.pop(), self._stack.pop()
                self._name(module, name)
            case b"R":
                self._stack.append(called(arguments=self._stack.pop(), function=self._stack.pop()))
            case b"b":
                self._tell(self._stack.pop())
            case _:
                raise ValueError(f"instruction {code!r}, which no array needs")

    def _marked(self) -> int:
        """The place after the last mark."""
        for place in range(len(self._stack) - 1, -1, -1):
            if self._stack[place] is _MARK:
                return place + 1
        raise ValueError("no mark where one is needed")

    def _tuple(self, begin: int, leave_out: int = 0) -> None:
        if begin < 0:
            raise ValueError("fewer values than a tuple needs")
        self._stack[begin:] = [tuple(self._stack[begin + leave_out :])]

    def _into(self, kind: type, count: int | None) -> None:
        """The last ``count`` values, or those after the mark, into the list or dictionary before them."""
        begin = self._marked() if count is None else len(self._stack) - count
        values = [_plain(value) for value in self._stack[begin:]]
        del self._stack[begin - (count is None) :]
        if not isinstance(self._stack[-1], kind):
            raise ValueError(f"a {type(self._stack[-1]).__name__} where a {kind.__name__} is needed")
        into: Any = self._stack[-1]
        if kind is list:
            into.extend(values)
            return
        for key, value in zip(values[::2], values[1::2], strict=True):
            if not isinstance(key, bytes | str | int):
                raise ValueError(f"a {type(key).__name__} for a key")
            into[key] = value

    def _line(self) -> str:
        found = bytes(self._content[self._at : self._at + SHOWN]).partition(b"\n")
        self._at += len(found[0]) + 1
        return found[0].decode("ascii", "replace")

    def _name(self, module: Any, name: Any) -> None:
        if (module, name) not in _ALLOWED:
            raise ValueError(f"{f'{module}.{name}'[:SHOWN]}, which no array needs")
        self._stack.append(Name(name))

    def _tell(self, state: Any) -> None:
        made = self._stack[-1]
        if not isinstance(made, Made) or made.state is not None:
            raise ValueError("a state for what has none")
        made.state = state
        if made.name == "ndarray":
            self._stack[-1] = array_of(state)


def _plain(value: Any) -> Any:
    if isinstance(value, Name | Made) or value is _MARK:
        raise ValueError("a function where a value is needed")
    return value


def _long(content: memoryview) -> int:
    return int.from_bytes(content, "little", signed=True)


def _unicode(content: memoryview) -> str:
    return str(content, "utf-8", "surrogatepass")


_CONSTANTS = {b"(": _MARK, b"N": None, b"\x88": True, b"\x89": False, b")": ()}
_FIXED = {b"K": "<B", b"M": "<H", b"J": "<i", b"G": ">d"}
# Form of the length, and what the bytes after it are.
_STRINGS: dict[bytes, tuple[str, Any]] = {
    **{b"U": ("<B", bytes), b"T": ("<I", bytes), b"C": ("<B", bytes), b"B": ("<I", bytes), b"\x8e": ("<Q", bytes)},
    **{b"\x8c": ("<B", _unicode), b"X": ("<I", _unicode), b"\x8a": ("<B", _long)},
}
# Whether something is kept (or fetched), and the form of its number.
_MEMO = {b"q": (True, "<B"), b"r": (True, "<I"), b"\x94": (True, ""), b"h": (False, "<B"), b"j": (False, "<I")}
