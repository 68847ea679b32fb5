"""The ONNX model in half precision that the range report leads to: what 16 bits cannot hold keeps 32."""

from collections.abc import Callable
from typing import Any

from trt import range_report
from trt.onnx_export import Pair
from trt.real_inputs import Source

_UNSEEN = "range report: no real inputs to look at (INPUTS=file.npy): only weights beyond half precision are known"


def half_model(
    pair: Pair, inputs: Source | None, wide: frozenset[str], say: Callable[[str], None]
) -> tuple[Any, str]:
    """The onnx.ModelProto, layers `wide` in 32 bits too, and the report's first line; `say` gets each of its lines."""
    if inputs is None:
        say(_UNSEEN)
        return pair.onnx(half=True, in_32_bits=wide), _UNSEEN
    report = range_report.report(pair, inputs.read())
    for line in report.lines():
        say(line)
    return pair.onnx(half=True, in_32_bits=wide | report.in_32_bits()), report.lines()[0]
