"""Which weights a chain has, at how many places, and what is refused as no chain."""

import numpy as np
import pytest
from chains import net_of, pooled_length, random_chain, walk
from hypothesis import given
from hypothesis import strategies as st

from evolve.base import prototxt_text
from evolve.base.caffe_messages import caffe_pb2
from evolve.network import deployment, topology
from evolve.network.weighted import WeightedLayer
from evolve.runs import paths
from evolve.settings import networks


def stages_of(network: str, shape: tuple[int, int, int]) -> list[WeightedLayer]:
    net = prototxt_text.read(networks.find(network) / paths.TRAIN_VAL, caffe_pb2.NetParameter(), {"DATA": "/data"})
    return topology.read([deployment.deploy(net, shape)]).weighted


def synapses(stages: list[WeightedLayer]) -> int:
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
    assert [(s.name, s.type, s.outputs, s.inputs, s.patch, s.macs // s.weights) for s in stages] == [
        ("conv1", "Convolution", 32, 1, 25, 32 * 32),
        ("conv2", "Convolution", 32, 32, 25, 16 * 16),
        ("conv3", "Convolution", 64, 32, 25, 8 * 8),
        ("ip1", "InnerProduct", 64, 64, 16, 1),
        ("ip2", "InnerProduct", 10, 64, 1, 1),
    ]
    assert [s.macs for s in stages] == [819_200, 6_553_600, 3_276_800, 65_536, 640]
    # Table 2's kernels: 32, 1024, 2048, 4096.
    assert [s.outputs * s.inputs for s in stages[:-1]] == [32, 1024, 2048, 4096]


def multiplications(layer: WeightedLayer, positions: tuple[int, int], kernel: tuple[int, int]) -> int:
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
    first, second, third, fourth = topology.read([net]).weighted
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
    top = next(walk(net))[2]
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
    assert next(walk(net))[2] == top


def test_padding_one_side_drops_windows_beyond_the_image_on_both() -> None:
    """PoolingLayer::Reshape asks whether there is any padding, not on which side."""
    window = "kernel_size: 2 stride: 7"
    without = net_of(f"Pooling pooling_param {{ {window} }}", shape=(1, 7, 7))
    padded = net_of(f"Pooling pooling_param {{ {window} pad_h: 0 pad_w: 1 }}", shape=(1, 7, 7))
    assert next(walk(without))[2] == (1, 2, 2)
    assert next(walk(padded))[2] == (1, 1, 2)


@given(seed=st.integers(0, 2**32 - 1))
def test_each_layer_begins_where_the_one_before_ended(seed: int) -> None:
    walked = list(walk(random_chain(np.random.default_rng(seed))))
    for (_, _, top), (_, bottom, _) in zip(walked, walked[1:], strict=False):
        assert top == bottom and min(top) > 0
