"""Which weights a chain has, at how many places, and what is refused as no chain."""

import numpy as np
import pytest
from chains import net_of, parsed, pooled_length, random_chain
from hypothesis import given, settings
from hypothesis import strategies as st

from evolve import paths
from evolve.errors import UserError
from evolve.network import prototxt, text, topology
from evolve.network.caffe_proto import caffe_pb2

CHANNELWISE = "AbsVal, Dropout, ELU, Flatten, ReLU, TanH"
CHAINS = f"chains of Convolution, InnerProduct, Pooling, {CHANNELWISE}, ending in Sigmoid or Softmax"


def stages_of(network: str, shape: tuple[int, int, int]) -> list[topology.Stage]:
    net = text.read(paths.network(network) / paths.TRAIN_VAL, caffe_pb2.NetParameter(), {"DATA": "/data"})
    return topology.chain(prototxt.deploy(net, shape))


def synapses(stages: list[topology.Stage]) -> int:
    return sum(stage.outputs * (stage.inputs * stage.patch + stage.has_bias) for stage in stages)


@pytest.mark.parametrize(
    ("network", "shape", "expected"),
    [
        ("lenet", (1, 32, 32), 143_978),
        ("lenet", (3, 32, 32), 145_578),
        ("lenet_bvlc", (1, 28, 28), 431_080),
    ],
)
def test_the_papers_networks(network: str, shape: tuple[int, int, int], expected: int) -> None:
    assert synapses(stages_of(network, shape)) == expected


def test_the_papers_lenet_layer_by_layer() -> None:
    stages = stages_of("lenet", (1, 32, 32))
    assert [(s.name, s.kind, s.top, s.outputs, s.inputs, s.patch, s.positions) for s in stages] == [
        ("conv1", "Convolution", "conv1", 32, 1, 25, 32 * 32),
        ("conv2", "Convolution", "conv2", 32, 32, 25, 16 * 16),
        ("conv3", "Convolution", "conv3", 64, 32, 25, 8 * 8),
        ("ip1", "InnerProduct", "ip1", 64, 64, 16, 1),
        ("ip2", "InnerProduct", "ip2", 10, 64, 1, 1),
    ]
    assert [s.macs for s in stages] == [819_200, 6_553_600, 3_276_800, 65_536, 640]
    # Table 2's kernels: 32, 1024, 2048, 4096.
    assert [s.outputs * s.inputs for s in stages[:-1]] == [32, 1024, 2048, 4096]


def multiplications(layer: topology.Stage, positions: tuple[int, int], kernel: tuple[int, int]) -> int:
    count = 0
    for _ in range(positions[0]):
        for _ in range(positions[1]):
            for _ in range(layer.outputs):
                for _ in range(layer.inputs):
                    for _ in range(kernel[0]):
                        for _ in range(kernel[1]):
                            count += 1
    return count


def test_macs_are_what_loops_count() -> None:
    net = net_of(
        "Convolution convolution_param { num_output: 4 kernel_h: 3 kernel_w: 2 stride: 2 pad: 1 }",
        "ReLU",
        "Pooling pooling_param { kernel_size: 2 stride: 2 }",
        "Convolution convolution_param { num_output: 5 kernel_size: 2 dilation: 2 bias_term: false }",
        "InnerProduct inner_product_param { num_output: 6 }",
        "InnerProduct inner_product_param { num_output: 2 bias_term: false }",
        "Softmax",
        shape=(3, 11, 14),
    )
    first, second, third, fourth = topology.chain(net)
    # 11 x 14 -> (11 + 2 - 3) / 2 + 1 = 6 by (14 + 2 - 2) / 2 + 1 = 8 -> 3 x 4 -> 1 x 2, as a kernel of 2 spans 3
    assert first.macs == multiplications(first, (6, 8), (3, 2))
    assert second.macs == multiplications(second, (1, 2), (2, 2))
    assert third.macs == multiplications(third, (1, 1), (1, 2)) and third.patch == 2
    assert fourth.macs == multiplications(fourth, (1, 1), (1, 1))
    assert [stage.has_bias for stage in (first, second, third, fourth)] == [True, False, True, False]


