"""The text of a C file and its header: kernels first, then constants, then the function."""

import re
from collections.abc import Iterable

from evolve.network.axes import Shape, count
from trt.c.loops import indented
from trt.c.memory import Buffer
from trt.c.program import Names, Program, identifier
from trt.c.translation import KERNELS, STRETCH

_STANDARD = re.compile(r"#include (<\w+\.h>)\n")
_KERNEL = re.compile(r'#include "(\w+)\.c"\n')
_MATHS = re.compile(r"\b(expf|logf|powf|sqrtf|tanhf|fabsf|log1pf)\(")


def header(program: Program, function: str, heading: list[str]) -> str:
    """The header: how many numbers the function reads and writes, and its declaration."""
    macro = function.upper()
    macros = Names([f"{macro}_H"])
    sizes = [f"#define {macros.fresh(f'{macro}_{identifier(name).upper()}')} {count(shape)} /* {_shape(shape)} */"
             for name, shape in _interface(program)]  # fmt: skip
    return "\n".join([
        *_comment(heading),
        f"#ifndef {macro}_H",
        f"#define {macro}_H",
        "",
        *sizes,
        "",
        "#ifdef __cplusplus",
        'extern "C" {',
        "#endif",
        "",
        "/* Its memory is static: one call at a time. What it reads and what it writes must not overlap. */",
        f"{_declaration(program, function)};",
        "",
        "#ifdef __cplusplus",
        "}",
        "#endif",
        "",
        "#endif",
        "",
    ])  # fmt: skip


def source(program: Program, function: str, heading: list[str], stem: str) -> str:
    """The C file, whose header is ``stem.h``."""
    kernels, standard = _kernels(program)
    if _MATHS.search("\n".join(program.statements)):
        standard.add("<math.h>")
    if "int32_t" in "\n".join(program.statements):
        standard.add("<stdint.h>")
    arena = [f"static float arena[{program.memory.size}];", ""] if program.memory.size else []
    return "\n".join([
        *_comment(heading),
        f'#include "{stem}.h"',
        *(f"#include {each}" for each in sorted(standard)),
        "",
        *kernels,
        *program.constants,
        "",
        *arena,
        _declaration(program, function),
        "{",
        *indented([*_places(program), *_unread(program), *program.statements]),
        "}",
        "",
    ])  # fmt: skip


def _kernels(program: Program) -> tuple[list[str], set[str]]:
    """The kernels' texts, each once and behind what it includes, and which headers of the standard they want."""
    taken: dict[str, str] = {}
    if "convolution" in program.kernels:
        taken["stretch"] = f"/* Places of a map in one go. */\nenum {{ {STRETCH} = {program.stretch} }};\n"
    standard: set[str] = set()
    for kernel in program.kernels:
        _take(kernel, f"stored_{program.kind}", taken, standard)
    return list(taken.values()), standard


def _take(kernel: str, stored: str, taken: dict[str, str], standard: set[str]) -> None:
    if kernel in taken:
        return
    text = (KERNELS / f"{kernel}.c").read_text(encoding="utf-8")
    for other in _KERNEL.findall(text):
        _take(stored if other == "stored" else other, stored, taken, standard)
    standard.update(_STANDARD.findall(text))
    taken[kernel] = _KERNEL.sub("", _STANDARD.sub("", text)).strip() + "\n"


def _interface(program: Program) -> Iterable[tuple[str, Shape]]:
    return [*program.graph.inputs.items(), *program.graph.outputs.items()]


def _declaration(program: Program, function: str) -> str:
    names = [f"{'const ' if name in program.graph.inputs else ''}float {program.names.of(_root(program, name))}"
             f"[{count(shape)}]" for name, shape in _interface(program)]  # fmt: skip
    return f"void {function}({', '.join(names)})"


def _root(program: Program, name: str) -> str:
    return program.memory.buffers[name].called


def _places(program: Program) -> list[str]:
    """Pointers into the arena, one for each buffer that a statement names."""
    buffers: dict[int, Buffer] = {id(each): each for each in program.memory.buffers.values() if each.in_arena}
    made = []
    for buffer in buffers.values():
        name = program.names.of(buffer.called)
        if _is_named(program, name):
            place = f"arena + {buffer.start}" if buffer.start else "arena"
            made.append(f"float *const {name} = {place}; /* {buffer.size} */")
    return made


def _unread(program: Program) -> list[str]:
    """Inputs that nothing reads."""
    names = [program.names.of(name) for name in program.graph.inputs]
    return [f"(void){name};" for name in names if not _is_named(program, name)]


def _is_named(program: Program, name: str) -> bool:
    statements = re.sub(r"/\*.*?\*/", "", "\n".join(program.statements))
    return re.search(rf"\b{name}\b", statements) is not None


def _comment(lines: list[str]) -> list[str]:
    safe = [line.replace("*/", "* /").replace("/*", "/ *") for line in lines]
    return ["/* " + safe[0], *("   " + line for line in safe[1:-1]), "   " + safe[-1] + " */"]


def _shape(shape: Shape) -> str:
    return "x".join(map(str, shape)) or "one number"
