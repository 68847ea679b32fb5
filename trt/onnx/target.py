"""A target is the engine that an ONNX file is for: the same function, said in the form that is fastest there."""

from dataclasses import dataclass

from evolve.base.errors import UserError


@dataclass(frozen=True)
class Target:
    """What differs: what was measured of it is in docs/eight_bits.md."""

    name: str
    lrn_as_convolution: bool  # LRN is said in a convolution and square roots instead of its own operator
    keeps_pooling_apart: bool  # pooling in 32 bits must not become one in eight, which is slow
    splits_images: bool  # in eight bits, the first convolution reads its image in phases
    signed: bool  # eight-bit activations are symmetric, biases 32-bit floats; else unsigned, with a zero point

    def kind(self, precision: str) -> str:
        """What tells a file from others of its network: ``int8.tensorrt``; "" of 32 bits in the usual form."""
        return ".".join(filter(None, [precision, "" if self == OPENVINO else self.name]))


OPENVINO = Target("openvino", lrn_as_convolution=False, keeps_pooling_apart=False, splits_images=False, signed=False)
ONNX_RUNTIME = Target(
    "onnxruntime", lrn_as_convolution=True, keeps_pooling_apart=True, splits_images=True, signed=False
)
TENSORRT = Target("tensorrt", lrn_as_convolution=False, keeps_pooling_apart=False, splits_images=False, signed=True)
TARGETS = {each.name: each for each in (OPENVINO, ONNX_RUNTIME, TENSORRT)}


def named(name: str) -> Target:
    """The target that FOR= names; OpenVINO's form, which every engine reads, without. UserError for one not known."""
    if name and name not in TARGETS:
        raise UserError(f"FOR={name}: expected one of {', '.join(TARGETS)}")
    return TARGETS[name or OPENVINO.name]
