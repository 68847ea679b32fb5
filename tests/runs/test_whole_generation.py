"""A generation that GEN= names is there, whole as it was written, or what is amiss and what to do is said."""

from pathlib import Path

import pytest

from evolve.base.errors import UserError
from evolve.runs import generation, paths
from tests.runs import made_up


def refusal(run: Path, number: int) -> str:
    with pytest.raises(UserError) as refused:
        generation.whole(run, number)
    return str(refused.value).removeprefix(f"GEN={number}: ")


def test_which_there_are(tmp_path: Path) -> None:
    last = "without GEN= the last is taken"
    assert refusal(tmp_path, 1) == f"expected a generation of {tmp_path}, none yet; {last}"
    made_up.write(tmp_path, [made_up.metrics(1, 0.9)])
    assert refusal(tmp_path, 2) == f"expected a generation of {tmp_path}, 1; {last}"
    made_up.write(tmp_path, [made_up.metrics(number, 0.9) for number in (2, 3)])
    assert refusal(tmp_path, 13) == f"expected a generation of {tmp_path}, from 1 to 3; {last}"


def test_one_that_is_damaged(tmp_path: Path) -> None:
    with generation.writing(paths.generation(tmp_path, 1)) as folder:
        (folder / paths.WEIGHTS).write_bytes(b"weights")
    made = paths.generation(tmp_path, 1)
    assert generation.whole(tmp_path, 1) == made
    (made / paths.WEIGHTS).write_bytes(b"other")
    words = f"{made}: weights.caffemodel is not as it was committed; the same `make evolve` makes it anew"
    assert refusal(tmp_path, 1) == words
