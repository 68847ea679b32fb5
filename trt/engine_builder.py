"""One builder for every TensorRT: an ONNX model into a serialised engine."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from evolve.errors import UserError
from trt import complaints
from trt.capabilities import WORKSPACE, Capabilities, ask
from trt.flavours import Flavour
from trt.onnx_model import serialised, wide_nodes

_NO_DRIVER = "no driver for a GPU here; TensorRT-RTX builds without one: make engine TENSORRT=rtx"


@dataclass(frozen=True)
class Built:
    """A serialised engine, how many layers TensorRT made of the graph, and how long that took."""

    data: bytes
    layers: int
    seconds: float


def build(flavour: Flavour, model: Any, half: bool) -> Built:
    """The engine of an onnx.ModelProto; `half` says that there are 16-bit types in it.

    UserError with TensorRT's own words, ``layer 'x': `` before them where they are about one.
    """
    module, can = flavour.module, ask(flavour.module)
    began = time.monotonic()
    logger = complaints.logger(module)
    with _refusals(flavour, logger):
        builder = module.Builder(logger)
        network = builder.create_network(_bits(can.creation))
        parser = module.OnnxParser(network, logger)
        if not parser.parse(serialised(model)):
            raise _refused(flavour, parser, model)
        config = _config(builder, can, half)
        if half and can.half is not None:
            _keep_wide(module, network, wide_nodes(model))
        engine = builder.build_serialized_network(network, config)
        if engine is None:
            raise RuntimeError("it made no engine, and did not say why")
        data = bytes(engine)
    return Built(data, network.num_layers, time.monotonic() - began)


@contextmanager
def _refusals(flavour: Flavour, logger: Any) -> Iterator[None]:
    """Turns what pybind11 makes of a null pointer, and no engine at all, into what TensorRT said of it."""
    try:
        yield
    except (TypeError, RuntimeError) as error:
        words = complaints.in_its_words(logger.said)
        if not words:
            words = _NO_DRIVER if complaints.only_no_driver(logger.said) else str(error)
        raise UserError(f"{flavour} builds no engine: {words}") from None


def _bits(flags: tuple[Any, ...]) -> int:
    return sum(1 << int(each) for each in flags)


def _config(builder: Any, can: Capabilities, half: bool) -> Any:
    config = builder.create_builder_config()
    if not hasattr(config, "set_memory_pool_limit") and hasattr(config, "max_workspace_size"):
        config.max_workspace_size = WORKSPACE
    if can.tf32 is not None:
        config.clear_flag(can.tf32)
    if half:
        for flag in (can.half, can.obey):
            if flag is not None:
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


def _refused(flavour: Flavour, parser: Any, model: Any) -> UserError:
    """``layer 'x': `` and the parser's words; its nodes have Caffe's names, with a number behind where several do."""
    where, words = "", "it does not say why"
    if parser.num_errors:
        error = parser.get_error(0)
        words = complaints.in_its_words([error.desc()]) or error.desc()
        # A fault of the whole file has no node.
        if 0 <= error.node() < len(model.graph.node):
            where = f"layer '{model.graph.node[error.node()].name}': "
    return UserError(f"{where}{flavour} does not take it: {words}")
