"""TensorRT as an engine of `make bench`: its calls on stand-ins of TensorRT and of CUDA's driver, for there is no GPU.

What a real one does with these calls is not tested here.
"""

import ctypes
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from both import filled

from evolve.base import prototxt_text
from evolve.base.caffe_messages import caffe_pb2
from evolve.base.errors import UserError
from evolve.base.machine import Machine
from evolve.network import weights
from trt.speed import engines, prepared
from trt.speed.engines import tensorrt_
from trt.tensorrt import engine, gpu, which

NET = """
layer { name: "data" type: "Input" top: "data" input_param { shape { dim: 1 dim: 2 dim: 4 dim: 4 } } }
layer { name: "conv" type: "Convolution" bottom: "data" top: "out" convolution_param { num_output: 2 kernel_size: 1 } }
"""


class Driver:
    """CUDA's driver with its memory in the computer's; notes the names of its calls."""

    def __init__(self) -> None:
        self.calls: list[str] = []
        self.memory: list[Any] = []
        self.refused = ""

    def __getattr__(self, name: str) -> Any:
        def call(*arguments: Any) -> int:
            self.calls.append(name)
            if name == "cuMemAlloc_v2":
                self.memory.append(ctypes.create_string_buffer(arguments[1].value))
                arguments[0]._obj.value = ctypes.addressof(self.memory[-1])
            if name == "cuMemcpyHtoD_v2":
                ctypes.memmove(arguments[0].value, arguments[1], arguments[2].value)
            if name == "cuMemcpyDtoH_v2":
                ctypes.memmove(arguments[0], arguments[1].value, arguments[2].value)
            return 2 if name == self.refused else 0

        return call


class Context:
    """Doubles what its input holds; refuses once it is told to."""

    def __init__(self) -> None:
        self.addresses: dict[str, int] = {}
        self.runs = True

    def set_tensor_address(self, name: str, address: int) -> None:
        self.addresses[name] = address

    def execute_async_v3(self, stream: int) -> bool:
        places = (ctypes.c_float * 32).from_address(self.addresses["data"]), self.addresses["out"]
        np.ctypeslib.as_array((ctypes.c_float * 32).from_address(places[1]))[:] = 2 * np.ctypeslib.as_array(places[0])
        return self.runs


class Logger:
    INTERNAL_ERROR, ERROR = range(2)


@pytest.fixture
def driver(monkeypatch: pytest.MonkeyPatch) -> Driver:
    """A GPU, a TensorRT whose engines are Contexts, and no building."""
    made, context = Driver(), Context()
    deserialised = SimpleNamespace(
        num_io_tensors=2,
        get_tensor_name=lambda number: ["data", "out"][number],
        get_tensor_shape=lambda name: (1, 2, 4, 4),
        create_execution_context=lambda: context,
    )
    runtime = SimpleNamespace(deserialize_cuda_engine=lambda data: deserialised if data == b"whole" else None)
    module = SimpleNamespace(ILogger=Logger, Runtime=lambda logger: runtime, __version__="9.9")
    made.context = context  # type: ignore[attr-defined]
    monkeypatch.setattr(gpu, "name", lambda: "A GPU (5.3)")
    monkeypatch.setattr(which, "find", lambda wanted: which.TensorRT("TensorRT", module))
    monkeypatch.setattr(tensorrt_, "Cuda", lambda: gpu.Cuda(made))
    monkeypatch.setattr(engine, "make", lambda order, tensorrt, say: order.out.write_bytes(b"whole"))
    return made


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    net = prototxt_text.parse(NET, caffe_pb2.NetParameter(), "net")
    prototxt_text.write(net, tmp_path / "deploy.prototxt")
    weights.write(tmp_path / "w.caffemodel", net, filled(net, np.random.default_rng(1)))
    prepared.prepare(tmp_path / "deploy.prototxt", tmp_path / "w.caffemodel", tmp_path / "made", onnx=False)
    return tmp_path / "made"


def test_images_go_in_once_runs_end_before_they_return_and_outputs_come_back(driver: Driver, folder: Path) -> None:
    made = tensorrt_.TensorRt(Machine(1))
    made.load(folder)
    driver.calls.clear()
    made.run()
    assert driver.calls == ["cuStreamSynchronize"]
    assert np.array_equal(made.outputs()["out"], 2 * prepared.inputs(folder)["data"])
    made.show({"data": np.full((1, 2, 4, 4), 3, np.float32)})
    made.run()
    assert (made.outputs()["out"] == 6).all()
    assert (made.device, made.precision, made.describe()) == ("A GPU (5.3)", "f16", "TensorRT 9.9")


def test_half_or_float_is_what_is_built(driver: Driver, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    orders: list[engine.Order] = []

    def make(order: engine.Order, tensorrt: Any, say: Any) -> None:
        orders.append(order)
        order.out.write_bytes(b"whole")

    monkeypatch.setattr(engine, "make", make)
    for kind in (tensorrt_.TensorRt, tensorrt_.TensorRtFloat):
        kind(Machine(1)).load(folder)
    assert [(order.half, order.inputs is not None, order.out.name) for order in orders] == [
        (True, True, "f16.engine"), (False, False, "f32.engine"),
    ]  # fmt: skip


def test_what_tensorrt_or_cuda_refuses_is_said(driver: Any, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    made = tensorrt_.TensorRt(Machine(1))
    made.load(folder)
    driver.context.runs = False
    with pytest.raises(UserError, match="tensorrt: the engine did not run"):
        made.run()
    driver.refused = "cuMemAlloc_v2"
    with pytest.raises(UserError, match="cuMemAlloc_v2 failed with CUDA's error 2"):
        tensorrt_.TensorRt(Machine(1)).load(folder)
    monkeypatch.setattr(engine, "make", lambda order, tensorrt, say: order.out.write_bytes(b"foreign"))
    with pytest.raises(UserError, match="tensorrt: TensorRT 9.9 does not load the engine: it does not say why"):
        made.load(folder)


def test_without_a_gpu_the_remedy_is_said(driver: Driver, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gpu, "name", lambda: gpu.NONE)
    with pytest.raises(UserError, match="expected a GPU that CUDA may use, found none; ENGINE=openvino needs none"):
        tensorrt_.TensorRt(Machine(1))
    assert engines.default() == "openvino"


def test_with_a_gpu_and_a_tensorrt_that_is_the_default(driver: Driver, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(which, "MODULES", {"tensorrt": "json"})
    assert engines.default() == "tensorrt"
    monkeypatch.setattr(which, "MODULES", {"tensorrt": "no_such_module"})
    assert engines.default() == "openvino"


def test_no_driver() -> None:
    with pytest.raises(UserError, match="found no libcuda.so.1: there is no driver for a GPU here"):
        gpu.Cuda()
