"""Arrays and plain values come back from a pickle; a pickle that asks for anything else runs nothing."""

import os
import pickle
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from small_files import pickled

from evolve.datasets import array_pickle


@given(
    array=arrays.arrays(np.uint8, arrays.array_shapes(max_dims=3, max_side=5)),
    labels=st.lists(st.integers(0, 255)),
    protocol=st.integers(3, 4),
)
def test_what_was_pickled_comes_back(array: np.ndarray, labels: list[int], protocol: int) -> None:
    back = array_pickle.loads(pickle.dumps({"data": array, "labels": labels}, protocol=protocol))
    assert np.array_equal(back["data"], array) and back["labels"] == labels


def test_an_array_of_python_2_comes_back() -> None:
    images = np.arange(24, dtype=np.uint8).reshape(2, 3, 2, 2)
    back = array_pickle.loads(pickled(images, np.array([7, 9])))
    assert np.array_equal(back[b"data"], images.reshape(2, 12)) and back[b"labels"] == [7, 9]


def test_strings_of_python_2_are_bytes() -> None:
    assert array_pickle.loads(b"\x80\x02}U\x06labels]K\x06as.") == {b"labels": [6]}


class Command:
    """Unpickled the usual way, it runs a command."""

    def __init__(self, command: str) -> None:
        self.command = command

    def __reduce__(self):
        return os.system, (self.command,)


def test_a_pickle_that_runs_a_command_is_refused(tmp_path: Path) -> None:
    content = pickle.dumps({b"data": Command(f"touch {tmp_path}/ran"), b"labels": []})
    with pytest.raises(ValueError) as error:
        array_pickle.loads(content)
    assert str(error.value) == "posix.system, which no array needs"
    assert not (tmp_path / "ran").exists()


@pytest.mark.parametrize("name", ["eval", "getattr", "__import__"])
def test_no_builtin_is_at_hand(name: str) -> None:
    with pytest.raises(ValueError, match=f"^builtins.{name}, which no array needs$"):
        array_pickle.loads(f"cbuiltins\n{name}\n.".encode())


@pytest.mark.parametrize("content", [b"", b"no pickle", pickle.dumps([1, 2])[:-3]])
def test_a_broken_pickle(content: bytes) -> None:
    with pytest.raises(ValueError):
        array_pickle.loads(content)
