"""`make count` of a pruned network says beside its synapses what others would count."""

from pathlib import Path

import numpy as np
import pytest

from evolve.base import prototxt_text
from evolve.base.caffe_messages import caffe_pb2
from evolve.base.errors import UserError
from evolve.figures import count_table
from evolve.network import weights

NET = """
layer { name: "data" type: "Input" top: "data" input_param { shape { dim: 1 dim: 3 } } }
layer { name: "ip" type: "InnerProduct" bottom: "data" top: "ip" inner_product_param { num_output: 3 } }
"""
# Neuron 1 has two weights and a bias of zero, neuron 2 one weight and a bias, neuron 3 a bias alone.
WEIGHTS, BIASES = [[1, 2, 0], [0, 0, 3], [0, 0, 0]], [0, 4, 5]


@pytest.mark.parametrize(("biases", "others"), [(BIASES, 5), ([0, 4, 0], 4), ([6, 4, 0], None)])
def test_what_others_count(tmp_path: Path, biases: list[int], others: int | None) -> None:
    net = prototxt_text.parse(NET, caffe_pb2.NetParameter(), "net")
    prototxt_text.write(net, tmp_path / "net.prototxt")
    learned = {"ip": [np.array(WEIGHTS, np.float32), np.array(biases, np.float32)]}
    weights.write(tmp_path / "w.caffemodel", net, learned)
    made = count_table.sheet(tmp_path / "net.prototxt", tmp_path / "w.caffemodel")
    assert dict(zip(made.columns, made.rows[-1], strict=True))["synapses"] == "5"
    said = [note.split()[0] for note in made.notes if "which others count" in note]
    # Five are five either way: the bias of neuron 1 is counted, that of neuron 3 is not.
    assert said == ([] if others in (None, 5) else [str(others)])


def test_2_4(tmp_path: Path) -> None:
    """A part of the groups, rounded down; a layer where all are and whose inputs come in fours is named."""
    text = NET.replace("dim: 3", "dim: 4") + NET.splitlines()[2].replace('"ip"', '"ip2"').replace('"data"', '"ip"')
    net = prototxt_text.parse(text, caffe_pb2.NetParameter(), "net")
    prototxt_text.write(net, tmp_path / "net.prototxt")
    learned = {
        "ip": [np.array([[1, 2, 0, 0], [0, 3, 0, 4], [0, 0, 0, 0]], np.float32), np.ones(3, np.float32)],
        "ip2": [np.array([[1, 2, 3], [0, 0, 3], [1, 0, 2]], np.float32), np.ones(3, np.float32)],
    }
    weights.write(tmp_path / "w.caffemodel", net, learned)
    made = count_table.sheet(tmp_path / "net.prototxt", tmp_path / "w.caffemodel")
    column = made.columns.index("2:4")
    assert [row[column] for row in made.rows] == ["", "100.0%", "66.6%", "83.3%"]
    assert made.notes[-1].endswith("sparse tensor cores skip the rest: ip.")
    assert "2:4" not in count_table.sheet(tmp_path / "net.prototxt").columns


def test_a_net_whose_data_is_in_train_alone(tmp_path: Path) -> None:
    trained = NET.replace('top: "data" input_param', 'top: "data" include { phase: TRAIN } input_param')
    (tmp_path / "net.prototxt").write_text(trained)
    with pytest.raises(UserError) as error:
        count_table.sheet(tmp_path / "net.prototxt")
    assert str(error.value) == (
        f"{tmp_path}/net.prototxt:2: layer 'data': expected an Input or a data layer in phase TEST, got this one in "
        "TRAIN alone; take its include away, or add one that includes TEST"
    )


def test_one_layer_is_one(tmp_path: Path) -> None:
    (tmp_path / "net.prototxt").write_text(NET + 'layer { name: "relu" type: "ReLU" bottom: "ip" top: "ip" }\n')
    made = count_table.sheet(tmp_path / "net.prototxt")
    assert "1 layer that learns nothing and works in place is not listed." in made.notes
