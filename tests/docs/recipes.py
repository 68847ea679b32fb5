"""docs/extending.md as recipes: which files each of them touches, and what becomes of a tree when it is followed.

A block of code stands below a paragraph that begins with its file's path: the whole of a new file, or, as a diff, what
changes in one that is there.
"""

import re
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "docs/extending.md").read_text(encoding="utf-8")

_TOUCHES = re.compile(r"^Touches (.*?)\n\n", re.MULTILINE | re.DOTALL)
_PATH = re.compile(r"`([\w./]+)`")
_BLOCK = re.compile(r"^`([\w./]+)`[^\n]*(?:\n[^\n]+)*\n\n```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)


@dataclass(frozen=True)
class Block:
    """What a recipe says of one file."""

    path: str
    text: str
    is_diff: bool

    def apply(self, tree: Path) -> None:
        """Writes the file, or changes it where each hunk's lines stand, once."""
        file = tree / self.path
        if self.is_diff:
            file.write_text(changed(file.read_text(encoding="utf-8"), self.text, self.path), encoding="utf-8")
            return
        assert not file.exists(), f"{self.path} is there already: show what changes in it as a diff"
        file.parent.mkdir(exist_ok=True)
        file.write_text(self.text, encoding="utf-8")


@dataclass(frozen=True)
class Recipe:
    """A section of the page."""

    touches: frozenset[str]
    blocks: tuple[Block, ...]
    fences: int

    @property
    def makes_messages(self) -> bool:
        """Whether `make proto` is one of its steps."""
        return any(path.endswith("_pb2.py") for path in self.touches)


def changed(text: str, diff: str, path: str) -> str:
    """`text` with the hunks of `diff`, which @@ separates; their lines begin with a blank, - or + as usual."""
    text = f"\n{text}"
    for hunk in diff.split("@@\n"):
        lines = hunk.splitlines()
        assert {line[:1] for line in lines} <= {" ", "-", "+"}, f"{path}: {hunk}"
        before, after = (
            "\n" + "".join(f"{line[1:]}\n" for line in lines if line[0] in kinds) for kinds in (" -", " +")
        )
        assert text.count(before) == 1, f"{path}: {text.count(before)} times instead of once:{before}"
        text = text.replace(before, after)
    return text[1:]


def read(page: str) -> dict[str, Recipe]:
    """The recipes by their headings."""
    found = {}
    for section in page.split("\n## ")[1:]:
        title, _, body = section.partition("\n")
        touched = _TOUCHES.search(body)
        assert touched, f"{title}: expected a paragraph that begins with Touches"
        blocks = tuple(Block(path, text, kind == "diff") for path, kind, text in _BLOCK.findall(body))
        fences = len(re.findall("^```", body, re.MULTILINE)) // 2
        found[title] = Recipe(frozenset(_PATH.findall(touched[1])), blocks, fences)
    return found


RECIPES = read(PAGE)
