"""The tiny network with other text in one of its prototxts, as a folder, and where something stands in it."""

from pathlib import Path

from tests.lineage.conftest import EVOLUTION, SOLVER, TRAIN_VAL


def written(folder: Path, train_val: str = TRAIN_VAL, solver: str = SOLVER, evolution: str = EVOLUTION) -> Path:
    """The network's folder, tiny/ in `folder`."""
    tiny = folder / "tiny"
    tiny.mkdir(parents=True)
    for name, text in (("train_val", train_val), ("solver", solver), ("evolution", evolution)):
        (tiny / f"{name}.prototxt").write_text(text)
    return tiny


def edited(text: str, *changes: tuple[str, str]) -> str:
    """`text` with the first of each (old, new) changed."""
    for old, new in changes:
        assert old in text
        text = text.replace(old, new, 1)
    return text


def line(text: str, words: str) -> int:
    """The line, from 1, on which `words` first stand."""
    return 1 + text[: text.index(words)].count("\n")
