"""Each layer type that ONNX can say, alone: as real Caffe computes it, and in half precision within its rounding."""


import numpy as np
import onnx_cases
import pytest
from both import Case, caffe, filled, gap, images, runtime
from onnx.reference import ReferenceEvaluator

from trt.onnx import export, translation

LARGEST = 1e-5
LARGEST_IN_HALF = 4e-3  # eight roundings to 11 bits in a row
# onnx's reference evaluator fails at these in 32 bits too.
NOT_BY_REFERENCE = {"LRN", "Deconvolution", "Deconvolution normalised"}


@pytest.fixture(scope="module")
def judged(tmp_path_factory: pytest.TempPathFactory) -> dict[str, tuple[Case, dict[str, np.ndarray]]]:
    """Each net with weights and inputs, and Caffe's outputs."""
    cases = {}
    for number, (name, net) in enumerate(onnx_cases.nets().items()):
        random = np.random.default_rng(number)
        cases[name] = Case(net, filled(net, random), images(net, random))
    outputs = caffe(tmp_path_factory.mktemp("caffe"), list(cases.values()))
    return dict(zip(cases, zip(cases.values(), outputs, strict=True), strict=True))


@pytest.mark.parametrize("name", onnx_cases.nets())
def test_as_caffe_computes_it(judged: dict[str, tuple[Case, dict[str, np.ndarray]]], name: str) -> None:
    case, expected = judged[name]
    found = runtime(export.of_net(case.net, case.weights), case.images)
    assert found.keys() == expected.keys()
    assert max(gap(expected[blob], found[blob]) for blob in found) <= LARGEST


@pytest.mark.parametrize("name", onnx_cases.nets())
def test_in_half_precision(judged: dict[str, tuple[Case, dict[str, np.ndarray]]], name: str) -> None:
    """By the reference evaluator, which computes in 16 bits; ONNX Runtime's CPU kernels cast back to 32."""
    case, expected = judged[name]
    model = export.of_net(case.net, case.weights, half=True)
    found = [runtime(model, case.images)]
    if name not in NOT_BY_REFERENCE:
        names = [each.name for each in model.graph.output]
        found.append(dict(zip(names, ReferenceEvaluator(model).run(names, case.images), strict=True)))
    for blob, values in expected.items():
        for each in found:
            assert each[blob].dtype == np.float32
            assert gap(values, each[blob]) <= LARGEST_IN_HALF


def test_every_type_is_here() -> None:
    assert {name.split()[0] for name in onnx_cases.nets()} == set(translation.SAYABLE)
