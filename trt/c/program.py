"""A C function in the making: where each value lies, which constants and kernels it needs, and its statements."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from evolve.base.errors import UserError
from evolve.network.axes import Shape
from trt.c import storage
from trt.c.loops import Nest
from trt.c.memory import Memory
from trt.c.storage import Synapses
from trt.onnx.graph import Graph

_WIDTH = 116  # letters of a line of numbers
# Words of C and C++, which reads the header too; what the statements call theirs, and what headers of the standard do.
_WORDS = (
    "auto break case char const continue default do double else enum extern float for goto if inline int long register "
    "restrict return short signed sizeof static struct switch typedef union unsigned void volatile while arena bool "
    "main class new delete this template public private protected operator try catch throw namespace typename virtual "
    "alignas alignof and and_eq asm bitand bitor char16_t char32_t char8_t co_await co_return co_yield compl concept "
    "const_cast consteval constexpr constinit decltype dynamic_cast explicit export false friend mutable noexcept not "
    "not_eq nullptr or or_eq reinterpret_cast requires static_assert static_cast thread_local true typeid using "
    "wchar_t xor xor_eq linux unix "
    "i j k l m n p q x y z sum expf logf powf sqrtf tanhf fabsf log1pf NULL NAN INFINITY HUGE_VAL HUGE_VALF HUGE_VALL "
    "int8_t int16_t int32_t int64_t uint8_t uint16_t uint32_t uint64_t"
).split()


@dataclass(frozen=True)
class Operand:
    """A value as a statement reads it."""

    text: str  # with {} where the index goes; none for a number
    shape: Shape

    def at(self, index: str) -> str:
        """The C expression of the number at an index."""
        return self.text.format(index)


@dataclass
class Program:
    """What the parts of a C file are collected in; `kind` is how weights are stored."""

    graph: Graph
    shapes: dict[str, Shape]
    memory: Memory
    kind: str
    names: "Names"
    constants: list[str] = field(default_factory=list)  # definitions
    statements: list[str] = field(default_factory=list)
    kernels: list[str] = field(default_factory=list)  # files of trt/c/kernels, in the order of their first use
    constant_bytes: int = 0
    kernel_bytes: int = 0  # of memory that kernels have beside the arena
    stretch: int = 0  # places of a map that sparse convolutions compute in one go
    synapses: int = 0
    flushed: int = 0  # that became zero in the bits they have
    stored: dict[str, Synapses] = field(default_factory=dict)  # of nodes with weights, by name
    _known: dict[tuple[str, bytes], str] = field(default_factory=dict)

    @property
    def memory_bytes(self) -> int:
        """Of memory that is static."""
        return 4 * self.memory.size + self.kernel_bytes

    def shape(self, value: str) -> Shape:
        """The shape of a value, () of a single number."""
        return self.shapes[value]

    def read(self, value: str) -> Operand:
        """A value for a statement: an array, or a number where a constant is the same everywhere."""
        constant = self.constant_of(value)
        if constant is None:
            return Operand(self.names.of(self.memory.buffers[value].called) + "[{}]", self.shape(value))
        if constant.size and (constant == constant.reshape(-1)[0]).all():
            return Operand(number(float(constant.reshape(-1)[0])), ())
        if storage.is_half(constant):
            self.need("half")
            return Operand(f"half({self.array(value, constant.astype(np.float16).view(np.uint16))}[{{}}])",
                           self.shape(value))  # fmt: skip
        return Operand(f"{self.array(value, constant)}[{{}}]", self.shape(value))

    def pointer(self, value: str) -> str:
        """A value for a kernel: a pointer to 32-bit numbers, which it may write if it is a node's own."""
        constant = self.constant_of(value)
        return self.names.of(self.memory.buffers[value].called) if constant is None else self.array(value, constant)

    def constant_of(self, value: str) -> np.ndarray | None:
        """The numbers of a constant, or of a view of one; None for what is computed."""
        return self.graph.constants.get(self.memory.buffers[value].name)

    def integers(self, value: str) -> list[int]:
        """The numbers of a constant that tells a shape, an axis or a place."""
        return [int(each) for each in self.graph.constants[value]]

    def array(self, name: str, values: np.ndarray) -> str:
        """The name of a constant array, which is stored once however many are the same: floats, or whole numbers."""
        floating = values.dtype.kind == "f"
        values = values.astype(np.float32) if floating else values
        kind = "float" if floating else f"{values.dtype.name}_t"
        key = kind, values.tobytes()
        if key not in self._known:
            self._known[key] = made = self.names.fresh(name)
            numbers = [number(float(each)) if floating else str(each) for each in values.reshape(-1)]
            self.constants += [f"static const {kind} {made}[{len(numbers)}] = {{", *_wrapped(numbers), "};"]
            self.constant_bytes += values.nbytes
        return self._known[key]

    def has(self, kind: str, text: str) -> bool:
        """Whether there is such a `struct kind` already."""
        return (kind, text.encode()) in self._known

    def structure(self, kind: str, name: str, text: str) -> str:
        """The name of a constant `struct kind`, once however many are the same."""
        key = kind, text.encode()
        if key not in self._known:
            self._known[key] = self.names.fresh(name)
            self.constants.append(f"static const struct {kind} {self._known[key]} = {text};")
            self.constant_bytes += 4 * len(re.findall(r"[^{},\s]+", text))  # pointers of 32 bits
        return self._known[key]

    def need(self, kernel: str, memory: int = 0) -> None:
        """Takes a file of trt/c/kernels in, with the bytes of memory that it has beside the arena."""
        if kernel not in self.kernels:
            self.kernels.append(kernel)
            self.kernel_bytes += memory

    def say(self, lines: Sequence[str]) -> None:
        """Adds statements."""
        self.statements += lines

    def loop(self, nest: Nest, body: Sequence[str]) -> None:
        """Adds loops around `body`."""
        self.say(nest.lines(body))

    def assign(self, value: str, nest: Nest, expression: str) -> None:
        """Adds loops in which `value`, the first operand, becomes `expression`."""
        self.loop(nest, [f"{self.read(value).at(nest.indices[0])} = {expression};"])


