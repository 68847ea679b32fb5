"""An engine is made of a deploy prototxt and its caffemodel: by way of ONNX, the range report, TensorRT and the cache.

In half precision, what 16 bits cannot hold keeps 32, as the range report finds; in eight bits, what the calibration
finds to lose too much.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from evolve.base import prototxt_text, records
from evolve.base.counted import counted
from evolve.base.errors import UserError
from evolve.network import shapes, two_of_four
from evolve.runs import generation
from trt import eight_bits, range_report
from trt.calibration import Calibration
from trt.inputs import Source
from trt.onnx import export, model
from trt.onnx.export import Pair
from trt.onnx.target import OPENVINO, TENSORRT, Target
from trt.tensorrt import builder, cache, gpu, which

_UNSEEN = "range report: no real inputs to look at (INPUTS=file.npy): only weights beyond half precision are known"


def half_model(
    pair: Pair, inputs: Source | None, wide: frozenset[str], say: Callable[[str], None], target: Target = OPENVINO
) -> tuple[Any, str]:
    """The onnx.ModelProto, layers `wide` in 32 bits too, and the report's first line; `say` gets each of its lines."""
    if inputs is None:
        say(_UNSEEN)
        return pair.onnx(half=True, in_32_bits=wide, target=target), _UNSEEN
    report = range_report.report(pair, inputs.read())
    for line in report.lines():
        say(line)
    return pair.onnx(half=True, in_32_bits=wide | report.in_32_bits(), target=target), report.lines()[0]


SUFFIX = ".engine"


@dataclass(frozen=True)
class Order:
    """An engine that is wanted."""

    pair: Pair
    out: Path  # the .engine file
    half: bool
    inputs: Source | None  # real ones, for the range report
    wide: frozenset[str] = frozenset()  # layers that the user wants in 32 bits
    calibration: Calibration | None = None  # of an engine in eight bits

    @cached_property
    def sparse_layers(self) -> list[str]:
        """Layers in which 2:4 holds, where an engine is in 16 or 8 bits: tensor cores skip nothing in 32."""
        if not self.half and self.calibration is None:
            return []
        found = two_of_four.of_steps(shapes.infer(self.pair.net), self.pair.weights, str(self.pair.caffemodel))
        return [name for name, groups in found.items() if groups.holds]

    @property
    def kind(self) -> builder.Kind:
        """What there is in its graph."""
        return builder.Kind(self.half, self.calibration is not None, bool(self.sparse_layers))


def make(order: Order, tensorrt: which.TensorRT, say: Callable[[str], None]) -> cache.Record:
    """Builds the engine, or finds that it is there already; `say` gets a line about each step.

    Writes the ONNX file that it is built from beside it, ``gen013.half.engine.onnx``. UserError, in TensorRT's words
    where it is TensorRT's.
    """
    order.pair.expect_layers(order.wide)
    plain = order.pair.onnx()
    key = _key(order, tensorrt, plain)
    record, why = cache.found(order.out, key)
    if record is not None:
        say(f"{order.out}: {_said(record, key)}, built before in {record.seconds:.2f} s")
        return record
    if why:
        say(f"{order.out}: built again: {why}")
    if order.sparse_layers:
        say(f"2:4 in {', '.join(order.sparse_layers)}: TensorRT may use sparse tensor cores, where a GPU has them")
    model, ranges = _model(order, plain, say)
    # By a name of its own: `make onnx` may have made one of the network, in another form.
    say(export.write(model, order.out.with_name(f"{order.out.name}.onnx")))
    try:
        built = builder.build(tensorrt, model, order.kind)
    except UserError as error:
        raise prototxt_text.located(error, order.pair.model) from None
    record = cache.keep(order.out, key, built, _in_32_bits(model), ranges)
    say(f"{order.out}: {_said(record, key)}, built in {record.seconds:.2f} s")
    return record


def _model(order: Order, plain: Any, say: Callable[[str], None]) -> tuple[Any, str]:
    """The onnx.ModelProto that the engine is built from, and what is to be remembered of the images it saw."""
    if order.calibration is not None:
        return eight_bits.model(order.pair, order.calibration, TENSORRT, order.wide), order.calibration.lines()[0]
    return half_model(order.pair, order.inputs, order.wide, say) if order.half else (plain, "")


def _key(order: Order, tensorrt: which.TensorRT, plain: Any) -> cache.Key:
    """All that decides what the engine is; `plain` is the net's ONNX model in 32 bits."""
    half, eight = order.kind.half, order.kind.eight
    seen = {"calibration": cache.digest_of(records.text(order.calibration).encode())} if order.calibration else {}
    return {
        "prototxt": generation.sha256(order.pair.model),
        "caffemodel": order.pair.words["weights_sha256"],
        "onnx": cache.digest_of(model.serialised(plain)),
        "precision": "half" if half else "int8" if eight else "float",
        "inputs": order.inputs.digest if half and order.inputs else "none",
        "wide": ",".join(sorted(order.wide)) if half or eight else "",
        "tensorrt": str(tensorrt),
        "gpu": gpu.name(),
    } | seen | builder.ask(tensorrt.module).words(order.kind)


def _in_32_bits(model: Any) -> list[str]:
    words = {each.key: each.value for each in model.metadata_props}
    return [name for name in words.get("layers_in_32_bits", "none").split(", ") if name != "none"]


def _said(record: cache.Record, key: cache.Key) -> str:
    wide = f" ({', '.join(record.in_32_bits)} in 32)" if record.in_32_bits else ""
    bits = {"half": f"16 bits{wide}", "int8": f"8 bits{wide}"}.get(key["precision"], "32 bits")
    return f"{key['tensorrt']}, {key['gpu']}, {bits}, {counted(record.layers, 'layer')}, {record.bytes / 1e6:.2f} MB"
