"""Weights that stay, if that is promised of a net: they are looked at once; what happens if they change."""

from __future__ import annotations

import textwrap
from collections.abc import Callable
from typing import Any

import pytest

Told = Callable[..., Any]

# `made(seed, images)`: a TEST net of a convolution and an InnerProduct, with a tenth of their weights; `out(net)`: what
# comes out; `right(net)`: whether that is what stock Caffe makes of its weights; `on()`: what the two ran on.
TWO_LAYERS = """
TEXT = '''
    layer { name: "d" type: "Input" top: "d" input_param { shape { dim: IMAGES dim: 20 dim: 8 dim: 8 } } }
    layer { name: "c" type: "Convolution" bottom: "d" top: "c"
            convolution_param { num_output: 20 kernel_size: 3 pad: 1 } }
    layer { name: "i" type: "InnerProduct" bottom: "c" top: "i" inner_product_param { num_output: 12 } }
'''

def made(seed=0, images=1, phase=caffe.TEST, density=0.1):
    n, random = net(TEXT.replace("IMAGES", str(images)), phase), np.random.default_rng(seed)
    for blobs in n.params.values():
        blobs[0].data[...] = random.standard_normal(blobs[0].data.shape)
        blobs[0].data[random.random(blobs[0].data.shape) >= density] = 0
        blobs[1].data[...] = random.standard_normal(blobs[1].data.shape)
    n.blobs["d"].data[...] = np.random.default_rng(7).standard_normal(n.blobs["d"].data.shape)
    return n

def out(n):
    n.forward()
    return [n.blobs[name].data.copy() for name in ("c", "i")]

def right(n):
    got = out(n)
    fastcaffe.disable()
    stock = made(images=n.blobs["d"].data.shape[0])
    fastcaffe.enable(threads=1)
    stock.share_with(n)
    stock.blobs["d"].data[...] = n.blobs["d"].data
    return all(np.abs(x - y).max() <= 1e-5 * np.abs(y).max() for x, y in zip(got, out(stock)))

def on():
    return [line.passes.get("forward") for line in fastcaffe.layers()]

fastcaffe.enable(threads=1)
"""
STAYING = ["sparse rows, weights stay", "sparse, weights stay"]
FOLLOWED = ["sparse rows", "stock: many synapses, or few images"]


def asked(told: Told, lines: str, **variables: str) -> Any:
    """What these lines tell, which have TWO_LAYERS' functions."""
    return told(TWO_LAYERS + textwrap.dedent(lines), **variables)


def test_changed_weights_are_seen_at_once_unless_it_was_promised_that_they_stay(told: Told) -> None:
    lines = """
        def second(blob):  # the promise looks at the first
            return np.flatnonzero(blob.data)[1]

        n = made()
        followed = [right(n), on()]
        for blobs in n.params.values():
            blobs[0].data[...] = np.roll(blobs[0].data, 7)
        followed.append(right(n))
        fastcaffe.weights_stay(n)
        staying = [right(n), right(n), on()]
        before = out(n)
        for blobs in n.params.values():
            blobs[0].data.ravel()[second(blobs[0])] *= 2
        unseen = all((x == y).all() for x, y in zip(before, out(n)))
        fastcaffe.weights_stay(n)
        anew = [right(n), on()]
        fastcaffe.weights_stay(n, False)
        n.params["c"][0].data.ravel()[second(n.params["c"][0])] = 0
        tell([followed, staying, unseen, anew, [right(n), on()]])
    """
    followed, staying, unseen, anew, back = asked(told, lines)
    assert followed == [True, FOLLOWED, True]
    assert staying == [True, True, STAYING]
    assert unseen
    assert anew == [True, STAYING]
    assert back == [True, FOLLOWED]


def test_other_weights_altogether_void_the_promise(told: Told) -> None:
    lines = """
        with tempfile.TemporaryDirectory() as folder:
            other = folder + "/other.caffemodel"
            made(seed=1).save(other)
            n = made()
            fastcaffe.weights_stay(n)
            copied = [right(n), right(n), on()]
            n.copy_from(other)
            copied += [right(n), on()]
        n, others = made(), made(seed=2)
        fastcaffe.weights_stay(n)
        out(n)
        n.share_with(others)
        tell([copied, [right(n), on()[:2]]])
    """
    copied, shared = asked(told, lines)
    assert copied == [True, True, STAYING, True, FOLLOWED]
    assert shared[0] and shared[1] == FOLLOWED


def test_weights_of_a_net_for_training_do_not_stay(told: Told) -> None:
    lines = """
        trained, tested = made(phase=caffe.TRAIN), made()
        tested.share_with(trained)
        said = []
        for n in (trained, tested):
            try:
                fastcaffe.weights_stay(n)
            except ValueError as error:
                said.append(str(error))
        out(tested), out(tested), out(trained)
        tell([said, on()])
    """
    said, on = asked(told, lines)
    expected = (
        "layer 'c': expected weights that stay, got those of a net in the TRAIN phase, which a solver writes; "
        "promise it of a net that has its own."
    )
    assert said == [expected] * 2
    assert on == FOLLOWED * 2


@pytest.mark.parametrize("images", [1, 3, 16])
def test_weights_that_stay_give_what_they_gave_whatever_the_threads(told: Told, images: int) -> None:
    lines = """
        found = []
        for threads in (1, 2, 3):
            fastcaffe.enable(threads=threads)
            n = made(images=IMAGES)
            before = out(n)[0]
            fastcaffe.weights_stay(n)
            found.append([right(n), *(array.tobytes().hex() for array in out(n))])
            n.blobs["d"].reshape(IMAGES + 2, 20, 8, 8)
            n.blobs["d"].data[...] = 1
            found[-1] += [(found[-1][1] == before.tobytes().hex()), right(n)]
        dense = made(images=IMAGES, density=0.7)
        fastcaffe.weights_stay(dense)
        tell([[each[0] and each[3] and each[4] for each in found], found[0] == found[1] == found[2], right(dense),
              on()[-2:]])
    """
    right, same, dense, on = asked(told, lines.replace("IMAGES", str(images)), FASTCAFFE_GRAIN="1")
    assert all(right) and same and dense
    assert on[1] == "stock: many synapses, or few images" and not on[0].startswith("sparse")
