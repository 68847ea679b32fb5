"""What a TensorRT can do, asked of its module; never guessed from its version.

Half precision stands in the graph's own types. A network that is strongly typed takes the types that it finds; one
that is not (TensorRT 8) uses 16 bits only under a flag, and then wherever it likes, unless it is told to obey.
"""

from dataclasses import dataclass
from typing import Any

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
