"""Networks that cannot evolve: each file in tests/bad/ begins with what is said of it."""

from pathlib import Path

import pytest

from evolve.errors import UserError
from evolve.network import prototxt, text, topology
from evolve.network.caffe_proto import caffe_pb2

FILES = sorted((Path(__file__).parents[1] / "bad").glob("train_val_*.prototxt"))


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_what_is_said_of(path: Path) -> None:
    with pytest.raises(UserError) as error:
        net = text.read(path, caffe_pb2.NetParameter(), {"DATA": "/data"})
        topology.read([prototxt.deploy(net, (3, 8, 8))])
    says = path.read_text(encoding="utf-8").splitlines()[0].removeprefix("# says: ")
    assert str(error.value) == says.replace("{file}", str(path))


def test_there_are_some() -> None:
    assert len(FILES) == 9
