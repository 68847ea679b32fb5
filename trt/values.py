"""Any value of a net on real inputs: its graph of 32 bits runs in ONNX Runtime with the value as an output."""

from collections.abc import Iterator
from typing import Any

import numpy as np

from evolve.base.errors import UserError
from trt.inputs import Arrays
from trt.onnx import model


def on(made: Any, values: list[str], batches: list[Arrays]) -> Iterator[dict[str, np.ndarray]]:
    """Yields the `values` of each batch, by name, from an onnx.ModelProto. UserError without ONNX Runtime."""
    there = {each.name for each in (*made.graph.input, *made.graph.output)}
    for name in values:
        if name not in there:
            made.graph.output.add(name=name)
    session = _session(made)
    inputs = {each.name for each in session.get_inputs()}
    outputs = [name for name in values if name not in inputs]
    for batch in batches:
        fed = {name: array for name, array in batch.items() if name in inputs}
        yield {name: array for name, array in fed.items() if name in values} | dict(
            # Asked for nothing, ONNX Runtime gives every output.
            zip(outputs, session.run(outputs, fed) if outputs else [], strict=True)
        )


def _session(made: Any) -> Any:
    try:
        import onnxruntime
    except ImportError:
        raise UserError("onnxruntime is not installed; `make engine` installs it, or pip install onnxruntime") from None
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3
    # Fused operators would not write the values that are asked for.
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    return onnxruntime.InferenceSession(model.serialised(made), options, providers=["CPUExecutionProvider"])
