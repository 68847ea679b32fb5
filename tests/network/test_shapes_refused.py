"""What is said of nets that do not fit together, and of what their prototxt does not tell."""

from typing import Any

import pytest
from chains import net_of, parsed

from evolve.base.errors import UserError
from evolve.network import shapes

INPUT = 'layer {{ name: "{0}" type: "Input" top: "{0}" input_param {{ shape {{ {1} }} }} }}'
SIZES = {"data": (2, 3, 8, 8), "same": (2, 3, 8, 8), "wide": (2, 5, 8, 8), "flat": (2, 3), "label": (2,), "one": (1,)}


ONE_LABEL = (
    "a data set has one label an image: a network of several, or of one for each place, does not evolve here, but is "
    "counted, shrunk and exported"
)


def with_inputs(layer: str) -> Any:
    lines = [INPUT.format(name, " ".join(f"dim: {length}" for length in shape)) for name, shape in SIZES.items()]
    return parsed("\n".join([*lines, f'layer {{ name: "x" {layer} }}']))


def refusal(net: Any) -> str:
    with pytest.raises(UserError) as error:
        shapes.infer(net)
    return str(error.value)


@pytest.mark.parametrize(
    ("layer", "message"),
    [
        (
            'type: "ReLU" bottom: "dta" top: "x"',
            "expected a bottom that a layer before it writes, got 'dta'; did you mean 'data'?",
        ),
        (
            'type: "ReLU" bottom: "zzz" top: "x"',
            "expected a bottom that a layer before it writes, got 'zzz'; there are: "
            "data, same, wide, flat, label, one",
        ),
        ('type: "ReLU" bottom: "data" top: "same"', "expected a top of its own, got 'same', which another writes"),
        ('type: "ReLU" bottom: "data" bottom: "same" top: "x"', "expected 1 bottom, got 2"),
        ('type: "Eltwise" bottom: "data" top: "x"', "expected 2 or more bottoms, got 1"),
        ('type: "Scale" top: "x"', "expected 1 to 2 bottoms, got 0"),
        ('type: "Split" bottom: "data"', "expected 1 or more tops, got 0"),
        ('type: "Mine" bottom: "data" top: "x"', "type Mine is not known here; keep_unknown leaves it whole"),
        ('type: "Mine" bottom: "data"', "type Mine is not known here; keep_unknown leaves it whole"),
        (
            'type: "Data" top: "x"',
            "expected a type whose prototxt tells the shape of its tops, got Data; put an Input layer in its place, "
            "or give an image's shape (SHAPE=3x32x32)",
        ),
        (
            'type: "Eltwise" bottom: "data" bottom: "wide" top: "x"',
            "expected bottoms of one shape, got 2 x 3 x 8 x 8, 2 x 5 x 8 x 8",
        ),
        (
            'type: "Eltwise" bottom: "data" bottom: "same" top: "x" eltwise_param { coeff: 1 }',
            "expected no coeff, or 2, one a bottom, got 1",
        ),
        (
            'type: "Eltwise" bottom: "data" bottom: "same" top: "x" '
            "eltwise_param { operation: PROD coeff: 1 coeff: 2 }",
            "expected coeff with operation SUM only, got PROD",
        ),
        (
            'type: "Concat" bottom: "data" bottom: "flat" top: "x"',
            "expected bottoms alike but along axis 1, got 2 x 3 x 8 x 8, 2 x 3",
        ),
        (
            'type: "Concat" bottom: "data" bottom: "wide" top: "x" concat_param { axis: 2 }',
            "expected bottoms alike but along axis 2, got 2 x 3 x 8 x 8, 2 x 5 x 8 x 8",
        ),
        (
            'type: "Concat" bottom: "data" top: "x" concat_param { axis: 4 }',
            "expected an axis from -4 to 3, got 4 for a bottom of 2 x 3 x 8 x 8",
        ),
        (
            'type: "Concat" bottom: "data" top: "x" concat_param { axis: 1 concat_dim: 1 }',
            "expected axis or concat_dim, got both",
        ),
        (
            'type: "Slice" bottom: "wide" top: "x" top: "y" top: "z" slice_param { slice_point: 3 slice_point: 3 }',
            "expected 2 rising slice_points between 0 and 5 for 3 tops, got [3, 3]",
        ),
        (
            'type: "Slice" bottom: "wide" top: "x" top: "y" slice_param { slice_point: 5 }',
            "expected 1 rising slice_points between 0 and 5 for 2 tops, got [5]",
        ),
        (
            'type: "Slice" bottom: "wide" top: "x" top: "y"',
            "expected 5 to be a multiple of its 2 tops; name slice_points instead",
        ),
        (
            'type: "Convolution" bottom: "wide" top: "x" convolution_param { num_output: 4 kernel_size: 1 group: 2 }',
            "expected a group that divides its 5 inputs and 4 outputs, got 2",
        ),
        (
            'type: "Convolution" bottom: "data" top: "x" convolution_param { num_output: 4 kernel_size: 9 }',
            "bottom 2 x 3 x 8 x 8 is too small for it, its top would be 2 x 4 x 0 x 0",
        ),
        (
            'type: "Convolution" bottom: "data" top: "x" convolution_param { num_output: 4 kernel_size: 3 '
            "dilation: 5 }",
            "bottom 2 x 3 x 8 x 8 is too small for it, its top would be 2 x 4 x -2 x -2",
        ),
        (
            'type: "Convolution" bottom: "data" top: "x" convolution_param { kernel_size: 1 }',
            "expected a num_output of 1 and more, got 0",
        ),
        (
            'type: "Convolution" bottom: "data" top: "x" '
            "convolution_param { num_output: 4 kernel_size: 1 kernel_size: 1 kernel_size: 1 }",
            "expected one kernel_size, or 2, one a spatial axis, got (1, 1, 1)",
        ),
        (
            'type: "Convolution" bottom: "data" top: "x" convolution_param { num_output: 4 kernel_size: 1 '
            "kernel_h: 1 }",
            "expected kernel_h and kernel_w alone, for height and width, got kernel_size too",
        ),
        (
            'type: "Convolution" bottom: "data" bottom: "wide" top: "x" top: "y" '
            "convolution_param { num_output: 4 kernel_size: 1 }",
            "expected bottoms of one shape and a top each, got 2 x 3 x 8 x 8, 2 x 5 x 8 x 8 and 2 tops",
        ),
        (
            'type: "Pooling" bottom: "data" top: "x" pooling_param { kernel_size: 2 pad: 2 }',
            "expected a pad below its kernel, 2 x 2, got 2 x 2",
        ),
        (
            'type: "Pooling" bottom: "data" top: "x" pooling_param { kernel_size: 2 global_pooling: true }',
            "expected global_pooling, or a kernel, stride and pad, got both",
        ),
        (
            'type: "Pooling" bottom: "data" top: "x" top: "y" pooling_param { kernel_size: 2 pool: AVE }',
            "expected a second top, for the maxima's places, with pool MAX only",
        ),
        (
            'type: "Pooling" bottom: "flat" top: "x" pooling_param { kernel_size: 2 }',
            "expected a bottom of 4 axes, got 2 x 3",
        ),
        (
            'type: "InnerProduct" bottom: "data" top: "x"',
            "expected a num_output of 1 and more, got 0",
        ),
        ('type: "LRN" bottom: "data" top: "x" lrn_param { local_size: 4 }', "expected an odd local_size, got 4"),
        (
            'type: "Scale" bottom: "data" bottom: "label" top: "x"',
            f"expected a second bottom like the first from axis 1 on, 2 x 3 x 8 x 8, got 2; {ONE_LABEL}",
        ),
        (
            'type: "Bias" bottom: "data" top: "x" bias_param { axis: 2 num_axes: 3 }',
            "expected num_axes of -1 to 2 for a bottom of 2 x 3 x 8 x 8, got 3",
        ),
        (
            'type: "Crop" bottom: "data" bottom: "same" top: "x" crop_param { offset: 1 }',
            "expected a second bottom that fits into the first from axis 2 on, at offset [1, 1], got 2 x 3 x 8 x 8 and "
            "2 x 3 x 8 x 8",
        ),
        (
            'type: "Crop" bottom: "data" bottom: "same" top: "x" crop_param { axis: 1 offset: 0 offset: 0 }',
            "expected one offset, or 3, one an axis it crops, got [0, 0]",
        ),
        (
            'type: "Reshape" bottom: "data" top: "x" reshape_param { shape { dim: 0 dim: 5 dim: -1 } }',
            "expected a shape for the 384 values of 2 x 3 x 8 x 8, got [0, 5, -1] from axis 0 on, num_axes -1",
        ),
        (
            'type: "Reshape" bottom: "data" top: "data" reshape_param { shape { dim: -1 } }',
            "expected a top of another name than its bottom, got 'data'",
        ),
        (
            'type: "Flatten" bottom: "data" top: "x" flatten_param { axis: 3 end_axis: 1 }',
            "expected an end_axis not before axis 3, got 1",
        ),
        ('type: "Tile" bottom: "data" top: "x"', "expected tiles of 1 and more, got 0"),
        (
            'type: "ArgMax" bottom: "flat" top: "x" argmax_param { top_k: 4 }',
            "expected a top_k from 1 to 3, got 4",
        ),
        (
            'type: "SoftmaxWithLoss" bottom: "data" bottom: "label" top: "x"',
            f"expected a label for each of 128 places, got 2 x 3 x 8 x 8, 2; {ONE_LABEL}",
        ),
        (
            'type: "EuclideanLoss" bottom: "flat" bottom: "label" top: "x"',
            f"expected bottoms with equally many values an image, got 2 x 3, 2; {ONE_LABEL}",
        ),
        (
            'type: "SigmoidCrossEntropyLoss" bottom: "flat" bottom: "label" top: "x"',
            f"expected bottoms with equally many values, got 2 x 3, 2; {ONE_LABEL}",
        ),
        (
            'type: "Slice" bottom: "label" top: "x" top: "y"  slice_param { axis: 1 slice_point: 1 }',
            f"expected an axis from -1 to 0, got 1 for a bottom of 2; {ONE_LABEL}",
        ),
        (
            'type: "Flatten" bottom: "label" top: "x" flatten_param { axis: 0 } } layer { name: "y" type: "Reshape" '
            'bottom: "x" top: "y" reshape_param { shape { dim: 0 dim: 4 } }',
            f"expected a shape for the 2 values of 2, got [0, 4] from axis 0 on, num_axes -1; {ONE_LABEL}",
        ),
        (
            'type: "Eltwise" bottom: "flat" bottom: "label" top: "x"',
            f"expected bottoms of one shape, got 2 x 3, 2; {ONE_LABEL}",
        ),
        (
            'type: "SoftmaxWithLoss" bottom: "flat" bottom: "wide" top: "x"',
            "expected a label for each of 2 places, got 2 x 3, 2 x 5 x 8 x 8",
        ),
        (
            'type: "EuclideanLoss" bottom: "data" bottom: "wide" top: "x"',
            "expected bottoms with equally many values an image, got 2 x 3 x 8 x 8, 2 x 5 x 8 x 8",
        ),
        (
            'type: "HingeLoss" bottom: "flat" bottom: "one" top: "x"',
            "expected predictions and labels of one batch size, got 2 x 3, 1",
        ),
        (
            'type: "Accuracy" bottom: "flat" bottom: "label" top: "x" accuracy_param { top_k: 4 }',
            "expected a top_k of at most its 3 classes, got 4",
        ),
    ],
)
def test_a_layer_that_does_not_fit(layer: str, message: str) -> None:
    last = "y" if 'name: "y"' in layer else "x"
    assert refusal(with_inputs(layer)) == f"layer '{last}': {message}"


