"""One builder for every TensorRT: an ONNX model into a serialised engine.

What a TensorRT can do, asked of its module; never guessed from its version.

Half precision stands in the graph's own types. A network that is strongly typed takes the types that it finds; one
that is not (TensorRT 8) uses 16 bits only under a flag, and then wherever it likes, unless it is told to obey.

TensorRT's own words when it refuses: gathered from its logger, freed of what only says that there is no driver.
"""

import re
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from evolve.base.errors import UserError
from trt.onnx.model import serialised, wide_nodes
from trt.tensorrt.which import Flavour

# Of the workspace where TensorRT's own limit is nothing at all; newer ones begin with the whole memory.
WORKSPACE = 1 << 30


@dataclass(frozen=True)
class Capabilities:
    """The flags to build with, members of the module's own enumerations."""

    creation: tuple[Any, ...]  # of the network
    half: Any  # BuilderFlag.FP16, where 16 bits need it; else None
    obey: Any  # the flag that makes a layer's precision binding, where half is a flag; else None
    tf32: Any  # the flag to clear: convolutions in 32 bits are to have all of them; else None

    def words(self, half: bool) -> dict[str, str]:
        """The builder's settings in words: part of an engine's key."""
        flags = [self.half, self.obey] if half else []
        return {
            "network": " ".join(each.name for each in self.creation) or "as it is made",
            "flags": " ".join(each.name for each in flags if each is not None) or "none",
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
        tf32=getattr(flags, "TF32", None),
    )


# Of a machine without a driver: such lines appear beside real messages, and are not the fault.
_STRAY = re.compile(
    r"cudaError 35|CUDA driver version is insufficient|Thread context has not been set"
    r"|CUDA initialization failure with error: (35|100)\b"
)
# Where TensorRT's sources say something, and what they call themselves.
_WHERE = re.compile(r"^(\w+::\w+: |\[[\w.]+::[\w:]+\] |\w+\.cpp:\d+: )?(Error Code \d+: )?")
_FRAME = re.compile(r"While parsing node number|--- (Begin|End) node ---|^(ERROR:|Node name:|input:|Invalid Node -) ")

_loggers: dict[Any, Any] = {}  # its ILogger -> ours, one a process: TensorRT keeps the first that it is given


def trt_logger(module: Any) -> Any:
    """The logger of this process, empty: its `said` fills with what TensorRT calls an error, in order."""
    if module.ILogger not in _loggers:
        _loggers[module.ILogger] = _new(module)
    ours = _loggers[module.ILogger]
    ours.said.clear()
    return ours


def in_its_words(said: list[str]) -> str:
    """The first line that tells the fault, without where in TensorRT's sources it was found; empty if none does."""
    lines = [line.strip() for text in said for line in text.splitlines()]
    told = [line for line in lines if line and not _STRAY.search(line)]
    plain = [_WHERE.sub("", line) for line in told]
    return next((line for line in plain if line and not _FRAME.search(line)), plain[0] if plain else "")


def only_no_driver(said: list[str]) -> bool:
    """Whether all that was said is that there is no driver, or none that serves."""
    return bool(said) and not in_its_words(said)


def _new(module: Any) -> Any:
    class Complaints(module.ILogger):  # type: ignore[misc, name-defined]
        def __init__(self) -> None:
            module.ILogger.__init__(self)
            self.said: list[str] = []

        def log(self, severity: Any, message: str) -> None:
            if severity in (module.ILogger.INTERNAL_ERROR, module.ILogger.ERROR):
                self.said.append(message)

    return Complaints()


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
    logger = trt_logger(module)
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
        words = in_its_words(logger.said)
        if not words:
            words = _NO_DRIVER if only_no_driver(logger.said) else str(error)
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
        words = in_its_words([error.desc()]) or error.desc()
        # A fault of the whole file has no node.
        if 0 <= error.node() < len(model.graph.node):
            where = f"layer '{model.graph.node[error.node()].name}': "
    return UserError(f"{where}{flavour} does not take it: {words}")
