"""Training nets that hand blobs on with one image a lane: what stock Caffe makes, and nobody sees a turned blob."""

from __future__ import annotations

import textwrap
from collections.abc import Callable
from pathlib import Path
from typing import Any

import layer_cases as cases
import pytest
from comparison import Child, Compare
from hypothesis import given, settings
from test_agreement import EXAMPLES, some
from test_neighbours import FRONT

Told = Callable[..., Any]
KEPT = "lanes kept"
LED = "lanes kept, with its leader"


@pytest.fixture(scope="module")
def wide(told: Told) -> None:
    """Only with AVX-512 are lanes kept."""
    if told("fastcaffe.enable(); tell(fastcaffe.machine()['simd'])") != "x86-64-v4":
        pytest.skip("no AVX-512 here: lanes are not kept")


CHAIN = """
    layer { name: "conv1" type: "Convolution" bottom: "bottom0" top: "conv1"
            convolution_param { num_output: 5 kernel_size: 5 pad: 2 } }
    layer { name: "pool1" type: "Pooling" bottom: "conv1" top: "pool1"
            pooling_param { pool: MAX kernel_size: 3 stride: 2 } }
    layer { name: "relu1" type: "ReLU" bottom: "pool1" top: "pool1" }
    layer { name: "conv2" type: "Convolution" bottom: "pool1" top: "conv2"
            convolution_param { num_output: 6 kernel_size: 3 pad: 1 stride: 2 group: GROUP } }
    layer { name: "relu2" type: "ReLU" bottom: "conv2" top: "conv2" }
    layer { name: "pool2" type: "Pooling" bottom: "conv2" top: "pool2"
            pooling_param { pool: AVE kernel_size: 2 stride: 2 } }
    layer { name: "ip1" type: "InnerProduct" bottom: "pool2" top: "ip1" inner_product_param { num_output: 7 } }
    layer { name: "relu3" type: "ReLU" bottom: "ip1" top: "ip1" }
    layer { name: "ip2" type: "InnerProduct" bottom: "ip1" top: "top0" loss_weight: 1
            inner_product_param { num_output: 3 } }
""".replace("GROUP", "1")
WAITING = """
    layer { name: "conv1" type: "Convolution" bottom: "bottom0" top: "conv1"
            convolution_param { num_output: 5 kernel_size: 5 pad: 2 } }
    layer { name: "pool1" type: "Pooling" bottom: "conv1" top: "pool1"
            pooling_param { pool: MAX kernel_size: 3 stride: 2 } }
    layer { name: "conv2" type: "Convolution" bottom: "pool1" top: "conv2"
            convolution_param { num_output: 6 kernel_size: 3 pad: 1 } }
    layer { name: "relu2" type: "ReLU" bottom: "conv2" top: "conv2" }
    layer { name: "conv3" type: "Convolution" bottom: "conv2" top: "conv3"
            convolution_param { num_output: 4 kernel_h: 2 kernel_w: 3 pad_w: 1 } }
    layer { name: "ip" type: "InnerProduct" bottom: "conv3" top: "top0" loss_weight: 1
            inner_product_param { num_output: 3 } }
"""
NORMED = """
    layer { name: "conv1" type: "Convolution" bottom: "bottom0" top: "conv1"
            convolution_param { num_output: 5 kernel_size: 3 pad: 1 } }
    layer { name: "norm1" type: "BatchNorm" bottom: "conv1" top: "conv1" }
    layer { name: "scale1" type: "Scale" bottom: "conv1" top: "conv1" scale_param { bias_term: true } }
    layer { name: "pool1" type: "Pooling" bottom: "conv1" top: "pool1"
            pooling_param { pool: AVE kernel_size: 3 stride: 2 } }
    layer { name: "conv2" type: "Convolution" bottom: "pool1" top: "conv2"
            convolution_param { num_output: 6 kernel_size: 3 pad: 1 } }
    layer { name: "norm2" type: "BatchNorm" bottom: "conv2" top: "conv2" }
    layer { name: "ip" type: "InnerProduct" bottom: "conv2" top: "ip" inner_product_param { num_output: 7 } }
    layer { name: "norm3" type: "BatchNorm" bottom: "ip" top: "ip" }
    layer { name: "scale3" type: "Scale" bottom: "ip" top: "ip" scale_param { bias_term: true } }
    layer { name: "end" type: "Power" bottom: "ip" top: "top0" loss_weight: 1 }
"""


@settings(some, max_examples=EXAMPLES)
@given(case=cases.kept_nets())
def test_random_nets_give_what_stock_caffe_gives(compare: Compare, case: cases.Case) -> None:
    compare(**case).require(outputs=1e-6, bottom_diffs=1e-6, param_diffs=1e-6)


