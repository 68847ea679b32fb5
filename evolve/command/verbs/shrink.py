"""`make shrink`."""

from pathlib import Path

from evolve.base.errors import UserError
from evolve.command.arguments import Words, image_shape, whole

WHAT = "remove what a pruned network of anyone's does not need; it computes the same"
WORDS = "MODEL WEIGHTS OUT SHAPE KEEP_UNKNOWN"


def run(words: Words) -> int:
    """Exit status 0. Raises UserError."""
    from trt import shrinking

    for name, what in (("MODEL", "a prototxt"), ("WEIGHTS", "its caffemodel"), ("OUT", "a folder to write to")):
        if name not in words:
            raise UserError(f"shrink: expected {name}=, {what}; see `cavefish --help`")
    print(
        shrinking.shrink(
            Path(words["MODEL"]),
            Path(words["WEIGHTS"]),
            Path(words["OUT"]),
            shape=image_shape(words),
            keep_unknown=whole(words, "KEEP_UNKNOWN") > 0,
        )
    )
    return 0
