"""Layer by layer against stock Caffe, on the same inputs: random shapes, parameters and ways of use.

FASTCAFFE_EXAMPLES=500 tries that many cases of each layer instead of a few.
"""

from __future__ import annotations

import os

import layer_cases as cases
from comparison import Compare
from hypothesis import HealthCheck, given, settings

some = settings(
    max_examples=int(os.environ.get("FASTCAFFE_EXAMPLES", "25")),
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)


@some
@given(case=cases.relu())
def test_relu_has_caffes_bits(compare: Compare, case: cases.Case) -> None:
    compare(**case).require_same_bits()


@some
@given(case=cases.pooling())
def test_pooling_has_caffes_bits(compare: Compare, case: cases.Case) -> None:
    compare(**case).require_same_bits()


@some
@given(case=cases.convolution())
def test_convolution_is_close(compare: Compare, case: cases.Case) -> None:
    compare(**case).require(outputs=2e-6, bottom_diffs=2e-6, param_diffs=3e-5)
