"""Layer by layer against stock Caffe, on the same inputs: random shapes, parameters and ways of use.

FASTCAFFE_EXAMPLES=500 tries that many cases of each layer.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import layer_cases as cases
import pytest
from comparison import Child, Compare
from hypothesis import HealthCheck, given, settings

EXAMPLES = int(os.environ.get("FASTCAFFE_EXAMPLES", settings().max_examples))
some = settings(
    max_examples=EXAMPLES,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow, HealthCheck.data_too_large],
)


@pytest.fixture(scope="module", params=["its choice", "winograd", "rows", "lanes", "onednn", "sgemm"])
def convolve(request: pytest.FixtureRequest, built: Path) -> Iterator[Compare]:
    """Compares with convolution on the code that it chooses itself, and on either kind alone."""
    child = Child(**({} if request.param == "its choice" else {"FASTCAFFE_CONVOLUTION": request.param}))
    yield child.compare
    child.end()


@pytest.fixture(scope="module", params=["v2", "v3", "v4"])
def by_rows(request: pytest.FixtureRequest, built: Path) -> Iterator[Compare]:
    """Compares with convolution row by row, wherever it can, on the code of a processor or the best there is."""
    child = Child(FASTCAFFE_CONVOLUTION="rows", FASTCAFFE_SIMD=request.param)
    yield child.compare
    child.end()


@pytest.fixture(scope="module", params=["v2", "v3", "v4"])
def by_winograd(request: pytest.FixtureRequest, built: Path) -> Iterator[Compare]:
    """Compares with convolution by Winograd's filtering, wherever it can, on the code of a processor or the best."""
    child = Child(FASTCAFFE_CONVOLUTION="winograd", FASTCAFFE_SIMD=request.param)
    yield child.compare
    child.end()


@pytest.fixture(
    scope="module",
    params=["its choice v4", *(f"sparse-{kind} {simd}" for kind in ("rows", "lanes") for simd in ("v2", "v3", "v4"))],
)
def sparse(request: pytest.FixtureRequest, built: Path) -> Iterator[Compare]:
    """Compares with convolution on sparse code by its own choice, and on either kind wherever it can, by processor."""
    kind, simd = request.param.rsplit(" ", 1)
    wish = {} if kind == "its choice" else {"FASTCAFFE_CONVOLUTION": kind}
    child = Child(**wish, FASTCAFFE_SIMD=simd)
    yield child.compare
    child.end()


@pytest.fixture(scope="module", params=["v2", "v3"])
def older(request: pytest.FixtureRequest, built: Path) -> Iterator[Compare]:
    """Compares with the code for older processors."""
    child = Child(FASTCAFFE_SIMD=request.param)
    yield child.compare
    child.end()


@some
@given(case=cases.relu())
def test_relu_has_caffes_bits(compare: Compare, case: cases.Case) -> None:
    compare(**case).require_same_bits()


@some
@given(case=cases.pooling() | cases.pooling_3x3())
def test_pooling_has_caffes_bits(compare: Compare, case: cases.Case) -> None:
    compare(**case).require_same_bits()


@some
@given(case=cases.convolution())
def test_convolution_is_close(convolve: Compare, case: cases.Case) -> None:
    convolve(**case).require_rounding_only()


@some
@given(case=cases.wide_convolution())
def test_convolution_of_whole_vectors_is_close(by_rows: Compare, case: cases.Case) -> None:
    result = by_rows(**case)
    result.require_rounding_only()
    passes = result.passes["layer"]
    assert {passes["forward"], passes["backward weights"]} == {"rows"}
    assert passes.get("backward data", "rows") == "rows" or case["propagate"] == [False]


@some
@given(case=cases.winograd_convolution())
def test_convolution_by_winograd_is_close(by_winograd: Compare, case: cases.Case) -> None:
    result = by_winograd(**case)
    result.require_rounding_only()
    assert set(result.passes["layer"].values()) == {"winograd"}


@settings(some, max_examples=max(1, EXAMPLES // 2))  # of each of seven ways
@given(case=cases.sparse(cases.convolution() | cases.wide_convolution()))
def test_sparse_convolution_is_close(sparse: Compare, case: cases.Case) -> None:
    sparse(**case).require_rounding_only()


@some
@given(case=cases.sparse(cases.inner_product()))
def test_sparse_inner_product_is_close(compare: Compare, case: cases.Case) -> None:
    compare(**case).require_rounding_only()


@some
@given(case=cases.lrn())
def test_lrn_is_close(compare: Compare, case: cases.Case) -> None:
    compare(**case).require(outputs=2e-6, bottom_diffs=2e-6, param_diffs=0)


@some
@given(case=cases.batch_norm())
def test_batch_norm_is_close(compare: Compare, case: cases.Case) -> None:
    compare(**case).require(outputs=2e-6, bottom_diffs=2e-6, param_diffs=3e-5)


@some
@given(case=cases.scale())
def test_scale_is_close(compare: Compare, case: cases.Case) -> None:
    compare(**case).require(outputs=2e-6, bottom_diffs=2e-6, param_diffs=3e-5)


@some
@given(case=cases.eltwise())
def test_eltwise_is_close(compare: Compare, case: cases.Case) -> None:
    result = compare(**case)
    result.require(outputs=2e-6, bottom_diffs=2e-6, param_diffs=0)
    if case["plain"]:
        result.require_same_bits()


@settings(some, max_examples=max(1, EXAMPLES // 3))
@given(case=cases.pooling() | cases.pooling_3x3() | cases.relu())
def test_older_processors_have_caffes_bits_too(older: Compare, case: cases.Case) -> None:
    older(**case).require_same_bits()


@settings(some, max_examples=max(1, EXAMPLES // 3))
@given(case=cases.convolution() | cases.lrn() | cases.batch_norm() | cases.scale())
def test_older_processors_are_close_too(older: Compare, case: cases.Case) -> None:
    result = older(**case)
    if case.get("linear"):
        result.require_rounding_only()
    else:
        result.require(outputs=2e-6, bottom_diffs=2e-6, param_diffs=3e-5)