@pytest.mark.parametrize("densities", [[0.3, 0.2, 0.2, 0.4], [0.3, 0.9, 0.2, 0.2], [0.9, 0.2, 0.9, 0.2]])
def test_layers_with_few_and_with_many_synapses_hand_on_to_each_other(compare: Compare, densities: Any) -> None:
    case = {"net": CHAIN, "bottoms": [[32, 2, 19, 19]], "reshapes": [[[16, 2, 19, 19]]], "whole": True}
    result = compare(**case, densities=[densities, [0.2] * 4], unread=True, absent=True)
    result.require(outputs=1e-6, bottom_diffs=1e-6, param_diffs=1e-6)


@pytest.mark.parametrize("groups", [1, 2])
def test_maps_of_4_x_4_have_kernels_of_their_own(compare: Compare, groups: int) -> None:
    layers = "".join(
        f'layer {{ name: "conv{i}" type: "Convolution" bottom: "{below}" top: "{above}" convolution_param '
        f"{{ num_output: {outputs} kernel_size: 3 pad: 1 group: {groups} }} }}\n"
        for i, (below, above, outputs) in enumerate([("bottom0", "x", 6), ("x", "y", 8), ("y", "z", 4)])
    )
    net = layers + 'layer { name: "end" type: "Power" bottom: "z" top: "top0" loss_weight: 1 }'
    case = {"net": net, "bottoms": [[20, 4, 4, 4]], "reshapes": [[[33, 4, 4, 4]]], "densities": [0.3, 0.2]}
    for threads in (1, 2):
        result = compare(**case, threads=threads, unread=True, absent=True, whole=True)
        result.require(outputs=1e-6, bottom_diffs=1e-6, param_diffs=1e-6)


FIRST = """
    layer { name: "conv1" type: "Convolution" bottom: "in0" top: "conv1"
            convolution_param { num_output: 5 kernel_size: 5 pad: 2 } }
    ABOVE
    layer { name: "pool1" type: "Pooling" bottom: "conv1" top: "pool1"
            pooling_param { pool: METHOD kernel_size: 3 stride: 2 } }
    BEHIND
    layer { name: "conv2" type: "Convolution" bottom: "pool1" top: "conv2"
            convolution_param { num_output: 3 kernel_size: 3 pad: 1 } }
    layer { name: "end" type: "Power" bottom: "conv2" top: "top0" loss_weight: 1 }
"""
RELU = 'layer { name: "relu" type: "ReLU" bottom: "BLOB" top: "BLOB" }'


# Maps so large that they go in bands of rows, and, of 9 channels, so many inputs that these go in blocks.
@pytest.mark.parametrize("shape", [[20, 1, 32, 32], [33, 1, 25, 37], [16, 9, 20, 24]])
@pytest.mark.parametrize("method, blob", [("MAX", "conv1"), ("MAX", "pool1"), ("MAX", ""), ("AVE", "conv1")])
def test_a_map_is_convolved_pooled_and_rectified_while_it_is_near(
    compare: Compare, shape: list[int], method: str, blob: str
) -> None:
    relus = {at: RELU.replace("BLOB", at) if at == blob else "" for at in ("conv1", "pool1")}
    net = FIRST.replace("METHOD", method).replace("ABOVE", relus["conv1"]).replace("BEHIND", relus["pool1"])
    case = {"net": net, "bottoms": [shape], "densities": [[0.4, 0.3]], "threads": 2, "whole": True}
    result = compare(**case, unread=True, absent=True)
    result.require(outputs=1e-6, bottom_diffs=1e-6, param_diffs=2e-6)


@pytest.mark.parametrize("shape", [[32, 3, 12, 12], [96, 8, 40, 40]])  # steps while a map is near, or apart
def test_batches_are_normalised_on_the_way(compare: Compare, shape: list[int], wide: None) -> None:
    case = {"net": NORMED, "bottoms": [shape], "reshapes": [[shape]], "densities": [0.4, 0.2], "positive": True}
    result = compare(**case, unread=True, absent=True, front=FRONT)
    result.require(outputs=2e-5, bottom_diffs=2e-5, param_diffs=1e-4)
    led = ["norm1", "norm2", "norm3", "scale1", "scale3"]
    assert {name: result.passes[name]["backward"] for name in led} == dict.fromkeys(led, LED)


# Where Caffe takes no way back through the layer with weights: its Scale learns all the same.
HALTS = [
    ("conv1", 'bottom: "in0" param { lr_mult: 0 } param { lr_mult: 0 }'),
    ("norm1", "propagate_down: false"),
    ("scale1", "propagate_down: false"),
]


