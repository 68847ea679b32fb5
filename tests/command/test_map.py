"""docs/how_it_works.md names files and functions that are there."""

import ast
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
ROWS = re.findall(r"^\| .* \| `(\S+\.py)` \| `(\S+)` \|$", (ROOT / "docs/how_it_works.md").read_text(), re.MULTILINE)


def _defined(file: Path) -> set[str]:
    """Functions, and methods as Class.method."""
    found = set()
    for node in ast.parse(file.read_text(encoding="utf-8")).body:
        if isinstance(node, ast.FunctionDef):
            found.add(node.name)
        if isinstance(node, ast.ClassDef):
            found |= {f"{node.name}.{each.name}" for each in node.body if isinstance(each, ast.FunctionDef)}
    return found


def test_there_are_eight_rows() -> None:
    assert len(ROWS) == 8


@pytest.mark.parametrize("file, function", ROWS)
def test_a_row_names_what_is_there(file: str, function: str) -> None:
    assert function in _defined(ROOT / file)


def test_every_room_is_drawn() -> None:
    drawing = (ROOT / "docs/how_it_works.md").read_text().split("## The rooms")[1]
    rooms = {folder.parent.name for folder in (ROOT / "evolve").glob("*/__init__.py")} - {"proto"}
    assert rooms <= set(re.findall(r"^(\w+) ", drawing, re.MULTILINE)) | {"datasets"}
