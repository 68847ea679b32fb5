"""LSTM and RNN: shapes and blobs as real Caffe has them; counted, and left whole."""

import itertools
from pathlib import Path

import pytest

from evolve.base import prototxt_text
from evolve.base.caffe_messages import caffe_pb2
from evolve.base.errors import UserError
from evolve.network import count, shapes, topology
from evolve.training.caffe_process import CaffeProcess

KINDS = {"LSTM": 2, "RNN": 1}  # states


def inputs(name: str, *dims: int) -> str:
    shape = " ".join(f"dim: {dim}" for dim in dims)
    return f'layer {{ name: "{name}" type: "Input" top: "{name}" input_param {{ shape {{ {shape} }} }} }}\n'


def text(kind: str, static: bool = False, exposed: bool = False) -> str:
    states = [f"h{number}" for number in range(KINDS[kind])] if exposed else []
    bottoms = ["data", "cont", *(["static"] if static else []), *states]
    tops = ["out", *(f"{state}_out" for state in states)]
    made = inputs("data", 5, 3, 2, 6) + inputs("cont", 5, 3) + (inputs("static", 3, 7) if static else "")
    made += "".join(inputs(state, 1, 3, 4) for state in states)
    blobs = " ".join(
        f'{what}: "{each}"' for what, names in (("bottom", bottoms), ("top", tops)) for each in names
    )
    filler = 'weight_filler { type: "xavier" }'
    parameter = f"recurrent_param {{ num_output: 4 expose_hidden: {str(exposed).lower()} {filler} }}"
    return made + f'layer {{ name: "recurrent" type: "{kind}" {blobs} {parameter} }}\n'


def parsed(words: str):
    return prototxt_text.parse(words, caffe_pb2.NetParameter(), "net")


def test_tops_and_blobs_are_caffes(tmp_path: Path) -> None:
    forms = list(itertools.product(KINDS, (False, True), (False, True)))
    with CaffeProcess(tmp_path, tmp_path / "log", tmp_path / "net.prototxt") as caffe:
        for form in forms:
            (tmp_path / "net.prototxt").write_text(text(*form))
            said = caffe.call("load", net="net.prototxt", phase="TEST")
            step = shapes.infer(parsed(text(*form)))[-1]
            assert [list(shape) for shape in step.tops] == [said["blobs"][top] for top in step.layer.top]
            assert [list(shape) for shape in step.blob_shapes] == said["learned"]["recurrent"]


def test_it_is_counted() -> None:
    counts = count.of_net(shapes.infer(parsed(text("LSTM"))))
    assert counts[-1].others == 16 * 12 + 16 + 16 * 4 and counts[-1].synapses == 0 and counts[-1].type == "LSTM"


def test_it_is_left_whole_or_refused() -> None:
    words = text("RNN") + (
        'layer { name: "fc" type: "InnerProduct" bottom: "out" top: "fc" inner_product_param { num_output: 2 } }'
    )
    with pytest.raises(UserError) as error:
        topology.read([parsed(words)])
    assert str(error.value) == (
        "layer 'recurrent': RNN is not supported for evolving, as its neurons read themselves; keep_unknown: true "
        "leaves everything that touches it whole"
    )


def test_sequences_that_do_not_fit() -> None:
    with pytest.raises(UserError) as error:
        shapes.infer(parsed(text("LSTM").replace(inputs("cont", 5, 3), inputs("cont", 3, 5))))
    assert str(error.value) == (
        "layer 'recurrent': expected a bottom of time x streams x more, and one of time x streams, got 5 x 3 x 2 x 6 "
        "and 3 x 5; make the second 5 x 3"
    )
