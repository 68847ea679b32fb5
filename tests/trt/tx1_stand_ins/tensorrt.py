"""Stands in for the tensorrt module of a JetPack, the one of $TENSORRT: 5 to 8 or 10, with what it has and has not.

The "engine" of genNNN takes NNN milliseconds a run. $WIDE names the layers that are to be told to compute in 32 bits,
where the network does not say it itself. Python 3.6, as the module that it stands for.
"""

import ctypes
import os
import re
import time

import numpy

MAJOR = int(os.environ["TENSORRT"])
__version__ = f"{MAJOR}.1.2.3"
float16, float32 = "half", "float"


class Logger:
    ERROR = 1

    def __init__(self, severity):
        assert severity == Logger.ERROR


def nptype(kind):
    return {"half": numpy.float16, "float": numpy.float32}[kind]


class _Tensor:
    def __init__(self, dtype):
        self.dtype = dtype


class _Layer:
    num_outputs = 2

    def __init__(self, name):
        self.name, self.precision, self.types = name, None, {}

    def get_output(self, number):
        return _Tensor((float16, "int32")[number])

    def set_output_type(self, number, kind):
        self.types[number] = kind


class _Network:
    def __init__(self, explicit, typed=False):
        self.explicit, self.outputs, self.milliseconds, self.kind, self.typed = explicit, [], 0, "", typed
        self.layers = [_Layer(name) for name in ("conv", "cov", "prob", "prob_2", "box")]
        self.num_layers = len(self.layers)

    def get_layer(self, number):
        return self.layers[number]

    def mark_output(self, blob):
        self.outputs.append(blob)


class _Config:
    if MAJOR < 10:
        max_workspace_size = 0

    def __init__(self):
        self.flags, self.limits = set(), {}

    if MAJOR >= 10:
        def set_memory_pool_limit(self, pool, limit):
            self.limits[pool] = limit

    def set_flag(self, flag):
        self.flags.add(flag)


class _Context:
    def __init__(self, engine):
        self._engine = engine

    def _run(self, bindings):
        assert len(bindings) == self._engine.count
        ctypes.cast(bindings[0], ctypes.POINTER(ctypes.c_float))[11]
        for number in range(1, self._engine.count):
            ctypes.cast(bindings[number], ctypes.POINTER(ctypes.c_float))[number] = 0.75
            ctypes.cast(bindings[number], ctypes.POINTER(ctypes.c_float))[9] = 0.25
        time.sleep(self._engine.milliseconds / 1000)
        return self._engine.milliseconds != 99

    def execute(self, batch, bindings):
        assert batch == 1 and not self._engine.explicit
        return self._run(bindings)

    if MAJOR > 5:
        def execute_v2(self, bindings):
            assert self._engine.explicit
            return self._run(bindings)


class _Engine:
    def __init__(self, network, flags):
        wanted = set() if network.typed else {"half": {"FP16"}, "int8": {"INT8"}}.get(network.kind, set())
        assert not network.kind or flags & {"FP16", "INT8"} == wanted
        assert network.typed == (MAJOR >= 10 and network.kind == "half")
        told = [each.name for each in network.layers if each.precision == float32 and each.types == {0: float32}]
        asked = [] if network.typed or network.kind != "half" else os.environ.get("WIDE", "").split()
        assert told == asked and bool(asked) == bool(flags & {"STRICT_TYPES", "OBEY_PRECISION_CONSTRAINTS"})
        assert ("SPARSE_WEIGHTS" in flags) == (MAJOR >= 8)
        self.explicit = network.explicit
        self.milliseconds = network.milliseconds + (0 if network.typed or flags & {"FP16", "INT8"} else 5)
        self.names = ["data", *network.outputs]
        self.count = len(self.names)
        if MAJOR < 10:
            self.num_bindings = self.count
        else:
            self.num_io_tensors = self.count

    def _shape(self, number):
        shape = (3, 2, 2) if number == 0 else (10,)
        return ((1,) if self.explicit else ()) + shape

    if MAJOR < 10:
        def get_binding_name(self, number):
            return self.names[number]

        def get_binding_shape(self, number):
            return self._shape(number)

        def get_binding_dtype(self, number):
            return float32
    else:
        def get_tensor_name(self, number):
            return self.names[number]

        def get_tensor_shape(self, name):
            return self._shape(self.names.index(name))

        def get_tensor_dtype(self, name):
            return float32

    def create_execution_context(self):
        return _Context(self)


