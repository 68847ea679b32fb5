"""Each layer type that a C file can say, alone: compiled with sanitizers, it computes what real Caffe does."""

from pathlib import Path

import numpy as np
import onnx_cases
import pytest
from both import Case, caffe, filled, gap, images
from compiled import joined, run

from evolve.base.errors import UserError
from trt.c import export

LARGEST = 1e-5
REFUSED = {"Convolution 3D"}


def test_as_caffe_computes_it(tmp_path: Path) -> None:
    """Every form of every type that ONNX can say but the refused ones."""
    cases = []
    for number, (name, net) in enumerate(onnx_cases.nets().items()):
        if name not in REFUSED:
            random = np.random.default_rng(number)
            cases.append(Case(net, filled(net, random), images(net, random)))
    case = joined(cases)
    (expected,) = caffe(tmp_path, [case])
    found = run(tmp_path, case)
    assert found.keys() == expected.keys()
    assert not {blob for blob in found if gap(expected[blob], found[blob]) > LARGEST}


@pytest.mark.parametrize("name", sorted(REFUSED))
def test_refused(name: str) -> None:
    net = onnx_cases.nets()[name]
    with pytest.raises(UserError) as error:
        export.of_net(net, filled(net, np.random.default_rng(0)), function="net")
    assert str(error.value) == (
        "layer 'l': expected one or two axes of space in C, got 3; leave it out, or use an engine (make onnx)"
    )
