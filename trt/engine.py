"""From a deploy prototxt and its caffemodel to an engine: ONNX, range report, TensorRT, cache."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from evolve import generation
from evolve.errors import UserError
from evolve.network import text
from trt import capabilities, engine_builder, engine_cache, flavours, gpu, onnx_export, onnx_model
from trt.half_model import half_model
from trt.onnx_export import Pair
from trt.real_inputs import Source

SUFFIX = ".engine"


@dataclass(frozen=True)
class Order:
    """An engine that is wanted."""

    pair: Pair
    out: Path  # the .engine file
    half: bool
    inputs: Source | None  # real ones, for the range report
    wide: frozenset[str] = frozenset()  # layers that the user wants in 32 bits


def make(order: Order, flavour: flavours.Flavour, say: Callable[[str], None]) -> engine_cache.Record:
    """Builds the engine, or finds that it is there already; `say` gets a line about each step.

    Writes the ONNX file that it is built from beside it. UserError, in TensorRT's words where it is TensorRT's.
    """
    _known(order)
    plain = order.pair.onnx()
    key = _key(order, flavour, plain)
    record, why = engine_cache.found(order.out, key)
    if record is not None:
        say(f"{order.out}: {_said(record, key)}, built before in {record.seconds:.2f} s")
        return record
    if why:
        say(f"{order.out}: built again: {why}")
    model, ranges = half_model(order.pair, order.inputs, order.wide, say) if order.half else (plain, "")
    say(onnx_export.write(model, order.out.with_suffix(".onnx")))
    try:
        built = engine_builder.build(flavour, model, order.half)
    except UserError as error:
        raise text.located(error, order.pair.model, text.read_text(order.pair.model)) from None
    record = engine_cache.keep(order.out, key, built, _in_32_bits(model), ranges)
    say(f"{order.out}: {_said(record, key)}, built in {record.seconds:.2f} s")
    return record


def _known(order: Order) -> None:
    unknown = order.wide - {layer.name for layer in order.pair.net.layer}
    if unknown:
        raise UserError(f"WIDE={min(unknown)}: expected layers of {order.pair.model}, separated by commas")


def _key(order: Order, flavour: flavours.Flavour, plain: Any) -> engine_cache.Key:
    """All that decides what the engine is; `plain` is the net's ONNX model in 32 bits."""
    half = order.half
    return {
        "prototxt": generation.sha256(order.pair.model),
        "caffemodel": order.pair.words["weights_sha256"],
        "onnx": engine_cache.digest_of(onnx_model.serialised(plain)),
        "precision": "half" if half else "float",
        "inputs": order.inputs.digest if half and order.inputs else "none",
        "wide": ",".join(sorted(order.wide)) if half else "",
        "tensorrt": str(flavour),
        "gpu": gpu.name(),
    } | capabilities.ask(flavour.module).words(half)


def _in_32_bits(model: Any) -> list[str]:
    words = {each.key: each.value for each in model.metadata_props}
    return [name for name in words.get("layers_in_32_bits", "none").split(", ") if name != "none"]


def _said(record: engine_cache.Record, key: engine_cache.Key) -> str:
    wide = f" ({', '.join(record.in_32_bits)} in 32)" if record.in_32_bits else ""
    bits = f"16 bits{wide}" if key["precision"] == "half" else "32 bits"
    return f"{key['tensorrt']}, {key['gpu']}, {bits}, {record.layers} layers, {record.bytes / 1e6:.2f} MB"
