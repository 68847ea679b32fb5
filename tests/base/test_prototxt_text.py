"""Prototxt text: a mistake is a sentence with file, line and the nearest known name."""

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evolve.base import prototxt_text
from evolve.base.caffe_messages import caffe_pb2
from evolve.base.errors import UserError
from evolve.proto import detectnet_pb2, evolution_pb2

FILE = "net.prototxt"


def refusal(words: str, message: Any) -> str:
    with pytest.raises(UserError) as error:
        prototxt_text.parse(words, message, FILE)
    return str(error.value)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ('layer {\n  name: "a"\n  tpye: "ReLU"\n}', "3: LayerParameter has no 'tpye'; did you mean type?"),
        (
            "layer { convolution_param { kernal_size: 3 } }",
            "1: ConvolutionParameter has no 'kernal_size'; did you mean kernel_size?",
        ),
        ("\n\nlayer { include { phase: TRIAN } }", "3: Phase has no 'TRIAN'; did you mean TRAIN?"),
        ("layer { include { phase: qqqqqq } }", "1: Phase has no 'qqqqqq'; known are: TEST, TRAIN"),
        (
            "layer { dropout_param { zzzz: 1 } }",
            "1: DropoutParameter has no 'zzzz'; known are: dropout_ratio",
        ),
        ("layer { pooling_param { pool: max } }", "1: PoolMethod has no 'max'; did you mean MAX?"),
    ],
)
def test_unknown_names(words: str, said: str) -> None:
    assert refusal(words, caffe_pb2.NetParameter()) == f"{FILE}:{said}"


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ("\nseed 3", "2: 'seed 3': Expected \":\"."),
        (
            "generations: 3\ngenerations: 4",
            '2: Message type "cavefish.EvolutionParameter" should not have multiple "generations" fields.',
        ),
        ("generations: -1", "1: 'generations: -1': Value out of range: -1"),
        ('dataset {\n name: "mnist"\n', '2: Expected "}".'),
    ],
)
def test_other_mistakes_keep_protobufs_words(words: str, said: str) -> None:
    assert refusal(words, evolution_pb2.EvolutionParameter()) == f"{FILE}:{said}"


# $NAMES


def test_values_take_the_place_of_their_names() -> None:
    template = 'source: "$DATA/train"\nmean_file: "${DATA}_mean/$NET.x"\nnothing: "$"'
    assert prototxt_text.substitute(template, {"DATA": "/d", "NET": "n"}, FILE) == (
        'source: "/d/train"\nmean_file: "/d_mean/n.x"\nnothing: "$"'
    )


def test_a_brace_after_a_name_is_the_prototxts() -> None:
    assert (
        prototxt_text.substitute("data_param { batch_size: $BATCH}", {"BATCH": "8"}, FILE)
        == "data_param { batch_size: 8}"
    )


def test_values_are_not_read_again() -> None:
    assert prototxt_text.substitute('a: "$A"', {"A": "$B # x"}, FILE) == 'a: "$B # x"'


@pytest.mark.parametrize(
    ("layer", "inner"),
    [
        ('data_param { source: "$DATA/a" }', False),
        ("data_param { source: '$DATA/a' }", False),
        ('name: "n" python_param { layer: "l" param_str: "{DATA}" "$DATA/a" }', False),
        ("python_param { param_str: \"data_param { source: '$DATA/a' label_source: 'b' }\" }", True),
        ("python_param { param_str: 'data_param { source: \"$DATA/a\" }' }", True),
        (r'python_param { param_str: "data_param { label_source: \"b\" source: \"$DATA/a\" }" }', True),
        (r"python_param { param_str: 'data_param { source: \'$DATA/a\' }' }", True),
    ],
)
@given(folder=st.text(st.sampled_from("'\"\\n1 /$#é\n"), max_size=8))
def test_a_value_arrives_as_it_is_whatever_it_holds(layer: str, inner: bool, folder: str) -> None:
    """Also through the text in a param_str, which Python layers parse a second time."""
    text = prototxt_text.substitute(layer, {"DATA": folder}, FILE)
    read = prototxt_text.parse(text, caffe_pb2.LayerParameter(), FILE)
    given = read.python_param.param_str or read.data_param.source
    if inner:
        given = prototxt_text.parse(given, detectnet_pb2.DetectNetParameter(), FILE).data_param.source
    assert given.removeprefix("{DATA}") == f"{folder}/a"


