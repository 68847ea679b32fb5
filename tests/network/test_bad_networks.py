"""Networks that cannot evolve: each file in tests/bad/ begins with what is said of it."""

from pathlib import Path

import pytest

from evolve.base import prototxt_text
from evolve.base.caffe_messages import caffe_pb2
from evolve.base.errors import UserError
from evolve.network import deployment, topology

FILES = sorted((Path(__file__).parents[1] / "bad").glob("train_val_*.prototxt"))


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_what_is_said_of(path: Path) -> None:
    with pytest.raises(UserError) as error:
        net = prototxt_text.read(path, caffe_pb2.NetParameter(), {"DATA": "/data"})
        topology.read([deployment.deploy(net, (3, 8, 8))])
    says = path.read_text(encoding="utf-8").splitlines()[0].removeprefix("# says: ")
    assert str(error.value) == says.replace("{file}", str(path))


def test_there_are_some() -> None:
    assert len(FILES) == 8