@given(
    size=st.tuples(st.integers(1, 20), st.integers(1, 20)),
    kernel=st.tuples(st.integers(1, 5), st.integers(1, 5)),
    stride=st.tuples(st.integers(1, 6), st.integers(1, 6)),
    pad=st.tuples(st.integers(0, 3), st.integers(0, 3)),
    floor=st.booleans(),
)
@settings(deadline=None, max_examples=300)
def test_pooled_sizes(
    size: tuple[int, int], kernel: tuple[int, int], stride: tuple[int, int], pad: tuple[int, int], floor: bool
) -> None:
    pad = (min(pad[0], kernel[0] - 1), min(pad[1], kernel[1] - 1))  # Caffe refuses more
    kernel = (min(kernel[0], size[0] + 2 * pad[0]), min(kernel[1], size[1] + 2 * pad[1]))
    pad = (min(pad[0], kernel[0] - 1), min(pad[1], kernel[1] - 1))
    net = net_of(
        f"Pooling pooling_param {{ kernel_h: {kernel[0]} kernel_w: {kernel[1]} stride_h: {stride[0]} "
        f"stride_w: {stride[1]} pad_h: {pad[0]} pad_w: {pad[1]} round_mode: {'FLOOR' if floor else 'CEIL'} }}",
        shape=(2, *size),
    )
    top = next(topology.walk(net))[2]
    assert top == (2, *(pooled_length(size[i], kernel[i], stride[i], pad[i], any(pad), floor) for i in (0, 1)))


@pytest.mark.parametrize(
    ("parameters", "top"),
    [
        ("kernel_size: 3 stride: 2", (2, 16, 16)),  # the papers' LeNet: 32 -> 16, rounded up
        ("kernel_size: 3 stride: 2 round_mode: FLOOR", (2, 15, 15)),
        ("kernel_size: 3 stride: 2 pad: 1", (2, 17, 17)),
        ("kernel_size: 2 stride: 2 pad: 1", (2, 17, 17)),
        ("kernel_size: 1 stride: 31", (2, 2, 2)),
        ("kernel_size: 2 stride: 32 pad_w: 1 pad_h: 0", (2, 1, 2)),
        ("kernel_size: 40 stride: 9", (2, 1, 1)),  # larger than the image, by less than a stride
        ("global_pooling: true", (2, 1, 1)),
    ],
)
def test_pooled_sizes_by_hand(parameters: str, top: tuple[int, int, int]) -> None:
    net = net_of(f"Pooling pooling_param {{ {parameters} }}", shape=(2, 32, 32))
    assert next(topology.walk(net))[2] == top


def test_padding_one_side_drops_windows_beyond_the_image_on_both() -> None:
    """PoolingLayer::Reshape asks whether there is any padding, not on which side."""
    window = "kernel_size: 2 stride: 7"
    without = net_of(f"Pooling pooling_param {{ {window} }}", shape=(1, 7, 7))
    padded = net_of(f"Pooling pooling_param {{ {window} pad_h: 0 pad_w: 1 }}", shape=(1, 7, 7))
    assert next(topology.walk(without))[2] == (1, 2, 2)
    assert next(topology.walk(padded))[2] == (1, 1, 2)


@given(seed=st.integers(0, 2**32 - 1))
@settings(deadline=None)
def test_each_layer_begins_where_the_one_before_ended(seed: int) -> None:
    walked = list(topology.walk(random_chain(np.random.default_rng(seed))))
    for (_, _, top), (_, bottom, _) in zip(walked, walked[1:], strict=False):
        assert top == bottom and min(top) > 0


# What is no chain

INPUT = 'layer { name: "data" type: "Input" top: "data" input_param { shape { dim: 1 dim: 3 dim: 8 dim: 8 } } }'
CONV = (
    'layer {{ name: "{0}" type: "Convolution" bottom: "{1}" top: "{0}" '
    "convolution_param {{ num_output: 2 kernel_size: 3 }} }}"
)


def refusal(net: object) -> str:
    with pytest.raises(UserError) as error:
        topology.chain(net)
    return str(error.value)


