"""What texts say of the code is there: files that pages and docstrings name, what they link to, modules they import."""

import ast
import functools
import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from types import CodeType

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
        # A compiled file is a quarter of the work of its tree.
        yield from strings(compile(text, file, "exec", dont_inherit=True).co_consts)


def strings(constants: Iterable[object]) -> Iterator[str]:
    """Those among a code's constants, and in what it defines."""
    for each in constants:
        match each:
            case str():
                yield each
            case CodeType(co_consts=inner) | (tuple() as inner) | (frozenset() as inner):
                yield from strings(inner)


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



PAGES = sorted({*ROOT.glob("*.md"), *(each for each in TEXTS if each.suffix == ".md")})
LINK = re.compile(r"\]\(([^)\s:#]+)(?:#([\w-]+))?\)")


def linked(page: Path) -> Iterator[tuple[Path, str]]:
    """What a page links to in this folder, and the heading there, or ""."""
    for path, heading in LINK.findall(re.sub(r"^```.*?^```", "", page.read_text(encoding="utf-8"), flags=re.M | re.S)):
        yield (page.parent / path).resolve(), heading


def headings(page: Path) -> set[str]:
    """The names by which its headings are found."""
    lines = re.findall(r"^#+ (.+)$", page.read_text(encoding="utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w -]", "", line.lower()).replace(" ", "-") for line in lines}


def test_every_link_leads_somewhere() -> None:
    found = [(page, *each) for page in PAGES for each in linked(page)]
    assert len(found) > 150
    assert not {(page.name, str(place)) for page, place, _ in found if not place.exists()}
    assert not {(page.name, heading) for page, place, heading in found if heading and heading not in headings(place)}


def test_readme_leads_to_every_page_of_docs_and_results() -> None:
    there = {place for place, _ in linked(ROOT / "README.md")}
    wanted = {*(ROOT / "docs").iterdir(), *(ROOT / "results").glob("*/README.md")}
    assert len(wanted) > 30 and not {page.relative_to(ROOT).as_posix() for page in wanted - there}


def test_every_other_page_is_linked_somewhere() -> None:
    there = {ROOT / "README.md", *(place for page in PAGES for place, _ in linked(page))}
    there |= {place / "README.md" for place in there}
    assert not {page.relative_to(ROOT).as_posix() for page in PAGES if page not in there}


@pytest.mark.parametrize(("module", "name"), [("evolve.training", "layers"), ("evolve.gone", "x"), ("trt.inputs", "x")])
def test_what_is_gone_is_noticed(module: str, name: str) -> None:
    assert list(imported(f"import sys\nfrom {module} import sys, {name}\n"))[1] == (module, name)
    assert not is_there(module, name)


def test_each_file_of_tests_has_a_name_of_its_own() -> None:
    # Pytest imports them by name alone: of two in one process the second is an error.
    names = [file.name for file in (ROOT / "tests").rglob("test_*.py")]
    assert len(names) > 200 and not {name for name in names if names.count(name) > 1}