def test_a_blob_with_two_readers_is_not_overwritten() -> None:
    read_and_overwritten = (
        'type: "Power" bottom: "data" top: "p" } layer { name: "relu" type: "ReLU" bottom: "data" top: "data"'
    )
    assert refusal(with_inputs(read_and_overwritten)) == (
        "layer 'relu': works in place on 'data', which layer 'x' reads too; give it a top of another name"
    )
    first_overwritten = (
        'type: "ReLU" bottom: "data" top: "data" } layer { name: "p" type: "Power" bottom: "data" top: "p"'
    )
    assert len(shapes.infer(with_inputs(first_overwritten))) == len(SIZES) + 2


def test_inputs_of_nothing() -> None:
    nothing = INPUT.format("data", "dim: 1 dim: 0")
    assert refusal(parsed(nothing)) == "layer 'data': expected a shape of 1 and more along each axis, got 1 x 0"
    unshaped = 'layer { name: "data" type: "Input" top: "data" }'
    assert refusal(parsed(unshaped)) == (
        "layer 'data': expected one shape, or 1, one a top, got 0; say it in input_param, or give SHAPE=3x32x32"
    )
    uneven = (
        'layer { name: "d" type: "DummyData" top: "a" top: "b" top: "c" dummy_data_param '
        "{ num: 1 num: 1 channels: 1 height: 1 width: 1 } }"
    )
    assert refusal(parsed(uneven)) == (
        "layer 'd': expected num, channels, height and width once each, or once a top, got [[1, 1], [1], [1], [1]]"
    )


