"""Where data flow: columns, rows and joins of nets whose drawing is told by hand."""

import pytest

from evolve.base import prototxt_text
from evolve.base.caffe_messages import caffe_pb2
from evolve.figures.report import flow

INPUT = 'layer { name: "data" type: "Input" top: "data" }\n'


def layer(name: str, kind: str, top: str, *bottoms: str) -> str:
    read = " ".join(f'bottom: "{bottom}"' for bottom in bottoms)
    return f'layer {{ name: "{name}" type: "{kind}" {read} top: "{top}" }}\n'


CHAIN = (
    INPUT
    + layer("c1", "Convolution", "a", "data")
    + layer("r", "ReLU", "a", "a")
    + layer("ip", "InnerProduct", "b", "a")
)
RESIDUAL = (
    INPUT + layer("c1", "Convolution", "a", "data") + layer("c2", "Convolution", "b", "a")
    + layer("sum", "Eltwise", "s", "a", "b") + layer("ip", "InnerProduct", "t", "s")
    + layer("prob", "Softmax", "p", "t")
)  # fmt: skip
INCEPTION = (
    INPUT + layer("one", "Convolution", "a", "data") + layer("reduce", "Convolution", "b", "data")
    + layer("three", "Convolution", "c", "b") + layer("joined", "Concat", "d", "a", "c")
)  # fmt: skip


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (CHAIN, [("data", 0, 0, []), ("c1", 1, 0, ["data"]), ("ip", 2, 0, ["c1"])]),
        (
            RESIDUAL,
            [
                ("data", 0, 0, []),
                ("c1", 1, 0, ["data"]),
                ("c2", 2, 0, ["c1"]),
                ("", 3, 0, ["c1", "c2"]),
                ("ip", 4, 0, [""]),
            ],
        ),
        # A join that nothing with synapses reads is left out.
        (
            INCEPTION,
            [("data", 0, 0, []), ("one", 1, 0, ["data"]), ("reduce", 1, 1, ["data"]), ("three", 2, 0, ["reduce"])],
        ),
    ],
    ids=["chain", "residual", "inception"],
)
def test_columns_rows_and_sources(text: str, expected: list[tuple[str, int, int, list[str]]]) -> None:
    stops = flow.stops(prototxt_text.parse(text, caffe_pb2.NetParameter(), "net"))
    assert [(each.name, each.column, each.row, [source.name for source in each.sources]) for each in stops] == expected
