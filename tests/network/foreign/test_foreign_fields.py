"""What only another Caffe knows is taken, left out with a line, or named as another Caffe's."""

from pathlib import Path

import pytest

from evolve.base.errors import UserError
from evolve.network.foreign import reading

NET = Path("net.prototxt")


def refusal(text: str) -> str:
    with pytest.raises(UserError) as error:
        reading.parse(text, NET)
    return str(error.value)


@pytest.mark.parametrize(
    ("kind", "field"),
    [
        ("Permute", "permute_param { order: 0 }"),
        ("ShuffleChannel", "shuffle_channel_param { group: 3 }"),
        ("BN", "bn_param { moving_average: true }"),
        ("Normalize", "norm_param { across_spatial: false }"),
        ("PriorBox", "prior_box_param { min_size: 30 }"),
        ("DepthwiseConvolution", "depthwise_param { }"),
    ],
)
def test_layers_of_another_caffe_are_said_to_be_such(kind: str, field: str) -> None:
    name = field.split()[0]
    assert refusal(f'name: "n"\nlayer {{ name: "x" type: "{kind}"\n  {field} }}') == (
        f"net.prototxt:3: layer 'x': expected a layer of BVLC's Caffe, got {name} of a layer of another Caffe, {kind}; "
        "say it in layers of this one, or leave it out"
    )


def test_a_field_of_another_caffe_within_a_layer_that_is_known() -> None:
    text = 'layer { name: "p" type: "Pooling"\n  pooling_param { kernel_size: 2 ceil_mode: false } }'
    assert refusal(text) == (
        "net.prototxt:2: layer 'p': expected fields of BVLC's Caffe, got ceil_mode in pooling_param, which is another "
        "Caffe's or mistyped; leave it out, or say it in layers of this one"
    )


def test_a_slip_of_the_pen_is_still_one() -> None:
    text = 'layer { name: "c" type: "Convolution" convolution_param { num_outputs: 2 } }'
    assert refusal(text) == "net.prototxt:1: ConvolutionParameter has no 'num_outputs'; did you mean num_output?"


def test_hints_of_nvidias_are_left_out_and_listed_once() -> None:
    text = """default_forward_type: FLOAT16 default_backward_type: FLOAT16
    layer { name: "d" type: "Data" top: "d" forward_type: FLOAT data_param { source: "x" batch_size: 2 threads: 4
      cache: true } }
    layer { name: "c" type: "ReLU" bottom: "d" top: "d" forward_type: FLOAT backward_math: FLOAT }"""
    found = reading.parse(text, NET)
    assert [layer.name for layer in found.net.layer] == ["d", "c"] and found.net.layer[0].data_param.batch_size == 2
    assert found.notes == [
        "net.prototxt: left out, as another Caffe's that change nothing that is computed: default_forward_type, "
        "default_backward_type, forward_type, threads, cache, backward_math"
    ]


def test_engines_of_others_are_hints() -> None:
    text = """engine: "MKLDNN"
    layer { name: "c" type: "Convolution" engine: "MKL2017" convolution_param { num_output: 2 engine: MKL2017 } }
    layer { name: "d" type: "Convolution" convolution_param { num_output: 2 engine: CUDNN } }"""
    found = reading.parse(text, NET)
    first, second = found.net.layer
    assert not first.convolution_param.HasField("engine") and second.convolution_param.engine == 2
    assert found.notes == [
        "net.prototxt: left out, as another Caffe's that change nothing that is computed: engine"
    ]


def test_a_solver_in_the_place_of_a_network() -> None:
    assert refusal('net: "a/train_val.prototxt" base_lr: 0.1 lr_policy: "fixed"') == (
        "net.prototxt: expected a network, got a solver; give the net that it trains, a/train_val.prototxt"
    )
    assert refusal("base_lr: 0.1") == (
        "net.prototxt: expected a network, got a solver; give the prototxt of its net"
    )


def test_a_byte_order_mark_is_no_letter(tmp_path: Path) -> None:
    file = tmp_path / "bom.prototxt"
    file.write_bytes(b'\xef\xbb\xbfname: "n"\nlayer { name: "r" type: "ReLU" }')
    assert reading.read(file).net.name == "n"


# Two layers of one name

_TWICE = 'layer { name: "conv" type: "Convolution" bottom: "x" top: "a" }\n# name: "conv"\n'


def test_two_layers_of_one_name_are_named_by_both_lines() -> None:
    assert refusal(_TWICE + 'layer { name: "conv" type: "ReLU" bottom: "a" top: "b" }') == (
        "net.prototxt:1 and 3: layer 'conv': expected every name once in phase TRAIN, got it of Convolution and ReLU; "
        "name one of them otherwise, also in the caffemodel"
    )


@pytest.mark.parametrize(
    "text",
    [
        'layer { name: "r" type: "ReLU" } layer { name: "r" type: "Pooling" }',
        'layer { name: "c" type: "Convolution" include { phase: TRAIN } }'
        'layer { name: "c" type: "Convolution" include { phase: TEST } }',
    ],
)
def test_layers_that_learn_nothing_or_are_of_two_phases_may_share_a_name(text: str) -> None:
    assert len(reading.parse(text, NET).net.layer) == 2
