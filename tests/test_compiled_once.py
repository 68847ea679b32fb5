"""What is kept of a compiler's work serves other checkouts, unless their place is written into it."""

from pathlib import Path

import pytest

from tests import compiled_once

SOURCE = Path(__file__)


@pytest.mark.parametrize(
    ("word", "same"), [("-I{root}/include", True), ("-Wl,-rpath,{root}/.venv", False), ("-O2", True)]
)
def test_where_the_checkout_lies(word: str, same: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    kept = []
    for root in ("/here", "/there"):
        monkeypatch.setattr(compiled_once, "_ROOT", Path(root))
        kept.append(compiled_once._kept(["g++", word.format(root=root)], [SOURCE], Path("/tmp/a/program")))
    assert (kept[0] == kept[1]) is same