def test_unknown_layers_are_kept_as_they_are_told() -> None:
    net = parsed(
        'layer { name: "data" type: "Data" top: "data" top: "label" }'
        'layer { name: "mine" type: "Python" bottom: "data" top: "a" top: "b" }'
        'layer { name: "list" type: "Python" bottom: "a" top: "boxes" }'
        'layer { name: "end" type: "Python" bottom: "boxes" }'
    )
    given = {"data": (2, 3, 8, 8), "label": (2,), "boxes": (2, 50, 5)}
    assert [step.tops for step in shapes.infer(net, keep_unknown=True, given=given)] == [
        ((2, 3, 8, 8), (2,)),
        ((2, 3, 8, 8), (2, 3, 8, 8)),
        ((2, 50, 5),),
        (),
    ]


def test_inputs_of_the_old_form() -> None:
    for shape in ("input_dim: 2 input_dim: 3 input_dim: 8 input_dim: 8", "input_shape { dim: 2 dim: 3 dim: 8 dim: 8 }"):
        net = net_of("ReLU")
        del net.layer[0]
        steps = shapes.infer(parsed(f'input: "data" {shape} {net}'))
        assert [(step.layer.name, step.layer.type, step.tops) for step in steps] == [
            ("input", "Input", ((2, 3, 8, 8),)),
            ("relu1", "ReLU", ((2, 3, 8, 8),)),
        ]


def test_data_that_a_prototxt_tells() -> None:
    memory = "memory_data_param { batch_size: 2 channels: 3 height: 8 width: 7 }"
    steps = shapes.infer(parsed(f'layer {{ name: "m" type: "MemoryData" top: "a" top: "b" {memory} }}'))
    assert steps[0].tops == ((2, 3, 8, 7), (2,))
    dummy = "dummy_data_param { num: 2 channels: 3 channels: 1 height: 8 width: 7 }"
    steps = shapes.infer(parsed(f'layer {{ name: "d" type: "DummyData" top: "a" top: "b" {dummy} }}'))
    assert steps[0].tops == ((2, 3, 8, 7), (2, 1, 8, 7))
    steps = shapes.infer(parsed('layer { name: "p" type: "Parameter" top: "p" parameter_param { shape { dim: 4 } } }'))
    assert steps[0].tops == ((4,),)