class Builder:
    platform_has_fast_fp16 = platform_has_fast_int8 = "NO_HALF" not in os.environ
    if MAJOR < 10:
        max_batch_size = 0

    def __init__(self, logger):
        assert isinstance(logger, Logger)

    if MAJOR == 5:
        fp16_mode = strict_type_constraints = False
        max_workspace_size = 0

        def create_network(self):
            return _Network(False)

        def build_cuda_engine(self, network):
            assert self.max_workspace_size and self.max_batch_size == 1
            flags = ["FP16"] * self.fp16_mode + ["STRICT_TYPES"] * self.strict_type_constraints
            return None if network.milliseconds == 3 else _Engine(network, set(flags))
    else:
        def create_network(self, bits=0):  # type: ignore[misc]
            return _Network(MAJOR >= 10 or bool(bits & 1 << NetworkDefinitionCreationFlag.EXPLICIT_BATCH), bits == 2)

        def create_builder_config(self):
            return _Config()

        if MAJOR < 10:
            def build_engine(self, network, config):
                assert config.max_workspace_size and self.max_batch_size == 1
                return None if network.milliseconds == 3 else _Engine(network, config.flags)
        else:
            def build_serialized_network(self, network, config):
                assert config.limits[MemoryPoolType.WORKSPACE]
                return None if network.milliseconds == 3 else [network, config.flags]


if MAJOR > 5:
    class NetworkDefinitionCreationFlag:
        if MAJOR < 10:
            EXPLICIT_BATCH = 0
        else:
            STRONGLY_TYPED = 1

    class BuilderFlag:
        FP16, INT8 = "FP16", "INT8"
        if MAJOR >= 8:
            SPARSE_WEIGHTS = "SPARSE_WEIGHTS"
            OBEY_PRECISION_CONSTRAINTS = "OBEY_PRECISION_CONSTRAINTS"
        else:
            STRICT_TYPES = "STRICT_TYPES"

if MAJOR >= 10:
    class MemoryPoolType:
        WORKSPACE = 0

    class Runtime:
        def __init__(self, logger):
            assert isinstance(logger, Logger)

        def deserialize_cuda_engine(self, plan):
            return _Engine(*plan)


class INetworkDefinition:
    if MAJOR >= 8:
        add_quantize = None


class _Error:
    def desc(self):
        return "unsupported operator set 13"


class OnnxParser:
    def __init__(self, network, logger):
        assert network.explicit == (MAJOR > 5)
        self._network, self.num_errors = network, 0

    def parse(self, data):
        # What the test writes into the files.
        kind, number = re.match(br"onnx (\w+) (\d+)", data).groups()
        self._network.milliseconds, self._network.kind = int(number), kind.decode()
        self._network.outputs = ["coverage", "bboxes"]
        self.num_errors = int(b"refused" in data)
        return not self.num_errors

    def get_error(self, number):
        return _Error()


class _Blobs:
    def __init__(self, prototxt):
        with open(prototxt) as file:
            self._words = file.read()

    def find(self, name):
        return name if f'top: "{name}"' in self._words else None


if MAJOR < 10:
    class CaffeParser:
        def parse(self, deploy, model, network, dtype):
            assert os.path.exists(model) and not network.explicit and dtype in (float16, float32)
            network.milliseconds = int(re.search(r"gen(\d+)\.prototxt", deploy).group(1))
            return _Blobs(deploy)
