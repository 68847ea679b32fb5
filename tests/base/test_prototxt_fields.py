"""Fields are found in a prototxt's text where they stand, whatever messages know them, and blanked there."""

import pytest
from google.protobuf import text_format

from evolve.base import prototxt_fields
from evolve.base.caffe_messages import caffe_pb2

TEXT = """name: "net"  # layer { commented }
layer {
  name: "a{" 'b'; top: 'x' new_param < size: [1, 2], deep { on: true } >
  # name: "no"
  include: { phase: TRAIN }
}
layer { name: "second" }
"""


def test_names_lines_and_values() -> None:
    name, first, second = prototxt_fields.read(TEXT).fields
    assert (name.name, name.value, name.line) == ("name", '"net"', 1)
    assert [(each.name, each.line) for each in first.fields] == [
        ("name", 3), ("top", 3), ("new_param", 3), ("include", 5)
    ]  # fmt: skip
    assert first.text("name") == "a{\" 'b" and first.text("nothing") == ""
    (new,) = first.all("new_param")
    assert new.is_message and [each.name for each in new.fields] == ["size", "deep"]
    assert (second.line, second.inside()) == (7, 'name: "second"')


def test_what_is_blanked_leaves_all_lines_where_they_were() -> None:
    (new,) = prototxt_fields.read(TEXT).fields[1].all("new_param")
    left = prototxt_fields.blanked(TEXT, [new])
    assert len(left) == len(TEXT) and left.splitlines()[4:] == TEXT.splitlines()[4:]
    net = text_format.Parse(left, caffe_pb2.NetParameter())
    assert [layer.name for layer in net.layer] == ["a{b", "second"] and net.layer[0].top == ["x"]


def test_a_message_written_on_one_line_is_the_same_message() -> None:
    text = "convolution_param { num_output: 3 # three\n kernel_size: 5 weight_filler { type: 'xavier' } }"
    (whole,) = prototxt_fields.read(text).fields
    read, again = (text_format.Parse(each, caffe_pb2.LayerParameter()) for each in (text, whole.written()))
    assert read == again


@pytest.mark.parametrize("text", ["}", "{", "layer { layer {", "a: b: c", '"', "'x", "layer < }", "a " * 3 + "{" * 99])
def test_what_is_no_prototxt_ends(text: str) -> None:
    assert prototxt_fields.read(text).end == len(text)