@pytest.mark.parametrize("name, words", HALTS)
def test_a_scale_learns_where_no_gradients_go_on(compare: Compare, name: str, words: str) -> None:
    net = NORMED.replace('bottom: "bottom0"', "" if "in0" in words else 'bottom: "bottom0"')
    net = net.replace(f'name: "{name}"', f'name: "{name}" {words}')
    case = {"net": net, "bottoms": [[32, 3, 12, 12]], "densities": [[0.4, 0.2, 0.2]], "positive": True}
    result = compare(**case, unread=True, absent=True, front=FRONT)
    result.require(outputs=2e-5, bottom_diffs=0, param_diffs=1e-4)
    assert result.passes["scale1"]["backward"] != LED


# One thread has layers wait for each other from the second pass on, both ways; not for one that gradients never reach.
@pytest.mark.parametrize("halt", ["", 'name: "pool1"', 'name: "relu2"', 'name: "conv3"'])
def test_layers_that_wait_for_each_other(compare: Compare, halt: str, wide: None) -> None:
    net = WAITING.replace(halt, f"{halt} propagate_down: false") if halt else WAITING
    shape = [[40, 2, 17, 18]]
    case = {"net": net, "bottoms": shape, "reshapes": [shape, shape, [[16, 2, 17, 18]], shape], "densities": [0.3] * 5}
    result = compare(**case, threads=1, unread=True, absent=True, whole=True)
    result.require(outputs=1e-6, bottom_diffs=1e-6, param_diffs=1e-6)


def test_the_listing_says_where_lanes_are_kept(compare: Compare, wide: None) -> None:
    case = {"net": CHAIN, "bottoms": [[16, 2, 19, 19]], "absent": True, "whole": True}
    passes = compare(**case, densities=[[0.3, 0.9, 0.2, 0.2]], unread=True).passes
    kept = [name for name, on in passes.items() if any(words.startswith(KEPT) for words in on.values())]
    assert kept == ["conv1", "pool1", "relu1", "ip1", "relu3", "ip2"]  # not conv2
    assert passes["conv1"] == {"forward": KEPT, "backward data": KEPT, "backward weights": KEPT}
    assert passes["pool1"] == {"forward": LED, "backward": LED}
    plain = compare(**case, densities=[0.2]).passes
    assert not any(words.startswith(KEPT) for on in plain.values() for words in on.values())


@pytest.mark.parametrize("simd", ["v2", "v3"])
def test_older_processors_keep_no_lanes(built: Path, simd: str) -> None:
    child = Child(FASTCAFFE_SIMD=simd)
    result = child.compare(net=CHAIN, bottoms=[[16, 2, 19, 19]], densities=[0.2], unread=True, absent=True, whole=True)
    child.end()
    result.require(outputs=1e-6, bottom_diffs=1e-6, param_diffs=1e-6)
    assert not any(words.startswith(KEPT) for on in result.passes.values() for words in on.values())


# `solved(unread)`: the weights after five steps of a solver, and its net.
SOLVER = """
NET = '''
    layer { name: "d" type: "DummyData" top: "bottom0" top: "label" dummy_data_param {
            shape { dim: 32 dim: 2 dim: 19 dim: 19 } shape { dim: 32 }
            data_filler { type: "gaussian" std: 1 } data_filler { type: "constant" value: 1 } } }
    CHAIN
    layer { name: "loss" type: "SoftmaxWithLoss" bottom: "top0" bottom: "label" top: "loss" }'''

def solver(unread=False, more=""):
    fastcaffe.absent_stays_absent()
    fastcaffe.blobs_between_unread(unread)
    with tempfile.TemporaryDirectory() as folder:
        open(folder + "/net", "w").write(NET)
        text = f'net: "{folder}/net" base_lr: 0.01 lr_policy: "fixed" momentum: 0.9 max_iter: 9 random_seed: 1 ' + more
        open(folder + "/solver", "w").write(text)
        made = caffe.get_solver(folder + "/solver")
    fastcaffe.blobs_between_unread(False)
    random, exists = np.random.default_rng(2), []
    for blobs in made.net.params.values():
        exists.append(random.random(blobs[0].data.shape) < 0.25)
        blobs[0].data[...] = exists[-1] * 0.5 * random.standard_normal(blobs[0].data.shape)
    def mask():
        for blobs, there in zip(made.net.params.values(), exists):
            blobs[0].diff[...] *= there
    made.add_callback(lambda: None, mask)
    return made

def solved(unread=False, steps=5):
    made = solver(unread)
    made.step(steps)
    return made, [blob.data.copy() for blobs in made.net.params.values() for blob in blobs]
""".replace("CHAIN", CHAIN.replace("loss_weight: 1", ""))


def asked(told: Told, lines: str, **variables: str) -> Any:
    """What these lines tell, which have SOLVER's functions."""
    return told(SOLVER + textwrap.dedent(lines), **variables)


