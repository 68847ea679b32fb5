"""Names of the classes go along with a network, and a network without any goes without."""

from pathlib import Path

import pytest

from evolve.base.errors import UserError
from trt import class_names


def test_they_go_along(tmp_path: Path) -> None:
    model, out = tmp_path / "gen001" / "deploy.prototxt", tmp_path / "out"
    model.parent.mkdir()
    out.mkdir()
    class_names.take_along(model, out)
    assert not list(out.iterdir())
    (model.parent / "labels.txt").write_text("größe\ncat\n", encoding="utf-8")
    class_names.take_along(model, out)
    assert (out / "labels.txt").read_text(encoding="utf-8") == "größe\ncat\n" and len(list(out.iterdir())) == 1


def test_so_does_the_mean_image(tmp_path: Path) -> None:
    """Of a generation whose net subtracts one."""
    (tmp_path / "mean.binaryproto").write_bytes(b"a mean")
    (tmp_path / "out").mkdir()
    class_names.take_along(tmp_path / "deploy.prototxt", tmp_path / "out")
    assert (tmp_path / "out" / "mean.binaryproto").read_bytes() == b"a mean"


def test_names_that_cannot_be_read_are_told_of(tmp_path: Path) -> None:
    (tmp_path / "labels.txt").symlink_to("/proc/self/mem")  # where nothing can be read, by whomever
    with pytest.raises(UserError) as error:
        class_names.take_along(tmp_path / "deploy.prototxt", tmp_path)
    assert str(error.value) == (
        f"{tmp_path}/labels.txt: expected the names of classes, got Input/output error; make it readable"
    )
