"""The builder makes an ONNX model a serialised engine, on every TensorRT.

What a TensorRT can do is asked of its module, never guessed from its version. Half precision and eight bits stand in
the graph's own types: a network that is strongly typed takes the types that it finds; one that is not (TensorRT 8) uses
16 or 8 bits only under a flag, 16 then wherever it likes, unless it is told to obey, and 8 where the graph says so.
"""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from evolve.base.errors import UserError
from trt.onnx.model import serialised, wide_nodes
from trt.tensorrt import logger
from trt.tensorrt.which import TensorRT

# Of the workspace where TensorRT's own limit is nothing at all; newer ones begin with the whole memory.
WORKSPACE = 1 << 30
_NO_DRIVER = "no driver for a GPU here; TensorRT-RTX builds without one: make engine TENSORRT=rtx"


@dataclass(frozen=True)
class Kind:
    """What is in a graph: types of 16 or of 8 bits, and layers in 2:4 (evolve/network/two_of_four.py)."""

    half: bool = False
    eight: bool = False
    sparse: bool = False


@dataclass(frozen=True)
class Capabilities:
    """The flags to build with, members of the module's own enumerations."""

    creation: tuple[Any, ...]  # of the network
    half: Any  # BuilderFlag.FP16, where 16 bits need it; else None
    obey: Any  # the flag that makes a layer's precision binding, where half is a flag; else None
    eight: Any  # BuilderFlag.INT8, where a graph's eight bits need it; else None
    tf32: Any  # the flag to clear: convolutions in 32 bits are to have all of them; else None
    sparse: Any  # BuilderFlag.SPARSE_WEIGHTS, which lets it look for 2:4; else None

    def flags(self, kind: Kind) -> list[Any]:
        """Those to set for what is in a graph."""
        wanted = [
            *((self.half, self.obey) if kind.half else ()),
            *((self.eight,) if kind.eight else ()),
            *((self.sparse,) if kind.sparse else ()),
        ]
        return [each for each in wanted if each is not None]

    def words(self, kind: Kind) -> dict[str, str]:
        """The builder's settings in words: part of an engine's key."""
        flags = self.flags(kind)
        return {
            "network": " ".join(each.name for each in self.creation) or "as it is made",
            "flags": " ".join(each.name for each in flags) or "none",
            "cleared": "none" if self.tf32 is None else self.tf32.name,
        }


def ask(module: Any) -> Capabilities:
    """What the TensorRT of `module` can do."""
    creation = getattr(module, "NetworkDefinitionCreationFlag", None)
    flags = module.BuilderFlag
    strongly = getattr(creation, "STRONGLY_TYPED", None)
    explicit = getattr(creation, "EXPLICIT_BATCH", None)
    half = None if strongly is not None else getattr(flags, "FP16", None)
    obey = getattr(flags, "OBEY_PRECISION_CONSTRAINTS", getattr(flags, "STRICT_TYPES", None))
    return Capabilities(
        creation=tuple(each for each in (explicit, strongly) if each is not None),
        half=half,
        obey=None if half is None else obey,
        eight=None if strongly is not None else getattr(flags, "INT8", None),
        tf32=getattr(flags, "TF32", None),
        sparse=getattr(flags, "SPARSE_WEIGHTS", None),
    )


@dataclass(frozen=True)
class Built:
    """A serialised engine, how many layers TensorRT made of the graph, and how long that took."""

    data: bytes
    layers: int
    seconds: float


def build(tensorrt: TensorRT, model: Any, kind: Kind) -> Built:
    """The engine of an onnx.ModelProto in which there is what `kind` says.

    UserError with TensorRT's own words, ``layer 'x': `` before them where they are about one.
    """
    module, can = tensorrt.module, ask(tensorrt.module)
    began = time.monotonic()
    log = logger.of(module)
    with _refusals(tensorrt, log):
        builder = module.Builder(log)
        network = builder.create_network(_bits(can.creation))
        parser = module.OnnxParser(network, log)
        if not parser.parse(serialised(model)):
            raise _refused(tensorrt, parser, model)
        config = _config(builder, can, kind)
        if kind.half and can.half is not None:
            _keep_wide(module, network, wide_nodes(model))
        engine = builder.build_serialized_network(network, config)
        if engine is None:
            raise RuntimeError("it made no engine, and did not say why")
        data = bytes(engine)
    return Built(data, network.num_layers, time.monotonic() - began)


@contextmanager
def _refusals(tensorrt: TensorRT, log: Any) -> Iterator[None]:
    """Turns what pybind11 makes of a null pointer, and no engine at all, into what TensorRT said of it."""
    try:
        yield
    except (TypeError, RuntimeError) as error:
        words = logger.in_its_words(log.said)
        if not words:
            words = _NO_DRIVER if logger.only_no_driver(log.said) else str(error)
        raise UserError(f"{tensorrt} builds no engine: {words}") from None


def _bits(flags: tuple[Any, ...]) -> int:
    return sum(1 << int(each) for each in flags)


def _config(builder: Any, can: Capabilities, kind: Kind) -> Any:
    config = builder.create_builder_config()
    if not hasattr(config, "set_memory_pool_limit") and hasattr(config, "max_workspace_size"):
        config.max_workspace_size = WORKSPACE
    if can.tf32 is not None:
        config.clear_flag(can.tf32)
    for flag in can.flags(kind):
        config.set_flag(flag)
    return config


def _keep_wide(module: Any, network: Any, names: set[str]) -> None:
    """Layers of nodes that compute in 32 bits do so under the flag too; TensorRT names them after their nodes."""
    for number in range(network.num_layers):
        layer = network.get_layer(number)
        # Of several layers that one node became, the later ones have a number behind its name.
        if names.isdisjoint((layer.name, layer.name.rpartition("_")[0])):
            continue
        kinds = [layer.get_output(output).dtype for output in range(layer.num_outputs)]
        if module.float32 in kinds or module.float16 in kinds:
            layer.precision = module.float32
        for output, kind in enumerate(kinds):
            if kind in (module.float32, module.float16):
                layer.set_output_type(output, module.float32)


def _refused(tensorrt: TensorRT, parser: Any, model: Any) -> UserError:
    """``layer 'x': `` and the parser's words; its nodes have Caffe's names, with a number behind where several do."""
    where, words = "", "it does not say why"
    if parser.num_errors:
        error = parser.get_error(0)
        words = logger.in_its_words([error.desc()]) or error.desc()
        # A fault of the whole file has no node.
        if 0 <= error.node() < len(model.graph.node):
            where = f"layer '{model.graph.node[error.node()].name}': "
    return UserError(f"{where}{tensorrt} does not take it: {words}")
