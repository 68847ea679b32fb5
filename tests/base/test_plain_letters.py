"""What a terminal has no letters for is written in the nearest ones."""

import subprocess
import sys

import pytest

WORDS = "125 ÷ 3 × 2 − 1 – … · → ≤ µ é"


@pytest.mark.parametrize(
    ("encoding", "written"),
    [("ascii", b"125 / 3 x 2 - 1 - ... . -> <= u ?"), ("utf-8", WORDS.encode()), ("latin-1", None)],
)
def test_of_each_encoding(encoding: str, written: bytes | None) -> None:
    program = f"from evolve.base import plain_letters; plain_letters.use(); print({WORDS!r})"
    done = subprocess.run(
        [sys.executable, "-c", program], env={"PYTHONIOENCODING": encoding, "PYTHONPATH": ":".join(sys.path)},
        capture_output=True, check=True,
    )  # fmt: skip
    assert done.stdout.strip() == (written or "125 ÷ 3 × 2 - 1 - ... · -> <= µ é".encode("latin-1"))
