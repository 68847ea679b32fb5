"""Where lanes are kept, losses in between, Silence, Splits, frozen layers and the like are as stock Caffe has them."""

from __future__ import annotations

import textwrap
from collections.abc import Callable
from typing import Any

import pytest
from test_lanes_kept import asked, wide  # noqa: F401

Told = Callable[..., Any]

CONVOLVED = "convolution_param { num_output: 4 kernel_size: 3 pad: 1 }"


def layer(name: str, type_: str, bottoms: str, tops: str, more: str = "") -> str:
    blobs = [f'bottom: "{each}"' for each in bottoms.split()] + [f'top: "{each}"' for each in tops.split()]
    return f'layer {{ name: "{name}" type: "{type_}" {" ".join(blobs)} {more} }}\n'


def convolution(name: str, bottom: str, top: str, more: str = "") -> str:
    return layer(name, "Convolution", bottom, top, f"{CONVOLVED} {more}")


def ending(*bottoms: str) -> str:
    """The sum of these blobs, and a loss of it."""
    total = layer("sum", "Eltwise", " ".join(bottoms), "total") if len(bottoms) > 1 else ""
    last = "total" if total else bottoms[0]
    scores = layer("ip", "InnerProduct", last, "scores", "inner_product_param { num_output: 3 }")
    return total + scores + layer("loss", "SoftmaxWithLoss", "scores label", "loss")


FIRST, SECOND = convolution("conv1", "one", "x"), convolution("conv2", "x", "y")
RELU = layer("relu", "ReLU", "x", "x")
LOSS = "loss_weight: 0.3 "
FROZEN = "param { lr_mult: 0 } param { lr_mult: 0 }"
SILENCE = layer("silence", "Silence", "x", "")
SHARED = 'param { name: "w" } param { name: "b" }'
# "one" and "two" are inputs.
ODD_PLACES = {
    "a ReLU in place that bears a loss": FIRST + layer("relu", "ReLU", "x", "x", LOSS) + SECOND + ending("y"),
    "and that nobody reads": FIRST + layer("relu", "ReLU", "x", "x", LOSS) + convolution("c", "one", "y") + ending("y"),
    "a convolution that bears a loss": convolution("conv1", "one", "x", LOSS) + SECOND + ending("y"),
    "the same in place of a pooled one": FIRST + layer("pool", "Pooling", "x", "p", "pooling_param { kernel_size: 2 }")
    + layer("relu", "ReLU", "p", "p", LOSS) + convolution("c", "one", "y") + ending("y"),
    "and that nobody reads, a convolution": FIRST + convolution("conv2", "x", "z", LOSS) + convolution("c", "one", "y")
    + ending("y"),
    "a pooling that bears a loss": FIRST + layer("pool", "Pooling", "x", "p", LOSS + "pooling_param { kernel_size: 2 }")
    + convolution("conv2", "p", "y") + ending("y"),
    "a ReLU elsewhere, and Silence": FIRST + layer("relu", "ReLU", "x", "r") + SILENCE + convolution("conv2", "r", "y")
    + ending("y"),
    "Silence behind the ReLU": FIRST + RELU + SILENCE + SECOND + ending("y"),
    "Silence alone": FIRST + RELU + SILENCE + convolution("conv2", "one", "y") + ending("y"),
    "two readers": FIRST + RELU + SECOND + convolution("conv3", "x", "z") + ending("y", "z"),
    "a Split": FIRST + layer("split", "Split", "x", "a b") + convolution("conv2", "a", "y")
    + convolution("conv3", "b", "z") + ending("y", "z"),
    "an input of two layers": FIRST + convolution("conv2", "one", "y") + convolution("conv3", "x", "z")
    + ending("y", "z"),
    "two inputs, in turn": FIRST + convolution("conv2", "two", "y") + convolution("conv3", "x", "z")
    + convolution("conv4", "y", "w") + ending("z", "w"),
    "two inputs, joined": FIRST + convolution("conv2", "two", "y") + layer("join", "Concat", "x y", "xy")
    + convolution("conv3", "xy", "z") + ending("z"),
    "the first one frozen": convolution("conv1", "one", "x", FROZEN) + RELU + SECOND + ending("y"),
    "the one in the middle frozen": FIRST + RELU + convolution("conv2", "x", "y", FROZEN)
    + convolution("conv3", "y", "z") + ending("z"),
    "the last one frozen": FIRST + RELU + convolution("conv2", "x", "y", FROZEN) + ending("y"),
    "no gradients handed on": FIRST + RELU + convolution("conv2", "x", "y", "propagate_down: false") + ending("y"),
    "nor by the ReLU": FIRST + layer("relu", "ReLU", "x", "x", "propagate_down: false") + SECOND + ending("y"),
    "the same weights twice": convolution("conv1", "one", "x", SHARED) + RELU + convolution("conv2", "two", "y", SHARED)
    + ending("x", "y"),
    "a row of numbers that is no row of images": layer("rows", "Reshape", "one", "r",
    "reshape_param { shape { dim: 0 dim: 1 dim: 1 dim: 128 } }")
    + layer("rows_ip", "InnerProduct", "r", "x", "inner_product_param { axis: 3 num_output: 20 }")
    + layer("conv2", "Convolution", "x", "y", "convolution_param { num_output: 4 kernel_h: 1 kernel_w: 3 pad_w: 1 }")
    + ending("y"),
    "a layer of one phase": FIRST + RELU + layer("more", "Power", "x", "x", "include { phase: TEST }") + SECOND
    + ending("y"),
}  # fmt: skip


@pytest.mark.usefixtures("wide")
def test_odd_places_are_what_stock_caffe_makes_of_them(told: Told) -> None:
    """Losses and weights of a solver's steps, and what it finds as it tests on the way."""
    lines = """
        DATA = '''layer { name: "d" type: "DummyData" top: "one" top: "two" top: "label" dummy_data_param {
            shape { dim: 32 dim: 2 dim: 8 dim: 8 } shape { dim: 32 dim: 2 dim: 8 dim: 8 } shape { dim: 32 }
            data_filler { type: "gaussian" std: 1 } data_filler { type: "gaussian" std: 1 }
            data_filler { type: "constant" value: 1 } } }'''

        def trained(net, unread):
            global NET
            NET = DATA + net
            made, found = solver(unread, "test_iter: 2 test_interval: 2"), []
            for _ in range(3):
                found.append([made.net._forward(0, len(made.net.layers) - 1)])
                made.step(1)
                found.append([float(made.test_nets[0].blobs["loss"].data)])
            return found + [blob.data.copy() for blobs in made.net.params.values() for blob in blobs]

        stock = {name: trained(net, False) for name, net in ODD.items()}
        fastcaffe.enable(threads=2)
        found = {}
        for name, net in ODD.items():
            pairs = zip(stock[name], trained(net, True))
            gap = max(float(np.abs(np.array(a) - b).max() / max(1, np.abs(a).max())) for a, b in pairs)
            kept = any(words.startswith("lanes kept") for line in fastcaffe.layers() for words in line.passes.values())
            found[name] = [gap, kept]
        tell(found)
    """
    found = asked(told, f"ODD = {ODD_PLACES!r}\n" + textwrap.dedent(lines))
    assert {name: gap for name, (gap, _) in found.items() if not gap < 1e-5} == {}
    assert [name for name, (_, kept) in found.items() if not kept] == []