class Names:
    """C identifiers, each given once."""

    def __init__(self, taken: Sequence[str]) -> None:
        self._taken = {*_WORDS, *taken}
        self._of: dict[str, str] = {}

    def of(self, value: str) -> str:
        """The identifier of a value, always the same."""
        if value not in self._of:
            self._of[value] = self.fresh(value)
        return self._of[value]

    def fresh(self, wanted: str) -> str:
        """An identifier like `wanted` that nothing else has."""
        base = identifier(wanted)
        name, times = base, 1
        while name in self._taken:
            times += 1
            name = f"{base}_{times}"
        self._taken.add(name)
        return name


def identifier(text: str) -> str:
    """A C identifier like `text`, no reserved one."""
    # The graph names a value "blob/layer" where the blob is written again.
    text = re.sub(r"^(.+)/\1$", r"\1", text)
    name = re.sub(r"[^A-Za-z0-9]+", "_", text).strip("_") or "value"
    return f"v{name}" if name[0].isdigit() else name


def number(value: float) -> str:
    """A C constant of type float, to the last bit. UserError where it is not finite."""
    if not np.isfinite(value):
        raise UserError(f"expected finite numbers, got {value}; train it anew")
    return f"{float(np.format_float_scientific(np.float32(value), unique=True))!r}f"


def _wrapped(numbers: Sequence[str]) -> list[str]:
    lines, line = [], "   "
    for each in numbers:
        if len(line) + len(each) + 2 > _WIDTH:
            lines.append(line)
            line = "   "
        line += f" {each},"
    return [*lines, line]