@pytest.mark.parametrize(("values", "known"), [({}, "none"), ({"NET": "", "DATA": ""}, "$DATA, $NET")])
@pytest.mark.parametrize("name", ["$DATUM", "${DATUM}"])
def test_a_name_without_value(values: dict[str, str], known: str, name: str) -> None:
    with pytest.raises(UserError) as error:
        prototxt_text.substitute(f'name: "n"\n\nsource: "{name}/train"', values, FILE)
    assert str(error.value) == f"{FILE}:3: $DATUM has no value (known here: {known}); write the value itself"


@pytest.mark.parametrize(
    "line",
    [
        "# $NOTHING",
        'name: "n" # $NOTHING',
        "name: 'it # is' # $NOTHING",
        'name: "\\"#\\"" # $NOTHING',
        "name: 'a\"b' # \"$NOTHING",
    ],
)
def test_names_in_comments_are_ignored(line: str) -> None:
    both = f'{line}\nsource: "$DATA"\n'
    assert prototxt_text.substitute(both, {"DATA": "d"}, FILE) == f'{line}\nsource: "d"\n'


@pytest.mark.parametrize("line", ['a: "#" b: "$X"', "a: '#' b: \"$X\"", 'a: "\\"#$X"', "a: '\"#\"$X'", "a: \"'#$X'\""])
def test_a_hash_in_a_string_begins_no_comment(line: str) -> None:
    assert prototxt_text.substitute(line, {"X": "7"}, FILE) == line.replace("$X", "7")


@given(
    pieces=st.lists(st.sampled_from(['"', "'", "\\", "#", " ", "a", "$", "{", "}", "\n", '"x#y"', "'#'"]), max_size=30)
)
def test_text_without_names_stays_as_it_is(pieces: list[str]) -> None:
    template = "".join(pieces).replace("$a", "$ a").replace("${a", "$ {a")
    assert prototxt_text.substitute(template, {}, FILE) == template


# Lines and files


def test_line_of() -> None:
    net = '# name: "conv1"\nname: "net"\nlayer { top: "conv1" name: "conv1" }\nlayer { name : \'a.b\' }\nname: "axb"'
    assert prototxt_text.line_of(net, "conv1") == 3
    assert prototxt_text.line_of(net, "net") == 2
    assert prototxt_text.line_of(net, "a.b") == 4
    assert prototxt_text.line_of(net, "axb") == 5
    assert prototxt_text.line_of(net, "absent") == 1


def test_a_missing_file(tmp_path: Path) -> None:
    with pytest.raises(UserError) as error:
        prototxt_text.read(tmp_path / FILE, caffe_pb2.NetParameter())
    assert str(error.value) == f"{tmp_path}/{FILE}: no such file; see prototxt/lenet/ for what a network's folder holds"


def test_a_folder_and_a_picture(tmp_path: Path) -> None:
    with pytest.raises(UserError) as error:
        prototxt_text.read_text(tmp_path)
    assert str(error.value) == (f"{tmp_path}: expected a prototxt, got a folder; name another file")
    (tmp_path / FILE).write_bytes(b"\x89PNG")
    with pytest.raises(UserError) as error:
        prototxt_text.read_text(tmp_path / FILE)
    assert str(error.value) == (
        f"{tmp_path}/{FILE}: expected a prototxt, a text in UTF-8, got byte 0x89 at 0; name the prototxt, not the "
        "caffemodel, or save it as UTF-8"
    )


def test_a_dollar_of_a_folders_name_is_written_so_that_it_is_no_variable(tmp_path: Path) -> None:
    net = caffe_pb2.NetParameter(name="$NET ${DATA}")
    net.layer.add().data_param.source = "/of $HOME/${x}/$/$1"
    path = tmp_path / "net.prototxt"
    prototxt_text.write(net, path, names=("DATA",))
    written = path.read_text()
    assert r'name: "\044NET ${DATA}"' in written and r"/of \044HOME/\044{x}/$/$1" in written
    assert prototxt_text.read(path, caffe_pb2.NetParameter(), {"DATA": "${DATA}"}) == net


def test_read_and_write(tmp_path: Path) -> None:
    path = tmp_path / FILE
    path.write_text('name: "$NET" # $comment\nlayer { name: "ä" }', encoding="utf-8")
    net = prototxt_text.read(path, caffe_pb2.NetParameter(), {"NET": "fish"})
    assert net.name == "fish" and net.layer[0].name == "ä"
    prototxt_text.write(net, path, "two\nlines")
    assert path.read_text(encoding="utf-8").startswith("# two\n# lines\nname: ")
    assert prototxt_text.read(path, caffe_pb2.NetParameter()) == net
