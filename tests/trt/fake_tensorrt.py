"""Modules that stand for a TensorRT: what each of them has and has not, and what it refuses, as NVIDIA documents it.

They record what is asked of them, and an "engine" tells the flags that it was built under.
"""

from enum import IntEnum
from types import SimpleNamespace
from typing import Any

import onnx

STRAY = "[a.cpp::b::1] Error Code 1: Cuda Runtime (cudaError 35: CUDA driver version is insufficient)"


class _Logger:
    INTERNAL_ERROR, ERROR, WARNING = range(3)


class _Error:
    def __init__(self, node: int, words: str) -> None:
        self._node, self._words = node, words

    def node(self) -> int:
        return self._node

    def desc(self) -> str:
        return self._words


class _Tensor:
    def __init__(self, dtype: str) -> None:
        self.dtype = dtype


class _Layer:
    """One a node, of the type that its output has in the graph."""

    def __init__(self, name: str, dtype: str) -> None:
        self.name, self.num_outputs = name, 1
        self.precision = ""
        self.set_types: dict[int, str] = {}
        self._output = _Tensor(dtype)

    def get_output(self, number: int) -> _Tensor:
        assert number == 0
        return self._output

    def set_output_type(self, number: int, kind: str) -> None:
        self.set_types[number] = kind


class _Network:
    def __init__(self, bits: int) -> None:
        self.bits = bits
        self.layers: list[_Layer] = []

    @property
    def num_layers(self) -> int:
        return len(self.layers)

    def get_layer(self, number: int) -> _Layer:
        return self.layers[number]


class _Config:
    def __init__(self, flags: list[str]) -> None:
        self.flags = set(flags)

    def set_flag(self, flag: Any) -> None:
        self.flags.add(flag.name)

    def clear_flag(self, flag: Any) -> None:
        self.flags.discard(flag.name)


class _OldConfig(_Config):
    max_workspace_size = 0


class _NewConfig(_Config):
    def set_memory_pool_limit(self, pool: Any, limit: int) -> None:
        raise AssertionError("the limit is the whole memory as it is")


def _members(names: str) -> Any:
    enumeration: Any = IntEnum
    return enumeration("Flags", {name: number for number, name in enumerate(names.split())})


class _Builder:
    """Of the TensorRT `of`; without a driver it is none, as pybind says."""

    of: Any

    def __init__(self, logger: Any) -> None:
        self.logger = logger
        if self.of.no_driver:
            logger.log(_Logger.ERROR, self.of.no_driver)
            raise TypeError("pybind11::init(): factory function returned nullptr")

    def create_network(self, bits: int) -> _Network:
        return _Network(bits)

    def create_builder_config(self) -> _Config:
        config: _Config = self.of.config(self.of.on)
        return config

    def build_serialized_network(self, network: _Network, config: _Config) -> bytes | None:
        self.logger.log(_Logger.WARNING, "only a warning")
        self.logger.log(_Logger.ERROR, STRAY)
        self.of.seen.append((network, config))
        strongly = self.of.created_as(network, "STRONGLY_TYPED")
        halves = any(layer.get_output(0).dtype == "f16" for layer in network.layers)
        if strongly and "FP16" in config.flags:
            self.logger.log(_Logger.ERROR, "Error Code 3: API Usage Error (FP16 in a strongly typed network)")
            return None
        if "FP16" in self.of.flags and halves and not strongly and "FP16" not in config.flags:
            self.logger.log(_Logger.ERROR, "1: half precision is not enabled")
            return None
        return f"{self.of.__version__} {network.bits} {' '.join(sorted(config.flags))}".encode()


class _OnnxParser:
    """Of the TensorRT `of`."""

    of: Any

    def __init__(self, network: _Network, logger: Any) -> None:
        if "STRONGLY_TYPED" not in self.of.creation:
            assert "EXPLICIT_BATCH" not in self.of.creation or self.of.created_as(network, "EXPLICIT_BATCH")
        self.network = network
        self.errors: list[_Error] = []

    num_errors = property(lambda self: len(self.errors))

    def get_error(self, number: int) -> _Error:
        return self.errors[number]

    def parse(self, data: bytes) -> bool:
        graph = onnx.shape_inference.infer_shapes(onnx.load_from_string(data)).graph
        kinds = {each.name: each.type.tensor_type.elem_type for each in (*graph.value_info, *graph.output)}
        for number, node in enumerate(graph.node):
            if node.op_type == "LRN" and self.of.refuses_lrn:
                self.errors.append(_Error(number, f"{STRAY}\nAssertion failed: LRN of that size"))
            half = kinds[node.output[0]] == onnx.TensorProto.FLOAT16
            self.network.layers.append(_Layer(node.name, "f16" if half else "f32"))
        return not self.errors


def module(
    version: str, creation: str, flags: str, on: str = "", config: type[_Config] = _NewConfig, no_driver: str = ""
) -> Any:
    """A TensorRT with these members of its two enumerations; builder flags `on` are set from the start."""
    made = SimpleNamespace(
        __version__=version, creation=creation.split(), flags=flags.split(), on=on.split(), config=config,
        no_driver=no_driver, refuses_lrn=False, seen=[], ILogger=type("ILogger", (_Logger,), {}), float32="f32",
        float16="f16",
    )  # fmt: skip
    if creation:
        made.NetworkDefinitionCreationFlag = _members(creation)
    made.BuilderFlag = _members(flags)

    def created_as(network: _Network, flag: str) -> bool:
        return flag in made.creation and bool(network.bits & 1 << made.NetworkDefinitionCreationFlag[flag])

    made.created_as = created_as
    made.Builder, made.OnnxParser = (type(each.__name__[1:], (each,), {"of": made}) for each in (_Builder, _OnnxParser))
    return made


def tensorrt_8_0() -> Any:
    """Explicit batch asked for, half precision a flag, a workspace of nothing."""
    return module("8.0.1.6", "EXPLICIT_BATCH", "FP16 INT8 TF32 SPARSE_WEIGHTS STRICT_TYPES", "TF32", _OldConfig)


def tensorrt_8_6() -> Any:
    """As 8.0, with constraints to obey and pools of memory."""
    flags = "FP16 INT8 TF32 SPARSE_WEIGHTS STRICT_TYPES OBEY_PRECISION_CONSTRAINTS PREFER_PRECISION_CONSTRAINTS"
    return module("8.6.1", "EXPLICIT_BATCH", flags, "TF32")


def tensorrt_10() -> Any:
    """Both: flags for half precision, and strongly typed networks, which refuse them."""
    flags = "FP16 BF16 INT8 TF32 SPARSE_WEIGHTS OBEY_PRECISION_CONSTRAINTS"
    return module("10.9.0.34", "EXPLICIT_BATCH STRONGLY_TYPED", flags, "TF32")


def tensorrt_11() -> Any:
    """Strongly typed networks alone."""
    return module("11.0.0", "STRONGLY_TYPED", "TF32 REFIT SPARSE_WEIGHTS", "TF32")


def without_any_choice() -> Any:
    """What may come: all networks strongly typed, and no flag to say so."""
    return module("99.0", "", "REFIT")
