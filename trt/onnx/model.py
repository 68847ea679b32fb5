"""A graph as an ONNX model: operator set 13, which TensorRT from 8 on, TensorRT-RTX and the CPU engines all read."""

from pathlib import Path
from typing import Any

from evolve import __version__
from evolve.base import files
from evolve.base.errors import UserError
from trt.onnx.graph import Graph

try:
    import onnx
    from onnx import TensorProto, helper, numpy_helper
except ImportError:
    raise UserError("onnx is not installed; `make onnx` installs it, or pip install onnx") from None

OPERATOR_SET = 13
_IR_VERSION = 7  # the one of that operator set: older readers refuse a newer one
NUMBERS = (TensorProto.FLOAT, TensorProto.FLOAT16, TensorProto.INT8)
_TYPES = {"float": TensorProto.FLOAT, "half": TensorProto.FLOAT16, "int64": TensorProto.INT64}


def model(graph: Graph, name: str, words: dict[str, str]) -> Any:
    """The onnx.ModelProto of `graph`; `words` become its metadata. What layers share is there once."""
    repeated = graph.repeated()
    nodes = [
        helper.make_node(
            node.operator, [repeated.get(name, name) for name in node.inputs], node.outputs, name=node.name,
            **_attributes(node.attributes),
        )
        for node in graph.nodes
    ]  # fmt: skip
    inputs, outputs = (
        [helper.make_tensor_value_info(name, TensorProto.FLOAT, shape) for name, shape in side.items()]
        for side in (graph.inputs, graph.outputs)
    )
    constants = [numpy_helper.from_array(values, name) for name, values in graph.constants.items()
                 if name not in repeated]  # fmt: skip
    made = helper.make_model(
        helper.make_graph(nodes, name or "net", inputs, outputs, constants),
        opset_imports=[helper.make_opsetid("", OPERATOR_SET)],
        ir_version=_IR_VERSION,
        producer_name="cavefish",
        producer_version=__version__,
    )
    helper.set_model_props(made, words)
    onnx.checker.check_model(made, full_check=True)
    return made


def write(made: Any, path: Path) -> None:
    """Writes the model whole or not at all; the same model gives the same bytes. UserError where that fails."""
    with files.named_by_out(path):
        files.write_whole(path, serialised(made))


def serialised(made: Any) -> bytes:
    """The file's bytes: the same for the same model."""
    return bytes(made.SerializeToString(deterministic=True))


def shapes(made: Any) -> dict[str, tuple[int, ...]]:
    """The shape of every value that a node reads or writes."""
    graph = onnx.shape_inference.infer_shapes(made, strict_mode=True, data_prop=True).graph
    values = (*graph.input, *graph.output, *graph.value_info)
    return {each.name: tuple(dim.dim_value for dim in each.type.tensor_type.shape.dim) for each in values}


def wide_nodes(made: Any) -> set[str]:
    """Names of the nodes of a model in half precision that compute in 32 bits: no casts, no whole numbers."""
    inferred = onnx.shape_inference.infer_shapes(made).graph
    kinds = {each.name: each.type.tensor_type.elem_type for each in (*inferred.value_info, *inferred.output)}
    return {
        node.name
        for node in made.graph.node
        if node.op_type != "Cast" and any(kinds.get(name) == TensorProto.FLOAT for name in node.output)
    }


def _attributes(attributes: dict[str, Any]) -> dict[str, Any]:
    return {key: _TYPES[value] if key == "to" else value for key, value in attributes.items()}
