"""What texts say of the code is there: files that pages and docstrings name, modules that programs in texts import."""

import ast
import functools
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from recipes import RECIPES, ROOT

PACKAGES = ("evolve", "trt", "fastcaffe", "datasets")
FOLDERS = (*PACKAGES, "prototxt", "third_party", "docs", "tests")
TEXTS = sorted(
    file
    for folder in (*FOLDERS, "results")
    for file in (ROOT / folder).rglob("*")
    if file.suffix in (".md", ".py", ".pyi", ".proto", ".prototxt", ".cpp", ".h") and "__pycache__" not in file.parts
)
PATH = re.compile(rf"\b(?:{'|'.join(FOLDERS)})/[\w./-]*\w\.(?:md|py|proto|prototxt|cpp|h|csv|png)\b")
IMPORT = re.compile(rf"^ *from ((?:{'|'.join(PACKAGES)}|tests)[\w.]*) import (\w+(?:, \w+)*)", re.MULTILINE)
# What a recipe makes is not there yet.
TO_COME = {path for recipe in RECIPES.values() for path in recipe.touches}


def named(file: Path) -> Iterator[str]:
    """The paths of ours that a file names, from the root; tests name those of run folders and copies too."""
    if ROOT / "tests" not in file.parents or file.suffix == ".md":
        yield from PATH.findall(file.read_text(encoding="utf-8"))


def imported(text: str) -> Iterator[tuple[str, str]]:
    """Module and name of what a program in a text imports of ours."""
    for module, names in IMPORT.findall(text):
        yield from ((module, name) for name in names.split(", "))


def programs(file: Path) -> Iterator[str]:
    """The strings of a Python file; a page as a whole."""
    text = file.read_text(encoding="utf-8")
    if file.suffix == ".md":
        yield text
    elif file.suffix == ".py":
        for node in ast.walk(ast.parse(text)):
            if isinstance(node, ast.Constant) and isinstance(node.value, str):
                yield node.value


def is_there(module: str, name: str) -> bool:
    """Whether the module binds that name, as its source says; a package also has what lies in it."""
    place = ROOT.joinpath(*module.split("."))
    source = place / "__init__.py" if place.is_dir() else place.with_suffix(".py")
    if (place / name).is_dir() or (place / f"{name}.py").is_file():
        return True
    return source.is_file() and name in bound(source)


@functools.cache
def bound(source: Path) -> set[str]:
    """Names that a module's source gives to functions, classes, values and what it imports."""
    found = set[str]()
    for node in ast.walk(ast.parse(source.read_text(encoding="utf-8"))):
        match node:
            case ast.FunctionDef(name=name) | ast.ClassDef(name=name) | ast.Name(id=name, ctx=ast.Store()):
                found.add(name)
            case ast.alias(name=name, asname=asname):
                found.add(asname or name)
    return found


def test_every_file_that_is_named_is_there() -> None:
    pages = [*TEXTS, ROOT / "README.md", ROOT / "Makefile"]
    found = [(file, path) for file in pages for path in named(file)]
    assert len(found) > 100
    wrong = {(str(file.relative_to(ROOT)), path) for file, path in found
             if path not in TO_COME and not (ROOT / path).exists() and not (file.parent / path).exists()}  # fmt: skip
    assert not wrong


def test_whatever_a_program_in_a_text_imports_is_there() -> None:
    found = [(file, *each) for file in [*TEXTS, ROOT / "README.md"] for text in programs(file)
             for each in imported(text)]  # fmt: skip
    assert len(found) > 40
    wrong = {(str(file.relative_to(ROOT)), f"{module}: {name}") for file, module, name in found
             if not is_there(module, name)}  # fmt: skip
    assert not wrong


@pytest.mark.parametrize(("module", "name"), [("evolve.training", "layers"), ("evolve.gone", "x"), ("trt.inputs", "x")])
def test_what_is_gone_is_noticed(module: str, name: str) -> None:
    assert list(imported(f"import sys\nfrom {module} import sys, {name}\n"))[1] == (module, name)
    assert not is_there(module, name)
