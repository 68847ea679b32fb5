"""`make shrink` removes what a pruned network does not need."""

from pathlib import Path

from evolve.base.errors import UserError
from evolve.command.arguments import Arguments, image_shape, whole

WHAT = "remove what a pruned network of anyone's does not need; it computes the same"
ARGUMENTS = "MODEL WEIGHTS OUT SHAPE KEEP_UNKNOWN"


def run(arguments: Arguments) -> int:
    """Exit status 0. Raises UserError."""
    from trt import shrinking

    for name, what in (("MODEL", "a prototxt"), ("WEIGHTS", "its caffemodel"), ("OUT", "a folder to write to")):
        if name not in arguments:
            raise UserError(f"shrink: expected {name}=, {what}; see `cavefish --help`")
    print(
        shrinking.shrink(
            Path(arguments["MODEL"]),
            Path(arguments["WEIGHTS"]),
            Path(arguments["OUT"]),
            shape=image_shape(arguments),
            keep_unknown=whole(arguments, "KEEP_UNKNOWN") > 0,
        )
    )
    return 0
