"""Random networks as C files: what is compiled with sanitizers computes what real Caffe does."""

from collections import Counter
from pathlib import Path

import numpy as np
from both import Case, caffe, filled, gap, images
from compiled import joined, run
from test_onnx_random import KINDS, SEEN, fed, graphs, grown, sayable, without_amplified_noise

from evolve.base.errors import UserError
from trt.c import export

GRAPHS, LAYERS = 16, 12
LARGEST = 1e-5


def test_random_graphs(tmp_path: Path) -> None:
    """Branches, shared weights, groups, dilation, gates, pooling that overhangs, side by side in one memory."""
    cases, seen = [], Counter[str]()
    for seed in range(GRAPHS):
        random = np.random.default_rng(7328 + seed)
        net = graphs.random_net(random)
        without_amplified_noise(net)
        cases.append(Case(net, graphs.random_weights(net, random), images(net, random)))
        seen.update(layer.type for layer in net.layer)
    case = joined(cases)
    (expected,) = caffe(tmp_path, [case])
    found = run(tmp_path, case)
    assert found.keys() == expected.keys()
    assert not {blob for blob in found if gap(expected[blob], found[blob]) > LARGEST}
    assert set(seen) >= SEEN


def test_random_layers(tmp_path: Path) -> None:
    """Every type with every parameter, on blobs of one to five axes."""
    cases: list[Case] = []
    seen = Counter[str]()
    random = np.random.default_rng(31)
    while len(cases) < LAYERS:
        net = fed(grown(random, [str(kind) for kind in random.permutation(KINDS)[:14]])[0])
        without_amplified_noise(net)
        case = Case(net, filled(net, random), images(net, random))
        if sayable(net) and sayable_in_c(case):
            cases.append(case)
            seen.update(layer.type for layer in net.layer)
    one = joined(cases)
    (expected,) = caffe(tmp_path, [one])
    compared = 0
    for blob, values in run(tmp_path, one).items():
        number, rest = blob.split("/", 1)
        caffes = expected[f"{number}/{rest.split('/')[0]}"]
        if np.isfinite(caffes).all():
            assert gap(caffes, values, least=1) <= LARGEST, blob
            compared += 1
    assert compared > 5 * LAYERS
    assert len(seen) > 30


def sayable_in_c(case: Case) -> bool:
    """Not refused for its axes of space."""
    try:
        export.of_net(case.net, case.weights, function="net", bits=32)
    except UserError as error:
        assert "expected one or two axes of space in C" in str(error)
        return False
    return True