def test_branches_and_joins() -> None:
    branch = [INPUT, CONV.format("a", "data"), CONV.format("b", "data")]
    one = "and one top, got bottoms"
    only = "only chains of layers evolve so far"
    assert refusal(parsed("\n".join(branch))) == (
        f"layer 'b': expected one bottom, 'a', {one} ['data'] and tops ['b']; {only}"
    )
    for kind in ("Concat", "Eltwise"):
        join = f'layer {{ name: "join" type: "{kind}" bottom: "data" bottom: "a" top: "join" }}'
        assert refusal(parsed("\n".join([INPUT, CONV.format("a", "data"), join]))) == (
            f"layer 'join': expected one bottom, 'a', {one} ['data', 'a'] and tops ['join']; {only}"
        )
    slices = 'layer { name: "s" type: "Slice" bottom: "data" top: "x" top: "y" }'
    assert refusal(parsed("\n".join([INPUT, slices]))) == (
        f"layer 's': expected one bottom, 'data', {one} ['data'] and tops ['x', 'y']; {only}"
    )


@pytest.mark.parametrize("kind", ["LRN", "BatchNorm", "Scale", "Deconvolution", "Power", "Convolutoin"])
def test_types_that_do_not_evolve(kind: str) -> None:
    assert refusal(net_of(kind)) == f"layer '{kind.lower()}1': type {kind} does not evolve yet; {CHAINS}"


@pytest.mark.parametrize(
    ("layer", "message"),
    [
        (
            "Convolution convolution_param { num_output: 4 kernel_size: 3 group: 2 }",
            "group 2; only group 1 evolves so far",
        ),
        (
            "InnerProduct inner_product_param { num_output: 4 transpose: true }",
            "transpose and axis do not evolve; use the defaults",
        ),
        (
            "InnerProduct inner_product_param { num_output: 4 axis: 2 }",
            "transpose and axis do not evolve; use the defaults",
        ),
        ("InnerProduct inner_product_param { }", "expected a num_output of 1 and more, got 0"),
        ("Convolution convolution_param { kernel_size: 3 }", "expected a num_output of 1 and more, got 0"),
        ("Convolution convolution_param { num_output: 4 }", "expected a kernel of 1 and more, got 0 x 0"),
        ("Convolution convolution_param { num_output: 4 kernel_h: 3 }", "expected a kernel of 1 and more, got 3 x 0"),
        (
            "Convolution convolution_param { num_output: 4 kernel_size: 3 stride: 0 }",
            "expected a stride of 1 and more, got 0 x 0",
        ),
        ("Pooling", "expected a kernel of 1 and more, got 0 x 0"),
        (
            "Pooling pooling_param { kernel_size: 3 stride_h: 2 stride_w: 0 }",
            "expected a stride of 1 and more, got 2 x 0",
        ),
        (
            "Convolution convolution_param { num_output: 4 kernel_size: 9 }",
            "bottom (3, 8, 8) is too small for it, its top would be (4, 0, 0)",
        ),
        (
            "Pooling pooling_param { kernel_size: 20 stride: 2 }",
            "bottom (3, 8, 8) is too small for it, its top would be (3, -5, -5)",
        ),
    ],
)
def test_parameters_that_are_refused(layer: str, message: str) -> None:
    assert refusal(net_of(layer)) == f"layer '{layer.split()[0].lower()}1': {message}"


def test_an_output_ends_the_net() -> None:
    units = "InnerProduct inner_product_param { num_output: 2 }"
    net = net_of(units, "Softmax", units)
    assert refusal(net) == "layer 'innerproduct3': comes after 'softmax2', which may only end a net"


def test_nothing_to_evolve() -> None:
    assert refusal(net_of("ReLU")) == "net 'chain': expected Convolution or InnerProduct layers, got none"


def test_the_input() -> None:
    wanted = "net 'n': expected one Input layer with one top and its shape"
    assert refusal(parsed('name: "n"')) == wanted
    assert refusal(parsed('name: "n"' + INPUT + INPUT)) == wanted
    assert refusal(parsed('name: "n" layer { name: "data" type: "Input" top: "data" }')) == wanted
    flat = INPUT.replace("dim: 8 dim: 8", "")
    assert refusal(parsed(flat)) == ("layer 'data': expected the shape 1 x channels x height x width, got [1, 3]")
