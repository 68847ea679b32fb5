"""Random networks through the exporter: what ONNX Runtime computes is what real Caffe computes."""

import sys
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from both import Case, caffe, filled, gap, images, runtime

from evolve.base.errors import UserError
from trt.onnx import export, translation

sys.path.append(str(Path(__file__).resolve().parents[1] / "network"))

import graphs  # noqa: E402
from test_shapes import grown  # noqa: E402

NETS = 150
LARGEST = 1e-5
SEEN = {
    "BatchNorm", "Bias", "Concat", "Convolution", "Crop", "Deconvolution", "Eltwise", "Flatten", "InnerProduct", "LRN",
    "MVN", "PReLU", "Pooling", "Reshape", "Scale", "Slice", "Softmax", "Exp", "Log", "BNLL", "Power", "Threshold",
}  # fmt: skip


def without_amplified_noise(net: Any) -> None:
    """A map that is constant has no deviation but rounding errors, which MVN divides by its eps, 1e-9."""
    for layer in net.layer:
        if layer.type == "MVN":
            layer.mvn_param.eps = 1


@pytest.mark.parametrize("fold", [True, False])
def test_random_graphs(tmp_path: Path, fold: bool) -> None:
    """Branches, shared weights, groups, dilation, gates, pooling that overhangs; with and without folding."""
    cases, seen = [], Counter[str]()
    for seed in range(NETS):
        random = np.random.default_rng(1000 * fold + seed)
        net = graphs.random_net(random)
        without_amplified_noise(net)
        cases.append(Case(net, graphs.random_weights(net, random), images(net, random)))
        seen.update(layer.type for layer in net.layer)
    for case, expected in zip(cases, caffe(tmp_path, cases), strict=True):
        found = runtime(export.of_net(case.net, case.weights, fold=fold), case.images)
        assert found.keys() == expected.keys(), case.net
        for blob, values in expected.items():
            assert gap(values, found[blob]) <= LARGEST, (blob, case.net)
    assert set(seen) >= SEEN


# Indices, and logarithms of what may be negative, are below.
KINDS = sorted(set(translation.SAYABLE) - {"BatchReindex", "DummyData", "Embed", "Log", "Parameter"})


def fed(net: Any) -> Any:
    """With inputs only: what DummyData would fill in itself is given."""
    for layer in net.layer:
        if layer.type == "DummyData":
            shape = layer.dummy_data_param.shape[0]
            layer.type = "Input"
            layer.input_param.shape.add().CopyFrom(shape)
            layer.ClearField("dummy_data_param")
    return net


def sayable(net: Any) -> bool:
    """Not refused with good reason, and nothing works in place on a top that is its bottom's memory, in Caffe."""
    shared = {top for layer in net.layer if layer.type in ("Flatten", "Reshape", "Split") for top in layer.top}
    if any(layer.top[0] in shared for layer in net.layer if layer.top and layer.top[0] in layer.bottom):
        return False
    try:
        export.of_net(net, filled(net, np.random.default_rng(0)))
    except UserError as error:
        assert "has nothing of" in str(error)
        return False
    return True


def test_random_layers(tmp_path: Path) -> None:
    """Every type with every parameter, on blobs of one to five axes."""
    cases: list[Case] = []
    seen = Counter[str]()
    random = np.random.default_rng(29)
    while len(cases) < 60:
        net = fed(grown(random, [str(kind) for kind in random.permutation(KINDS)[:14]])[0])
        without_amplified_noise(net)
        if sayable(net):
            cases.append(Case(net, filled(net, random), images(net, random)))
            seen.update(layer.type for layer in net.layer)
    compared = 0
    for case, expected in zip(cases, caffe(tmp_path, cases), strict=True):
        found = runtime(export.of_net(case.net, case.weights), case.images)
        for blob, values in found.items():
            # An input that a layer works on in place keeps its name: what comes of it has another.
            caffes = expected[blob.split("/")[0]]
            # Exp overflows now and then; a sum of numbers of about 1 may cancel out.
            if np.isfinite(caffes).all():
                assert gap(caffes, values, least=1) <= LARGEST, (blob, case.net)
                compared += 1
    assert compared > 400
    assert min(seen[kind] for kind in KINDS) >= 3, seen