def test_a_solver_goes_where_stock_caffes_goes(told: Told, wide: None) -> None:
    lines = """
        _, stock = solved()
        fastcaffe.enable(threads=1)
        made, kept = solved(unread=True)
        passes = {line.name: line.passes for line in fastcaffe.layers()}
        again = solved(unread=True)[1]
        gap = max(float(np.abs(a - b).max()) for a, b in zip(stock, kept))
        loss = float(made.net.blobs["loss"].data)
        tell([gap, all((a == b).all() for a, b in zip(kept, again)), passes["ip2"]["backward weights"], loss])
    """
    gap, same, on, loss = asked(told, lines)
    assert gap < 1e-5 and same and on == KEPT and 0 < loss < 100


def test_gradients_of_several_passes_add_up(told: Told, wide: None) -> None:
    lines = """
        def twice(unread):
            made = solver(unread)
            made.net.clear_param_diffs()
            for _ in range(2):
                made.net.forward()
                made.net.backward()
            return [blob.diff[blob.data != 0] for blobs in made.net.params.values() for blob in blobs[:1]]

        stock = twice(False)
        fastcaffe.enable(threads=2)
        tell(max(float(np.abs(a - b).max() / np.abs(a).max()) for a, b in zip(stock, twice(True))))
    """
    assert asked(told, lines) < 1e-4


def test_blobs_in_between_are_nothing_and_all_others_are_there(told: Told, wide: None) -> None:
    lines = """
        stock = solver()
        stock.net.forward()
        fastcaffe.enable(threads=1)
        made = solver(unread=True)
        made.net.blobs["bottom0"].data[...] = stock.net.blobs["bottom0"].data
        made.net._forward(1, len(made.net.layers) - 1)
        read = {name: blob.data.copy() for name, blob in made.net.blobs.items()}
        nothing = sorted(name for name, data in read.items() if np.isnan(data).all())
        gap = max(float(np.abs(read[name] - stock.net.blobs[name].data).max()) for name in ("top0", "loss"))
        tell([nothing, gap, [name for name, data in read.items() if np.isnan(data).any() and name not in nothing]])
    """
    nothing, gap, partly = asked(told, lines)
    assert nothing == ["conv1", "conv2", "ip1", "pool1", "pool2"] and gap < 1e-5 and not partly


def test_nets_outside_of_the_promise_are_as_ever(told: Told, wide: None) -> None:
    lines = """
        fastcaffe.enable(threads=1)
        made = solver(unread=True)
        made.step(1)
        with tempfile.NamedTemporaryFile("w") as file:
            file.write(NET)
            file.flush()
            after = caffe.Net(file.name, caffe.TRAIN)
            fastcaffe.blobs_between_unread()
            tested = caffe.Net(file.name, caffe.TEST)
        found = []
        for n in (after, tested):
            n.share_with(made.net)
            n.forward()
            found.append(bool(any(np.isnan(blob.data).any() for blob in n.blobs.values())))
        tell(found)
    """
    assert asked(told, lines) == [False, False]


def test_weights_that_die_or_come_back_are_followed_in_lanes(told: Told, wide: None) -> None:
    lines = """
        def changed(unread):
            made, found = solver(unread), []
            for i in range(3):
                for blobs in made.net.params.values():
                    blobs[0].data[...] = np.roll(blobs[0].data, 3 + i)
                if i == 1:
                    made.net.params["conv2"][0].data[...] = 0.1
                made.net.clear_param_diffs()
                made.net.forward()
                made.net.backward()
                found += [float(made.net.blobs["loss"].data)]
                found += [float((blobs[0].diff * (blobs[0].data != 0)).sum()) for blobs in made.net.params.values()]
            return np.array(found)

        stock = changed(False)
        fastcaffe.enable(threads=1)
        tell(float(np.abs(changed(True) - stock).max() / np.abs(stock).max()))
    """
    assert asked(told, lines) < 1e-5


def test_sums_do_not_depend_on_the_threads(told: Told, wide: None) -> None:
    lines = """
        found = []
        for threads in (1, 2, 3, 5):
            fastcaffe.enable(threads=threads)
            found.append([array.tobytes().hex() for array in solved(unread=True, steps=2)[1]])
        tell([found[0] == other for other in found])
    """
    assert asked(told, lines, FASTCAFFE_GRAIN="1") == [True] * 4


def test_the_machine_says_below_which_density(told: Told, wide: None) -> None:
    lines = "fastcaffe.enable(); tell(fastcaffe.machine().get('sparse_lanes_kept_below'))"
    assert told(lines) == "0.5"
    assert told(lines, FASTCAFFE_SIMD="v3") is None
    assert told(lines, FASTCAFFE_SPARSE="0") is None
